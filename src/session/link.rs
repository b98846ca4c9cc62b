//! The session itself: opening it, following its state, and opening another one in its place.

use crate::state::SetIfChanged;
use leptos::prelude::*;
use std::cell::{Cell, RefCell};
use std::time::Duration;

use effusion_client::{ConnectOptions, ProtocolVersion, Renew, Session, SessionState, web};
use futures_util::StreamExt;
use leptos::task::spawn_local;

use super::{fault, inside, memory, room};
use crate::browser;
use crate::features::timeline::Reader;
use crate::model::fault::Fault;
use crate::model::form::{Room, SignIn};
use crate::state::{App, Connection, Screen};

/// How long the service is asked to wait for a connection that was lost, in milliseconds. Who has crashed is shown for that
/// long as being there; who comes back later gets another session, and the rooms again.
const PATIENCE: u32 = 30_000;

/// How long to wait before a page without a session tries again to get one, in milliseconds.
const AGAIN: i64 = 5_000;

thread_local! {
    static SESSION: RefCell<Option<Session>> = const { RefCell::new(None) };
    /// Tells the session in use from those before it.
    static EPOCH: Cell<usize> = const { Cell::new(0) };
    /// Tells a state of the connection from those before it.
    static CHANGE: Cell<usize> = const { Cell::new(0) };
}

/// The session that is in use.
pub(super) fn session() -> Option<Session> {
    SESSION.with_borrow(Option::clone)
}

/// Tells the session in use from those before it.
pub(super) fn epoch() -> usize {
    EPOCH.get()
}

/// What a session is opened for.
enum Purpose {
    /// To come in, into these rooms, the first of which is shown, and to say so to those who are there or not.
    Enter(Vec<Room>, bool),
    /// To go on elsewhere, or as somebody else, in the rooms that are open.
    Switch,
    /// To go on after the session before has ended.
    Again,
}

/// Opens a session and joins a room.
pub fn join(app: App, sign_in: SignIn, room: Room) {
    enter(app, sign_in, vec![room], true);
}

/// Opens a session and joins rooms, the first of which is shown. `announce` says so to those who are there.
pub(super) fn enter(app: App, sign_in: SignIn, rooms: Vec<Room>, announce: bool) {
    begin(app);
    app.connection.set(Connection::Connecting);
    spawn_local(open(app, sign_in, Purpose::Enter(rooms, announce)));
}

/// Goes to another service, or to the same one as somebody else, and takes the rooms along.
pub fn switch(app: App, sign_in: SignIn) {
    begin(app);
    spawn_local(open(app, sign_in, Purpose::Switch));
}

/// Tries at once, or opens a new session where the old one is over.
pub fn reconnect(app: App) {
    let recovering = matches!(
        *app.connection.read_untracked(),
        Connection::Recovering { .. }
    );
    if let Some(session) = session().filter(|_| recovering) {
        session.reconnect_now();
        return;
    }
    let me = app.me.read_untracked().clone();
    if let Some(me) = me {
        // What waits for its time to try waits no longer.
        CHANGE.set(CHANGE.get() + 1);
        app.connection.set(Connection::Connecting);
        spawn_local(open(app, me, Purpose::Again));
    }
}

async fn open(app: App, sign_in: SignIn, purpose: Purpose) {
    match (connect(&sign_in, Renew::WhenLost).await, purpose) {
        (Ok(session), purpose) => settle(app, session, sign_in, purpose),
        // A page that has never had a session goes on trying: it is one that was loaded without a network.
        (Err(fault), Purpose::Again) if session().is_none() && fault.may_pass() => wait(app),
        (Err(fault), Purpose::Again) => app.connection.set(Connection::Lost(fault)),
        (Err(fault), Purpose::Switch) => app.fault.set(Some(fault)),
        (Err(fault), Purpose::Enter(rooms, false)) if fault.may_pass() => {
            app.me.set(Some(sign_in));
            show_rooms(app, rooms, false);
            wait(app);
        }
        (Err(fault), Purpose::Enter(..)) => {
            app.connection.set(Connection::Idle);
            app.fault.set(Some(fault));
        }
    }
    app.busy.set(false);
}

/// Puts a new session to use.
fn settle(app: App, session: Session, sign_in: SignIn, purpose: Purpose) {
    let same_service = app
        .me
        .read_untracked()
        .as_ref()
        .is_none_or(|before| before.service == sign_in.service);
    let reader = reader(&sign_in);
    if !matches!(purpose, Purpose::Again) {
        memory::signed_in(app, &sign_in);
    }
    adopt(app, session, sign_in);
    let switched = matches!(purpose, Purpose::Switch);
    for open in app.rooms.read_untracked().iter() {
        open.change(|timeline| {
            timeline.set_reader(reader.clone());
            if switched {
                // It stays with the account and the name that it was written under.
                timeline.take_unsent();
            }
            if !same_service {
                timeline.start_anew();
            }
        });
        if switched {
            room::recall(app, *open);
        }
        room::establish(app, *open, switched);
    }
    app.dialog.set_if_changed(None);
    if let Purpose::Enter(rooms, announce) = purpose {
        show_rooms(app, rooms, announce);
    }
}

