//! View models: plain data and pure functions. No browser, no network, no clock, so that they are tested natively.

pub mod attention;
pub mod command;
pub mod completion;
pub mod composing;
pub mod copy;
pub mod emoji;
pub mod directory;
pub mod fault;
pub mod form;
pub mod guest;
pub mod inside;
pub mod language;
pub mod markdown;
pub mod markup;
pub mod mention;
pub mod outbox;
pub mod people;
pub mod place;
pub mod query;
pub mod reactions;
pub mod saved;
pub mod service;
pub mod shelf;
pub mod time;
pub mod timeline;
pub mod window;
