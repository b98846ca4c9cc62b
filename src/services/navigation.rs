//! Where this window is, and what this device remembers of it: settings for the next visit, the rooms for a reload, addresses
//! of rooms and messages. A password stays only if its owner wants it to, and never gets into an address.

use std::time::Duration;

use gloo_events::EventListener;
use leptos::prelude::*;
use send_wrapper::SendWrapper;

use super::appearance;
use super::preferences::For;
use crate::features::join::form::{Field, Form, KeptPassword, Room, SignIn};
use crate::features::join::guest::guest_name;
use crate::features::join::{place, query};
use crate::i18n::I18n;
use crate::platform::{page, storage};
use crate::state::{App, OpenRoom, Request, Screen, SetIfChanged};
use effusion_chat::{MessageId, RoomKind, RoomName, Target};

/// Settings of the last visit.
const SETTINGS: &str = "effusion.settings";
/// A password that its owner asked to keep, with its account and service.
const CREDENTIALS: &str = "effusion.credentials";
/// This window's settings.
const WINDOW: &str = "effusion.window";
/// This window's rooms.
const ROOMS: &str = "effusion.rooms";
/// Where a page's host says which service to use, in the form of an address's query.
const META: &str = "effusion-service";
/// What follows `#` while an account is being made.
const ACCOUNT: &str = "#account";

/// The page as this device and this window remember it, on its way back into its rooms if it was in some.
pub fn start(i18n: I18n) -> App {
    if let Some(clean) = place::without_secrets(&page::query()) {
        page::set_query(&clean);
    }
    let address = query::parse(&page::query());
    let mut form = Form::default();
    form.apply(&query::parse(&page::meta(META).unwrap_or_default()));
    form.apply(&For::Device.load_pairs(SETTINGS));
    let services = appearance::saved_services();
    if let Some(saved) = services.default_service() {
        form.choose(saved);
    }
    form.apply(&For::Window.load_pairs(WINDOW));
    let guest = guest_name(js_sys::Math::random());
    if form.text(Field::Name).is_empty() {
        form.set(Field::Name, guest.clone());
    }
    let before = form.clone();
    form.apply(&address);
    let jump = fill_in(&mut form);
    recall_credentials(&mut form);

    let app = App::new(form.clone(), guest, i18n);
    app.jump.set(jump);
    appearance::recall(app);
    app.services.set(services);
    follow_hash(app);
    follow_updates(app);
    Effect::new(move |_| remember_place(app));
    Effect::new(move |_| show_unread(app));
    let visibility = EventListener::new(&document(), "visibilitychange", move |_| app.look());
    let visibility = SendWrapper::new(visibility);
    on_cleanup(move || drop(visibility));
    if let Some((sign_in, rooms)) = where_it_was(&before, &form) {
        app.request.set(Some(Request::Enter {
            sign_in,
            rooms,
            announce: false,
        }));
    }
    app
}

/// Keeps what led to a session.
pub(super) fn remember_sign_in(app: App, sign_in: &SignIn) {
    let mut form = app.form.get_untracked();
    For::Window.store(WINDOW, Some(&form.to_pairs()));
    if sign_in.name == app.guest.get_value() {
        // A name that nobody chose is this window's alone.
        form.set(Field::Name, String::new());
    }
    For::Device.store(SETTINGS, Some(&form.to_pairs()));
    let kept = form.remember.then(|| KeptPassword::of(sign_in));
    let pairs = kept.as_ref().map(KeptPassword::to_pairs);
    For::Device.store(CREDENTIALS, pairs.as_ref());
}

/// Forgets where the window was.
pub(super) fn forget_place() {
    storage::store_for_window(WINDOW, None);
    storage::store_for_window(ROOMS, None);
}

/// Fills in the password that was kept.
fn recall_credentials(form: &mut Form) {
    let kept = For::Device.load_pairs(CREDENTIALS);
    let settings = For::Device.load_pairs(SETTINGS);
    if let Some(kept) = KeptPassword::parse(&kept, &settings) {
        form.recall(&kept);
    }
}

/// The rooms that the window was in before a reload, unless its address now says something else or a password is missing.
fn where_it_was(before: &Form, now: &Form) -> Option<(SignIn, Vec<Room>)> {
    storage::load_for_window(WINDOW)?;
    let mut rooms = place::rooms(For::Window.load_pairs(ROOMS));
    let fields = [Field::Name, Field::Account, Field::Host, Field::Port];
    if before.secure != now.secure
        || fields
            .iter()
            .any(|field| before.text(*field) != now.text(*field))
    {
        return None;
    }
    let shown = now.room().ok()?;
    if !rooms.contains(&shown) {
        // An address that leads to a message is more than one that was left there.
        read_address(&page::hash())?;
        rooms.push(shown);
    }
    Some((now.sign_in().ok()?, rooms))
}

