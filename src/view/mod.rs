//! Components: what is on the screen. They read signals and say what people did; none talks to the network.

pub(crate) mod board;
mod composer;
pub(crate) mod composer_tools;
pub(crate) mod diagnostics;
mod dialog;
mod element;
mod emoji_picker;
mod field;
mod glyph;
mod icon;
pub(crate) mod lessons;
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
pub(crate) mod submit;

pub use composer::composer;
pub use element::{El, ElView, el};
pub use messages::messages;
