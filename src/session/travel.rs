//! Going to a message wherever it is in the series: it is loaded, with what is around it, if it is not here.

use leptos::prelude::*;
use std::time::Duration;

use effusion_client::{Json, RangeAnchor, RangeSpan};
use leptos::task::spawn_local;

use super::{link, value};
use crate::model::composing::Note;
use crate::model::time::At;
use crate::state::{OpenRoom, RoomState};
use crate::text;
use effusion_chat::{RoomKind, Target};

/// How much is loaded before and after a message that is far away, in sequences.
const AROUND: u64 = 50;

/// How often to look whether a room has been joined, in milliseconds, and how many times.
const LOOK_AGAIN: (u64, u32) = (200, 50);

/// Brings a message into sight, once the room is joined.
pub fn jump_to(open: OpenRoom, target: Target) {
    attempt(open, target, LOOK_AGAIN.1);
}

fn attempt(open: OpenRoom, target: Target, left: u32) {
    let joining = *open.state.read_untracked() == RoomState::Joining;
    if joining && left > 0 && !*open.copied.read_untracked() {
        set_timeout(
            move || attempt(open, target, left - 1),
            Duration::from_millis(LOOK_AGAIN.0),
        );
        return;
    }
    spawn_local(async move {
        if !show(open, target).await {
            open.note
                .set(Some(Note::Alert(text!(timeline_message_gone))));
        }
    });
}

/// Brings the first message of a day into sight, or the one after it: `ms` is when the day begins.
pub fn jump_to_time(open: OpenRoom, ms: i64) {
    spawn_local(async move {
        let found = match ask_for_time(open, ms).await {
            Some(sequence) => show(open, Target::Sequence(sequence)).await,
            None => show_time(open, ms),
        };
        if !found {
            open.note
                .set(Some(Note::Info(text!(timeline_no_message_since))));
        }
    });
}

async fn show(open: OpenRoom, target: Target) -> bool {
    if open.look(|timeline| timeline.find(target)).is_none() {
        load_around(open, target).await;
    }
    let found = open.look(|timeline| timeline.find(target));
    if found.is_some() {
        open.goal.set(found);
    }
    found.is_some()
}

async fn load_around(open: OpenRoom, target: Target) {
    let (Target::Sequence(sequence), Some(session)) = (target, link::session()) else {
        return; // What has no place in a series is nowhere but here.
    };
    let path = open.room.read_untracked().name.topic_path();
    let found = session
        .time_series()
        .range_query()
        .from(RangeAnchor::Sequence(sequence.saturating_sub(AROUND)))
        .to(RangeSpan::ToSequence(sequence.saturating_add(AROUND)))
        .select_from::<Json>(&path);
    if let Ok(found) = found.await {
        let events = found.events.into_iter().map(value::of).collect();
        open.change(|timeline| timeline.add_around(events));
    }
}

/// The sequence of the first event from a time on.
async fn ask_for_time(open: OpenRoom, ms: i64) -> Option<u64> {
    if open.room.read_untracked().kind == RoomKind::Live {
        return None;
    }
    let path = open.room.read_untracked().name.topic_path();
    let found = link::session()?
        .time_series()
        .range_query()
        .from(RangeAnchor::Time(u64::try_from(ms).ok()?))
        .to(RangeSpan::Next(1))
        .select_from::<Json>(&path);
    let event = found.await.ok()?.events.into_iter().next()?;
    Some(event.original().sequence)
}

fn show_time(open: OpenRoom, ms: i64) -> bool {
    let is_later = |at: &At| matches!(at, At::Instant { ms: at, .. } if *at >= ms);
    let found = open.look(|timeline| {
        let mut entries = timeline.entries();
        entries.find(|entry| is_later(&entry.at)).map(|it| it.rank)
    });
    if found.is_some() {
        open.goal.set(found);
    }
    found.is_some()
}

/// Asks for a whole series, page by page, the oldest first; none if it cannot be had.
pub(crate) async fn whole(open: OpenRoom) -> Option<Vec<crate::features::timeline::Event>> {
    /// How many events are asked for at once.
    const PAGE: u64 = 1_000;
    if open.room.read_untracked().kind == RoomKind::Live {
        return None;
    }
    let path = open.room.read_untracked().name.topic_path();
    let mut events: Vec<crate::features::timeline::Event> = Vec::new();
    let mut from = RangeAnchor::Start;
    loop {
        let session = link::session()?;
        let query = session.time_series().range_query();
        let query = query.from(from).to(RangeSpan::Next(PAGE));
        let found = query.select_from::<Json>(&path).await.ok()?;
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
