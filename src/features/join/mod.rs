//! The form that leads into a chat, and the fields that other forms share with it.

#[cfg(target_arch = "wasm32")]
mod brand;
#[cfg(target_arch = "wasm32")]
mod fields;
#[cfg(target_arch = "wasm32")]
mod front;
#[cfg(target_arch = "wasm32")]
mod join_form;
#[cfg(target_arch = "wasm32")]
mod room_fields;
#[cfg(target_arch = "wasm32")]
mod service_fields;

#[cfg(target_arch = "wasm32")]
pub use {
    brand::Brand,
    fields::{Actions, FormFault, FormField, show_problems},
    front::Front,
    join_form::{JoinForm, PersonFields},
    room_fields::RoomFields,
    service_fields::ServiceFields,
};
