//! The bridge between a Diffusion session and signals: the only part of the page that talks to the network.
//!
//! One session at a time serves all rooms. What people do comes in by the functions here, and what becomes of it goes out
//! by the signals of [`App`].

mod account;
mod fault;
mod link;
mod memory;
mod messages;
mod room;
mod value;

pub use account::create_account;
pub use link::{join, reconnect, sign_out, switch};
pub use memory::{open_settings, set_theme, start};
pub use messages::{earlier, retry, send};
pub use room::{join_again, join_as, leave, open_room};
