//! Any bytes as compressed messages.

#![no_main]

use bytes::Bytes;
use effusion_protocol::{Message, TopicId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let message = Message::Compressed {
        topic: TopicId(1),
        is_delta: false,
        zlib: Bytes::copy_from_slice(data),
    };
    if let Ok(Message::TopicValue { value, .. }) = message.inflate(1 << 20) {
        assert!(value.len() <= 1 << 20);
    }
});
