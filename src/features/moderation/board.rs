//! The screen that moderators work on.

use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::activity::ActivityChart;
use super::flagged::FlaggedMessages;
use super::log::ModerationLog;
use super::rules_form::RulesSection;
use super::withdraw::ManualActions;
use crate::features::composer::composing::Note;
use crate::features::lessons::lessons;
use crate::features::shell::toggle;
use crate::i18n::{messages, use_i18n};
use crate::lazy;
use crate::platform::focus;
use crate::services::{Duty, use_services};
use crate::state::{Panel, Screen, use_app};
use crate::ui::{Button, IconButton, Lazy, glyph};

/// The screen that moderators work on. While it was opened once, this window keeps watch, whatever it shows.
#[component]
fn BoardScreen() -> impl IntoView {
    let app = use_app();
    use_services().moderation.open_desk();
    let learning = Memo::new(move |_| *app.panel.read() == Some(Panel::Lessons));
    let screen = view! {
        <div class="desk">
            <main class="board" id="board" data-testid="board" tabindex="-1">
                <header class="bar">
                    <IconButton
                        icon=glyph::BACK
                        label=&messages::moderation_back
                        test="board-back"
                        on_click=move |_| app.screen.set(Screen::Chat)
                    />
                    <div class="title">
                        <h1>{&messages::common_moderation}</h1>
                    </div>
                    <DutyBadge />
                    <IconButton
                        icon=glyph::LESSONS
                        label=&messages::lesson_title
                        test="lessons-button"
                        id="lessons-button"
                        expanded=learning
                        on_click=move |_| toggle(app.panel, Panel::Lessons)
                    />
                </header>
                <Outcome />
                <div class="columns">
                    <div>
                        <FlaggedMessages />
                        <ModerationLog />
                    </div>
                    <div>
                        <ActivityChart />
                        <RulesSection />
                        <ManualActions />
                    </div>
                </div>
            </main>
            {move || learning.get().then(|| view! { <Lazy load=lessons() /> })}
        </div>
    };
    // Lessons that were open already do not get the focus.
    focus::move_to("board");
    screen
}

/// Whether this window keeps watch.
#[component]
fn DutyBadge() -> impl IntoView {
    let i18n = use_i18n();
    let duty = use_services().moderation.board.duty;
    let state = move || match duty.get() {
        Duty::Closed => ("closed", &messages::moderation_off),
        Duty::LookingOn => ("looking-on", &messages::moderation_standby),
        Duty::Watching => ("on-duty", &messages::moderation_on_duty),
    };
    view! {
        <span class="duty" data-state=move || state().0 data-testid="duty">
            {move || i18n.text(state().1, &[])}
        </span>
    }
}

/// What came of the last action.
#[component]
fn Outcome() -> impl IntoView {
    let note = use_services().moderation.board.note;
    let shown = move || {
        let (class, text) = match note.get()? {
            Note::Info(text) => ("done", text),
            Note::Alert(text) => ("fault", text),
            _ => return None,
        };
        let shown = view! {
            <p class=class data-testid="board-note">
                {text}
                {" "}
                <Button
                    class="link"
                    test="board-note-close"
                    label=&messages::common_close
                    on_click=move |_| note.set(None)
                />
            </p>
        };
        Some(shown.into_any())
    };
    view! {
        <div role="status" class="noted">
            {shown}
        </div>
    }
}

/// A part of the board, below its title.
#[component]
pub fn Section(
    /// Names it in the document and for tests.
    id: &'static str,
    /// Its title.
    #[prop(into)]
    title: TextProp,
    /// What it holds.
    children: Children,
) -> impl IntoView {
    let heading = [id, "-title"].concat();
    view! {
        <section aria-labelledby=heading data-testid=id>
            <h2 id=heading.clone()>{move || title.get()}</h2>
            {children()}
        </section>
    }
}

lazy! { moderation, pub fn board() => view! { <BoardScreen /> } }
