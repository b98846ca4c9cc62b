//! Asking for what was said before: a page at a time, and only what is missing.
//!
//! Only [`crate::parts`] calls what is here, as part of what a room is beyond its newest messages.

use effusion_client::{Json, QueryResult, RangeAnchor, RangeSpan};
use leptos::prelude::*;

use super::{link, value};
use crate::state::OpenRoom;

/// How many messages to ask for at once.
const PAGE: u64 = 100;

/// Asks for what is missing right before a message: for the newest of it, or, for who comes from above, the oldest. True if
/// nothing is missing there any more; none if it could not be had.
pub(crate) async fn fill(open: OpenRoom, rank: u64, from_above: bool) -> Option<bool> {
    if from_above {
        fill_from_above(open, rank).await
    } else {
        fill_from_below(open, rank).await
    }
}

/// Asks for the newest page of what is missing before a message. True if nothing is missing there any more; none if it could
/// not be had.
async fn fill_from_below(open: OpenRoom, rank: u64) -> Option<bool> {
    let Some(gap) = open.look(|timeline| timeline.gap_before(rank)) else {
        return Some(true);
    };
    let found = events(
        open,
        RangeAnchor::Sequence(gap.from),
        RangeSpan::ToSequence(gap.to),
    )
    .await?;
    let complete = found.is_complete();
    let events = found.events.into_iter().map(value::of).collect();
    open.change(|timeline| timeline.add_older(gap, events, complete));
    Some(complete)
}

/// Asks for the oldest page of what is missing before a message.
async fn fill_from_above(open: OpenRoom, rank: u64) -> Option<bool> {
    let Some(gap) = open.look(|timeline| timeline.gap_before(rank)) else {
        return Some(true);
    };
    let found = events(open, RangeAnchor::Sequence(gap.from), RangeSpan::Next(PAGE)).await?;
    let last = found.events.last().map(|event| event.original().sequence);
    let complete = (found.events.len() as u64) < PAGE || last >= Some(gap.to);
    let events = found.events.into_iter().map(value::of).collect();
    open.change(|timeline| timeline.add_newer(gap, events, complete));
    Some(complete)
}

/// The newest events of a range, no more than a page.
async fn events(open: OpenRoom, from: RangeAnchor, to: RangeSpan) -> Option<QueryResult<Json>> {
    let path = open.room.read_untracked().name.topic_path();
    let found = link::session()?
        .time_series()
        .range_query()
        .from(from)
        .to(to)
        .limit(PAGE)
        .select_from::<Json>(&path);
    found.await.ok()
}