/// Keeps the window's rooms, and puts the one that is shown into the address, as an invitation for others.
fn remember_place(app: App) {
    let me = app.me.read();
    let Some(me) = me.as_ref() else { return };
    let active = *app.active.read();
    let open = app.rooms.read();
    let rooms: Vec<Room> = open.iter().map(|open| open.room.get()).collect();
    For::Window.store(ROOMS, Some(&place::pairs(&rooms)));
    let shown = open.iter().position(|open| Some(open.id) == active);
    if let Some(room) = rooms.get(shown.unwrap_or_default()) {
        page::set_query(&place::invitation(&me.service, room));
    }
}

fn show_unread(app: App) {
    let (rooms, direct) = (app.rooms.read(), app.direct.read());
    let rooms = rooms.iter().chain(direct.iter());
    let unread: usize = rooms.map(|room| app.counted(room.clone())).sum();
    let title = if unread > 0 {
        ["(", &unread.to_string(), ") Effusion"].concat()
    } else {
        "Effusion".to_owned()
    };
    document().set_title(&title);
}

/// The account page has a place in the browser's history, so that one can go back from it.
fn follow_hash(app: App) {
    let look = move || {
        let wanted = page::hash() == ACCOUNT;
        let screen = app.screen.get_untracked();
        match screen {
            Screen::Join if wanted => app.go(Screen::Account),
            Screen::Account if !wanted => app.go(Screen::Join),
            _ => follow_address(app),
        }
    };
    look();
    window_event_listener_untyped("hashchange", move |_| look());
}

/// `assets/start.js` tells when the host has another version of the page.
fn follow_updates(app: App) {
    window_event_listener_untyped("effusion-update", move |_| {
        if cfg!(debug_assertions) {
            // Who works on the page wants to see the change. A page that is shown can be loaded again.
            let _ = window().location().reload();
        } else {
            app.outdated.set_if_changed(true);
        }
    });
    if cfg!(debug_assertions) {
        // trunk's own way to reload puts a script into the HTML, which the page's policy forbids.
        set_interval(ask_for_update, Duration::from_secs(1));
    }
}

/// Has `assets/start.js` look whether the host has another version of the page.
fn ask_for_update() {
    // An event of a fixed name can be made, and dispatched.
    let _ = web_sys::Event::new("effusion-check").map(|event| window().dispatch_event(&event));
}

/// Where an address leads, if it leads anywhere.
fn read_address(hash: &str) -> Option<(Room, Option<Target>)> {
    let pairs = query::parse(hash.strip_prefix('#')?);
    let part = |name: &str| {
        let found = pairs.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let target = part("message").and_then(|text| {
        // An id is sixteen digits; no series gets that far.
        let id = MessageId::parse(text).map(Target::Id);
        id.or_else(|| text.parse().ok().map(Target::Sequence))
    });
    let kind = part("kind").and_then(RoomKind::from_word);
    let room = Room {
        name: RoomName::parse(part("room")?).ok()?,
        kind: kind.unwrap_or(match target {
            Some(Target::Id(_)) => RoomKind::Live,
            _ => RoomKind::History,
        }),
    };
    Some((room, target))
}

/// Fills in what the page's address leads to.
fn fill_in(form: &mut Form) -> Option<(RoomName, Target)> {
    let (room, target) = read_address(&page::hash())?;
    form.set(Field::Room, room.name.to_string());
    form.kind = room.kind;
    Some((room.name, target?))
}

/// Goes where the page's address leads now.
fn follow_address(app: App) {
    if app.screen.get_untracked() != Screen::Chat {
        return;
    }
    if let Some((room, target)) = read_address(&page::hash()) {
        app.jump
            .set(target.map(|target| (room.name.clone(), target)));
        app.request.set(Some(Request::Open(room)));
    }
}

/// The address of a room, or of a message in it.
#[must_use]
pub fn link_to(app: App, open: &OpenRoom, target: Option<Target>) -> Option<String> {
    let me = app.me.read_untracked();
    let room = open.room.read_untracked();
    let message = match target {
        Some(Target::Sequence(sequence)) => sequence.to_string(),
        Some(Target::Id(id)) => id.to_string(),
        None => String::new(),
    };
    let pairs = [
        ("room", room.name.as_str()),
        ("kind", room.kind.word()),
        ("message", &message),
    ];
    let hash = query::format(pairs.into_iter().filter(|(_, value)| !value.is_empty()));
    let query = place::invitation(&me.as_ref()?.service, &room);
    Some([&page::address(), "?", &query, "#", &hash].concat())
}

/// Puts the address of a room, or of a message in it, into the clipboard.
pub fn copy_link(app: App, open: &OpenRoom, target: Option<Target>) {
    if let Some(link) = link_to(app, open, target) {
        // Where the browser forbids it, the clipboard stays as it is.
        drop(window().navigator().clipboard().write_text(&link));
    }
}
