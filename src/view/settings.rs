//! Name, account, service, looks and keys, changed without leaving the page.

mod connection;
mod looks;
mod services;

use crate::state::SetIfChanged;
use std::cell::Cell;

use wasm_bindgen::{JsCast, JsValue};
use web_sys::KeyboardEvent;

use super::dialog::dialog;
use super::element::{El, el, value_of};
use super::field::{actions, complain, form, labelled, tick};
use super::icon::button;
use super::keyboard;
use super::messages::{quiet, set_quiet};
use super::room_choice::room_choice;
use crate::browser;
use crate::features::people::NotificationSettings;
use crate::session;
use crate::state::App;
use crate::words::{key, say};
use leptos::prelude::*;

/// A leaf of the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    /// Who, and where.
    #[default]
    Connection,
    /// Services kept for another time.
    Services,
    /// Colours, space, language.
    Looks,
    /// What the reader is told of.
    Attention,
    /// Keys that do something.
    Keys,
}

/// In their order: the name of each for tests, and its title.
const TABS: [(Tab, &str, &str); 5] = [
    (
        Tab::Connection,
        "settings-tab-connection",
        key("Connection"),
    ),
    (Tab::Services, "settings-tab-services", key("Services")),
    (Tab::Looks, "settings-tab-looks", key("Looks")),
    (Tab::Attention, "settings-tab-attention", key("Attention")),
    (Tab::Keys, "settings-tab-keys", key("Keyboard")),
];

thread_local! {
    /// The leaf that is open, also when the page is drawn anew in another language.
    static OPEN: Cell<Tab> = const { Cell::new(Tab::Connection) };
}

/// The settings.
pub fn settings(app: App) -> El {
    let tab = ArcRwSignal::new(OPEN.get());
    let shown = tab.clone();
    let body = el("div")
        .class("settings")
        .child(tabs(&tab))
        .child_of(move || Some(leaf(app, *shown.read())));
    let first = match OPEN.get() {
        Tab::Connection => "name",
        Tab::Looks => "language",
        Tab::Services | Tab::Attention | Tab::Keys => "settings-tab-connection",
    };
    dialog(app, "settings", say("Settings"), first, body).on("close", |_| OPEN.set(Tab::default()))
}

fn tabs(open: &ArcRwSignal<Tab>) -> El {
    let mut list = el("div")
        .class("tabs")
        .attr("role", "tablist")
        .attr("aria-label", say("Settings"));
    for (place, (tab, name, title)) in TABS.into_iter().enumerate() {
        let show = |open: &ArcRwSignal<Tab>, tab| {
            OPEN.set(tab);
            open.set_if_changed(tab);
        };
        let (clicked, moved, read, within) =
            (open.clone(), open.clone(), open.clone(), open.clone());
        list = list.child(
            button("tab", name, move || show(&clicked, tab))
                .attr("id", name)
                .attr("role", "tab")
                .attr("aria-controls", "settings-leaf")
                .attr_of("aria-selected", move || {
                    Some((*read.read() == tab).to_string())
                })
                .attr_of("tabindex", move || {
                    Some((if *within.read() == tab { "0" } else { "-1" }).to_owned())
                })
                .on("keydown", move |event| {
                    let step = match event.unchecked_ref::<KeyboardEvent>().key().as_str() {
                        "ArrowRight" => 1,
                        "ArrowLeft" => TABS.len() - 1,
                        _ => return,
                    };
                    // Where the page is written from the right, so are the tabs.
                    let step = if browser::is_from_right() {
                        TABS.len() - step
                    } else {
                        step
                    };
                    let (tab, name, _) = TABS[(place + step) % TABS.len()];
                    show(&moved, tab);
                    browser::focus_now(name);
                })
                .text(say(title)),
        );
    }
    list
}

fn leaf(app: App, tab: Tab) -> El {
    let (_, name, _) = TABS[tab as usize];
    let leaf = match tab {
        Tab::Connection => connection::connection(app),
        Tab::Services => services::services(app),
        Tab::Looks => looks::looks(app),
        Tab::Attention => el("div")
            .class("leaf")
            .view(view! { <NotificationSettings/> })
            .child(tick(
                "quiet",
                say("Do not read new messages out"),
                || quiet().get(),
                set_quiet,
            )),
        Tab::Keys => keyboard::shortcuts(),
    };
    el("div")
        .attr("id", "settings-leaf")
        .attr("role", "tabpanel")
        .attr("aria-labelledby", name)
        .child(leaf)
}

/// A choice of few.
fn choice(
    id: &'static str,
    label: &str,
    options: impl IntoIterator<Item = (&'static str, &'static str)>,
    value: impl Fn() -> String + 'static,
    mut choose: impl FnMut(String) + 'static,
) -> El {
    let mut select = el("select").id(id);
    for (value, words) in options {
        select = select.child(el("option").attr("value", value).text(words));
    }
    let select = select
        .prop_of("value", move || JsValue::from_str(&value()))
        .on("change", move |event| choose(value_of(&event)));
    labelled(id, label, select)
}

/// Asks for another room.
pub fn another_room(app: App) -> El {
    let submit = move || {
        let read = app.form.read_untracked().room();
        match read {
            Ok(room) => {
                app.dialog.set(None);
                session::open_room(app, room);
            }
            Err(problem) => complain(app, vec![problem]),
        }
    };
    let body = form("room-form", submit)
        .child(room_choice(app))
        .child(actions(app, "room-button", say("Join"), say("Joining…")));
    dialog(app, "another-room", say("Join another room"), "room", body)
}
