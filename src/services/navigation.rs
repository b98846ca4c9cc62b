//! Where this window is, and what this device remembers of it: settings for the next visit, the rooms for a reload, addresses
//! of rooms and messages. A password stays only if its owner wants it to, and never gets into an address.

use std::time::Duration;

use leptos::prelude::*;

use super::appearance;
use super::outbox::account;
use super::preferences::{For, Newest, read_pairs};
use crate::features::join::form::{Field, Form, KeptPassword, Room, SignIn};
use crate::features::join::guest::guest_name;
use crate::features::join::service::{SHARED_ACCOUNT, Service};
use crate::features::join::{place, query};
use crate::i18n::I18n;
use crate::platform::{page, storage};
use crate::state::{App, PageState, Request, Screen, SetIfChanged};
use effusion_chat::{MessageId, RoomKind, RoomName, Target};

/// Settings of the last visit.
const SETTINGS: &str = "effusion.settings";
/// A password that its owner asked to keep, with its account and service.
const CREDENTIALS: &str = "effusion.credentials";
/// This window's settings.
const WINDOW: &str = "effusion.window";
/// This window's rooms.
pub(super) const ROOMS: &str = "effusion.rooms";
/// The rooms of each account, for so many accounts.
const ACCOUNT_ROOMS: Newest = Newest("effusion.account-rooms", 50);
/// How many rooms are remembered of each account.
const MAX_ROOMS: usize = 100;
/// Where a page's host says which service to use, in the form of an address's query. Whoever builds a page for one service can
/// say so by the variable `EFFUSION_SERVICE`, as `cargo xtask serve` does.
const META: &str = "effusion-service";
/// What the sandbox puts into a page that it serves: the service is where the page came from.
const ORIGIN: &str = "effusion-origin";
/// What follows `#` while an account is being made.
const ACCOUNT: &str = "#account";

/// The page as this device and this window remember it, on its way back into its rooms if it was in some.
pub fn start(i18n: I18n) -> PageState {
    if let Some(clean) = place::without_secrets(&page::query()) {
        page::set_query(&clean);
    }
    let address = query::parse(&page::query());
    let mut form = Form::default();
    let chosen = page::meta(META).or_else(|| option_env!("EFFUSION_SERVICE").map(str::to_owned));
    if page::meta(ORIGIN).is_some() {
        form.set_service(&page_origin());
    } else if chosen.is_none() {
        // There may be no service at all behind the page.
        form.set_in_browser(true);
    }
    form.apply(&query::parse(&chosen.unwrap_or_default()));
    form.apply(&For::Device.load_pairs(SETTINGS));
    form.apply(&For::Device.load_pairs(appearance::DEFAULT_SERVICE));
    let window = For::Window.load_pairs(WINDOW);
    form.apply(&window);
    // With the account that another window has stored for the device, the shared one's password went.
    if !window.is_empty() && form.text(Field::Account) == SHARED_ACCOUNT && form.may_share() {
        form.share();
    }
    let guest = guest_name(js_sys::Math::random());
    if form.text(Field::Name).is_empty() {
        form.set(Field::Name, guest.clone());
    }
    let before = form.clone();
    form.apply(&address);
    if form.text(Field::Name).is_empty() {
        // A second window of the lessons is somebody else than the device's reader, and stays that.
        let name: &str = if window.is_empty() {
            &guest
        } else {
            before.text(Field::Name)
        };
        form.set(Field::Name, name.to_owned());
    }
    let linked = read_address(&page::hash());
    if let Some((room, _)) = &linked {
        form.set_room(room);
    }
    if let Some(kept) = kept_password() {
        form.recall(&kept);
    }
    if let Some(held) = page::take_held() {
        let held = read_pairs(&held).unwrap_or_default();
        if let Some(held) = KeptPassword::parse(&held, &[]) {
            form.recall_held(&held);
        }
    }

    let state = PageState::new(form.clone(), guest, i18n);
    storage::on_refused(move || state.not_stored.set_if_changed(true));
    let names_room = address
        .iter()
        .any(|(name, room)| name == "room" && !room.trim().is_empty());
    // A window that was in a room has that in its address by itself.
    let is_invited = names_room || linked.is_some();
    state.invited.set(is_invited && window.is_empty());
    appearance::recall(state);
    follow_hash(state);
    follow_updates(state);
    if For::Window.load_text(WINDOW).is_some() && form.is_for_same_as(&before) {
        state.request.set(Some(Request::Return));
    }
    state
}

/// The service that has served the page: behind a proxy both can lie under a path.
fn page_origin() -> Service {
    let location = window().location();
    let secure = page::is_secure();
    let port = location.port().unwrap_or_default().parse();
    let host = location.hostname().unwrap_or_default();
    Service {
        host: host.trim_matches(['[', ']']).to_owned(),
        port: port.unwrap_or(if secure { 443 } else { 80 }),
        secure,
        ..Service::default()
    }
    .beside(&location.pathname().unwrap_or_default())
}

