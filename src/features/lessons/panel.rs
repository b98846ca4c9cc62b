//! The panel with the lessons: what to do, what came of it here, and the code that does the same.

use std::collections::BTreeMap;

use effusion_chat::{RoomKind, RoomName};
use leptos::prelude::*;

use super::lesson::{LESSONS, Lesson};
use super::progress::{Progress, follow_progress};
use super::step::{Call, StepItem};
use crate::features::join::form::Room;
use crate::i18n::{messages, use_i18n};
use crate::services::{clear_lesson_progress, use_services};
use crate::state::{App, use_app};
use crate::ui::{Button, List, Panel, Select, option};
use crate::{lazy, t, text};

/// What the steps show, provided as context.
#[derive(Clone, Copy)]
pub struct Learning {
    /// What was done.
    pub progress: Progress,
    /// The language of the code.
    pub language: RwSignal<String>,
    /// The live room that the lessons are about.
    pub live: Memo<Option<Room>>,
    /// The room with a history that the lessons are about.
    pub history: Memo<Option<Room>>,
}

impl Learning {
    /// The room of a kind that the lessons are about.
    pub fn room(&self, kind: RoomKind) -> Option<Room> {
        match kind {
            RoomKind::Live => self.live.get(),
            RoomKind::History => self.history.get(),
        }
    }

    /// Whether all steps of a lesson were done.
    fn is_over(&self, lesson: &Lesson) -> bool {
        let done = self.progress.done.read();
        lesson.steps.iter().all(|step| done.contains(step.name))
    }
}

/// The panel with the lessons.
#[component]
fn Lessons() -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    let progress = follow_progress(use_services());
    let learning = Learning {
        progress,
        language: RwSignal::new("javascript".to_owned()),
        live: Memo::new(move |_| practice_room(app, RoomKind::Live)),
        history: Memo::new(move |_| practice_room(app, RoomKind::History)),
    };
    provide_context(learning);
    let calls = move || {
        let messages = progress.messages.read();
        let calls = messages.iter().rev().filter(|it| it.decoded.call.is_some());
        calls.cloned().collect::<Vec<_>>()
    };
    // The first lesson that is not over is open.
    let open = LESSONS
        .iter()
        .position(|lesson| !untrack(|| learning.is_over(lesson)));
    let lesson = move |(index, lesson)| view! { <LessonSection lesson open=open == Some(index) /> };
    let steps: usize = LESSONS.iter().map(|lesson| lesson.steps.len()).sum();
    let done = move || {
        let steps = LESSONS.iter().flat_map(|lesson| lesson.steps);
        let done = progress.done.read();
        steps.filter(|step| done.contains(step.name)).count()
    };
    view! {
        <Panel
            id="lessons"
            class="panel inside"
            title=&messages::lesson_title
            label=&messages::lesson_title
            focus="lessons"
            opener="lessons-button"
        >
            <p class="hint">{&messages::lesson_hint}</p>
            <div class="panel-tools">
                <p data-testid="lesson-progress">
                    {move || t!(i18n, lesson_progress, done = done(), all = steps)}
                </p>
                <Button
                    class="link"
                    test="clear-progress"
                    label=&messages::lesson_reset
                    on_click=move |_| {
                        progress.made.set(BTreeMap::new());
                        clear_lesson_progress(progress.done);
                    }
                />
                <Select
                    id="code-language"
                    label=&messages::lesson_code_language
                    options=vec![
                        option("javascript", "JavaScript (diffusion)"),
                        option("rust", "Rust (effusion-client)"),
                    ]
                    value=learning.language
                    on_change=move |language| learning.language.set(language)
                />
            </div>
            {LESSONS.iter().enumerate().map(lesson).collect_view()}
            <h3>{&messages::lesson_calls}</h3>
            <ol class="protocol" data-testid="calls">
                <List each=calls key=|message| message.recorded.number.to_string() let:message>
                    <li>
                        <Call message />
                    </li>
                </List>
            </ol>
        </Panel>
    }
}

/// The room of a kind that is shown, or another one that the reader is in, or one for practice.
fn practice_room(app: App, kind: RoomKind) -> Option<Room> {
    let active = *app.active.read();
    let rooms = app.rooms.read();
    let shown = rooms.iter().filter(|room| Some(room.id) == active);
    let mut open = shown.chain(&*rooms).map(|room| room.info.get());
    let practice = || {
        let name = match kind {
            RoomKind::Live => "Lesson 1",
            RoomKind::History => "Lesson 2",
        };
        let name = RoomName::parse(name).ok()?;
        Some(Room { name, kind })
    };
    open.find(|room| room.kind == kind).or_else(practice)
}

/// A lesson with its steps.
#[component]
fn LessonSection(
    /// The lesson.
    lesson: &'static Lesson,
    /// Whether it is the one to go on with.
    open: bool,
) -> impl IntoView {
    let learning: Learning = expect_context();
    let step = move |step| view! { <StepItem step /> };
    view! {
        <details class="lesson" data-testid="lesson" open=open>
            <summary data-done=move || learning.is_over(lesson).to_string()>
                <h3>{lesson.title}</h3>
            </summary>
            <p>{lesson.text}</p>
            <ol class="steps">{lesson.steps.iter().map(step).collect_view()}</ol>
            <p class="hint">
                <a href=lesson.manual target="_blank" rel="noopener noreferrer">
                    {text!(lesson_manual, page = lesson.manual_title)}
                </a>
            </p>
        </details>
    }
}

lazy! { more, pub fn lessons() => view! { <Lessons /> } }
