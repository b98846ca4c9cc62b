//! What the tutorial's pages and ours agree on: where a room lives in the topic tree, what kinds of room there are,
//! and the value that a message is.

mod message;
mod room;

pub use message::{ChatMessage, SYSTEM_NAME, Timestamp};
pub use room::{HISTORY_LIMIT, RoomKind, RoomName, RoomNameError};
