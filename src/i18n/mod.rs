//! The languages of the interface.
//!
//! `locales/<code>.json` has the texts of each language by key, with the plural forms of that language. `build.rs` makes a
//! constant of each key with its English text, so that the compiler rejects an unknown key, and a chunk of the page contains only
//! the English texts that it shows. The other languages are fetched when they are chosen.
//!
//! A component writes `{&messages::key}`, `{text!(key, name = value)}`, or `{move || t!(i18n, key, name = value)}` where a value is a
//! signal's. All of them follow the language. Data hold a [`Text`], made by `text!`, and never its translation.
//!
//! This is not one of the ecosystem's libraries, which were looked at first (see `docs/measurements.md`): leptos-fluent 0.3 compiles
//! all languages into the program, and `leptos_i18n` 0.6 with `dynamic_load` panics when the file of a language cannot be fetched,
//! fetches English as well before the first text can be shown, and has no text that data can hold. A program that shows all texts is
//! 78 kB and 170 kB larger with them (gzip -9) than with this module.

#[cfg(target_arch = "wasm32")]
mod context;
#[cfg(target_arch = "wasm32")]
mod format;
pub mod language;
pub mod letters;
mod message;

#[cfg(target_arch = "wasm32")]
pub use context::{I18n, provide_i18n, use_i18n};
pub use message::{Message, Text, Value};

/// A constant for each key of `locales/en.json`.
#[allow(non_upper_case_globals, missing_docs)]
pub mod messages {
    use super::Message;

    include!(concat!(env!("OUT_DIR"), "/messages.rs"));
}

/// `t!(i18n, key, name = value, …)`: the text in the language of the interface, as a `String`. It follows the language where
/// signals are followed. The value `count` chooses the plural form.
#[macro_export]
macro_rules! t {
    ($i18n:expr, $key:ident $(, $name:ident = $value:expr)* $(,)?) => {
        $i18n.text(
            &$crate::i18n::messages::$key,
            &[$((stringify!($name), $crate::i18n::Value::from($value))),*],
        )
    };
}

/// `text!(key, name = value, …)`: a [`Text`], for data and for views.
#[macro_export]
macro_rules! text {
    ($key:ident $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::i18n::Text::new(
            &$crate::i18n::messages::$key,
            vec![$((stringify!($name), $crate::i18n::Value::from($value))),*],
        )
    };
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
