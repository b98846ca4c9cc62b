//! The form that makes an account: Lesson 3 of the tutorial.

#[cfg(target_arch = "wasm32")]
mod account_form;

#[cfg(target_arch = "wasm32")]
pub use account_form::account_form;
