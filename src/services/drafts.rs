//! What was begun and not sent: it stays on the device, room by room, with what it is for.
//!
//! A draft is stored under the key of its room: its text, the message that it replies to, and each edit that is not saved, what stands in
//! the composer last. Each window stores its own besides: another one with the same room does not change what is in this one. Large
//! texts are in the browser's database, which has the space.

use std::cell::RefCell;
use std::rc::Rc;

use effusion_chat::Reply;
use effusion_client::Json;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_use_watch_debounce_throttle::{watch_debounced, watch_throttled};

use super::outbox::{account, key_for};
use super::preferences::{For, store_newest};
use super::storage::{Storage, Store};
use crate::features::composer::composing::{EditProgress, KeptDraft, Purpose, UnsavedEdit};
use crate::features::timeline::outbox_record::OutboxKey;
use crate::state::{App, OpenRoom, SetIfChanged};

/// Drafts, by service, account, name and room.
const DRAFTS: &str = "effusion.drafts";

/// How many records are kept.
const MAX_DRAFTS: usize = 100;

/// A draft of more bytes is stored when it has not changed for a while, as that takes long.
const LARGE: usize = 64 * 1024;

/// A draft of more bytes is not even stored beside the small ones when the page may be about to close.
const HUGE: usize = 1024 * 1024;

/// How often what has changed is stored, in milliseconds.
const INTERVAL: f64 = 1_000.0;

/// When a draft has not changed for so long, in milliseconds, it is stored even if it is large.
const SETTLED: f64 = 1_500.0;

/// What the keys of texts in the database begin with.
const IN_DATABASE: &str = "draft ";

/// Stands beside the small texts for one in the database. Nobody types it.
const ELSEWHERE: &str = "\0";

/// What follows the key of a room for the message that the draft replies to.
const REPLY: &str = "reply";

/// What follows the key of a room, before a sequence, for an edit.
const EDIT: &str = "edit ";

/// What stands in one room's composer, as records of names and values.
#[derive(Clone, Debug, Default, PartialEq)]
struct RoomDraft {
    room: usize,
    key: String,
    records: Vec<(String, String)>,
}

impl RoomDraft {
    /// The names of the records that are in the database.
    fn large(&self) -> impl Iterator<Item = &String> {
        let large = self.records.iter().filter(|(_, value)| value.len() > LARGE);
        large.map(|(name, _)| name)
    }

    fn is_large(&self) -> bool {
        self.large().next().is_some()
    }
}

/// The drafts of all rooms.
pub struct Drafts {
    app: App,
    storage: Rc<Storage>,
    /// What is stored already.
    stored: RefCell<Vec<RoomDraft>>,
    /// What there was the last time that somebody looked.
    seen: RefCell<Vec<RoomDraft>>,
    /// The rooms whose composers have what was stored: of others nothing is stored over it.
    loaded: RefCell<Vec<usize>>,
}

/// When drafts are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreDrafts {
    /// At once: it may be the last moment.
    Now,
    /// As it goes: what is large and still changes can wait.
    InPassing,
}

impl Drafts {
    pub(super) fn new(app: App, storage: &Rc<Storage>) -> Self {
        Self {
            app,
            storage: Rc::clone(storage),
            stored: RefCell::default(),
            seen: RefCell::default(),
            loaded: RefCell::default(),
        }
    }

    /// Puts into a room's composer what was begun there, unless there is something already.
    pub(super) fn load(self: &Rc<Self>, open: &OpenRoom) {
        let Some(key) = self.key(open).filter(|_| is_untouched(open)) else {
            return self.loaded.borrow_mut().push(open.id);
        };
        self.loaded.borrow_mut().retain(|room| *room != open.id);
        let old = self.old_key(open);
        let mut drafts = For::Window.load_pairs(DRAFTS);
        drafts.retain(|(name, _)| name.starts_with(&key));
        if drafts.is_empty() {
            drafts = For::Device.load_pairs(DRAFTS);
            drafts.retain(|(name, _)| name.starts_with(&key) || *name == old);
        }
        if drafts.iter().all(|(_, value)| value != ELSEWHERE) {
            self.put_back(open, &key, &old, drafts);
            return;
        }
        let (this, open) = (Rc::clone(self), open.clone());
        spawn_local(async move {
            let begin = [IN_DATABASE, &key].concat();
            let large = this.storage.all(Store::Outbox, &begin).await;
            for (name, value) in &mut drafts {
                let its = |key: &String| key.strip_prefix(IN_DATABASE) == Some(name.as_str());
                let text = large.iter().find(|(key, _)| its(key));
                if let Some((_, text)) = text.filter(|_| value == ELSEWHERE) {
                    value.clone_from(text);
                }
            }
            drafts.retain(|(_, value)| value != ELSEWHERE);
            // Somebody may have begun to write meanwhile.
            if is_untouched(&open) {
                this.put_back(&open, &key, &old, drafts);
            } else {
                this.loaded.borrow_mut().push(open.id);
            }
        });
    }

