//! Any bytes as session filters.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = core::str::from_utf8(data) {
        effusion_broker::fuzz::session_filter(text);
    }
});
