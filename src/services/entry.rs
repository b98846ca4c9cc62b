//! Coming in and going out: signing in, going on after a session has ended, going elsewhere, making an account.

use std::cell::Cell;
use std::rc::Rc;

use effusion_client::{AuthenticationScript, Renew, RequestError, Session};
use js_sys::Math;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::connection::{Connection, reader};
use super::copies::Copies;
use super::drafts::{Drafts, StoreDrafts};
use super::rooms::Rooms;
use super::{browser, fault, navigation};
use crate::features::join::form::{Field, Form, NewAccount, Room, SignIn};
use crate::features::join::service::Service;
use crate::i18n::Message;
use crate::platform::clock;
use crate::state::{self, App, Fault, Right, Screen, SetIfChanged};

/// How long a page without a session waits at most before it tries again to get one, in milliseconds: first, and in the end.
const RETRY_DELAYS: (f64, f64) = (1_000.0, 15_000.0);

/// What a session is opened for.
enum Purpose {
    /// To come into these rooms, the first of which is shown, and to say so to those who are there or not.
    Enter(Vec<Room>, bool),
    /// To go on elsewhere, or as somebody else, in the rooms that are open.
    Switch,
    /// To go on after the session before has ended.
    Again,
}

/// Leads people in and out.
pub struct Entry {
    app: App,
    connection: Rc<Connection>,
    rooms: Rc<Rooms>,
    copies: Rc<Copies>,
    drafts: Rc<Drafts>,
    /// How many attempts in a row a page without a session has made.
    attempts: Cell<i32>,
}

impl Entry {
    pub(super) fn new(
        app: App,
        connection: &Rc<Connection>,
        rooms: &Rc<Rooms>,
        copies: &Rc<Copies>,
        drafts: &Rc<Drafts>,
    ) -> Self {
        Self {
            app,
            connection: Rc::clone(connection),
            rooms: Rc::clone(rooms),
            copies: Rc::clone(copies),
            drafts: Rc::clone(drafts),
            attempts: Cell::new(0),
        }
    }

    /// Opens a session and joins a room as the form says, or says what is wrong with it.
    pub fn join(self: &Rc<Self>) {
        let read = self.app.form.read_untracked().join();
        match read {
            Ok((sign_in, room)) => self.enter(sign_in, vec![room], true),
            Err(problems) => self.app.show_problems(problems),
        }
    }

    /// Opens a session and joins the rooms that this window was in before it was loaded again, if the form still leads there.
    pub fn come_back(self: &Rc<Self>) {
        let found = navigation::where_it_was(&self.app.form.read_untracked());
        match found {
            Some((sign_in, rooms)) => self.enter(sign_in, rooms, false),
            None => self.app.busy.set(false),
        }
    }

    /// Opens a session and joins rooms, the first of which is shown. `announce` says so to those who are there.
    pub fn enter(self: &Rc<Self>, sign_in: SignIn, rooms: Vec<Room>, announce: bool) {
        self.begin();
        self.app.connection.set(state::Connection::Connecting);
        self.open(sign_in, Purpose::Enter(rooms, announce));
    }

    /// Goes to another service, or to the same one as somebody else, and takes the rooms along.
    pub fn switch(self: &Rc<Self>, sign_in: SignIn) {
        self.begin();
        self.open(sign_in, Purpose::Switch);
    }

    /// Tries at once, or opens a new session where the old one is over.
    pub fn reconnect(self: &Rc<Self>) {
        let is_recovering = matches!(
            *self.app.connection.read_untracked(),
            state::Connection::Recovering { .. }
        );
        if let Some(session) = self.connection.session().filter(|_| is_recovering) {
            session.reconnect_now();
            return;
        }
        if let Some(me) = self.app.me.get_untracked() {
            self.connection.stop_countdown();
            self.app.connection.set(state::Connection::Connecting);
            self.open(me, Purpose::Again);
        }
    }

    /// Makes sure that the connection is what it is shown as: pings the service, or tries at once where an attempt was due later.
    /// The network may have come or gone, or the device may have slept.
    pub fn check(self: &Rc<Self>) {
        match &*self.app.connection.read_untracked() {
            state::Connection::Recovering { .. } | state::Connection::Connected => {}
            _ => return,
        }
        match self.connection.session() {
            Some(session) => session.reconnect_now(),
            None => self.reconnect(),
        }
    }

    /// Leaves everything, keeps nothing on the device, and goes back to the form.
    pub fn sign_out(&self) {
        self.copies.forget_all();
        self.leave();
    }

