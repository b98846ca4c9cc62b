//! Telling the reader of what must not be missed: by the system's notifications, and by a sound for whoever wants one.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AudioContext, Notification, NotificationOptions, NotificationPermission};

use super::notices::{Cause, Notice, Notices};
use super::preferences::For;
use crate::features::timeline::prose::excerpt;
use crate::state::attention::{Attention, Level};
use crate::state::{App, OpenRoom, SetIfChanged};
use crate::t;

/// What the reader has chosen.
const ATTENTION: &str = "effusion.attention";

/// How much of a message is shown, in characters as readers count them.
const EXCERPT: usize = 140;

/// How many notifications stay on the screen: whoever is named ever so often is not to be buried.
const MAX_SHOWN: usize = 20;

/// Tells the reader of notices.
pub struct Notifications {
    app: App,
    notices: Rc<Notices>,
    shown: RefCell<Vec<Shown>>,
}

/// A notification on the screen.
struct Shown {
    room: OpenRoom,
    /// The rank of the message in the room.
    rank: Option<u64>,
    title: String,
    text: String,
    tag: String,
    notification: Notification,
}

impl Notifications {
    pub(super) fn new(app: App, notices: &Rc<Notices>) -> Self {
        Self {
            app,
            notices: Rc::clone(notices),
            shown: RefCell::default(),
        }
    }

    /// Takes up what the reader chose before, and tells of notices from now on.
    pub fn start(self: &Rc<Self>) {
        let Some(mut notices) = self.notices.listen() else {
            return;
        };
        let stored: Attention = For::Device.load(ATTENTION).unwrap_or_default();
        self.app.attention.set_if_changed(stored);
        let this = Rc::clone(self);
        spawn_local(async move {
            while let Some(notice) = notices.next().await {
                this.tell(notice);
            }
        });
    }

    /// Takes away the notifications of what has been read since.
    pub(super) fn close_read(&self) {
        self.shown.borrow_mut().retain(|shown| {
            let is_read = shown.rank <= shown.room.read();
            if is_read {
                shown.notification.close();
            }
            !is_read
        });
    }

    /// Has notifications say what their messages say now, and takes away those of messages that were deleted.
    pub(super) fn follow_edits(&self) {
        self.shown.borrow_mut().retain_mut(|shown| {
            let now = shown.room.look(|timeline| {
                let place = timeline.place_of_rank(shown.rank?);
                let entry = timeline.row_at(place)?.entry;
                (Some(entry.rank) == shown.rank).then_some(entry.message)
            });
            let Some(message) = now else { return true };
            let text = excerpt(&message.text, EXCERPT);
            if message.deleted {
                shown.notification.close();
            } else if text != shown.text {
                // One of the same name takes its place, and does not alert again.
                if let Ok(notification) = notification(&shown.title, &text, &shown.tag) {
                    notification.set_onclick(shown.notification.onclick().as_ref());
                    shown.notification = notification;
                }
                shown.text = text;
            }
            !message.deleted
        });
    }

    fn tell(&self, notice: Notice) {
        let app = self.app;
        let (room, message) = (&notice.room, &notice.message);
        let name = room.info.read_untracked().name.to_string();
        let attention = app.attention.get_untracked();
        let author = room.look(|timeline| {
            let entry = timeline.row_at(timeline.place_of_rank(notice.rank?))?.entry;
            (Some(entry.rank) == notice.rank)
                .then(|| timeline.label(&entry.message.name, &entry.author))
        });
        let author = author.unwrap_or_else(|| message.name.clone());
        let title = match notice.cause {
            Cause::Mention if attention.level(&name) == Level::Nothing => return,
            Cause::Mention => t!(app.i18n, notify_mention, name = &author, room = &name),
            Cause::Direct => t!(app.i18n, notify_direct, name = &author),
        };
        if attention.do_not_disturb {
            return;
        }
        if attention.sound {
            beep();
        }
        match permission() {
            Some(NotificationPermission::Granted) => self.show(notice, &title),
            // Now there is something that would have been shown: this is the moment to ask.
            Some(NotificationPermission::Default) if !attention.never_ask => {
                app.ask_to_notify.set_if_changed(true)
            }
            _ => {}
        }
    }

    fn show(&self, notice: Notice, title: &str) {
        let text = excerpt(&notice.message.text, EXCERPT);
        let tag = self.tag(&notice);
        // Some systems know notifications, but do not let pages show them so.
        let Ok(shown) = notification(title, &text, &tag) else {
            return;
        };
        let (app, open) = (self.app, notice.room.clone());
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
        let mut all = self.shown.borrow_mut();
        if all.len() >= MAX_SHOWN {
            all.remove(0).notification.close();
        }
        all.push(Shown {
            room: notice.room,
            rank: notice.rank,
            title: title.to_owned(),
            text,
            tag,
            notification: shown,
        });
    }

    /// Names a message for all windows of the browser.
    fn tag(&self, notice: &Notice) -> String {
        let me = self.app.me.read_untracked();
        let service = me.as_ref().map(|me| me.service.address());
        let name = match notice.message.id {
            Some(id) => id.to_string(),
            None => notice.rank.unwrap_or_default().to_string(),
        };
        let room = notice.room.info.read_untracked().name.to_string();
        ["effusion", &service.unwrap_or_default(), &room, &name].join(" ")
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

/// A notification on the screen. Several windows show a message once, and each message alerts anew.
fn notification(title: &str, text: &str, tag: &str) -> Result<Notification, JsValue> {
    let options = NotificationOptions::new();
    options.set_body(text);
    options.set_tag(tag);
    Notification::new_with_options(title, &options)
}

/// Whether the system shows notifications of this page; none where it cannot.
pub fn is_allowed() -> Option<bool> {
    permission().map(|it| it == NotificationPermission::Granted)
}

/// What the system allows; none where it has no notifications.
fn permission() -> Option<NotificationPermission> {
    let known = js_sys::Reflect::has(&js_sys::global(), &"Notification".into());
    known.unwrap_or(false).then(Notification::permission)
}

/// Two short tones.
pub fn beep() {
    // Where there is no sound, there is none.
    let _ = play();
}

fn play() -> Result<(), JsValue> {
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
