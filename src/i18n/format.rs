//! Numbers, dates and times as a locale writes them.

use std::cell::OnceCell;

use js_sys::{Array, Date, Function, Intl, Object, Reflect};
use wasm_bindgen::JsValue;

/// The browser's formatters for one locale, each made when it is first needed: making one takes longer than drawing a message.
#[derive(Default)]
pub(super) struct Formats {
    locale: Array,
    numbers: OnceCell<Function>,
    plurals: OnceCell<Intl::PluralRules>,
    time_of_day: OnceCell<Function>,
    date_and_time: OnceCell<Function>,
    day: OnceCell<Function>,
}

impl Formats {
    /// Formatters for a locale in BCP 47.
    pub(super) fn new(locale: &str) -> Self {
        Self {
            locale: Array::of1(&JsValue::from_str(locale)),
            ..Self::default()
        }
    }

    pub(super) fn number(&self, number: f64) -> String {
        let format = self
            .numbers
            .get_or_init(|| Intl::NumberFormat::new(&self.locale, &Object::new()).format());
        apply(format, &JsValue::from_f64(number))
    }

    /// The plural category of a number, as CLDR names it.
    pub(super) fn plural(&self, count: f64) -> String {
        self.plurals
            .get_or_init(|| Intl::PluralRules::new(&self.locale, &Object::new()))
            .select(count)
            .into()
    }

    /// Hours and minutes of an instant in milliseconds since 1970.
    pub(super) fn time_of_day(&self, ms: i64) -> String {
        let options = [("hour", "numeric"), ("minute", "2-digit")];
        self.date(&self.time_of_day, &options, ms)
    }

    /// Date and time in full.
    pub(super) fn date_and_time(&self, ms: i64) -> String {
        let options = [("dateStyle", "full"), ("timeStyle", "medium")];
        self.date(&self.date_and_time, &options, ms)
    }

    /// The calendar day, with the day of the week.
    pub(super) fn day(&self, ms: i64) -> String {
        let options = [
            ("weekday", "long"),
            ("day", "numeric"),
            ("month", "long"),
            ("year", "numeric"),
        ];
        self.date(&self.day, &options, ms)
    }

    fn date(&self, format: &OnceCell<Function>, options: &[(&str, &str)], ms: i64) -> String {
        let date = Date::new(&JsValue::from_f64(ms as f64));
        // `Intl` throws for a date that there is none of.
        if date.get_time().is_nan() {
            return String::new();
        }
        let format = format.get_or_init(|| {
            let bag = Object::new();
            for (name, value) in options {
                // Setting a property of a fresh object cannot fail.
                let _ = Reflect::set(&bag, &JsValue::from_str(name), &JsValue::from_str(value));
            }
            Intl::DateTimeFormat::new(&self.locale, &bag).format()
        });
        apply(format, &date)
    }
}

fn apply(format: &Function, value: &JsValue) -> String {
    format
        .call1(&JsValue::UNDEFINED, value)
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}
