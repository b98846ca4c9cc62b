//! The messages that a search has found.

use leptos::prelude::*;

use super::finder::Finder;
use super::needle::excerpt;
use crate::features::timeline::prose::plain_text;
use crate::features::timeline::{At, Entry, Timeline};
use crate::i18n::{messages, use_i18n};
use crate::services::use_services;
use crate::state::{Earlier, use_app, use_room};
use crate::t;
use crate::ui::{Button, List};

/// How many of the messages that were found are listed.
const MAX_RESULTS: usize = 50;

/// In a window of at least this width, in pixels, the panel stands beside the messages and not over them.
const WIDE_WINDOW: f64 = 1024.0;

/// The newest of the messages that were found, and the way to search in earlier ones.
#[component]
pub fn Results(
    /// The search.
    finder: Finder,
) -> impl IntoView {
    let (services, room) = (use_services(), use_room());
    let stored = StoredValue::new(room.clone());
    let has_earlier = move || {
        room.extent.track();
        matches!(*room.earlier.read(), Earlier::Unknown | Earlier::Cleared)
            && room.look(Timeline::oldest_sequence) > Some(0)
    };
    let found = move || -> Vec<u64> {
        let found = finder.found.read();
        found.iter().take(MAX_RESULTS).copied().collect()
    };
    let more = move || {
        let services = services.clone();
        view! {
            <Button
                class="earlier"
                test="search-more"
                label=&messages::search_load_earlier
                on_click=move |_| stored.with_value(|room| services.history.load_earlier(room))
            />
        }
        .into_any()
    };
    view! {
        <div class="found">
            <ol class="results">
                <List each=found key=u64::to_string let:rank>
                    <FoundMessage finder rank />
                </List>
            </ol>
            {move || has_earlier().then(&more)}
        </div>
    }
}

/// A message that was found: a click goes to it.
#[component]
fn FoundMessage(
    /// The search.
    finder: Finder,
    /// The rank of the message.
    rank: u64,
) -> impl IntoView {
    let (app, room, i18n) = (use_app(), use_room(), use_i18n());
    // It may be edited or deleted while it is listed.
    let entry = Memo::new(move |_| {
        room.version.track();
        room.look(|timeline| {
            let entry = timeline.row_at(timeline.place_of_rank(rank))?.entry;
            let name = timeline.label(&entry.message.name, &entry.author);
            (entry.rank == rank && !entry.message.deleted).then_some((name, entry))
        })
    });
    let go = move |_| {
        finder.go_to(rank);
        let width = window().inner_width().ok().and_then(|it| it.as_f64());
        if width.is_some_and(|width| width < WIDE_WINDOW) {
            app.panel.set(None);
        }
    };
    let result = move |(name, entry): (String, Entry)| {
        let when = move || match &entry.at {
            At::Instant { ms, day } => t!(
                i18n,
                date_day_and_time,
                day = i18n.day(*ms, *day),
                time = i18n.time_of_day(*ms)
            ),
            At::Written(text) => text.clone(),
        };
        let written = entry.message.text.clone();
        let plain = plain_text(&written);
        let place = move || {
            let needle = finder.needle.read();
            let first = |text: &str| needle.as_ref()?.places(text).into_iter().next();
            // Words can be found in what is no plain text, as the address of a link.
            let (text, place) = match (first(&plain), first(&written)) {
                (None, Some(place)) => (&written, place),
                (place, _) => (&plain, place.unwrap_or(0..0)),
            };
            let (before, found, after) = excerpt(text, &place);
            view! {
                {before}
                <mark>{found}</mark>
                {after}
            }
        };
        view! {
            <button type="button" class="result" data-testid="search-result" on:click=go>
                <bdi class="author">{name}</bdi>
                <small>{move || when()}</small>
                <span dir="auto">{place}</span>
            </button>
        }
        .into_any()
    };
    view! { <li>{move || entry.get().map(result)}</li> }
}
