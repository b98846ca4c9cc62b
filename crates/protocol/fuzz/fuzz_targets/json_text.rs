//! Any bytes as JSON text, and as CBOR that becomes text.

#![no_main]

use bytes::Bytes;
use effusion_protocol::value::Json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = core::str::from_utf8(data)
        && let Ok(json) = Json::from_text(text)
    {
        let Ok(written) = json.to_text() else {
            panic!("what was JSON is not JSON any more");
        };
        // Numbers may lose digits, but only once.
        assert_eq!(
            Json::from_text(&written)
                .ok()
                .and_then(|it| it.to_text().ok()),
            Some(written)
        );
    }
    let _ = Json::from_cbor(Bytes::copy_from_slice(data)).to_text();
});