/// Keeps what led to a session.
pub(super) fn remember_sign_in(app: App, sign_in: &SignIn) {
    let mut form = app.form.get_untracked();
    For::Window.store(WINDOW, Some(&form.to_pairs()));
    if sign_in.name == *app.guest.read_untracked() {
        // A name that nobody chose is this window's alone: the device keeps the one that somebody did.
        let mut settings = For::Device.load_pairs(SETTINGS).into_iter();
        let chosen = settings.find(|(setting, _)| setting == "name");
        form.set(Field::Name, chosen.unwrap_or_default().1);
    }
    For::Device.store(SETTINGS, Some(&form.to_pairs()));
    let password = KeptPassword::of(sign_in);
    let pairs = password.to_pairs();
    if form.remember {
        For::Device.store(CREDENTIALS, Some(&pairs));
    } else if kept_password().is_some_and(|kept| kept.is_of_account_of(&password)) {
        storage::store(CREDENTIALS, None);
    }
    // Another window may store another account's. Of the sandbox's public password, a reload needs nothing.
    let held = serde_json::to_string(&pairs).ok();
    page::hold(held.as_deref().filter(|_| !form.is_shared()));
}

/// The rooms that an account was in when it was last here, in any window.
pub(super) fn rooms_of(sign_in: &SignIn) -> Vec<Room> {
    let rooms = ACCOUNT_ROOMS.get(&account_key(sign_in)).unwrap_or_default();
    place::rooms(query::parse(&rooms))
}

/// Notes that an account has come into rooms, and has left others. Its other windows may be in more.
pub(super) fn note_rooms(sign_in: &SignIn, before: &[Room], now: &[Room]) {
    let mut rooms = rooms_of(sign_in);
    let is_in = |rooms: &[Room], room: &Room| rooms.iter().any(|it| it.name == room.name);
    rooms.retain(|room| is_in(now, room) || !is_in(before, room));
    for room in now {
        if !is_in(before, room) && !is_in(&rooms, room) {
            rooms.push(room.clone());
        }
    }
    rooms.truncate(MAX_ROOMS);
    let stored = (!rooms.is_empty()).then(|| query::format(place::pairs(&rooms)));
    ACCOUNT_ROOMS.set(account_key(sign_in), stored);
}

/// Forgets in which rooms accounts of a service were.
pub(super) fn forget_rooms_of(service: &str) {
    ACCOUNT_ROOMS.remove(&[service, " "].concat());
}

/// Names an account of a service. Those who share one are told apart by their names.
pub(super) fn account_key(sign_in: &SignIn) -> String {
    [&account(sign_in), " ", name_if_shared(sign_in)].concat()
}

/// The name of who signs in with the account that everybody shares; nothing for all others, whose account is enough.
pub(super) fn name_if_shared(sign_in: &SignIn) -> &str {
    let is_shared =
        sign_in.credentials.principal == SHARED_ACCOUNT && sign_in.service.is_loopback();
    if is_shared { &sign_in.name } else { "" }
}

/// Forgets where the window was.
pub(super) fn forget_place() {
    page::hold(None);
    For::Window.store_text(WINDOW, None);
    For::Window.store_text(ROOMS, None);
}

/// The password that its owner asked to keep.
fn kept_password() -> Option<KeptPassword> {
    let kept = For::Device.load_pairs(CREDENTIALS);
    KeptPassword::parse(&kept, &For::Device.load_pairs(SETTINGS))
}

/// Who was where in this window before it was loaded again, unless its address now leads to another room or something is missing.
pub(super) fn where_it_was(form: &Form) -> Option<(SignIn, Vec<Room>)> {
    let mut rooms = place::rooms(For::Window.load_pairs(ROOMS));
    let shown = form.room().ok()?;
    if !rooms.contains(&shown) {
        // An address that leads to a message is more than one that was left there.
        read_address(&page::hash())?;
        rooms.push(shown);
    }
    Some((form.sign_in().ok()?, rooms))
}

/// The account page has a place in the browser's history, so that one can go back from it.
fn follow_hash(state: PageState) {
    let look = move || {
        let wanted = page::hash() == ACCOUNT;
        let screen = state.screen.get_untracked();
        match screen {
            Screen::Join if wanted => state.go(Screen::Account),
            Screen::Account if !wanted => state.go(Screen::Join),
            _ => {}
        }
    };
    look();
    window_event_listener_untyped("hashchange", move |_| look());
}

/// `assets/start.js` tells when the host has another version of the page.
fn follow_updates(state: PageState) {
    window_event_listener_untyped("effusion-update", move |_| {
        if cfg!(debug_assertions) {
            // Who works on the page wants to see the change.
            page::reload();
        } else {
            state.outdated.set_if_changed(true);
        }
    });
    if cfg!(debug_assertions) {
        // trunk's own way to reload puts a script into the HTML, which the page's policy forbids: `assets/start.js` looks.
        set_interval(|| page::dispatch("effusion-check"), Duration::from_secs(1));
    }
}

/// Where an address leads, if it leads anywhere.
pub(super) fn read_address(hash: &str) -> Option<(Room, Option<Target>)> {
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
