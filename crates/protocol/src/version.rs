//! Protocol versions.

use core::fmt;

/// A protocol version that this codec speaks: 13 (Diffusion 6.0) to 29 (6.12).
///
/// Source: the captures (`v=13` is 6.0, `v=14` is 6.1) and the 6.12.1 SDK (`v=29`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProtocolVersion(u8);

impl ProtocolVersion {
    /// The oldest version: Diffusion 6.0.
    pub const OLDEST: Self = Self(13);
    /// The newest version: Diffusion 6.12, what the page asks for first.
    pub const NEWEST: Self = Self(29);

    /// The version with this number, or `None` if this codec does not speak it.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number >= Self::OLDEST.0 && number <= Self::NEWEST.0 {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// All versions, newest first: the order in which a client falls back.
    pub fn newest_first() -> impl Iterator<Item = Self> {
        (Self::OLDEST.0..=Self::NEWEST.0).rev().map(Self)
    }
}

impl Default for ProtocolVersion {
    fn default() -> Self {
        Self::NEWEST
    }
}

impl fmt::Display for ProtocolVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}
