//! Any bytes as removal policies.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = core::str::from_utf8(data) {
        effusion_broker::fuzz::removal_policy(text);
    }
});
