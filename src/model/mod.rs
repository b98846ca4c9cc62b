//! View models: plain data and pure functions. No browser, no network, no clock, so that they are tested natively.

pub mod attention;
pub use crate::features::composer::command;
pub use crate::features::composer::completion;
pub use crate::features::composer::composing;
pub use crate::features::composer::emoji;
pub use crate::features::moderation::records as board;
pub mod fault;
pub use crate::features::diagnostics::decoder as inside;
pub mod letters;
pub mod outbox;
pub use crate::features::people::roster as people;
pub mod time;

// What has moved to the features.
pub use crate::features::directory::listing as directory;
pub use crate::features::join::{form, place, query, service};
pub use crate::features::settings::saved;
pub use crate::i18n::language;
