//! How much is said where.

use leptos::prelude::*;

use super::board::Section;
use super::records::ActivityRow;
use crate::i18n::use_i18n;
use crate::platform::clock;
use crate::services::use_services;
use crate::t;

/// Messages a minute by room, as bars.
#[component]
pub fn ActivityChart() -> impl IntoView {
    let i18n = use_i18n();
    let activity = use_services().moderation.board.activity;
    let rows = move || {
        let rows = activity.read().rows(clock::now()).into_iter();
        rows.map(|row| view! { <RoomActivity row /> })
            .collect_view()
    };
    view! {
        <Section id="activity" title=move || t!(i18n, moderation_activity)>
            <p class="hint">{move || t!(i18n, moderation_activity_hint)}</p>
            <ul class="chart">{rows}</ul>
        </Section>
    }
}

/// The bars of one room.
#[component]
fn RoomActivity(
    /// Its numbers.
    row: ActivityRow,
) -> impl IntoView {
    let i18n = use_i18n();
    let busiest = row.minutes.iter().copied().max().unwrap_or(0).max(1);
    let bar = |count: u32| {
        let height = [&(count * 100).div_ceil(busiest).to_string(), "%"].concat();
        view! { <span style:height=height></span> }
    };
    let total = row.total;
    view! {
        <li data-testid="activity-row">
            <bdi>{row.room.to_string()}</bdi>
            <span class="bars" aria-hidden="true">
                {row.minutes.into_iter().map(bar).collect_view()}
            </span>
            <span class="total">
                <span aria-hidden="true">{move || i18n.number(total.into())}</span>
                <span class="unseen">{move || t!(i18n, common_message_count, count = total)}</span>
            </span>
        </li>
    }
}