/// Opens rooms, and shows the one that is filled in, or the first.
fn show_rooms(app: App, rooms: Vec<Room>, announce: bool) {
    app.screen.set(Screen::Chat);
    for room in rooms {
        room::open(app, room, announce);
    }
    let wanted = app.form.read_untracked().room().ok();
    let shown = {
        let rooms = app.rooms.read_untracked();
        let wanted = wanted.and_then(|room| {
            let mut rooms = rooms.iter();
            rooms.find(|open| open.room.read_untracked().name == room.name)
        });
        wanted.or(rooms.first()).copied()
    };
    if let Some(shown) = shown {
        app.show_room(shown);
    }
}

/// Tries again after a while to get a session, in a page that was loaded while there was no service.
fn wait(app: App) {
    let change = CHANGE.get() + 1;
    CHANGE.set(change);
    count_down(app, change, browser::now() + AGAIN);
    set_timeout(
        move || {
            if CHANGE.get() == change && session().is_none() {
                reconnect(app);
            }
        },
        Duration::from_millis(AGAIN as u64),
    );
}

/// Leaves everything and goes back to the beginning.
pub fn sign_out(app: App) {
    replace(None);
    memory::signed_out();
    app.dialog.set(None);
    for room in app.rooms.read_untracked().iter() {
        room.close();
    }
    app.rooms.set(Vec::new());
    app.direct.set(Vec::new());
    app.panel.set(None);
    app.active.set(None);
    app.me.set(None);
    app.connection.set(Connection::Idle);
    app.go(Screen::Join);
}

/// Opens a session.
pub(super) async fn connect(sign_in: &SignIn, renew: Renew) -> Result<Session, Fault> {
    let service = &sign_in.service;
    service.check_allowed_from(browser::page_is_secure())?;
    let mut options = ConnectOptions::new(&service.host)
        .port(service.port)
        .secure(service.secure)
        .principal(&sign_in.credentials.principal)
        .password(&sign_in.credentials.password)
        .reconnect_timeout(PATIENCE)
        .renew(renew);
    options.session.version = service.version.and_then(ProtocolVersion::new);
    web::connect(options)
        .await
        .map_err(|error| fault::of_connecting(&error, sign_in))
}

/// Who reads, for timelines.
pub(super) fn reader(sign_in: &SignIn) -> Reader {
    Reader {
        name: sign_in.name.clone(),
        principal: sign_in.credentials.principal.clone(),
    }
}

pub(super) fn begin(app: App) {
    app.i18n.warm_up();
    app.problems.set(Vec::new());
    app.fault.set(None);
    app.busy.set(true);
}

/// Puts a session, or none, in the place of the one before, which is closed. Answers how to tell it from others.
fn replace(session: Option<Session>) -> usize {
    if let Some(old) = SESSION.replace(session) {
        spawn_local(async move { old.close().await });
    }
    EPOCH.with(|epoch| {
        epoch.set(epoch.get() + 1);
        epoch.get()
    })
}

fn adopt(app: App, session: Session, sign_in: SignIn) {
    let mut states = session.states();
    inside::record(&session);
    let epoch = replace(Some(session));
    app.connection.set(Connection::Connected);
    app.me.set(Some(sign_in.clone()));
    spawn_local(async move {
        while let Some(state) = states.next().await {
            if EPOCH.get() != epoch {
                return; // Another session has taken this one's place.
            }
            let change = CHANGE.get() + 1;
            CHANGE.set(change);
            match state {
                SessionState::Connecting => app.connection.set(Connection::Connecting),
                SessionState::Connected(_) => app.connection.set(Connection::Connected),
                SessionState::Recovering { retry_in, .. } => {
                    count_down(
                        app,
                        change,
                        browser::now().saturating_add_unsigned(retry_in),
                    );
                }
                SessionState::Closed(reason) => {
                    if let Some(fault) = fault::of_closing(&reason, &sign_in) {
                        app.connection.set(Connection::Lost(fault));
                    }
                }
            }
        }
    });
}

/// Shows the seconds until the next attempt, for as long as the connection's state is this one.
fn count_down(app: App, change: usize, until: i64) {
    if CHANGE.get() != change {
        return;
    }
    let left = until.saturating_sub(browser::now()).clamp(0, 3_600_000) as u32;
    app.connection.set(Connection::Recovering {
        seconds: left.div_ceil(1000),
    });
    if left > 0 {
        let step = if left.is_multiple_of(1000) {
            1000
        } else {
            left % 1000
        };
        set_timeout(
            move || count_down(app, change, until),
            Duration::from_millis(step.into()),
        );
    }
}
