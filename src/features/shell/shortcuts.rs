//! Keys that do something wherever one is, and the list of all keys.

use leptos::ev::{self, KeyboardEvent};
use leptos::prelude::*;

use crate::i18n::{Message, messages};
use crate::lazy;
use crate::platform::{focus, keyboard, page};
use crate::state::{App, Dialog, Panel, Screen, use_app};
use crate::ui::Dialog as DialogFrame;

/// What is written on a key.
#[derive(Clone, Copy)]
enum Key {
    /// The same in every language.
    Sign(&'static str),
    /// A name that keyboards have in the reader's language.
    Name(&'static Message),
}

use Key::{Name, Sign};

const CTRL: Key = Name(&messages::keyboard_ctrl);
const ALT: Key = Name(&messages::keyboard_alt);
const ENTER: Key = Name(&messages::keyboard_enter);

/// The shortcuts and what they do. Ctrl is the Command key on a Mac.
static SHORTCUTS: [(&[Key], &Message); 11] = [
    (&[Sign("?")], &messages::shortcut_list),
    (&[CTRL, Sign("K")], &messages::shortcut_switcher),
    (&[CTRL, Sign("F")], &messages::shortcut_search),
    (&[CTRL, Sign(",")], &messages::shortcut_settings),
    (&[ALT, Sign("↑")], &messages::shortcut_previous_room),
    (&[ALT, Sign("↓")], &messages::shortcut_next_room),
    (&[ENTER], &messages::shortcut_send),
    (
        &[Name(&messages::keyboard_shift), ENTER],
        &messages::shortcut_new_line,
    ),
    (&[Sign("↑")], &messages::shortcut_edit_last),
    (&[Name(&messages::keyboard_esc)], &messages::shortcut_close),
    (&[Name(&messages::keyboard_tab)], &messages::shortcut_tab),
];

/// Handles the keys in the chat for as long as the component that calls this is there.
pub fn handle_shortcuts(app: App) {
    let handle = window_event_listener(ev::keydown, move |event| {
        let in_chat =
            *app.screen.read_untracked() == Screen::Chat && app.dialog.read_untracked().is_none();
        if in_chat && !keyboard::is_composing(&event) && press(app, &event) {
            event.prevent_default();
        }
    });
    on_cleanup(move || handle.remove());
}

/// Does what a key is for. False if it is for nothing.
fn press(app: App, event: &KeyboardEvent) -> bool {
    let command = event.ctrl_key() || event.meta_key();
    // Caps Lock makes letters large.
    match event.key().as_str() {
        "?" if !command && !focus::is_writing() => app.dialog.set(Some(Dialog::Keyboard)),
        "," if command => app.open_settings(),
        "f" | "F" if command && !event.shift_key() && app.active.read_untracked().is_some() => {
            app.panel.set(Some(Panel::Search));
            focus::move_to("search");
        }
        "k" | "K" if command => app.dialog.set(Some(Dialog::Switcher)),
        // Also while the focus is still on its way to the list of rooms.
        "Escape" if *app.drawer.read_untracked() => {
            app.drawer.set(false);
            focus::move_to("menu-button");
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
        focus::move_to("composer");
    }
}

lazy! { more, pub fn shortcuts_dialog() => view! { <ShortcutsDialog /> } }

/// The list of all keys, over the chat.
#[component]
fn ShortcutsDialog() -> impl IntoView {
    view! {
        <DialogFrame title=&messages::common_keyboard_shortcuts test="keyboard" focus="shortcuts">
            <Shortcuts />
        </DialogFrame>
    }
}

/// The list of all keys.
#[component]
pub fn Shortcuts() -> impl IntoView {
    let app = use_app();
    let enter_sends = app.enter_key.get_untracked().sends(page::is_touch());
    let rows = SHORTCUTS.iter().map(|&(keys, message)| {
        let keys: &[Key] = match message {
            _ if enter_sends => keys,
            it if *it == messages::shortcut_send => &[CTRL, ENTER],
            it if *it == messages::shortcut_new_line => &[ENTER],
            _ => keys,
        };
        let keys: Vec<_> = keys
            .iter()
            .enumerate()
            .map(|(place, key)| {
                let plus = (place > 0).then_some(" + ");
                let name = match *key {
                    Sign(sign) => sign.into_any(),
                    Name(name) => name.into_render().into_any(),
                };
                view! {
                    {plus}
                    <kbd>{name}</kbd>
                }
                .into_any()
            })
            .collect();
        view! {
            <div>
                <dt>{keys}</dt>
                <dd>{message}</dd>
            </div>
        }
        .into_any()
    });
    view! {
        <dl class="shortcuts" id="shortcuts" data-testid="shortcuts" tabindex="-1">
            {rows.collect::<Vec<_>>()}
        </dl>
    }
}
