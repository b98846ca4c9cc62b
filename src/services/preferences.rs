//! Small things that the browser's storage remembers, as JSON.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::features::join::query;
pub(super) use crate::platform::storage::{For, read_pairs};

/// Values of fewer bytes are not what a device has no space for.
const LARGE: usize = 16 * 1024;

impl For {
    /// What is stored under a key, if it can be read.
    pub(super) fn load<T: DeserializeOwned>(self, key: &str) -> Option<T> {
        serde_json::from_str(&self.load_text(key)?).ok()
    }

    /// Stores something under a key, or removes it. False where the browser does not do it.
    pub(super) fn store<T: Serialize + ?Sized>(self, key: &str, value: Option<&T>) -> bool {
        let text = value.and_then(|value| serde_json::to_string(value).ok());
        self.store_text(key, text.as_deref())
    }

    /// Names and values. Earlier versions of the page stored them in the form of an address's query.
    pub(super) fn load_pairs(self, key: &str) -> Vec<(String, String)> {
        let stored = self.load_text(key).unwrap_or_default();
        read_pairs(&stored).unwrap_or_else(|| query::parse(&stored))
    }
}

/// Names and values that the device remembers under a key, no more than so many of them: those that were set last.
pub(super) struct Newest(pub(super) &'static str, pub(super) usize);

impl Newest {
    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let mut pairs = For::Device.load_pairs(self.0).into_iter();
        pairs.find(|(it, _)| it == name).map(|(_, value)| value)
    }

    /// Sets the value of a name, or removes it.
    pub(super) fn set(&self, name: String, value: Option<String>) {
        let mut pairs = For::Device.load_pairs(self.0);
        pairs.retain(|(it, _)| *it != name);
        pairs.extend(value.map(|value| (name, value)));
        store_newest(self.0, pairs, self.1);
    }

    /// Removes all whose names begin like this.
    pub(super) fn remove(&self, prefix: &str) {
        let mut pairs = For::Device.load_pairs(self.0);
        pairs.retain(|(name, _)| !name.starts_with(prefix));
        store_newest(self.0, pairs, self.1);
    }
}

/// Stores names and values for the device, the newest last, and no more than so many of them. Where there is no space for all
/// of them, the largest ones are left out.
pub(super) fn store_newest(key: &str, mut pairs: Vec<(String, String)>, limit: usize) {
    pairs.drain(..pairs.len().saturating_sub(limit));
    while !For::Device.store(key, Some(&pairs).filter(|pairs| !pairs.is_empty())) {
        let sizes = pairs.iter().map(|(_, value)| value.len()).enumerate();
        let Some((largest, size)) = sizes.max_by_key(|(_, size)| *size) else {
            return;
        };
        if size < LARGE {
            return;
        }
        pairs.remove(largest);
    }
}
