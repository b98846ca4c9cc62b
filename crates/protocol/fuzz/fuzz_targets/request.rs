//! Any bytes as bodies of requests.

#![no_main]

use effusion_protocol::body::RequestBody;
use effusion_protocol_fuzz::{service, version};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((version, rest)) = version(data) else {
        return;
    };
    let Some((service, body)) = service(&rest) else {
        return;
    };
    if let Ok(request) = RequestBody::decode(service, body.clone(), version) {
        assert_eq!(request.encode(version), body);
    }
});
