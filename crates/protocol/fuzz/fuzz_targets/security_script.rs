//! Any bytes as scripts for the security store.

#![no_main]

use effusion_protocol::script::SecurityScript;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    if let Ok(script) = text.parse::<SecurityScript>() {
        assert_eq!(script.to_string().parse(), Ok(script));
    }
});
