//! The series of a history room: what was said before, going to a message wherever it is, and changing what one has said.

use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use effusion_client::{Interruption, Json, QueryResult, RangeAnchor, RangeSpan, RequestError};
use futures_util::future::select;
use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::connection::Connection;
use super::{fault, value};
use crate::features::composer::composing::Note;
use crate::features::timeline::{At, Event, Key, Origin};
use crate::platform::tasks::until;
use crate::state::{Earlier, Fault, Focus, OpenRoom, Right, RoomState, SetIfChanged, Wanted};
use crate::text;
use effusion_chat::{ChatMessage, RoomKind, Target};

/// How many messages to ask for at once.
const PAGE: u64 = 100;

/// How many events are asked for at once where all of them are wanted.
const EXPORT_PAGE: u64 = 1_000;

/// How much is loaded before and after a message that is far away, in sequences.
const AROUND: u64 = 50;

/// How long to wait for a room before a message in it is looked for, in milliseconds.
const JOIN_TIMEOUT: u32 = 10_000;

/// How long to wait for the message of a live room that an address leads to, in milliseconds.
const VALUE_TIMEOUT: u32 = 1_000;

/// Asks for parts of series, as a reader wants them. (By their ranges, the lessons tell these queries from those that the page makes by
/// itself.)
pub struct History {
    connection: Rc<Connection>,
}

impl History {
    pub(super) fn new(connection: &Rc<Connection>) -> Self {
        Self {
            connection: Rc::clone(connection),
        }
    }

    /// Brings what the reader wants to see of a room, for as long as the owner of the caller is there.
    pub fn follow(self: &Rc<Self>, open: &OpenRoom) {
        let (this, open) = (Rc::clone(self), open.clone());
        Effect::new(move |_| {
            open.wanted.track();
            for wanted in open.wanted.update_untracked(std::mem::take) {
                match wanted {
                    Wanted::Earlier => this.load_earlier(&open),
                    Wanted::Gap { rank, from_above } => this.fill_gap(&open, rank, from_above),
                    Wanted::Message(target, focus) => this.jump_to(&open, target, focus),
                }
            }
        });
    }

    /// Asks a history room for what was before the oldest message shown.
    pub fn load_earlier(self: &Rc<Self>, open: &OpenRoom) {
        let oldest = open.look(|timeline| timeline.oldest_sequence());
        let is_loading = *open.earlier.read_untracked() == Earlier::Loading;
        let Some(oldest) = oldest.filter(|_| !is_loading) else {
            return;
        };
        open.earlier.set(Earlier::Loading);
        let (this, room) = (Rc::clone(self), open.clone());
        spawn_local(async move {
            room.earlier
                .set(match this.fill(&room, oldest, false).await {
                    Some(true) => Earlier::None,
                    Some(false) => Earlier::Unknown,
                    None => Earlier::Failed,
                });
        });
    }

    /// Asks for what is missing right before a message: for the newest of it or, for whoever comes from above, the oldest.
    fn fill_gap(self: &Rc<Self>, open: &OpenRoom, rank: u64, from_above: bool) {
        if *open.filling.read_untracked() {
            return;
        }
        open.filling.set_if_changed(true);
        let (this, room) = (Rc::clone(self), open.clone());
        spawn_local(async move {
            // What cannot be loaded now is asked for again when somebody looks again.
            let _ = this.fill(&room, rank, from_above).await;
            room.filling.set_if_changed(false);
        });
    }

    /// Asks for the newest page of what is missing before a message or, from above, the oldest. True if nothing is missing there
    /// any more; none if it could not be loaded.
    async fn fill(&self, open: &OpenRoom, rank: u64, from_above: bool) -> Option<bool> {
        let Some(gap) = open.look(|timeline| timeline.gap_before(rank)) else {
            return Some(true);
        };
        let from = RangeAnchor::Sequence(gap.from);
        let to = if from_above {
            RangeSpan::Next(PAGE)
        } else {
            RangeSpan::ToSequence(gap.to)
        };
        let found = self.query(open, from, to, Some(PAGE)).await?;
        let last = found.events.last().map(|event| event.original().sequence);
        let complete = if from_above {
            (found.events.len() as u64) < PAGE || last >= Some(gap.to)
        } else {
            found.is_complete()
        };
        let events = found.events.into_iter().map(value::of).collect();
        open.change(|timeline| {
            if from_above {
                timeline.add_newer(gap, events, complete);
            } else {
                timeline.add_older(gap, events, complete);
            }
        });
        Some(complete)
    }

