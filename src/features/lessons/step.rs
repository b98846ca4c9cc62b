//! A step of a lesson.

use std::sync::Arc;
use std::time::Duration;

use effusion_chat::RoomKind;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::code::{self, Language, MODERATOR, Values, connect_call, fill};
use super::lesson::{Goal, Help, Step};
use super::panel::Learning;
use crate::features::diagnostics::{Code, RawBytes, ShownMessage};
use crate::features::join::service::{SHARED_ACCOUNT, Service};
use crate::features::timeline::copy_text;
use crate::i18n::{Message, Text, Value, messages, use_i18n};
use crate::services::lesson_link;
use crate::state::{App, Request, Screen, SetIfChanged, use_app};
use crate::ui::Button;
use crate::{t, text};

/// How long it is told how copying went.
const NOTE_TIME: Duration = Duration::from_secs(3);

/// A step: what to do, what comes of it, and the code that does the same.
#[component]
pub fn StepItem(
    /// The step.
    step: &'static Step,
) -> impl IntoView {
    let i18n = use_i18n();
    let learning: Learning = expect_context();
    let is_done = Memo::new(move |_| learning.progress.done.read().contains(step.name));
    let made = Memo::new(move |_| learning.progress.made.read().get(&step.goal).cloned());
    let call = move || {
        let message = made.get()?;
        Some(match step.goal {
            Goal::Connect | Goal::Account => view! { <ConnectCall message /> }.into_any(),
            _ => view! { <Call message /> }.into_any(),
        })
    };
    view! {
        <li data-testid="step" data-step=step.name data-done=move || is_done.get().to_string()>
            <p>
                {Text::new(step.text, vec![("account", Value::from(MODERATOR))])}
                <span class="unseen">
                    {move || is_done.get().then(|| [" ", &t!(i18n, lesson_done)].concat())}
                </span>
            </p>
            <HelpLink help=step.help />
            <p class="hint">{step.expect}</p>
            {move || call()}
            <CodeBlock step />
        </li>
    }
}

/// What helps with a step.
#[component]
fn HelpLink(
    /// What that is.
    help: Help,
) -> impl IntoView {
    let app = use_app();
    let learning: Learning = expect_context();
    let window = move |kind, screen, test, words: &'static Message| {
        Some(match lesson_link(app, &learning.room(kind)?, screen) {
            Some(href) => view! {
                <a href=href target="_blank" rel="noopener" data-testid=test>
                    {words}
                </a>
            }
            .into_any(),
            None => view! {
                <p class="hint" data-testid="one-window">
                    {&messages::lesson_one_window}
                </p>
            }
            .into_any(),
        })
    };
    move || match help {
        Help::None => None,
        Help::Join(kind) => {
            let room = learning.room(kind)?;
            let open = app.rooms.read();
            if open.iter().any(|open| open.info.read().name == room.name) {
                return None;
            }
            let join = view! {
                <Button
                    test="join-practice"
                    label=text!(lesson_join, room = room.name.as_str())
                    on_click=move |_| app.request.set(Some(Request::Open(room.clone())))
                />
            };
            Some(join.into_any())
        }
        Help::SecondWindow(kind) => {
            let words = &messages::lesson_second_window;
            window(kind, Screen::Join, "second-window", words)
        }
        Help::CreateAccount => {
            let (kind, words) = (RoomKind::History, &messages::lesson_create_account);
            window(kind, Screen::Account, "account-window", words)
        }
    }
}

/// The program that does what a step does, once somebody opens it.
#[component]
fn CodeBlock(
    /// The step.
    step: &'static Step,
) -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    let learning: Learning = expect_context();
    let opened = RwSignal::new(false);
    let told = RwSignal::new(None);
    let code = Memo::new(move |_| {
        let values = values(app, learning);
        if learning.language.read().as_str() == "rust" {
            fill(step.rust, Language::Rust, &values)
        } else {
            fill(step.javascript, Language::JavaScript, &values)
        }
    });
    let is_here = move || matches!(&*app.me.read(), Some(me) if me.service.in_browser);
    let on_copy = move |_| {
        let copied = copy_text(&code.read_untracked());
        spawn_local(async move {
            let copied = copied.await;
            told.try_set(Some(copied.err().unwrap_or(&messages::lesson_code_copied)));
            let forget = move || {
                told.try_set(None);
            };
            set_timeout(forget, NOTE_TIME);
        });
    };
    let shown = move || {
        view! {
            {move || view! { <Code text=code.get() test="code" /> }.into_any()}
            <p class="hint">
                <Button
                    class="link"
                    test="copy-code"
                    label=&messages::lesson_code_copy
                    on_click=on_copy
                />
                " "
                <span role="status">{move || told.get().map(|told| i18n.text(told, &[]))}</span>
                {move || is_here().then(|| t!(i18n, lesson_code_here))}
            </p>
        }
        .into_any()
    };
    view! {
        <details class="bytes" on:toggle=move |_| opened.set_if_changed(true)>
            <summary data-testid="show-code">{&messages::lesson_code}</summary>
            {move || opened.get().then(shown)}
        </details>
    }
}

/// What stands in the places of the programs.
fn values(app: App, learning: Learning) -> Values {
    let path = |kind| learning.room(kind).map(|room| room.name.topic_path());
    let rooms = [RoomKind::Live, RoomKind::History].map(|kind| path(kind).unwrap_or_default());
    match app.me.read().as_ref() {
        Some(me) => {
            // No program gets into a browser.
            let service = Some(&me.service).filter(|service| !service.in_browser);
            let service = service.cloned().unwrap_or_default();
            code::values(&service, &me.credentials.principal, &me.name, rooms)
        }
        None => code::values(&Service::default(), SHARED_ACCOUNT, "", rooms),
    }
}

/// The call that opened the session of a message.
#[component]
fn ConnectCall(
    /// The message.
    message: Arc<ShownMessage>,
) -> impl IntoView {
    let app = use_app();
    let call = app.me.with_untracked(|me| {
        let service = &me.as_ref()?.service;
        Some(connect_call(service, &message.principal))
    });
    view! {
        <div class="call" data-testid="made-call">
            <Code text=call.unwrap_or_default() />
            <p class="hint">{&messages::lesson_connect_hidden}</p>
        </div>
    }
}

/// A call of Diffusion's API, with the bytes that it sent; or what came without one.
#[component]
pub fn Call(
    /// The message.
    message: Arc<ShownMessage>,
) -> impl IntoView {
    let decoded = &message.decoded;
    let text = decoded.call.as_ref().unwrap_or(&decoded.title).clone();
    view! {
        <div class="call" data-testid="made-call">
            <Code text />
            <RawBytes message />
        </div>
    }
}
