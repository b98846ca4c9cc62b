//! The bridge between a Diffusion session and signals: the only part of the page that talks to the network.
//!
//! One session at a time serves all rooms. What people do comes in by the functions here, and what becomes of it goes out
//! by the signals of [`App`].

mod account;
pub(crate) mod board;
mod database;
pub(crate) mod direct;
pub(crate) mod directory;
mod drafts;
mod edit;
mod fault;
pub(crate) mod history;
mod inside;
pub(crate) mod keep;
mod link;
mod looks;
mod memory;
mod messages;
pub(crate) mod moderation;
pub(crate) mod notify;
mod offline;
mod outbox;
pub(crate) mod people;
mod permalink;
pub(crate) mod reactions;
mod rename;
mod room;
pub(crate) mod travel;
mod value;

pub use account::create_account;
pub use edit::{edit, take_back};
pub use inside::{Inside, look_inside, measure, next_number, recorded, version};
pub use link::{join, reconnect, sign_out, switch};
pub use looks::{change_services, set_density, set_language, set_theme};
pub use memory::{open_settings, start};
pub use messages::{earlier, fill_gap, say, send};
pub use outbox::{cancel, retry};
pub use permalink::{copy_link, link_to};
pub use rename::rename;
pub use room::{join_again, join_as, leave, move_room, open_room, reopen, set_topic};
pub use travel::{jump_to, jump_to_time};