    /// The service in this browser was replaced: forgets what is kept of its rooms and, if the reader is there, goes back to the form and
    /// says why, so that nobody writes into the new service without knowing. Messages that were not sent stay on the device, as do the
    /// texts of edits.
    pub fn leave_replaced(&self) {
        let service = Service::in_browser().address();
        self.copies.forget_service(&service);
        navigation::forget_rooms_of(&service);
        let app = self.app;
        let is_there = app
            .me
            .with_untracked(|me| me.as_ref().is_some_and(|me| me.service.in_browser));
        if is_there {
            // Whoever joins again wants to be where they were.
            let shown = app.active_room().filter(|room| room.peer.is_none());
            if let Some(shown) = shown {
                let room = shown.info.get_untracked();
                app.form.update(|form| form.set_room(&room));
            }
            self.connection.note_replaced();
            self.leave();
        }
        // Leaving has stored them.
        self.drafts.end_edits(&service);
        if !is_there {
            return;
        }
        app.fault.set(Some(Fault::StartedAfresh));
        spawn_local(async move {
            let is_imported = browser::identity().await.is_ok_and(|it| it.is_imported());
            // The reader may have gone on meanwhile.
            let is_told = app.fault.try_get_untracked() == Some(Some(Fault::StartedAfresh));
            if is_imported && is_told {
                app.fault.set(Some(Fault::Imported));
            }
        });
    }

    fn leave(&self) {
        self.connection.replace(None);
        navigation::forget_place();
        // Drafts are the account's: they wait until it signs in again.
        self.drafts.store_changes(StoreDrafts::Now);
        let app = self.app;
        app.dialog.set(None);
        for room in app.all_rooms() {
            room.close();
        }
        app.rooms.set(Vec::new());
        app.direct.set(Vec::new());
        app.panel.set(None);
        app.active.set(None);
        app.me.set(None);
        app.connection.set(state::Connection::Idle);
        app.form.update(Form::forget_password);
        app.go(Screen::Join);
    }

    /// Makes an account by the registrar's session, as in Lesson 3, and leads its owner into the chat.
    pub fn create_account(self: &Rc<Self>) {
        let read = self.app.form.read_untracked().new_account();
        let account = match read {
            Ok(account) => account,
            Err(problems) => return self.app.show_problems(problems),
        };
        self.begin();
        let this = Rc::clone(self);
        spawn_local(async move {
            let app = this.app;
            match this.add_principal(account).await {
                Ok(()) => {
                    app.form.update(|form| form.use_new_account());
                    let joined = app.form.read_untracked().join();
                    match joined {
                        Ok((sign_in, room)) => return this.enter(sign_in, vec![room], true),
                        // The room's name is missing: there is a field for it on the join page.
                        Err(_) => app.go(Screen::Join),
                    }
                }
                Err(fault) => app.fault.set(Some(fault)),
            }
            app.busy.set(false);
        });
    }

