//! The languages of the interface.
//!
//! `locales/<code>.json` has each language's texts by key. `build.rs` makes a constant of every key with its English text, so
//! the compiler knows a key that does not exist, and a chunk of the page carries only the English that it shows. The other
//! languages are fetched when they are chosen.
//!
//! A component writes `{move || t!(i18n, key, name = value)}`: [`I18n`] holds the language in a signal, so the text follows it.
//! Data hold a [`Text`], made by `text!`, and never what it reads in some language.

#[cfg(target_arch = "wasm32")]
mod browser;
#[cfg(target_arch = "wasm32")]
mod format;
pub mod language;
mod message;

#[cfg(target_arch = "wasm32")]
pub use browser::{I18n, provide_i18n, use_i18n};
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

/// `text!(key, name = value, …)`: a [`Text`] for data, which a component shows by [`I18n::show`].
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
