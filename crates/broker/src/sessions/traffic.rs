//! How much went one way.

/// Messages, and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    messages: u64,
    bytes: u64,
}

impl Traffic {
    pub(super) const fn count(&mut self, bytes: usize) {
        self.messages += 1;
        self.bytes += bytes as u64;
    }

    pub(crate) const fn messages(&self) -> u64 {
        self.messages
    }

    pub(crate) const fn bytes(&self) -> u64 {
        self.bytes
    }
}
