//! What every feature shows things with.

#[cfg(target_arch = "wasm32")]
mod alert;
#[cfg(target_arch = "wasm32")]
mod avatar;
#[cfg(target_arch = "wasm32")]
mod button;
#[cfg(target_arch = "wasm32")]
mod dialog;
#[cfg(target_arch = "wasm32")]
mod fact;
#[cfg(target_arch = "wasm32")]
mod field;
#[cfg(target_arch = "wasm32")]
mod icon;
pub mod identity;
#[cfg(target_arch = "wasm32")]
mod keyed;
#[cfg(target_arch = "wasm32")]
pub mod lazy;
#[cfg(target_arch = "wasm32")]
mod list;
#[cfg(target_arch = "wasm32")]
mod panel;

#[cfg(target_arch = "wasm32")]
pub use {
    alert::FaultAlert,
    avatar::{Avatar, hue_of},
    button::{Button, IconButton, ToolButton},
    dialog::{Dialog, show_modal},
    fact::Fact,
    field::{Checkbox, Form, Labelled, Select, TextField, option},
    icon::{BrandIcon, Glyph, Icon, glyph, kind_glyph},
    keyed::Keyed,
    lazy::{Completed, Lazy},
    list::List,
    panel::Panel,
};
