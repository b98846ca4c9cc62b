//! What the fuzz targets share: choosing by the first byte of the input.
//!
//! `cargo +nightly fuzz run message` in the folder above runs the target `message`.

use bytes::Bytes;
use effusion_protocol::{ProtocolVersion, ServiceId};

/// The version that the first byte says, and the rest.
pub fn version(data: &[u8]) -> Option<(ProtocolVersion, Bytes)> {
    let (first, rest) = data.split_first()?;
    let count = ProtocolVersion::NEWEST.number() - ProtocolVersion::OLDEST.number() + 1;
    let version = ProtocolVersion::new(ProtocolVersion::OLDEST.number() + first % count)?;
    Some((version, Bytes::copy_from_slice(rest)))
}

/// The service that the first byte says, and the rest.
pub fn service(data: &Bytes) -> Option<(ServiceId, Bytes)> {
    let first = *data.first()?;
    let service = ServiceId::ALL.get(usize::from(first) % ServiceId::ALL.len())?;
    Some((*service, data.slice(1..)))
}
