//! What was begun and not sent: it stays on the device, room by room.

use std::cell::RefCell;

use leptos::prelude::*;

use super::preferences::{For, store_newest};
use crate::platform::storage;
use crate::state::{App, OpenRoom};

/// Drafts, by service, account and room.
const DRAFTS: &str = "effusion.drafts";

/// How many drafts are kept.
const MAX_DRAFTS: usize = 50;

/// The drafts of all rooms.
pub struct Drafts {
    app: App,
    /// What is stored already.
    stored: RefCell<Vec<(String, String)>>,
}

impl Drafts {
    pub(super) fn new(app: App) -> Self {
        Self {
            app,
            stored: RefCell::default(),
        }
    }

    /// Puts into a room's box what was begun there, unless there is something already.
    pub(super) fn recall(&self, open: &OpenRoom) {
        let name = self.name_of(open);
        let kept = For::Device
            .load_pairs(DRAFTS)
            .into_iter()
            .find(|(it, _)| *it == name);
        if let Some((_, text)) = kept
            && open.draft.read_untracked().is_empty()
        {
            open.draft.set(text);
        }
    }

    /// Stores what has changed since the last time.
    pub(super) fn store_changes(&self) {
        if self.app.me.read_untracked().is_none() {
            return;
        }
        let rooms = self.app.all_rooms().into_iter();
        let now: Vec<(String, String)> = rooms
            .map(|open| (self.name_of(&open), open.draft.get_untracked()))
            .collect();
        let before = self.stored.replace(now.clone());
        if before == now {
            return;
        }
        let mut drafts = For::Device.load_pairs(DRAFTS);
        for (name, draft) in now {
            // What was begun in a room that is left stays as it is.
            drafts.retain(|(known, _)| *known != name);
            if !draft.trim().is_empty() {
                drafts.push((name, draft));
            }
        }
        store_newest(DRAFTS, drafts, MAX_DRAFTS);
    }

    /// Forgets all of them: whoever signs out leaves nothing behind.
    pub(super) fn forget_all(&self) {
        storage::store(DRAFTS, None);
    }

    /// Whose draft it is, and where.
    fn name_of(&self, open: &OpenRoom) -> String {
        let me = self.app.me.read_untracked();
        let (service, principal) = me.as_ref().map_or_else(Default::default, |me| {
            (me.service.address(), me.credentials.principal.clone())
        });
        let kind = if open.peer.is_some() { "@" } else { "#" };
        let room = open.info.read_untracked();
        [&service, " ", &principal, " ", kind, room.name.as_str()].concat()
    }
}
