//! Any bytes as range expressions.

#![no_main]

use effusion_protocol::time_series::RangeExpression;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    if let Ok(range) = text.parse::<RangeExpression>() {
        assert_eq!(range.to_string().parse(), Ok(range));
    }
});
