//! Any bytes as binary deltas, and making them.

#![no_main]

use bytes::Bytes;
use effusion_protocol::value::delta;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((split, rest)) = data.split_first() else {
        return;
    };
    let (old, other) = rest.split_at(usize::from(*split).min(rest.len()));
    let old = Bytes::copy_from_slice(old);
    if let Ok(new) = delta::apply_within(&old, other, 1 << 20) {
        assert!(new.len() <= 1 << 20);
    }
    if let Some(delta) = delta::diff(&old, other) {
        assert_eq!(delta::apply(&old, &delta).as_deref(), Ok(other));
    }
});