    /// The events of a range in a history room; if there is a limit, the newest of them. None if they cannot be loaded.
    async fn query(
        &self,
        open: &OpenRoom,
        from: RangeAnchor,
        to: RangeSpan,
        limit: Option<u64>,
    ) -> Option<QueryResult<Json>> {
        let room = open.info.get_untracked();
        if room.kind == RoomKind::Live {
            return None;
        }
        let session = self.connection.session()?;
        let mut query = session.time_series().range_query().from(from).to(to);
        if let Some(limit) = limit {
            query = query.limit(limit);
        }
        let path = room.name.topic_path();
        query.select_from::<Json>(&path).await.ok()
    }

    /// Brings a message into sight once the room is joined.
    pub fn jump_to(self: &Rc<Self>, open: &OpenRoom, target: Target, focus: Focus) {
        let (this, room) = (Rc::clone(self), open.clone());
        spawn_local(async move {
            let (state, copied) = (room.state.clone(), room.copied.clone());
            let is_there = move || *state.read() != RoomState::Joining || copied.get();
            in_time(JOIN_TIMEOUT, Box::new(is_there)).await;
            if matches!(target, Target::Id(_)) {
                let (shown, rows) = (room.clone(), room.rows.clone());
                let has_come = move || {
                    rows.track();
                    shown.look(|timeline| timeline.find(target)).is_some()
                };
                in_time(VALUE_TIMEOUT, Box::new(has_come)).await;
            }
            if !this.show(&room, target, focus).await {
                let note = Note::Alert(text!(timeline_message_gone));
                room.note.set(Some(note));
            }
        });
    }

    /// Brings the first message of a day into sight, or the one after it: `ms` is when the day begins.
    pub fn jump_to_time(self: &Rc<Self>, open: &OpenRoom, ms: i64) {
        let (this, room) = (Rc::clone(self), open.clone());
        // What was said of another day holds no longer.
        room.note.set_if_changed(None);
        spawn_local(async move {
            let found = match this.first_after(&room, ms).await {
                Some(sequence) => {
                    this.show(&room, Target::Sequence(sequence), Focus::Stays)
                        .await
                }
                None => show_time(&room, ms),
            };
            if !found {
                let note = Note::Info(text!(timeline_no_message_since));
                room.note.set(Some(note));
            }
        });
    }

    async fn show(&self, open: &OpenRoom, target: Target, focus: Focus) -> bool {
        let mut found = open.look(|timeline| timeline.find(target));
        if found.is_none() {
            let is_answered = self.load_around(open, target).await;
            found = open.look(|timeline| timeline.find(target));
            if is_answered && found.is_none() {
                open.change(|timeline| timeline.note_missing(target));
            }
        }
        if let Some(rank) = found {
            open.scroll_to(rank, focus);
        }
        found.is_some()
    }

    /// Asks for a message and those around it. True if the service has answered.
    async fn load_around(&self, open: &OpenRoom, target: Target) -> bool {
        let Target::Sequence(sequence) = target else {
            return false; // What has no place in a series is nowhere but here.
        };
        let from = RangeAnchor::Sequence(sequence.saturating_sub(AROUND));
        let to = RangeSpan::ToSequence(sequence.saturating_add(AROUND));
        let Some(found) = self.query(open, from, to, None).await else {
            return false;
        };
        let events = found.events.into_iter().map(value::of).collect();
        open.change(|timeline| timeline.add_around(events));
        true
    }

