//! Texts by key, with places for values.

/// A text of the interface: its key, and its English by plural category as CLDR names them; a text without a plural has only
/// `other`.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// Names it in the files of all languages.
    pub key: &'static str,
    /// Its forms, each as a plural category and a text with `{name}`s in it.
    pub english: &'static [(&'static str, &'static str)],
}

/// What stands in the place of a `{name}`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text as it is.
    Text(String),
    /// A number, which is written as the language writes it.
    Number(f64),
    /// Another text of the interface.
    Message(&'static Message),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

macro_rules! value_from_number {
    ($($number:ty),*) => {$(
        impl From<$number> for Value {
            fn from(number: $number) -> Self {
                Self::Number(number as f64)
            }
        }
    )*};
}

value_from_number!(usize, u32, u64);

impl From<&'static Message> for Value {
    fn from(message: &'static Message) -> Self {
        Self::Message(message)
    }
}

/// A text of the interface with its values, in no language yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The text.
    pub message: &'static Message,
    /// What stands in its places, by their names.
    pub values: Vec<(&'static str, Value)>,
}

impl Text {
    /// A text with its values.
    pub fn new(message: &'static Message, values: Vec<(&'static str, Value)>) -> Self {
        Self { message, values }
    }

    /// What it reads in English, for tests and for logs.
    pub fn english(&self) -> String {
        let form = self.message.english_form(english_category(&self.values));
        fill(form, &self.values, &|value| match value {
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Message(message) => message.english_form("other").to_owned(),
        })
    }
}

impl From<&'static Message> for Text {
    fn from(message: &'static Message) -> Self {
        Self::new(message, Vec::new())
    }
}

impl Message {
    /// The English form of a plural category, or the one for `other`.
    pub(super) fn english_form(&self, category: &str) -> &'static str {
        let form = |wanted: &str| self.english.iter().find(|(form, _)| *form == wanted);
        form(category)
            .or_else(|| form("other"))
            .map_or("", |(_, text)| text)
    }
}

/// The number that chooses the plural form, if there is one.
pub(super) fn count(values: &[(&'static str, Value)]) -> Option<f64> {
    values.iter().find_map(|(name, value)| match value {
        Value::Number(number) if *name == "count" => Some(*number),
        _ => None,
    })
}

/// The plural category of English.
pub(super) fn english_category(values: &[(&'static str, Value)]) -> &'static str {
    if count(values) == Some(1.0) {
        "one"
    } else {
        "other"
    }
}

/// The text with values in the place of its `{name}`s, each as `write` writes it. A value that looks like a place stays as
/// it is.
pub(super) fn fill(
    text: &str,
    values: &[(&'static str, Value)],
    write: &dyn Fn(&Value) -> String,
) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, place)) = rest.split_once('{') {
        filled.push_str(before);
        let value = place.split_once('}').and_then(|(name, after)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((value, after))
        });
        rest = match value {
            Some((value, after)) => {
                filled.push_str(&write(value));
                after
            }
            None => {
                filled.push('{');
                place
            }
        };
    }
    filled.push_str(rest);
    filled
}