    /// Puts what was stored into a room's composer, by the room's keys of today and of before. It is stored again when it changes,
    /// and not over what another window stored.
    fn put_back(&self, open: &OpenRoom, key: &str, old: &str, drafts: Vec<(String, String)>) {
        let text = drafts
            .iter()
            .find(|(name, _)| *name == key || *name == old)
            .map(|(_, text)| text.clone());
        let mut kept = KeptDraft {
            text: text.unwrap_or_default(),
            reply: None,
        };
        let mut edits = Vec::new();
        let last = drafts.last().and_then(|(name, _)| name.strip_prefix(key));
        let last_is_edit = last.is_some_and(|what| what.starts_with(EDIT));
        for (name, value) in drafts {
            let Some(what) = name.strip_prefix(key) else {
                continue;
            };
            if what == REPLY {
                let json = Json::from_text(&value).ok();
                kept.reply = json.and_then(|json| Reply::from_json(&json));
            } else if let Some(sequence) = what.strip_prefix(EDIT) {
                edits.extend(sequence.parse().ok().map(|sequence: u64| (sequence, value)));
            }
        }
        // What stands last was in the composer.
        let purpose = match edits.pop_if(|_| last_is_edit) {
            Some((sequence, text)) => {
                open.draft.set_if_changed(text);
                Purpose::Edit { sequence, kept }
            }
            None => {
                let purpose = kept.purpose();
                open.draft.set_if_changed(kept.text);
                purpose
            }
        };
        open.purpose.set_if_changed(purpose);
        for (sequence, text) in edits {
            open.set_unsaved(UnsavedEdit {
                sequence,
                text,
                progress: EditProgress::PutAside,
            });
        }
        self.loaded.borrow_mut().push(open.id);
        let mut stored = self.stored.borrow_mut();
        stored.retain(|draft| draft.room != open.id);
        stored.extend(self.of(open));
    }

    /// Stores what changes from now on, until the owner of the caller is done with.
    pub(super) fn follow(self: &Rc<Self>) {
        let app = self.app;
        let track = move || {
            app.me.track();
            for open in app.tracked_rooms() {
                open.info.track();
                open.draft.track();
                open.purpose.track();
                open.unsaved.track();
                open.set_aside.track();
            }
        };
        let this = Rc::clone(self);
        let store = move |(): &(), _: Option<&()>, _: Option<()>| {
            this.store_changes(StoreDrafts::InPassing);
        };
        let _stop = watch_throttled(track, store.clone(), INTERVAL);
        let _stop = watch_debounced(track, store, SETTLED);
    }

    /// Stores what has changed since the last time.
    pub(super) fn store_changes(&self, when: StoreDrafts) {
        if self.app.me.read_untracked().is_none() {
            return;
        }
        let rooms = self.app.all_rooms();
        let now: Vec<RoomDraft> = rooms.iter().filter_map(|open| self.of(open)).collect();
        let seen = self.seen.replace(now.clone());
        let is_settled = |draft: &RoomDraft| {
            when == StoreDrafts::Now || !draft.is_large() || seen.contains(draft)
        };
        let due = now.into_iter().filter(is_settled).collect();
        self.store(&rooms, due, when);
    }

    /// Stores what stands in the composer of a room that has been left.
    pub(super) fn store_left(&self, open: &OpenRoom) {
        let due = self.of(open).into_iter().collect();
        self.store(std::slice::from_ref(open), due, StoreDrafts::Now);
    }

    fn store(&self, rooms: &[OpenRoom], mut due: Vec<RoomDraft>, when: StoreDrafts) {
        let mut stored = self.stored.borrow_mut();
        due.retain(|draft| !stored.contains(draft));
        if due.is_empty() {
            return;
        }
        let mut drafts = For::Device.load_pairs(DRAFTS);
        let mut own = For::Window.load_pairs(DRAFTS);
        for draft in due {
            // Under another name it is still the same draft.
            let before = stored.iter().position(|it| it.room == draft.room);
            let before = before.map(|place| stored.swap_remove(place));
            // What others hold, as another window, or a room that was left, stays as it is.
            for drafts in [&mut drafts, &mut own] {
                drafts.retain(|(name, _)| {
                    let mut its = [Some(&draft), before.as_ref()].into_iter().flatten();
                    !its.any(|it| name.starts_with(&it.key))
                });
            }
            if !draft.is_large() {
                own.extend(draft.records.iter().cloned());
            }
            if let Some(open) = rooms.iter().find(|open| open.id == draft.room) {
                let old = self.old_key(open);
                drafts.retain(|(name, _)| *name != old);
            }
            for name in before.iter().flat_map(RoomDraft::large) {
                if !draft.large().any(|now| now == name) {
                    self.remove_large(name);
                }
            }
            for (name, value) in &draft.records {
                let mut beside = value.clone();
                if value.len() > LARGE {
                    let key = [IN_DATABASE, name].concat();
                    self.storage.put(Store::Outbox, key, value.clone());
                    // The database may not get to it any more.
                    if when == StoreDrafts::InPassing || value.len() > HUGE {
                        ELSEWHERE.clone_into(&mut beside);
                    }
                }
                drafts.push((name.clone(), beside));
            }
            stored.push(draft);
        }
        // What is forgotten leaves nothing in the database.
        let too_many = drafts.len().saturating_sub(MAX_DRAFTS);
        for (name, value) in drafts.drain(..too_many) {
            if value == ELSEWHERE || value.len() > LARGE {
                self.remove_large(&name);
            }
        }
        store_newest(DRAFTS, drafts, MAX_DRAFTS);
        For::Window.store(DRAFTS, Some(&own).filter(|own| !own.is_empty()));
    }

