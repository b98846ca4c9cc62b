//! Names of messages.

use std::fmt;

/// What a sender calls a message, so that everyone recognises it when it comes twice: sixteen hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(u64);

impl MessageId {
    /// An id of random bits.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits of the id.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Reads the sixteen digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 16
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if plain {
            u64::from_str_radix(text, 16).ok().map(Self)
        } else {
            None
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; 16];
        for (place, digit) in digits.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(self.0 >> (60 - 4 * place)) as usize & 15];
        }
        // Sixteen ASCII digits are a text.
        f.write_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_their_text() {
        for bits in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            let id = MessageId::from_bits(bits);
            assert_eq!(MessageId::parse(&id.to_string()), Some(id));
        }
        assert_eq!(MessageId::from_bits(0xfe).to_string(), "00000000000000fe");
        for bad in [
            "",
            "fe",
            "+0000000000000fe",
            "00000000000000FE",
            "000000000000000é",
        ] {
            assert_eq!(MessageId::parse(bad), None, "{bad}");
        }
    }
}
