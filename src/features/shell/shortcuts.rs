//! Keys that do something wherever one is, and the list of all keys.

use leptos::ev::{self, KeyboardEvent};
use leptos::prelude::*;

use crate::i18n::{Message, messages, use_i18n};
use crate::state::{App, Dialog, Panel, Screen, use_app};
use crate::ui::Dialog as DialogFrame;
use crate::{browser, lazy, session, t};

/// Every key: what to press, and what it does. `Ctrl` is the Command key on a Mac.
const SHORTCUTS: [(&[&str], &Message); 11] = [
    (&["?"], &messages::shortcut_list),
    (&["Ctrl", "K"], &messages::shortcut_switcher),
    (&["Ctrl", "F"], &messages::shortcut_search),
    (&["Ctrl", ","], &messages::shortcut_settings),
    (&["Alt", "↑"], &messages::shortcut_previous_room),
    (&["Alt", "↓"], &messages::shortcut_next_room),
    (&["Enter"], &messages::shortcut_send),
    (&["Shift", "Enter"], &messages::shortcut_new_line),
    (&["↑"], &messages::shortcut_edit_last),
    (&["Esc"], &messages::shortcut_close),
    (&["Tab"], &messages::shortcut_tab),
];

/// Handles the keys for as long as the component that calls this is there.
pub fn handle_shortcuts(app: App) {
    let handle = window_event_listener(ev::keydown, move |event| {
        let in_chat =
            *app.screen.read_untracked() == Screen::Chat && app.dialog.read_untracked().is_none();
        if in_chat && !event.is_composing() && press(app, &event) {
            event.prevent_default();
        }
    });
    on_cleanup(move || handle.remove());
}

/// Does what a key is for. False if it is for nothing.
fn press(app: App, event: &KeyboardEvent) -> bool {
    let command = event.ctrl_key() || event.meta_key();
    match event.key().as_str() {
        "?" if !command && !browser::is_writing() => app.dialog.set(Some(Dialog::Keyboard)),
        "," if command => session::open_settings(app),
        "f" if command && !event.shift_key() && app.active.read_untracked().is_some() => {
            app.panel.set(Some(Panel::Search));
            browser::focus("search");
        }
        "k" | "K" if command => app.dialog.set(Some(Dialog::Switcher)),
        // Also while the focus is still on its way to the list of rooms.
        "Escape" if *app.drawer.read_untracked() => {
            app.drawer.set(false);
            browser::focus("menu-button");
        }
        "ArrowUp" if event.alt_key() && !command => step(app, -1),
        "ArrowDown" if event.alt_key() && !command => step(app, 1),
        _ => return false,
    }
    true
}

/// Shows the room that stands before or after the one that is shown.
fn step(app: App, by: isize) {
    let next = {
        let rooms = app.rooms.read_untracked();
        let active = *app.active.read_untracked();
        let count = rooms.len() as isize;
        let place = rooms.iter().position(|room| Some(room.id) == active);
        // No room is before the first one, and after the last.
        let from = place.map_or(if by < 0 { 0 } else { -1 }, |place| place as isize);
        let to = (count > 0).then(|| (from + by).rem_euclid(count) as usize);
        to.and_then(|to| rooms.get(to).cloned())
    };
    if let Some(room) = next {
        app.show_room(room);
        browser::focus("composer");
    }
}

lazy! { more, /// [`ShortcutsDialog`], fetched when it is first needed.
pub fn shortcuts_dialog() => view! { <ShortcutsDialog/> } }

/// The list of all keys, over the chat.
#[component]
pub fn ShortcutsDialog() -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    view! {
        <DialogFrame
            title=move || t!(i18n, common_keyboard_shortcuts)
            test="keyboard"
            focus="shortcuts"
            on_close=move |()| app.dialog.set(None)
        >
            <Shortcuts/>
        </DialogFrame>
    }
}

/// The list of all keys.
#[component]
pub fn Shortcuts() -> impl IntoView {
    let i18n = use_i18n();
    let rows = SHORTCUTS.map(|(keys, message)| {
        let keys: Vec<_> = keys
            .iter()
            .enumerate()
            .map(|(place, key)| {
                let plus = (place > 0).then_some(" + ");
                view! {
                    {plus}
                    <kbd>{*key}</kbd>
                }
                .into_any()
            })
            .collect();
        view! {
            <div>
                <dt>{keys}</dt>
                <dd>{move || i18n.text(message, &[])}</dd>
            </div>
        }
        .into_any()
    });
    view! {
        <dl class="shortcuts" id="shortcuts" data-testid="shortcuts" tabindex="-1">
            {rows.into_iter().collect::<Vec<_>>()}
        </dl>
    }
}
