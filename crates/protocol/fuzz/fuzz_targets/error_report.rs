//! Any bytes as bodies of errors.

#![no_main]

use effusion_protocol::{ErrorReport, decode, encode};
use effusion_protocol_fuzz::version;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((version, body)) = version(data) else {
        return;
    };
    if let Ok(report) = decode::<ErrorReport>(body.clone(), version) {
        assert_eq!(encode(&report, version), body);
    }
});
