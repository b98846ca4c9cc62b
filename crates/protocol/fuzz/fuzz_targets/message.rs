//! Any bytes as messages.

#![no_main]

use effusion_protocol::Message;
use effusion_protocol_fuzz::version;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((version, bytes)) = version(data) else {
        return;
    };
    if let Ok(message) = Message::decode(bytes.clone(), version) {
        assert_eq!(message.encode(version), bytes);
    }
});
