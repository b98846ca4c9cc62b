//! The panel with the lessons: what to do, and which call of Diffusion's API each step has made here.

use std::collections::VecDeque;
use std::sync::Arc;

use leptos::prelude::*;

use super::lesson::{LESSONS, Lesson, Step};
use crate::features::diagnostics::{Code, RawBytes, ShownMessage, watch_messages};
use crate::i18n::use_i18n;
use crate::services::use_services;
use crate::state::use_app;
use crate::ui::Panel;
use crate::{lazy, t};

/// In how many messages to look for what was done: all that are kept.
const MAX_MESSAGES: usize = 1_000;

/// The last messages that went over the connection.
type Messages = RwSignal<VecDeque<Arc<ShownMessage>>>;

/// The panel with the lessons.
#[component]
pub fn Lessons() -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    let messages = watch_messages(use_services(), MAX_MESSAGES, || {});
    let calls = move || {
        let messages = messages.read();
        let calls = messages.iter().rev().filter(|it| it.decoded.call.is_some());
        calls.cloned().collect::<Vec<_>>()
    };
    let lesson = move |lesson| view! { <LessonSection lesson messages /> };
    view! {
        <Panel
            id="lessons"
            class="panel inside"
            title=move || t!(i18n, lesson_title)
            label=move || t!(i18n, lesson_title)
            focus="lessons"
            opener="lessons-button"
            on_close=move |()| app.panel.set(None)
        >
            <p class="hint">{move || t!(i18n, lesson_hint)}</p>
            {LESSONS.iter().map(lesson).collect_view()}
            <h3>{move || t!(i18n, lesson_calls)}</h3>
            <ol class="protocol" data-testid="calls">
                <For each=calls key=|message| message.recorded.number let:message>
                    <li>
                        <Call message />
                    </li>
                </For>
            </ol>
        </Panel>
    }
}

/// A lesson with its steps.
#[component]
fn LessonSection(
    /// The lesson.
    lesson: &'static Lesson,
    /// The messages, among which are its calls.
    messages: Messages,
) -> impl IntoView {
    let i18n = use_i18n();
    let step = move |step| view! { <StepItem step messages /> };
    view! {
        <section data-testid="lesson">
            <h3>{move || i18n.text(lesson.title, &[])}</h3>
            <p>{move || i18n.text(lesson.text, &[])}</p>
            <ol class="steps">{lesson.steps.iter().map(step).collect_view()}</ol>
            <p class="hint">
                <a href=lesson.manual target="_blank" rel="noopener noreferrer">
                    {move || t!(i18n, lesson_manual, page = lesson.manual_title)}
                </a>
            </p>
        </section>
    }
}

/// A step, with the call that it has made once it is done.
#[component]
fn StepItem(
    /// The step.
    step: &'static Step,
    /// The messages, among which is its call.
    messages: Messages,
) -> impl IntoView {
    let i18n = use_i18n();
    let is_made = move |message: &&Arc<ShownMessage>| {
        let call = message.decoded.call.as_deref();
        call.is_some_and(|call| step.is_made_by(call))
    };
    // Once done, it stays done, although the message may be forgotten.
    let done = RwSignal::new(None::<Arc<ShownMessage>>);
    Effect::new(move |_| {
        let newest = messages.read().iter().rev().find(is_made).cloned();
        let is_new = |newest: &Arc<ShownMessage>| {
            let known = done.read_untracked();
            known
                .as_ref()
                .is_none_or(|known| !Arc::ptr_eq(known, newest))
        };
        if let Some(newest) = newest.filter(is_new) {
            done.set(Some(newest));
        }
    });
    view! {
        <li data-testid="step" data-done=move || done.read().is_some().to_string()>
            <span>{move || i18n.text(step.text, &[])}</span>
            {move || done.get().map(|message| view! { <Call message /> }.into_any())}
        </li>
    }
}

/// A call of Diffusion's API, with the bytes that it sent.
#[component]
fn Call(
    /// The message that the call sent.
    message: Arc<ShownMessage>,
) -> impl IntoView {
    let call = message.decoded.call.clone().unwrap_or_default();
    view! {
        <div class="call" data-testid="made-call">
            <Code text=call />
            <RawBytes message />
        </div>
    }
}

lazy! {
    more,
    /// The panel with the lessons.
    pub fn lessons() => view! { <Lessons/> }
}
