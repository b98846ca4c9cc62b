//! What every feature shows things with.

mod alert;
mod avatar;
mod button;
mod dialog;
mod field;
mod icon;
mod keyed;
pub mod lazy;
mod panel;
mod select;

pub use alert::FaultAlert;
pub use avatar::{Avatar, hue_of};
pub use button::{IconButton, LinkButton};
pub use dialog::Dialog;
pub use field::{Checkbox, Labelled};
pub use icon::{Glyph, Icon, PathIcon, glyph};
pub use keyed::Keyed;
pub use lazy::Lazy;
pub use panel::Panel;
pub use select::{Select, option};
