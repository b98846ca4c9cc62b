//! The language in use.

use indexmap::IndexSet;
use js_sys::{Object, Reflect};
use leptos::prelude::*;
use leptos::reactive::graph::{AnySubscriber, Observer, ReactiveNode};
use leptos::text_prop::TextProp;
use rustc_hash::FxBuildHasher;
use send_wrapper::SendWrapper;

use super::format::Formats;
use super::message::{Message, Text, Value, count, english_category, fill};
use crate::features::timeline::At;
use crate::platform::clock;
use crate::t;

/// The language of the interface, provided as context. It can be copied, and used where there is no context, as in events.
#[derive(Clone, Copy)]
pub struct I18n {
    language: StoredValue<Language>,
    followers: StoredValue<Followers>,
}

/// The effects that show something in the language.
///
/// A signal keeps what remains of an effect that is gone (`reactive_graph` 0.2.16): every message that was shown once would leave
/// something behind. So those that are gone are looked for whenever there are twice as many as before.
#[derive(Default)]
struct Followers {
    /// In the order that they came: what is inside of another one comes after it.
    all: IndexSet<AnySubscriber, FxBuildHasher>,
    /// How many there may be before the next look.
    limit: usize,
}

impl Followers {
    /// How many there may be without looking.
    const FEW: usize = 512;

    fn add(&mut self, follower: AnySubscriber) {
        if self.all.len() >= self.limit {
            self.all.retain(|it| it.1.strong_count() > 0);
            self.limit = (2 * self.all.len()).max(Self::FEW);
        }
        self.all.insert(follower);
    }
}

struct Language {
    /// By key; none for English. The plural forms of a text have keys of their own, such as `key.other`.
    texts: Option<SendWrapper<Object>>,
    formats: SendWrapper<Formats>,
}

impl Language {
    fn new(locale: &str, texts: Option<Object>) -> Self {
        Self {
            texts: texts.map(SendWrapper::new),
            formats: SendWrapper::new(Formats::new(locale)),
        }
    }

    fn text(&self, message: &'static Message, values: &[(&'static str, Value)]) -> String {
        let translated = self.translated(message.key, values);
        let english = || message.english_form(english_category(values));
        let form = translated.as_deref().unwrap_or_else(english);
        fill(form, values, &|value| match value {
            Value::Text(text) => text.clone(),
            Value::Number(number) => self.formats.number(*number),
            Value::Message(message) => self.text(message, &[]),
        })
    }

    /// A text of the file, in the form for the count among its values.
    fn translated(&self, key: &str, values: &[(&'static str, Value)]) -> Option<String> {
        let texts = self.texts.as_ref()?;
        let text = |key: &str| Reflect::get(texts, &key.into()).ok()?.as_string();
        let form = |category: &str| text(&[key, ".", category].concat());
        let counted = || form(&self.formats.plural(count(values)?));
        text(key).or_else(counted).or_else(|| form("other"))
    }
}

/// Provides the language of the interface, English at first.
pub fn provide_i18n() -> I18n {
    let i18n = I18n {
        language: StoredValue::new(Language::new("en", None)),
        followers: StoredValue::default(),
    };
    provide_context(i18n);
    i18n
}

/// The language of the interface.
///
/// # Panics
/// Where [`provide_i18n`] was not called further up.
pub fn use_i18n() -> I18n {
    expect_context()
}

impl I18n {
    /// Shows everything in another language: the texts by their keys, and dates and numbers as in a locale (BCP 47: a reader in
    /// Austria keeps Austria's). No texts are English.
    pub fn set(&self, locale: &str, texts: Option<Object>) {
        self.language.set_value(Language::new(locale, texts));
        self.show_again();
    }

    /// Shows all texts anew: in another language, or because another day has begun.
    pub fn show_again(&self) {
        // They come back as they run again.
        let followers = self.followers.try_update_value(std::mem::take);
        for follower in followers.unwrap_or_default().all {
            follower.mark_dirty();
        }
    }

    /// Reads the language, and follows it where signals are followed. Events show a text once, and follow nothing.
    fn with<T>(&self, read: impl FnOnce(&Language) -> T) -> T {
        if let Some(observer) = Observer::get() {
            self.followers
                .update_value(|followers| followers.add(observer));
        }
        self.language.with_value(read)
    }

    /// A text of the interface; for `t!`.
    pub fn text(&self, message: &'static Message, values: &[(&'static str, Value)]) -> String {
        self.with(|language| language.text(message, values))
    }

    /// A text that data hold, as it reads in this language.
    pub fn show(&self, text: &Text) -> String {
        self.text(text.message, &text.values)
    }

    /// A number as the language writes it.
    pub fn number(&self, number: f64) -> String {
        self.with(|language| language.formats.number(number))
    }

    /// Hours and minutes of an instant, in milliseconds since 1970.
    pub fn time_of_day(&self, ms: i64) -> String {
        self.with(|language| language.formats.time_of_day(ms))
    }

    /// Date and time of an instant in full, in milliseconds since 1970.
    pub fn date_and_time(&self, ms: i64) -> String {
        self.with(|language| language.formats.date_and_time(ms))
    }

    /// An instant, in milliseconds since 1970: the time of day if that is today, else with its date.
    pub fn moment(&self, ms: i64) -> String {
        if At::local(ms).day() == At::local(clock::now()).day() {
            self.time_of_day(ms)
        } else {
            self.date_and_time(ms)
        }
    }

    /// The calendar day of an instant in milliseconds since 1970, which is the reader's day number `day`; today and yesterday by
    /// name.
    pub fn day(&self, ms: i64, day: i64) -> String {
        match At::local(clock::now()).day().map(|today| today - day) {
            Some(0) => t!(self, date_today),
            Some(1) => t!(self, date_yesterday),
            _ => self.with(|language| language.formats.day(ms)),
        }
    }

    /// Makes the formatters of times ahead of need: the first one takes a browser longer than drawing many messages does.
    pub fn warm_up(self) {
        drop((self.time_of_day(0), self.date_and_time(0)));
    }
}

/// A text that follows the language. It has one type for all texts, so that the compiler makes the code to show one once.
type Follows = Box<dyn Fn() -> String + Send + Sync>;

impl Text {
    fn follow(self) -> Follows {
        let i18n = use_i18n();
        Box::new(move || i18n.show(&self))
    }
}

/// What a view takes as a text or as an attribute.
macro_rules! follow_language {
    ($($text:ty),*) => {$(
        impl IntoRender for $text {
            type Output = Follows;

            fn into_render(self) -> Follows {
                Text::from(self).follow()
            }
        }

        impl IntoAttributeValue for $text {
            type Output = Follows;

            fn into_attribute_value(self) -> Follows {
                Text::from(self).follow()
            }
        }

        impl From<$text> for TextProp {
            fn from(text: $text) -> Self {
                Text::from(text).follow().into()
            }
        }
    )*};
}

follow_language!(Text, &'static Message);
