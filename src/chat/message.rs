//! The value of a chat message.

/// Who the tutorial's pages say has spoken when somebody joins.
pub const SYSTEM_NAME: &str = "System";

/// One message as it is on the wire: the JSON object `{text, name, timestamp}` of the tutorial's pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// What was said, as plain text with line breaks.
    pub text: String,
    /// The name the author goes by. It need not be the principal's.
    pub name: String,
    /// When the author's page says it was written.
    pub timestamp: Timestamp,
}

/// What stands in the `timestamp` field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timestamp {
    /// Any text. Our page writes ISO 8601 in UTC; the tutorial's write a local time of day such as `3:04:05 PM`.
    Text(String),
    /// A number, which is taken as milliseconds since 1970.
    Millis(i64),
    /// Nothing, or something that is no time.
    Missing,
}

impl ChatMessage {
    /// What the tutorial has `System` say when somebody comes in.
    #[must_use]
    pub fn joined(name: &str, timestamp: String) -> Self {
        Self {
            text: [name, " has joined"].concat(),
            name: SYSTEM_NAME.to_owned(),
            timestamp: Timestamp::Text(timestamp),
        }
    }

    /// Whether this is a notice rather than somebody's words.
    #[must_use]
    pub fn is_notice(&self) -> bool {
        self.name == SYSTEM_NAME
    }
}
