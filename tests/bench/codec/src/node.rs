//! The interface for Node. Bytes come in and go out as they do at the browser's WebSocket: copied once each way.

use bytes::Bytes;
use effusion_chat::ChatMessage;
use effusion_protocol::value::Json;
use serde_json::Value as Tree;
use wasm_bindgen::prelude::wasm_bindgen;

/// Values that the application holds, in WebAssembly's memory.
#[wasm_bindgen]
#[derive(Default)]
pub struct Codec {
    held: Vec<Held>,
}

struct Held {
    value: Bytes,
    message: ChatMessage,
    tree: Tree,
}

#[wasm_bindgen]
impl Codec {
    /// Without values.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds a value; false if it is no chat message.
    #[must_use]
    pub fn hold(&mut self, value: Vec<u8>) -> bool {
        let value = Bytes::from(value);
        let (Some(message), Ok(tree)) = (message(value.clone()), crate::decode(value.clone()))
        else {
            return false;
        };
        self.held.push(Held {
            value,
            message,
            tree,
        });
        true
    }

    /// Decodes a chat message as the page does; returns how many bytes of text it has, or -1 if it is not one.
    #[must_use]
    pub fn decode_message(&self, value: Vec<u8>) -> i32 {
        length(message(value.into()).map(|message| message.text.len()))
    }

    /// Decodes a JSON value to a tree; returns how many bytes of text it has, or -1 if it is not one.
    #[must_use]
    pub fn decode_tree(&self, value: Vec<u8>) -> i32 {
        let tree = crate::decode(Bytes::from(value)).ok();
        length(tree.and_then(|tree| Some(tree.get("text")?.as_str()?.len())))
    }

    /// Encodes a message that is held as the page does; empty if there is none.
    #[must_use]
    pub fn encode_message(&self, index: usize) -> Vec<u8> {
        let held = self.held.get(index);
        held.map_or_else(Vec::new, |held| {
            held.message.to_json().as_cbor().clone().into()
        })
    }

    /// Encodes a tree that is held; empty if there is none.
    #[must_use]
    pub fn encode_tree(&self, index: usize) -> Vec<u8> {
        let held = self.held.get(index);
        held.map_or_else(Vec::new, |held| crate::encode(&held.tree).into())
    }

    /// Applies a delta to a value that is held; returns the length of the new one, or -1 if the two do not fit.
    #[must_use]
    pub fn apply(&self, index: usize, delta: &[u8]) -> i32 {
        length(self.make(index, delta).map(|new| new.len()))
    }

    /// The value that a delta makes of one that is held, for comparing; empty if the two do not fit.
    #[must_use]
    pub fn applied(&self, index: usize, delta: &[u8]) -> Vec<u8> {
        self.make(index, delta).map_or_else(Vec::new, Vec::from)
    }

    /// The delta between two values that are held.
    #[must_use]
    pub fn diff(&self, old: usize, new: usize) -> Vec<u8> {
        match (self.held.get(old), self.held.get(new)) {
            (Some(old), Some(new)) => crate::diff(&old.value, &new.value).into(),
            _ => Vec::new(),
        }
    }

    fn make(&self, index: usize, delta: &[u8]) -> Option<Bytes> {
        crate::apply(&self.held.get(index)?.value, delta).ok()
    }
}

fn message(value: Bytes) -> Option<ChatMessage> {
    ChatMessage::from_json(&Json::from_cbor(value))
}

fn length(length: Option<usize>) -> i32 {
    length
        .and_then(|length| i32::try_from(length).ok())
        .unwrap_or(-1)
}
