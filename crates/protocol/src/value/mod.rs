//! Values: JSON as CBOR, primitives, and binary deltas.
