//! The messages of a room.

pub mod copy;
mod data;
pub mod items;
pub mod markdown;
pub mod markup;
pub mod mention;
pub mod reactions;
pub mod viewport;

pub use data::{Delivery, Entry, Event, Gap, Key, Origin, Reader, Row, Timeline};
