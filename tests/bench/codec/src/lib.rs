//! What a chat does with the codec, as four functions: `codec.bench.mjs` calls them from Node (compiled to WebAssembly in
//! the page's own profile), and this package's program calls them natively.

#[cfg(target_arch = "wasm32")]
mod node;

use bytes::Bytes;
use effusion_protocol::value::delta::{self, DeltaError};
use effusion_protocol::value::{Json, ValueError};
use serde_json::{Map, Value as Tree};

/// A chat message as the application holds it: the tutorial's `{text, name, timestamp}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// What was said.
    pub text: String,
    /// Who said it.
    pub name: String,
    /// When, in ISO 8601.
    pub timestamp: String,
}

/// From the bytes of a topic's value to a message.
///
/// # Errors
/// If the bytes are not JSON. A member that is missing or no text becomes empty.
pub fn decode(bytes: Bytes) -> Result<ChatMessage, ValueError> {
    let mut tree = Json::from_cbor(bytes).to_tree()?;
    let mut take = |name: &str| match tree.get_mut(name).map(Tree::take) {
        Some(Tree::String(text)) => text,
        _ => String::new(),
    };
    Ok(ChatMessage {
        text: take("text"),
        name: take("name"),
        timestamp: take("timestamp"),
    })
}

/// From a message to the bytes of a topic's value.
#[must_use]
pub fn encode(message: &ChatMessage) -> Bytes {
    let members = [
        ("text", &message.text),
        ("name", &message.name),
        ("timestamp", &message.timestamp),
    ];
    let tree: Map<String, Tree> = members
        .into_iter()
        .map(|(name, text)| (name.to_owned(), Tree::String(text.clone())))
        .collect();
    Json::from_tree(&Tree::Object(tree)).as_cbor().clone()
}

/// From the bytes of the old value and of a delta to the bytes of the new value.
///
/// # Errors
/// If the delta is none, or not one of this value.
pub fn apply(old: &Bytes, delta: &[u8]) -> Result<Bytes, DeltaError> {
    delta::apply(old, delta)
}

/// From two values to the delta between them; the new value itself where a delta would not be shorter.
#[must_use]
pub fn diff(old: &Bytes, new: &Bytes) -> Bytes {
    delta::diff(old, new).unwrap_or_else(|| new.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> ChatMessage {
        ChatMessage {
            text: text.to_owned(),
            name: "Ann".to_owned(),
            timestamp: "2026-01-01T00:00:00.000Z".to_owned(),
        }
    }

    #[test]
    fn what_is_measured_is_the_whole_way_and_back() {
        let (one, other) = (
            message(&"so it goes ".repeat(20)),
            message(&"so it went ".repeat(20)),
        );
        let (old, new) = (encode(&one), encode(&other));
        assert_eq!(decode(old.clone()), Ok(one));
        let delta = diff(&old, &new);
        assert!(delta.len() < new.len());
        assert_eq!(apply(&old, &delta), Ok(new.clone()));
        assert_eq!(decode(new), Ok(other));
    }
}
