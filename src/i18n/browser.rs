//! The language in use.

use std::collections::HashMap;
use std::sync::Arc;

use js_sys::{Array, Intl, Object};
use leptos::prelude::*;
use serde::Deserialize;
use wasm_bindgen::JsValue;

use super::message::{Message, Text, Value, count, english_category, fill};

/// The texts of a language, by key; none for English.
type Dictionary = HashMap<String, Forms>;

/// One text of a file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Forms {
    One(String),
    Plural(HashMap<String, String>),
}

/// The language of the interface, provided as context. It can be copied, and used where there is no context, as in events.
#[derive(Clone, Copy)]
pub struct I18n {
    language: RwSignal<Language>,
}

#[derive(Clone)]
struct Language {
    /// BCP 47, for dates and numbers: a reader in Austria keeps Austria's.
    locale: String,
    dictionary: Arc<Dictionary>,
}

/// Provides the language of the interface, English at first.
pub fn provide_i18n() -> I18n {
    let i18n = I18n {
        language: RwSignal::new(Language {
            locale: "en".to_owned(),
            dictionary: Arc::default(),
        }),
    };
    provide_context(i18n);
    i18n
}

/// The language of the interface.
///
/// # Panics
/// Where [`provide_i18n`] was not called further up.
#[must_use]
pub fn use_i18n() -> I18n {
    expect_context()
}

impl I18n {
    /// Shows everything in another language: the texts of its file, and the locale for dates and numbers. No file is English.
    ///
    /// # Errors
    /// If the file is not what a language's file should be. The language stays as it was.
    pub fn set(&self, locale: &str, file: Option<&str>) -> Result<(), serde_json::Error> {
        let dictionary = file.map(serde_json::from_str).transpose()?;
        self.language.set(Language {
            locale: locale.to_owned(),
            dictionary: Arc::new(dictionary.unwrap_or_default()),
        });
        Ok(())
    }

    /// The locale for dates and numbers, in BCP 47.
    #[must_use]
    pub fn locale(&self) -> String {
        self.language.read().locale.clone()
    }

    /// A text of the interface; for `t!`.
    #[must_use]
    pub fn text(&self, message: &'static Message, values: &[(&'static str, Value)]) -> String {
        let language = self.language.read();
        let form = match language.dictionary.get(message.key) {
            None => message.english_form(english_category(values)),
            Some(Forms::One(text)) => text,
            Some(Forms::Plural(forms)) => {
                let category = count(values).map(|count| category(&language.locale, count));
                category
                    .and_then(|category| forms.get(&category))
                    .or_else(|| forms.get("other"))
                    .map_or_else(|| message.english_form("other"), String::as_str)
            }
        };
        fill(form, values, &|value| match value {
            Value::Text(text) => text.clone(),
            Value::Number(number) => self.number(*number),
            Value::Message(message) => self.text(message, &[]),
        })
    }

    /// A text that data hold, as it reads in this language.
    #[must_use]
    pub fn show(&self, text: &Text) -> String {
        self.text(text.message, &text.values)
    }

    /// A number as the language writes it.
    #[must_use]
    pub fn number(&self, number: f64) -> String {
        js_sys::Number::from(number)
            .to_locale_string(&self.language.read().locale)
            .into()
    }
}

/// The plural category of a number in a language, as CLDR names it.
fn category(locale: &str, count: f64) -> String {
    let rules = Intl::PluralRules::new(&Array::of1(&JsValue::from_str(locale)), &Object::new());
    rules.select(count).into()
}
