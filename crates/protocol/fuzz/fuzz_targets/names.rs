//! Any bytes as topic paths, session ids and session tokens.

#![no_main]

use effusion_protocol::{SessionId, SessionToken, TopicPath};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    if let Ok(path) = text.parse::<TopicPath>() {
        assert_eq!(path.as_str().parse(), Ok(path));
    }
    if let Ok(id) = text.parse::<SessionId>() {
        assert_eq!(id.to_string().parse(), Ok(id));
    }
    if let Ok(token) = text.parse::<SessionToken>() {
        assert_eq!(token.as_str().parse(), Ok(token));
    }
});
