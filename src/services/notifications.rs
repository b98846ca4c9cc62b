//! Telling the reader of what must not be missed: by the system's notifications, and by a sound for whoever wants one.

use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AudioContext, Notification, NotificationOptions, NotificationPermission};

use super::notices::{Cause, Notice, Notices};
use super::preferences::For;
use crate::state::attention::{Attention, Level};
use crate::state::{App, OpenRoom, SetIfChanged};
use crate::t;

/// What the reader has chosen.
const ATTENTION: &str = "effusion.attention";

/// How much of a message is shown, in characters.
const EXCERPT: usize = 140;

/// Tells the reader of notices.
pub struct Notifications {
    app: App,
    notices: Rc<Notices>,
}

impl Notifications {
    pub(super) fn new(app: App, notices: Rc<Notices>) -> Self {
        Self { app, notices }
    }

    /// Takes up what the reader chose before, and tells of notices from now on.
    pub fn start(&self) {
        let Some(mut notices) = self.notices.listen() else {
            return;
        };
        let stored: Attention = For::Device.load(ATTENTION).unwrap_or_default();
        self.app.attention.set_if_changed(stored);
        let app = self.app;
        spawn_local(async move {
            while let Some(notice) = notices.next().await {
                show_notification(app, notice);
            }
        });
    }

    /// Asks the system, after the reader has said yes to the page.
    pub fn ask(&self) {
        let app = self.app;
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
    pub fn never_ask(&self) {
        self.app.ask_to_notify.set(false);
        self.change(|attention| attention.never_ask = true);
    }

    /// Changes what the reader is told of, and remembers it.
    pub fn change(&self, change: impl FnOnce(&mut Attention)) {
        self.app.attention.update(change);
        let attention = self.app.attention.read_untracked();
        For::Device.store(ATTENTION, Some(&*attention));
    }
}

/// Whether the system shows notifications of this page; none where it cannot.
pub fn is_allowed() -> Option<bool> {
    permission().map(|it| it == NotificationPermission::Granted)
}

fn show_notification(app: App, notice: Notice) {
    let Notice {
        room,
        cause,
        message,
    } = notice;
    let name = room.info.read_untracked().name.to_string();
    let attention = app.attention.get_untracked();
    let title = match cause {
        Cause::Mention if attention.level(&name) == Level::Nothing => return,
        Cause::Mention => t!(app.i18n, notify_mention, name = &message.name, room = &name),
        Cause::Direct => t!(app.i18n, notify_direct, name = &message.name),
    };
    if attention.do_not_disturb {
        return;
    }
    if attention.sound {
        beep();
    }
    match permission() {
        Some(NotificationPermission::Granted) => show(app, room, &title, &message.text),
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
    // One a room: the latest.
    options.set_tag(&["effusion-", &open.id.to_string()].concat());
    // Some systems know notifications, but do not let pages show them so.
    let Ok(shown) = Notification::new_with_options(title, &options) else {
        return;
    };
    let clicked = Closure::once_into_js({
        let shown = shown.clone();
        move || {
            // Where the system does not allow it, the window stays where it is.
            let _ = window().focus();
            app.show_room(open);
            shown.close();
        }
    });
    shown.set_onclick(Some(clicked.unchecked_ref()));
}

/// Two short tones.
pub fn beep() {
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
    set_timeout(move || drop(close.close()), Duration::from_secs(1));
    Ok(())
}
