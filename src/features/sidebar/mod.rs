//! The rooms that the reader is in, and who the reader is.

mod drawer;
mod room_list;

pub use drawer::{ask_for_room, sidebar};