    /// Makes drafts of the edits that are stored for a service whose messages are deleted.
    pub(super) fn end_edits(&self, service: &str) {
        let prefix = OutboxKey::of_service(service);
        for place in [For::Device, For::Window] {
            let drafts = without_edits(place.load_pairs(DRAFTS), &prefix);
            place.store(DRAFTS, Some(&drafts).filter(|drafts| !drafts.is_empty()));
        }
    }

    fn remove_large(&self, name: &str) {
        let key = [IN_DATABASE, name].concat();
        self.storage.remove(Store::Outbox, key);
    }

    /// What is in a room's composer.
    fn of(&self, open: &OpenRoom) -> Option<RoomDraft> {
        if !self.loaded.borrow().contains(&open.id) {
            return None;
        }
        let key = self.key(open)?;
        let records = records_of(open, &key);
        Some(RoomDraft {
            room: open.id,
            key,
            records,
        })
    }

    /// Whose draft it is, and where.
    fn key(&self, open: &OpenRoom) -> Option<String> {
        let key = key_for(self.app, open, |me| &me.name)?;
        Some(key.prefix().to_owned())
    }

    /// What earlier versions of the page called it.
    fn old_key(&self, open: &OpenRoom) -> String {
        let me = self.app.me.read_untracked();
        let account = me.as_ref().map(account).unwrap_or_default();
        let kind = if open.peer.is_some() { " @" } else { " #" };
        let room = open.info.read_untracked();
        [&account, kind, room.name.as_str()].concat()
    }
}

/// What is in a room's composer, under the room's key; what stands in the box comes last.
fn records_of(open: &OpenRoom, key: &str) -> Vec<(String, String)> {
    let purpose = open.purpose.read_untracked();
    let draft = open.draft.read_untracked();
    let mut records = Vec::new();
    let mut add = |what: &str, value: &str| {
        records.push(([key, what].concat(), value.to_owned()));
    };
    let (text, reply) = match &*purpose {
        Purpose::Send => (&*draft, None),
        Purpose::Reply(reply) => (&*draft, Some(reply)),
        Purpose::Edit { kept, .. } => (&kept.text, kept.reply.as_ref()),
    };
    let aside = open.set_aside.read_untracked();
    let reply = reply.or(aside.as_ref().and_then(|kept| kept.reply.as_ref()));
    let with_aside = aside.as_ref().map(|kept| [text, "\n", &kept.text].concat());
    let text = with_aside.as_deref().unwrap_or(text);
    let now = match &*purpose {
        Purpose::Edit { sequence, .. } => Some(*sequence),
        _ => None,
    };
    let edit = |sequence: u64| [EDIT, &sequence.to_string()].concat();
    for unsaved in open.unsaved.read_untracked().iter() {
        if Some(unsaved.sequence) != now {
            add(&edit(unsaved.sequence), &unsaved.text);
        }
    }
    if let Some(reply) = reply {
        add(REPLY, &reply.to_json().to_text().unwrap_or_default());
    }
    if !text.trim().is_empty() || reply.is_some() {
        add("", text.trim_start_matches('\n'));
    }
    if let Some(sequence) = now {
        add(&edit(sequence), &draft);
    }
    records
}

/// What was stored, with the text of each edit in a room's draft where the key of the room begins so.
fn without_edits(stored: Vec<(String, String)>, prefix: &str) -> Vec<(String, String)> {
    let mut drafts: Vec<(String, String)> = Vec::with_capacity(stored.len());
    for (name, value) in &stored {
        let room = name.rsplit_once('\n').map(|(room, what)| {
            let is_text = what.is_empty() || what.starts_with(EDIT);
            ([room, "\n"].concat(), is_text)
        });
        // What is in the database stays there, with all of its room.
        let is_here = |room: &str| {
            let mut its = stored.iter().filter(|(name, _)| name.starts_with(room));
            its.all(|(_, value)| value != ELSEWHERE)
        };
        match room {
            Some((room, true)) if room.starts_with(prefix) && is_here(&room) => {
                match drafts.iter_mut().find(|(name, _)| *name == room) {
                    Some((_, draft)) => *draft = [draft.as_str(), "\n", value].concat(),
                    None => drafts.push((room, value.clone())),
                }
            }
            _ => drafts.push((name.clone(), value.clone())),
        }
    }
    drafts
}

/// Whether nothing was begun in a room's composer.
fn is_untouched(open: &OpenRoom) -> bool {
    open.draft.read_untracked().is_empty()
        && *open.purpose.read_untracked() == Purpose::Send
        && open.set_aside.read_untracked().is_none()
}
