//! Components: what is on the screen. They read signals and say what people did; none talks to the network.

mod element;
mod field;
mod glyph;
mod icon;
pub(crate) mod markdown;
mod message;
mod message_text;
pub(crate) mod message_tools;
pub(crate) mod messages;
pub(crate) mod part;
pub(crate) mod reactions;
mod scroll;
pub(crate) mod seen;
mod sidebar;

pub use element::{El, ElView, el};
pub use messages::messages;
