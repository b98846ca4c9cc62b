//! Any bytes as a JSON value, a line break, and a JSON Patch for it.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = core::str::from_utf8(data)
        && let Some((value, patch)) = text.split_once('\n')
    {
        effusion_broker::fuzz::json_patch(value, patch);
    }
});
