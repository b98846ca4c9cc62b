//! Any bytes as connect requests.

#![no_main]

use effusion_protocol::ConnectRequest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(query) = core::str::from_utf8(data) else {
        return;
    };
    if let Ok(request) = ConnectRequest::from_query(query) {
        assert_eq!(ConnectRequest::from_query(&request.to_query()), Ok(request));
    }
});
