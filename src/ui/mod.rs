//! What every feature shows things with.

mod alert;
mod avatar;
mod button;
mod dialog;
mod field;
mod icon;
pub mod lazy;
mod panel;

pub use alert::FaultAlert;
pub use avatar::{Avatar, hue_of};
pub use button::{IconButton, LinkButton};
pub use dialog::Dialog;
pub use field::{Checkbox, Labelled};
pub use icon::{Glyph, Icon, PathIcon, glyph};
pub use lazy::Lazy;
pub use panel::Panel;
