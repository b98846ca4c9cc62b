//! The form that leads into a chat, and the fields that other forms share with it.

#[cfg(target_arch = "wasm32")]
mod fields;
pub mod form;
#[cfg(target_arch = "wasm32")]
mod front;
pub mod guest;
#[cfg(target_arch = "wasm32")]
mod join_form;
pub mod place;
pub mod query;
#[cfg(target_arch = "wasm32")]
mod room_fields;
pub mod service;
#[cfg(target_arch = "wasm32")]
mod service_fields;

#[cfg(target_arch = "wasm32")]
pub use {
    fields::{Actions, Choice, FormFault, FormField},
    front::{Brand, Front},
    join_form::{JoinForm, PersonFields, RememberPassword},
    room_fields::RoomFields,
    service_fields::ServiceFields,
};