    /// The sequence of the first event from a time on.
    async fn first_after(&self, open: &OpenRoom, ms: i64) -> Option<u64> {
        let time = UNIX_EPOCH + Duration::from_millis(u64::try_from(ms).ok()?);
        let (from, to) = (RangeAnchor::Time(time), RangeSpan::Next(1));
        let found = self.query(open, from, to, None).await?;
        Some(found.events.first()?.original().sequence)
    }

    /// Asks for a whole series, page by page, the oldest first; none if it cannot be loaded.
    pub async fn whole(&self, open: &OpenRoom) -> Option<Vec<Event>> {
        let mut events: Vec<Event> = Vec::new();
        let mut from = RangeAnchor::Start;
        loop {
            let to = RangeSpan::Next(EXPORT_PAGE);
            let found = self.query(open, from, to, None).await?;
            let Some(last) = found.events.last().map(|it| it.original().sequence) else {
                return Some(events);
            };
            let known = events.last().map(|it| it.edits.unwrap_or(it.sequence));
            if known >= Some(last) {
                return Some(events);
            }
            events.extend(found.events.into_iter().map(value::of));
            from = RangeAnchor::Sequence(last + 1);
        }
    }

    /// Puts another text in the place of a message's: an edit of its event. The service keeps what was there before.
    ///
    /// # Errors
    /// Why the service did not do it.
    pub async fn edit(&self, open: &OpenRoom, sequence: u64, text: String) -> Result<(), Fault> {
        let target = Target::Sequence(sequence);
        let own = |open: &OpenRoom| {
            open.look(|timeline| {
                let rank = timeline.find(target)?;
                let entry = timeline.row_at(timeline.place_of_rank(rank))?.entry;
                let is_own = entry.origin == Origin::Own && !entry.message.deleted;
                is_own.then_some(entry.message)
            })
        };
        // An edit that was begun before a reload can be of a message that is not loaded.
        if own(open).is_none() {
            self.load_around(open, target).await;
        }
        let message = own(open).ok_or(Fault::MessageGone)?;
        self.replace(open, sequence, &ChatMessage { text, ..message })
            .await
    }

    /// Takes a message back: what remains says that there was one.
    ///
    /// # Errors
    /// Why the service did not do it.
    pub async fn take_back(&self, open: &OpenRoom, key: Key) -> Result<(), Fault> {
        let known = open.look(|timeline| {
            let entry = timeline.row(key)?.entry;
            Some((entry.sequence?, entry.message))
        });
        let (sequence, message) = known.ok_or(Fault::MessageGone)?;
        self.replace(open, sequence, &message.taken_back()).await
    }

    async fn replace(
        &self,
        open: &OpenRoom,
        sequence: u64,
        value: &ChatMessage,
    ) -> Result<(), Fault> {
        let path = open.info.read_untracked().name.topic_path();
        loop {
            let session = self.connection.session().ok_or(Fault::NotConnected)?;
            match session.time_series().edit(&path, sequence, value).await {
                Ok(_) => return Ok(()),
                // The session was lost with the request still here: it waits for the one that takes its place.
                Err(RequestError::NeverSent(
                    Interruption::SessionLost | Interruption::MessagesLost,
                )) => {}
                Err(error) => return Err(fault::of_request(error, Right::Edit)),
            }
        }
    }
}

/// Waits until a condition holds, so many milliseconds at most.
async fn in_time(timeout: u32, condition: Box<dyn Fn() -> bool>) {
    select(pin!(until(condition)), TimeoutFuture::new(timeout)).await;
}

fn show_time(open: &OpenRoom, ms: i64) -> bool {
    let is_later = |at: &At| matches!(at, At::Instant { ms: at, .. } if *at >= ms);
    let found = open.look(|timeline| {
        let mut entries = timeline.entries();
        entries.find(|entry| is_later(&entry.at)).map(|it| it.rank)
    });
    if let Some(rank) = found {
        open.scroll_to(rank, Focus::Stays);
    }
    found.is_some()
}
