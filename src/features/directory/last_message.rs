use leptos::prelude::*;

use crate::features::directory::listing::Listed;
use crate::features::timeline::At;
use crate::features::timeline::prose::excerpt;
use crate::i18n::{I18n, use_i18n};
use crate::platform::clock;

/// How much of a message is shown, in characters.
const MAX_EXCERPT: usize = 80;

/// What was said last in a room, by whom and when, in one line; nothing if nobody said anything.
#[component]
pub fn LastMessage(
    /// The room.
    room: Listed,
) -> impl IntoView {
    let i18n = use_i18n();
    let (by, text) = room.last;
    if text.is_empty() {
        return None;
    }
    let by = (!by.is_empty()).then(|| {
        view! {
            <bdi>{by}</bdi>
            {": "}
        }
        .into_any()
    });
    let text = excerpt(&text, MAX_EXCERPT);
    let when = match room.at {
        Some(At::Instant { ms, day }) => Some((ms, day)),
        _ => None,
    };
    let when = when.map(|(ms, day)| {
        view! {
            {" · "}
            <time>{move || time_or_day(i18n, ms, day)}</time>
        }
        .into_any()
    });
    let line = view! {
        <small class="last" data-testid="directory-last" dir="auto">
            {by}
            <bdi>{text}</bdi>
            {when}
        </small>
    };
    Some(line.into_any())
}

/// The time of day, or the day if it is another one.
fn time_or_day(i18n: I18n, ms: i64, day: i64) -> String {
    if At::local(clock::now()).day() == Some(day) {
        i18n.time_of_day(ms)
    } else {
        i18n.day(ms, day)
    }
}
