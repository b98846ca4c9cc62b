//! What was begun and not sent: it stays on the device, room by room.

use leptos::prelude::*;
use std::cell::RefCell;

use crate::browser;
use crate::model::query;
use crate::state::{App, OpenRoom};

/// Drafts, by service, account and room.
const DRAFTS: &str = "effusion.drafts";

/// How many drafts are kept.
const MOST: usize = 50;

thread_local! {
    /// What is stored already.
    static KEPT: RefCell<Vec<(String, String)>> = const { RefCell::new(Vec::new()) };
}

/// Puts into a room's box what was begun there, unless there is something already.
pub(super) fn recall(app: App, open: OpenRoom) {
    let name = name_of(app, open);
    let kept = stored().into_iter().find(|(known, _)| *known == name);
    if let Some((_, text)) = kept
        && open.draft.read_untracked().is_empty()
    {
        open.draft.set(text);
    }
}

/// Stores what has changed since the last time.
pub(super) fn keep(app: App) {
    if app.me.read_untracked().is_none() {
        return;
    }
    let (rooms, direct) = (app.rooms.read_untracked(), app.direct.read_untracked());
    let rooms = rooms.iter().chain(direct.iter());
    let now: Vec<(String, String)> = rooms
        .map(|open| (name_of(app, *open), open.draft.read_untracked().clone()))
        .collect();
    let before = KEPT.replace(now.clone());
    if before == now {
        return;
    }
    let mut drafts = stored();
    for (name, draft) in now {
        // What was begun in a room that is left stays as it is.
        drafts.retain(|(known, _)| *known != name);
        if !draft.trim().is_empty() {
            drafts.push((name, draft));
        }
    }
    store(drafts);
}

/// Forgets all of them: whoever signs out leaves nothing behind.
pub(super) fn forget_all() {
    browser::remember(DRAFTS, None);
}

fn stored() -> Vec<(String, String)> {
    query::parse(&browser::recall(DRAFTS).unwrap_or_default())
}

fn store(mut drafts: Vec<(String, String)>) {
    let old = drafts.len().saturating_sub(MOST);
    drafts.drain(..old);
    let pairs = drafts
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    let text = query::format(pairs);
    browser::remember(DRAFTS, Some(text.as_str()).filter(|text| !text.is_empty()));
}

/// Whose draft it is, and where.
fn name_of(app: App, open: OpenRoom) -> String {
    let me = app.me.read_untracked();
    let (service, principal) = me.as_ref().map_or_else(Default::default, |me| {
        (me.service.address(), me.credentials.principal.clone())
    });
    let kind = if open.peer.is_some() { "@" } else { "#" };
    [
        &service,
        " ",
        &principal,
        " ",
        kind,
        open.room.read_untracked().name.as_str(),
    ]
    .concat()
}
