//! The door for Node. Bytes come in and go out as they do at the browser's WebSocket: copied once each way.

use bytes::Bytes;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::ChatMessage;

/// Messages and values that the application holds, in WebAssembly's memory.
#[wasm_bindgen]
#[derive(Default)]
pub struct Codec {
    messages: Vec<ChatMessage>,
    values: Vec<Bytes>,
}

#[wasm_bindgen]
impl Codec {
    /// Without messages and values.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds a value, and the message in it; false if it is none.
    #[must_use]
    pub fn hold(&mut self, value: Vec<u8>) -> bool {
        let value = Bytes::from(value);
        let Ok(message) = crate::decode(value.clone()) else {
            return false;
        };
        self.messages.push(message);
        self.values.push(value);
        true
    }

    /// Decodes a value; gives back how many characters were said, or -1 if it is no JSON.
    #[must_use]
    pub fn decode(&self, value: Vec<u8>) -> i32 {
        crate::decode(Bytes::from(value))
            .ok()
            .and_then(|message| i32::try_from(message.text.len()).ok())
            .unwrap_or(-1)
    }

    /// Encodes a message that is held; empty if there is none.
    #[must_use]
    pub fn encode(&self, index: usize) -> Vec<u8> {
        let message = self.messages.get(index);
        message.map_or_else(Vec::new, |message| crate::encode(message).into())
    }

    /// Applies a delta to a value that is held; gives back how long the new one is, or -1 if the two do not fit.
    #[must_use]
    pub fn apply(&self, index: usize, delta: &[u8]) -> i32 {
        let new = self
            .values
            .get(index)
            .and_then(|old| crate::apply(old, delta).ok());
        new.and_then(|new| i32::try_from(new.len()).ok())
            .unwrap_or(-1)
    }

    /// The delta between two values that are held.
    #[must_use]
    pub fn diff(&self, old: usize, new: usize) -> Vec<u8> {
        match (self.values.get(old), self.values.get(new)) {
            (Some(old), Some(new)) => crate::diff(old, new).into(),
            _ => Vec::new(),
        }
    }

    /// The value that a delta makes of one that is held, for comparing; empty if the two do not fit.
    #[must_use]
    pub fn applied(&self, index: usize, delta: &[u8]) -> Vec<u8> {
        let new = self
            .values
            .get(index)
            .and_then(|old| crate::apply(old, delta).ok());
        new.map_or_else(Vec::new, Vec::from)
    }
}