    /// Changes the reader's name. Messages bear it from now on; the session stays what it is.
    ///
    /// # Errors
    /// What is wrong with the name.
    pub fn rename(&self, name: &str) -> Result<(), &'static Message> {
        let app = self.app;
        let mut form = app.form.get_untracked();
        form.set(Field::Name, name.to_owned());
        if let Err(problems) = form.sign_in()
            && let Some((_, problem)) = problems.iter().find(|(field, _)| *field == Field::Name)
        {
            return Err(problem);
        }
        let Some(mut me) = app.me.get_untracked() else {
            return Ok(());
        };
        // What it signs in as is no longer the name, if it was.
        form.set(Field::Account, me.credentials.principal.clone());
        me.name = name.to_owned();
        app.form.set(form);
        for open in app.all_rooms() {
            open.change(|timeline| timeline.set_reader(reader(&me)));
        }
        navigation::remember_sign_in(app, &me);
        app.me.set(Some(me));
        Ok(())
    }

    fn begin(&self) {
        self.app.problems.set(Vec::new());
        self.app.fault.set(None);
        self.app.busy.set(true);
    }

    fn open(self: &Rc<Self>, sign_in: SignIn, purpose: Purpose) {
        let (this, app) = (Rc::clone(self), self.app);
        spawn_local(async move {
            let opened = this.connection.open(&sign_in, Renew::WhenLost).await;
            let is_first = this.connection.session().is_none();
            match (opened, purpose) {
                (Ok(session), purpose) => {
                    this.attempts.set(0);
                    this.settle(session, sign_in, purpose);
                }
                // A page that has never had a session goes on trying: it is one that was loaded without a network.
                (Err(fault), Purpose::Again) if is_first && fault.may_pass() => this.wait(),
                (Err(fault), Purpose::Again) => {
                    app.connection.set(state::Connection::Lost(fault));
                }
                (Err(fault), Purpose::Switch) => app.fault.set(Some(fault)),
                (Err(fault), Purpose::Enter(rooms, false)) if fault.may_pass() => {
                    app.me.set(Some(sign_in.clone()));
                    this.show_rooms(&sign_in, rooms, false);
                    this.wait();
                }
                (Err(fault), Purpose::Enter(..)) => {
                    app.connection.set(state::Connection::Idle);
                    app.fault.set(Some(fault));
                }
            }
            app.busy.set(false);
        });
    }

    /// Puts a new session to use.
    fn settle(self: &Rc<Self>, session: Session, sign_in: SignIn, purpose: Purpose) {
        let app = self.app;
        let before = app.me.get_untracked();
        let is_same_service = before.is_none_or(|before| before.service == sign_in.service);
        let reader = reader(&sign_in);
        if !matches!(purpose, Purpose::Again) {
            navigation::remember_sign_in(app, &sign_in);
        }
        self.connection.adopt(session, sign_in.clone());
        let is_switch = matches!(purpose, Purpose::Switch);
        for open in app.rooms.get_untracked() {
            open.change(|timeline| {
                timeline.set_reader(reader.clone());
                if is_switch {
                    // It stays with the account and the name that it was written under.
                    timeline.take_unsent();
                }
            });
            if !is_same_service {
                open.start_anew();
            }
            if is_switch {
                self.rooms.load_read(&open);
                open.accounts.update(|count| *count += 1);
            }
            self.rooms.establish(&open, is_switch);
        }
        app.dialog.set_if_changed(None);
        if let Purpose::Enter(rooms, announce) = purpose {
            self.show_rooms(&sign_in, rooms, announce);
        }
    }

    /// Opens rooms and those that the account was in before, and shows the one that is filled in, or the first.
    fn show_rooms(&self, sign_in: &SignIn, rooms: Vec<Room>, announce: bool) {
        let app = self.app;
        app.screen.set_if_changed(Screen::Chat);
        // Nobody is told of somebody who has only come back.
        let earlier = navigation::rooms_of(sign_in);
        for room in rooms {
            self.rooms.open(room, announce);
        }
        for room in earlier {
            self.rooms.open(room, false);
        }
        let wanted = app.form.read_untracked().room().ok();
        let wanted = wanted.and_then(|room| app.room_named(&room.name));
        let first = || app.rooms.read_untracked().first().cloned();
        if let Some(shown) = wanted.or_else(first) {
            app.show_room(shown);
        }
    }

    /// Tries again after a while to get a session, in a page that was loaded while there was no service: after half to all of a
    /// time that doubles, so that many pages do not come all at once.
    fn wait(self: &Rc<Self>) {
        let this = Rc::clone(self);
        let attempts = self.attempts.replace(self.attempts.get() + 1);
        let longest = RETRY_DELAYS.1.min(RETRY_DELAYS.0 * 2f64.powi(attempts));
        let delay = longest * (1.0 + Math::random()) / 2.0;
        let until = clock::now() + delay as i64;
        let try_again = move || {
            if this.connection.session().is_none() {
                this.reconnect();
            }
        };
        self.connection.count_down(until, Box::new(try_again));
    }

    async fn add_principal(&self, account: NewAccount) -> Result<(), Fault> {
        let credentials = account.credentials;
        let sign_in = SignIn {
            name: account.registrar.principal.clone(),
            credentials: account.registrar,
            service: account.service,
        };
        let session = self.connection.open(&sign_in, Renew::Never).await?;
        let (principal, password) = (&credentials.principal, &credentials.password);
        let script = AuthenticationScript::new().add_principal(principal, password, &account.roles);
        let security = session.security();
        let done = security.update_authentication_store(&script).await;
        session.close().await;
        done.map_err(|error| {
            let RequestError::ScriptRefused(errors) = error else {
                return fault::of_request(error, Right::Register);
            };
            let reasons: Vec<String> = errors.into_iter().map(|error| error.message).collect();
            let reason = reasons.join("; ");
            // The service's reason has no code; both Diffusion's words and the sandbox's say so.
            if reason.contains("exists") {
                Fault::AccountExists(credentials.principal)
            } else {
                Fault::AccountRefused(reason)
            }
        })
    }
}
