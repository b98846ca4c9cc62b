//! What every feature shows things with.

pub mod lazy;
