//! How much is said where.

use std::time::Duration;

use leptos::prelude::*;

use super::board::Section;
use super::records::{ActivityRow, MINUTE, MINUTES};
use crate::i18n::{messages, use_i18n};
use crate::platform::clock;
use crate::services::use_services;
use crate::text;

/// Messages a minute by room, as bars.
#[component]
pub fn ActivityChart() -> impl IntoView {
    let activity = use_services().moderation.board.activity;
    let minute = RwSignal::new(());
    let rows = move || {
        minute.track();
        let now = clock::now();
        let rows = activity.read().rows(now);
        if rows.iter().any(|row| row.total > 0) {
            // The chart moves on with time, until nothing is left in it.
            let left = Duration::from_millis((MINUTE - now.rem_euclid(MINUTE)) as u64);
            if let Ok(timer) = set_timeout_with_handle(move || minute.set(()), left) {
                on_cleanup(move || timer.clear());
            }
        }
        let rows = rows.into_iter();
        rows.map(|row| view! { <RoomActivity row /> })
            .collect_view()
    };
    view! {
        <Section id="activity" title=&messages::moderation_activity>
            <p class="hint">{&messages::moderation_activity_hint}</p>
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
    let busiest = row.minutes.iter().copied().max().unwrap_or(0);
    let bar = |count: u32| {
        let height = [&(count * 100).div_ceil(busiest.max(1)).to_string(), "%"].concat();
        view! { <span style:height=height></span> }
    };
    // Of nothing there is no most.
    let peak = (busiest > 0).then(|| {
        view! { <span class="peak">{text!(moderation_axis_peak, number = busiest)}</span> }
            .into_any()
    });
    let total = row.total;
    view! {
        <li data-testid="activity-row">
            <bdi>{row.room.to_string()}</bdi>
            <div class="plot" aria-hidden="true">
                {peak}
                <span class="bars">{row.minutes.into_iter().map(bar).collect_view()}</span>
                <span class="axis">
                    <span>{text!(moderation_axis_start, minutes = MINUTES)}</span>
                    <span>{&messages::moderation_axis_now}</span>
                </span>
            </div>
            <span class="total">
                <span aria-hidden="true">{move || i18n.number(total.into())}</span>
                <span class="unseen">{text!(common_message_count, count = total)}</span>
            </span>
        </li>
    }
}
