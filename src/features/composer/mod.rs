//! Writing messages: the box, what is shown above it, suggestions, commands and emoji.

pub mod command;
pub mod completion;
pub mod composing;
pub mod emoji;
pub mod suggestions;

#[cfg(target_arch = "wasm32")]
mod banners;
#[cfg(target_arch = "wasm32")]
mod composer_form;
#[cfg(target_arch = "wasm32")]
mod emoji_picker;
#[cfg(target_arch = "wasm32")]
mod emoji_table;
#[cfg(target_arch = "wasm32")]
mod submit;
#[cfg(target_arch = "wasm32")]
mod suggestion_list;
#[cfg(target_arch = "wasm32")]
mod tools;

#[cfg(target_arch = "wasm32")]
pub use composer_form::Composer;
