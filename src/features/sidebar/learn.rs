use leptos::prelude::*;
use leptos::text_prop::TextProp;

use crate::features::shell::toggle;
use crate::i18n::messages;
use crate::state::{Panel, Screen, use_app};
use crate::ui::Icon;

/// The way to the lessons, to the diagnostics, and for moderators to their board.
#[component]
pub fn Learn() -> impl IntoView {
    let app = use_app();
    let open_board = move |_| {
        app.drawer.set(false);
        app.screen.set(Screen::Board);
    };
    let board = move || {
        view! {
            <button type="button" class="learn" data-testid="board-button" on:click=open_board>
                <Icon name="shield" />
                {&messages::common_moderation}
            </button>
        }
        .into_any()
    };
    view! {
        <div class="learning">
            <PanelButton
                panel=Panel::Lessons
                icon="lessons"
                test="lessons-button"
                label=&messages::lesson_title
            />
            <PanelButton
                panel=Panel::Diagnostics
                icon="diagnostics"
                test="diagnostics-button"
                label=&messages::common_diagnostics
            />
            {move || app.moderator.get().then(board)}
        </div>
    }
}

/// Opens a panel, or closes it.
#[component]
fn PanelButton(
    /// The panel.
    panel: Panel,
    /// What stands before the label.
    icon: &'static str,
    /// Its `id`, and its name for tests.
    test: &'static str,
    /// What the panel shows.
    #[prop(into)]
    label: TextProp,
) -> impl IntoView {
    let app = use_app();
    let press = move |_| {
        app.drawer.set(false);
        toggle(app.panel, panel);
    };
    view! {
        <button
            type="button"
            class="learn"
            id=test
            data-testid=test
            aria-expanded=move || (*app.panel.read() == Some(panel)).to_string()
            on:click=press
        >
            <Icon name=icon />
            {move || label.get()}
        </button>
    }
}
