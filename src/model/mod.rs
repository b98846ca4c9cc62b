//! View models: plain data and pure functions. No browser, no network, no clock, so that they are tested natively.

pub mod attention;
pub mod board;
pub mod command;
pub mod completion;
pub mod composing;
pub mod directory;
pub mod emoji;
pub mod fault;
pub mod form;
pub mod guest;
pub mod inside;
pub mod language;
pub mod letters;
pub mod outbox;
pub use crate::features::people::roster as people;
pub mod place;
pub mod query;
pub mod saved;
pub mod service;
pub mod time;
