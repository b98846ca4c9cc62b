//! What is measured of the codec. `codec.bench.mjs` calls it from Node, compiled to WebAssembly in the page's own profile,
//! together with what the page itself does with a chat message; this package's program calls it natively.

#[cfg(target_arch = "wasm32")]
mod node;

use bytes::Bytes;
use effusion_protocol::value::delta::{self, DeltaError};
use effusion_protocol::value::{Json, ValueError};
use serde_json::Value as Tree;

/// From the bytes of a JSON topic's value to a tree of it, which any application can use.
///
/// # Errors
/// If the bytes are not JSON.
pub fn decode(bytes: Bytes) -> Result<Tree, ValueError> {
    Json::from_cbor(bytes).to_tree()
}

/// From a tree to the bytes of a JSON topic's value.
#[must_use]
pub fn encode(tree: &Tree) -> Bytes {
    Json::from_tree(tree).as_cbor().clone()
}

/// From the bytes of the old value and of a delta to the bytes of the new value.
///
/// # Errors
/// If the delta is none, or not one of this value.
pub fn apply(old: &Bytes, delta: &[u8]) -> Result<Bytes, DeltaError> {
    delta::apply(old, delta)
}

/// From two values to the delta between them; the new value itself where a delta would not be shorter.
#[must_use]
pub fn diff(old: &Bytes, new: &Bytes) -> Bytes {
    delta::diff(old, new).unwrap_or_else(|| new.clone())
}
