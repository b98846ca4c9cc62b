//! A search through what is loaded of a room.

use std::time::Duration;

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::highlight;
use super::needle::Needle;
use crate::i18n::I18n;
use crate::state::{Focus, OpenRoom, SetIfChanged};
use crate::t;

/// How many messages are searched before the browser may do something else.
const BATCH: usize = 3_000;

/// How long after a change of the list the search is repeated.
const SETTLE_TIME: Duration = Duration::from_millis(300);

/// A search in a room. Its signals belong to the owner that it is made in.
#[derive(Clone, Copy)]
pub struct Finder {
    room: StoredValue<OpenRoom>,
    /// What is searched for, if anything is.
    pub needle: RwSignal<Option<Needle>>,
    /// The ranks of the messages that were found, the newest first.
    pub found: RwSignal<Vec<u64>>,
    /// Which of them the reader has gone to.
    selected: RwSignal<Option<usize>>,
    /// Whether the search goes on.
    searching: RwSignal<bool>,
    /// Counts the searches, so that one that was replaced ends.
    run: StoredValue<usize>,
    /// The repetition that waits for the list to settle, and whether it is to search as well as highlight.
    pending: StoredValue<Option<bool>>,
}

impl Finder {
    /// A search for nothing yet. It follows the room: new messages are searched, and what comes on the screen is highlighted.
    pub fn new(room: OpenRoom) -> Self {
        let (version, rows) = (room.version.clone(), room.rows.clone());
        let finder = Self {
            room: StoredValue::new(room),
            needle: RwSignal::default(),
            found: RwSignal::default(),
            selected: RwSignal::default(),
            searching: RwSignal::default(),
            run: StoredValue::default(),
            pending: StoredValue::default(),
        };
        Effect::new(move |known: Option<u64>| {
            let version = version.get();
            rows.track();
            finder.found.track();
            finder.settle(known.is_some_and(|known| known != version));
            version
        });
        on_cleanup(highlight::clear);
        finder
    }

    /// Searches for other words.
    pub fn search(self, typed: &str) {
        self.needle.set(Needle::new(typed));
        self.start();
    }

    /// Goes to the next message that was found, newer or older, and around at the ends.
    pub fn step(self, newer: bool) {
        let count = self.found.read_untracked().len();
        if count == 0 {
            return;
        }
        let next = match (self.selected.get_untracked(), newer) {
            (None, false) => 0,
            (None, true) => count - 1,
            (Some(at), false) => (at + 1) % count,
            (Some(at), true) => (at + count - 1) % count,
        };
        let rank = self.found.read_untracked().get(next).copied();
        if let Some(rank) = rank {
            self.go_to(rank);
        }
    }

    /// Goes to a message that was found.
    pub fn go_to(self, rank: u64) {
        let found = self.found.read_untracked();
        self.selected.set(found.iter().position(|it| *it == rank));
        self.room
            .with_value(|room| room.scroll_to(rank, Focus::Stays));
        self.settle(false);
    }

    /// How many messages were found, in words.
    pub fn summary(self, i18n: I18n) -> String {
        let found = self.found.read().len();
        if self.needle.read().is_none() {
            return String::new();
        }
        match self.selected.get() {
            _ if found == 0 && self.searching.get() => t!(i18n, search_searching),
            _ if found == 0 => t!(i18n, search_none),
            None => t!(i18n, common_message_count, count = found),
            Some(at) => t!(i18n, search_position, place = at + 1, count = found),
        }
    }

    /// Highlights what is on the screen now, and once more when the list has settled.
    fn settle(self, search: bool) {
        self.highlight();
        let pending = self.pending.get_value();
        self.pending
            .set_value(Some(search || pending == Some(true)));
        if pending.is_some() {
            return;
        }
        let settled = move || {
            // The panel may be closed by now.
            let search = self.pending.try_update_value(Option::take).flatten();
            if let Some(search) = search {
                self.highlight();
                if search {
                    self.start();
                }
            }
        };
        set_timeout(settled, SETTLE_TIME);
    }

    fn highlight(self) {
        self.needle
            .with_untracked(|needle| highlight::show(needle.as_ref()));
    }

    /// Searches everything that is loaded, from the newest message back, batch by batch.
    fn start(self) {
        let run = self.run.get_value() + 1;
        self.run.set_value(run);
        let Some(needle) = self.needle.get_untracked() else {
            self.found.set(Vec::new());
            self.selected.set(None);
            self.searching.set_if_changed(false);
            return;
        };
        self.searching.set_if_changed(true);
        let room = self.room.get_value();
        spawn_local(async move {
            let mut found = Vec::new();
            let mut place = room.look(|timeline| timeline.len());
            while place > 0 {
                room.look(|timeline| {
                    for _ in 0..BATCH.min(place) {
                        place -= 1;
                        if let Some((text, rank)) = timeline.text_at(place)
                            && needle.is_in(text)
                        {
                            found.push(rank);
                        }
                    }
                });
                TimeoutFuture::new(0).await;
                if self.run.try_get_value() != Some(run) {
                    return;
                }
            }
            self.finish(found);
        });
    }

    fn finish(self, found: Vec<u64>) {
        let before = self.found.get_untracked();
        let selected = self.selected.get_untracked();
        let rank = selected.and_then(|at| before.get(at));
        let selected = rank.and_then(|rank| found.iter().position(|it| it == rank));
        self.searching.set_if_changed(false);
        self.selected.set(selected);
        self.found.set_if_changed(found);
    }
}
