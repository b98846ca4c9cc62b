//! The table of emoji, as a chunk of its own that is fetched when somebody first asks for an emoji.

use std::sync::Arc;

use leptos::prelude::*;

use super::emoji::{self, Emoji, SkinTone};
use crate::platform::storage;
use crate::ui::lazy::LoadError;

/// Under this name the device remembers the skin tone.
const SKIN_TONE: &str = "effusion.skin-tone";

/// All emoji by group.
pub type Groups = Arc<Vec<Vec<Emoji>>>;

/// The table of emoji and the reader's skin tone; from context.
#[derive(Clone, Copy)]
pub struct EmojiTable {
    groups: StoredValue<Option<Groups>>,
    /// The skin tone that the reader has chosen.
    pub tone: RwSignal<SkinTone>,
}

impl EmojiTable {
    /// A table that is not fetched yet.
    pub fn new() -> Self {
        let tone = storage::load(SKIN_TONE).unwrap_or_default();
        Self {
            groups: StoredValue::new(None),
            tone: RwSignal::new(SkinTone::parse(&tone)),
        }
    }

    /// All emoji, which are fetched first if need be.
    pub async fn load(self) -> Result<Groups, LoadError> {
        if let Some(groups) = self.groups.try_get_value().flatten() {
            return Ok(groups);
        }
        let table = fetch_table();
        #[cfg(feature = "split")]
        let table = table.await;
        let groups = Arc::new(emoji::parse(table?));
        // Where the composer is gone by now, nobody asks again.
        let _ = self.groups.try_set_value(Some(Arc::clone(&groups)));
        Ok(groups)
    }

    /// Chooses a skin tone, which the device remembers.
    pub fn set_tone(self, tone: SkinTone) {
        storage::store(SKIN_TONE, Some(tone.word()));
        self.tone.set(tone);
    }
}

// The macro declares a foreign function for the tool that splits the page.
#[allow(unsafe_code)]
#[cfg_attr(feature = "split", wasm_split_helpers::wasm_split(emoji, fallible))]
fn fetch_table() -> Result<&'static str, LoadError> {
    Ok(emoji::TABLE)
}
