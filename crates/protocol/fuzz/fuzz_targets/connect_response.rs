//! Any bytes as connect responses.

#![no_main]

use bytes::Bytes;
use effusion_protocol::ConnectResponse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let bytes = Bytes::copy_from_slice(data);
    if let Ok(response) = ConnectResponse::decode(bytes.clone()) {
        assert_eq!(response.encode(), bytes);
    }
});
