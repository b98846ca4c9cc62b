//! Any bytes as events of time series.

#![no_main]

use effusion_protocol::time_series::Event;
use effusion_protocol::{decode, encode};
use effusion_protocol_fuzz::version;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((version, bytes)) = version(data) else {
        return;
    };
    if let Ok(event) = decode::<Event>(bytes.clone(), version) {
        assert_eq!(encode(&event, version), bytes);
    }
});
