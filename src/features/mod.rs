//! What a person can see and do, a module each: its components, and beside them the plain data that they show.

pub mod people;
pub mod search;
pub mod timeline;
