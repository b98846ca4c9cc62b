//! The panel that searches a room.

use leptos::prelude::*;

use super::export_buttons::ExportButtons;
use super::finder::Finder;
use super::results::Results;
use crate::i18n::{messages, use_i18n};
use crate::lazy;
use crate::platform::clock;
use crate::platform::keyboard::is_enter;
use crate::services::use_services;
use crate::state::use_room;
use crate::ui::{Button, Labelled, Panel};

/// The panel that searches a room.
#[component]
fn SearchPanel() -> impl IntoView {
    let finder = Finder::new(use_room());
    view! {
        <Panel
            id="search-panel"
            class="panel search"
            title=&messages::search_title
            label=&messages::common_search_room
            focus="search"
            opener="search-button"
        >
            <Query finder />
            <Results finder />
            <GoToDate />
            <ExportButtons />
        </Panel>
    }
}

/// What to search for, and the way from one message that was found to the next.
#[component]
fn Query(
    /// The search.
    finder: Finder,
) -> impl IntoView {
    let i18n = use_i18n();
    let nothing = Signal::derive(move || finder.found.read().is_empty());
    view! {
        <div class="words">
            <input
                id="search"
                data-testid="search"
                type="search"
                dir="auto"
                autocomplete="off"
                aria-label=&messages::search_query
                placeholder=&messages::search_query
                on:input=move |event| finder.search(&event_target_value(&event))
                on:keydown=move |event| {
                    if is_enter(&event) {
                        event.prevent_default();
                        finder.step(event.shift_key());
                    }
                }
            />
            <div class="steps">
                <p class="hint" role="status" data-testid="search-count">
                    {move || finder.summary(i18n)}
                </p>
                <Button
                    test="search-previous"
                    label=&messages::search_older
                    disabled=nothing
                    on_click=move |_| finder.step(false)
                />
                <Button
                    test="search-next"
                    label=&messages::search_newer
                    disabled=nothing
                    on_click=move |_| finder.step(true)
                />
            </div>
        </div>
    }
}

/// Goes to the messages of a day.
#[component]
fn GoToDate() -> impl IntoView {
    let (services, room) = (use_services(), use_room());
    view! {
        <Labelled id="jump-date" label=&messages::search_go_to_date>
            <input
                id="jump-date"
                data-testid="jump-date"
                type="date"
                on:change=move |event| {
                    if let Some(ms) = clock::start_of_day(&event_target_value(&event)) {
                        services.history.jump_to_time(&room, ms);
                    }
                }
            />
        </Labelled>
    }
}

lazy! { more, pub fn search_panel() => view! { <SearchPanel /> } }
