//! Telling the reader of what must not be missed: by the system's notifications, and by a sound for who wants one.

use crate::state::SetIfChanged;
use leptos::prelude::*;
use std::cell::Cell;

use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AudioContext, Notification, NotificationOptions, NotificationPermission, window};

use crate::browser;
use crate::model::attention::{Attention, Level};
use crate::state::{App, OpenRoom};
use crate::t;
use effusion_chat::ChatMessage;

/// What the reader has chosen.
const ATTENTION: &str = "effusion.attention";

/// How much of a message is shown, in characters.
const EXCERPT: usize = 140;

thread_local! {
    static NUMBER: Cell<u32> = const { Cell::new(0) };
}

/// Somebody has named the reader in a room.
pub(crate) fn mention(app: App, open: OpenRoom, message: ChatMessage) {
    let room = open.room.read_untracked().name.to_string();
    if app.attention.read_untracked().level(&room) == Level::Nothing {
        return;
    }
    let title = t!(app.i18n, notify_mention, name = &message.name, room = &room);
    tell(app, open, &title, &message.text);
}

/// Somebody has written to the reader alone.
pub(super) fn direct(app: App, open: OpenRoom, message: &ChatMessage) {
    let title = t!(app.i18n, notify_direct, name = &message.name);
    tell(app, open, &title, &message.text);
}

fn tell(app: App, open: OpenRoom, title: &str, text: &str) {
    let attention = app.attention.read_untracked().clone();
    if attention.do_not_disturb {
        return;
    }
    if attention.sound {
        beep();
    }
    match permission() {
        Some(NotificationPermission::Granted) => show(app, open, title, text),
        // Now there is something that would have been shown: this is the moment to ask.
        Some(NotificationPermission::Default) if !attention.never_ask => {
            app.ask_to_notify.set_if_changed(true)
        }
        _ => {}
    }
}

/// What the system allows; none where it has no notifications.
fn permission() -> Option<NotificationPermission> {
    let known = js_sys::Reflect::has(&js_sys::global(), &"Notification".into());
    known.unwrap_or(false).then(Notification::permission)
}

fn show(app: App, open: OpenRoom, title: &str, text: &str) {
    let options = NotificationOptions::new();
    let text: String = text.chars().take(EXCERPT).collect();
    options.set_body(&text);
    let number = NUMBER.get().wrapping_add(1);
    NUMBER.set(number);
    // One a room: the latest.
    options.set_tag(&["effusion-", &open.id.to_string()].concat());
    // Some systems know notifications, but do not let pages show them so.
    let Ok(shown) = Notification::new_with_options(title, &options) else {
        return;
    };
    let clicked = Closure::<dyn FnMut()>::new({
        let shown = shown.clone();
        move || {
            if let Some(window) = window() {
                let _ = window.focus();
            }
            app.show_room(open);
            shown.close();
        }
    });
    shown.set_onclick(Some(clicked.into_js_value().unchecked_ref()));
}

/// Asks the system, after the reader has said yes to the page.
pub(crate) fn ask(app: App) {
    app.ask_to_notify.set(false);
    let Ok(asked) = Notification::request_permission() else {
        return;
    };
    spawn_local(async move {
        // A no is no fault.
        let _ = JsFuture::from(asked).await;
        app.attention.update(|_| {});
    });
}

/// The reader does not want to be asked again.
pub(crate) fn never_ask(app: App) {
    app.ask_to_notify.set(false);
    change(app, |attention| attention.never_ask = true);
}

/// Whether the system shows notifications of this page; none where it cannot.
pub(crate) fn is_allowed() -> Option<bool> {
    permission().map(|it| it == NotificationPermission::Granted)
}

/// Changes what the reader is told of, and remembers it.
pub(crate) fn change(app: App, change: impl FnOnce(&mut Attention)) {
    app.attention.update(change);
    browser::remember(ATTENTION, Some(&app.attention.read_untracked().format()));
}

/// What the reader chose before.
pub(crate) fn recall(app: App) {
    let stored = browser::recall(ATTENTION).unwrap_or_default();
    app.attention.set_if_changed(Attention::parse(&stored));
}

/// Two short tones.
pub(crate) fn beep() {
    // Where there is no sound, there is none.
    let _ = play();
}

fn play() -> Result<(), wasm_bindgen::JsValue> {
    let audio = AudioContext::new()?;
    let now = audio.current_time();
    for (start, pitch) in [(0.0, 660.0), (0.12, 880.0)] {
        let tone = audio.create_oscillator()?;
        let volume = audio.create_gain()?;
        tone.frequency().set_value(pitch);
        volume.gain().set_value_at_time(0.08, now + start)?;
        volume
            .gain()
            .exponential_ramp_to_value_at_time(0.0001, now + start + 0.16)?;
        tone.connect_with_audio_node(&volume)?;
        volume.connect_with_audio_node(&audio.destination())?;
        tone.start_with_when(now + start)?;
        tone.stop_with_when(now + start + 0.17)?;
    }
    let close = audio.clone();
    leptos::prelude::set_timeout(
        move || drop(close.close()),
        std::time::Duration::from_secs(1),
    );
    Ok(())
}
