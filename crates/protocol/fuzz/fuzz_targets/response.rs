//! Any bytes as bodies of responses.

#![no_main]

use effusion_protocol::body::ResponseBody;
use effusion_protocol_fuzz::{service, version};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((version, rest)) = version(data) else {
        return;
    };
    let Some((service, body)) = service(&rest) else {
        return;
    };
    if let Ok(response) = ResponseBody::decode(service, body.clone(), version) {
        assert_eq!(response.encode(version), body);
    }
});
