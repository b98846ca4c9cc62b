//! What stays on the device: settings for the next visit, and where this window is for a reload. A password stays only if
//! its owner wants it to, and never gets into an address.

use crate::state::SetIfChanged;
use leptos::prelude::*;
use std::time::Duration;

use wasm_bindgen::prelude::*;

use super::{drafts, link, looks, offline, permalink};
use crate::browser;
use crate::features::join::guest::guest_name;
use crate::i18n::I18n;
use crate::live::follow;
use crate::model::form::{Credentials, Field, Form, Room, SignIn};
use crate::model::{place, query};
use crate::state::{App, Dialog, Screen};

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
    if let Some(clean) = place::without_secrets(&browser::query()) {
        browser::set_query(&clean);
    }
    let address = query::parse(&browser::query());
    let mut form = Form::default();
    let recall = |form: &mut Form, stored: Option<String>| {
        form.apply(&query::parse(&stored.unwrap_or_default()));
    };
    recall(&mut form, browser::meta(META));
    recall(&mut form, browser::recall(SETTINGS));
    let services = looks::saved_services();
    if let Some(saved) = services.default_service() {
        form.choose(saved);
    }
    recall(&mut form, browser::recall_here(WINDOW));
    let guest = guest_name(browser::random());
    if form.text(Field::Name).is_empty() {
        form.set(Field::Name, guest.clone());
    }
    let before = form.clone();
    form.apply(&address);
    let jump = permalink::fill_in(&mut form);
    recall_credentials(&mut form);

    let app = App::new(form.clone(), guest, i18n);
    app.jump.set(jump);
    looks::recall(app);
    app.services.set(services);
    follow_hash(app);
    // `assets/start.js` tells.
    let outdated = Closure::<dyn FnMut()>::new(move || {
        if cfg!(debug_assertions) {
            // Who works on the page wants to see the change. A page that is shown can be loaded again.
            let _ = window().location().reload();
        } else {
            app.outdated.set_if_changed(true);
        }
    })
    .into_js_value();
    // Listening fails only for what is no function.
    let _ = window().add_event_listener_with_callback("effusion-update", outdated.unchecked_ref());
    if cfg!(debug_assertions) {
        // trunk's own way to reload puts a script into the HTML, which the page's policy forbids.
        set_interval(ask_for_update, Duration::from_secs(1));
    }
    follow(Box::new(move || remember_place(app)));
    follow(Box::new(move || show_unread(app)));
    let seen = Closure::<dyn FnMut()>::new(move || app.look()).into_js_value();
    // Listening fails only for what is no function.
    let _ = document().add_event_listener_with_callback("visibilitychange", seen.unchecked_ref());

    if let Some((sign_in, rooms)) = where_it_was(&before, &form) {
        link::enter(app, sign_in, rooms, false);
    }
    app
}

/// Opens the settings with what is in use.
pub fn open_settings(app: App) {
    if let Some(me) = app.me.read_untracked().as_ref() {
        app.form.update(|form| {
            form.set_service(&me.service);
            form.set_credentials(&me.credentials);
            form.set(Field::Name, me.name.clone());
        });
    }
    app.problems.set(Vec::new());
    app.fault.set(None);
    app.dialog.set(Some(Dialog::Settings));
}

/// Keeps what led to a session.
pub(super) fn signed_in(app: App, sign_in: &SignIn) {
    let mut form = app.form.read_untracked().clone();
    browser::remember_here(WINDOW, Some(&form.to_query()));
    if sign_in.name == app.guest.get_value() {
        // A name that nobody chose is this window's alone.
        form.set(Field::Name, String::new());
    }
    browser::remember(SETTINGS, Some(&form.to_query()));
    let Credentials {
        principal,
        password,
    } = &sign_in.credentials;
    let kept = query::format([
        ("service", sign_in.service.address().as_str()),
        ("account", principal),
        ("password", password),
    ]);
    browser::remember(CREDENTIALS, form.remember.then_some(kept.as_str()));
}

/// Forgets where the window was.
pub(super) fn signed_out() {
    browser::remember_here(WINDOW, None);
    browser::remember_here(ROOMS, None);
    offline::forget_all();
    drafts::forget_all();
}

/// A kept password goes to the service and the account that it belongs to, and nowhere else.
fn recall_credentials(form: &mut Form) {
    let Some(kept) = browser::recall(CREDENTIALS) else {
        return;
    };
    let kept = query::parse(&kept);
    let part = |name| {
        kept.iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    let (Some(service), Some(principal), Some(password)) =
        (part("service"), part("account"), part("password"))
    else {
        return;
    };
    let fits = form
        .service_address()
        .is_some_and(|address| address == service);
    if fits
        && matches!(form.text(Field::Account), account if account.is_empty() || account == principal)
    {
        form.remember = true;
        form.set_credentials(&Credentials {
            principal: principal.to_owned(),
            password: password.to_owned(),
        });
    }
}

/// The rooms that the window was in before a reload, unless its address now says something else or a password is missing.
fn where_it_was(before: &Form, now: &Form) -> Option<(SignIn, Vec<Room>)> {
    browser::recall_here(WINDOW)?;
    let mut rooms = place::parse_rooms(&browser::recall_here(ROOMS)?);
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
        permalink::read(&browser::hash())?;
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
    browser::remember_here(ROOMS, Some(&place::format_rooms(&rooms)));
    let shown = open.iter().position(|open| Some(open.id) == active);
    if let Some(room) = rooms.get(shown.unwrap_or_default()) {
        browser::set_query(&place::invitation(&me.service, room));
    }
}

fn show_unread(app: App) {
    let (rooms, direct) = (app.rooms.read(), app.direct.read());
    let rooms = rooms.iter().chain(direct.iter());
    let unread: usize = rooms.map(|room| app.counted(*room)).sum();
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
        let wanted = browser::hash() == ACCOUNT;
        let screen = *app.screen.read_untracked();
        match screen {
            Screen::Join if wanted => app.go(Screen::Account),
            Screen::Account if !wanted => app.go(Screen::Join),
            _ => permalink::follow(app),
        }
    };
    look();
    let look = Closure::<dyn FnMut()>::new(look).into_js_value();
    // Listening fails only for what is no function.
    let _ = window().add_event_listener_with_callback("hashchange", look.unchecked_ref());
}

/// Has `assets/start.js` look whether the host has another page.
fn ask_for_update() {
    // An event of a fixed name can be made, and dispatched.
    let _ = web_sys::Event::new("effusion-check").map(|event| window().dispatch_event(&event));
}
