//! The state of the whole page.

use std::ops::Deref;

use leptos::prelude::*;

use crate::features::composer::composing::EnterKey;
use crate::features::join::form::{Field, Form, Problem, Room, SignIn};
use crate::features::people::roster::Person;
use crate::features::settings::saved::SavedServices;
use crate::i18n::{I18n, Message};
use crate::platform::{focus, page};
use crate::state::attention::Attention;
use crate::state::{Fault, OpenRoom};
use effusion_chat::{RoomName, Target};

/// Signals that tell only of what is another value.
pub trait SetIfChanged<T> {
    /// Puts another value in its place, if it is another one.
    fn set_if_changed(&self, value: T);
}

impl<T: PartialEq, S: Update<Value = T>> SetIfChanged<T> for S {
    fn set_if_changed(&self, value: T) {
        self.maybe_update(|known| {
            let changed = *known != value;
            *known = value;
            changed
        });
    }
}

/// Which page is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Screen {
    /// The form that leads into a chat.
    #[default]
    Join,
    /// The form that makes an account.
    Account,
    /// The rooms.
    Chat,
    /// What moderators see and do.
    Board,
}

/// What lies over the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// Asks for another room.
    AnotherRoom,
    /// Name, account, service and looks.
    Settings,
    /// The rooms of the service.
    Directory,
    /// Asks for what a new room is to be.
    NewRoom,
    /// Rooms and people by the first letters of their names.
    Switcher,
    /// Who somebody is: the one in [`App::profile_of`].
    Profile,
    /// What the shown room is about.
    RoomInfo,
    /// The keys that do something.
    Keyboard,
}

/// What stands beside a room, or lies over it where there is no space beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Panel {
    /// Those who are in the room.
    Members,
    /// Finds in the room.
    Search,
    /// The session from inside.
    Diagnostics,
    /// The tutorial, with what each action asks of the service.
    Lessons,
}

/// The connection as a person sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// Nobody asked for one yet.
    #[default]
    Idle,
    /// The first connection of a session is being made.
    Connecting,
    /// All is well.
    Connected,
    /// It broke, and is being made again.
    Recovering {
        /// Seconds until the next attempt; zero while one is under way.
        seconds: u32,
    },
    /// It is over, and only a person can start it again.
    Lost(Fault),
}

impl Connection {
    /// The word for it in `data-state`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Recovering { .. } => "recovering",
            Self::Lost(_) => "lost",
        }
    }
}

/// How far the part of the page has come that completes a room where messages can be read: with members, composer and outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Completion {
    /// Reading comes first.
    #[default]
    Awaited,
    /// It is here.
    Here,
    /// It could not be fetched.
    Missing,
}

/// What the first screen asks for, until the code that talks to a service is there to do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// To sign in and to join a room as the form says, if nothing in it is wrong.
    Join,
    /// To sign in and to join the rooms that the window was in before it was loaded again.
    Return,
    /// To make an account as its form says, if nothing in it is wrong, and to sign in with it.
    CreateAccount,
    /// To join one more room.
    Open(Room),
}

/// What the page knows before there is a chat. Its signals belong to the owner that it is made in, which is the page's.
#[derive(Clone, Copy)]
pub struct PageState {
    /// Which page is shown.
    pub screen: RwSignal<Screen>,
    /// What is filled in.
    pub form: RwSignal<Form>,
    /// What is wrong with it.
    pub problems: RwSignal<Vec<Problem>>,
    /// Whether what the form asked for is under way.
    pub busy: RwSignal<bool>,
    /// Why it did not work.
    pub fault: RwSignal<Option<Fault>>,
    /// What is asked of the services.
    pub request: RwSignal<Option<Request>>,
    /// Whether the services are there: their code is fetched while the first form is filled in.
    pub loaded: RwSignal<bool>,
    /// `system`, `light`, `dark` or `contrast`.
    pub theme: RwSignal<String>,
    /// `comfortable` or `compact`.
    pub density: RwSignal<String>,
    /// The language that was chosen by its code, or `system`.
    pub language: RwSignal<String>,
    /// Whether the page's host has a newer version of it.
    pub outdated: RwSignal<bool>,
    /// Whether the browser has not stored something that it should.
    pub not_stored: RwSignal<bool>,
    /// The services that the reader keeps.
    pub services: RwSignal<SavedServices>,
    /// The name that the page has made up for who gives none.
    pub guest: RwSignal<String>,
    /// Whether the page's address leads into a room.
    pub invited: RwSignal<bool>,
    /// The language of the interface.
    pub i18n: I18n,
}

/// Everything the page knows once there is a chat: what [`PageState`] has, and what is said in rooms.
#[derive(Clone, Copy)]
pub struct App {
    /// What the page knows without a chat.
    pub page: PageState,
    /// How far the part of the page has come that completes rooms.
    pub completion: RwSignal<Completion>,
    /// What lies over the chat.
    pub dialog: RwSignal<Option<Dialog>>,
    /// Whether the list of rooms lies over the chat, where there is no room for both.
    pub drawer: RwSignal<bool>,
    /// Who is signed in, and where.
    pub me: RwSignal<Option<SignIn>>,
    /// The connection.
    pub connection: RwSignal<Connection>,
    /// The rooms in the order they were joined.
    pub rooms: RwSignal<Vec<OpenRoom>>,
    /// What the reader and others say to each other, the latest first.
    pub direct: RwSignal<Vec<OpenRoom>>,
    /// The one that is shown.
    pub active: RwSignal<Option<usize>>,
    /// What stands beside it.
    pub panel: RwSignal<Option<Panel>>,
    /// Whether the reader may change the rights of others, and so may moderate.
    pub moderator: RwSignal<bool>,
    /// Whose profile is shown.
    pub profile_of: RwSignal<Option<Person>>,
    /// What the reader is told of.
    pub attention: RwSignal<Attention>,
    /// Whether to ask if the system may show notifications.
    pub ask_to_notify: RwSignal<bool>,
    /// The room and the message that an address led to.
    pub jump: RwSignal<Option<(RoomName, Target)>>,
    /// Whether new messages are not announced to screen readers.
    pub announcements_muted: RwSignal<bool>,
    /// What Enter does in the composer.
    pub enter_key: RwSignal<EnterKey>,
}

impl Deref for App {
    type Target = PageState;

    fn deref(&self) -> &PageState {
        &self.page
    }
}

/// What the page knows without a chat, from context.
///
/// # Panics
/// Where it was not provided further up.
pub fn use_page() -> PageState {
    expect_context()
}

/// The state of the chat, from context.
///
/// # Panics
/// Where it was not provided further up: on the first screen, before the chat is there.
pub fn use_app() -> App {
    expect_context()
}

impl PageState {
    /// The page before anything happened.
    pub fn new(form: Form, guest: String, i18n: I18n) -> Self {
        Self {
            screen: RwSignal::default(),
            form: RwSignal::new(form),
            problems: RwSignal::default(),
            busy: RwSignal::default(),
            fault: RwSignal::default(),
            request: RwSignal::default(),
            loaded: RwSignal::default(),
            theme: RwSignal::new("system".to_owned()),
            density: RwSignal::default(),
            language: RwSignal::default(),
            outdated: RwSignal::default(),
            not_stored: RwSignal::default(),
            services: RwSignal::default(),
            guest: RwSignal::new(guest),
            invited: RwSignal::new(false),
            i18n,
        }
    }

    /// What is wrong with a field; follows changes.
    pub fn problem(&self, field: Field) -> Option<&'static Message> {
        let problems = self.problems.read();
        let found = problems.iter().find(|(wrong, _)| *wrong == field);
        found.map(|(_, problem)| *problem)
    }

    /// Says what is wrong with a form, and moves the focus to the first field concerned.
    pub fn show_problems(&self, found: Vec<Problem>) {
        let first = found.first().map(|(field, _)| *field);
        self.problems.set(found);
        self.busy.set_if_changed(false);
        if let Some(field) = first {
            focus::move_to(field.id());
        }
    }

    /// Goes to another page of forms.
    pub fn go(&self, screen: Screen) {
        self.problems.set(Vec::new());
        self.fault.set(None);
        self.screen.set_if_changed(screen);
    }
}

impl App {
    /// A chat without rooms.
    pub fn new(page: PageState) -> Self {
        Self {
            page,
            completion: RwSignal::default(),
            dialog: RwSignal::default(),
            drawer: RwSignal::default(),
            me: RwSignal::default(),
            connection: RwSignal::default(),
            rooms: RwSignal::default(),
            direct: RwSignal::default(),
            active: RwSignal::default(),
            panel: RwSignal::default(),
            moderator: RwSignal::default(),
            profile_of: RwSignal::default(),
            attention: RwSignal::default(),
            ask_to_notify: RwSignal::default(),
            jump: RwSignal::default(),
            announcements_muted: RwSignal::default(),
            enter_key: RwSignal::default(),
        }
    }

    /// The room that is shown; follows which one that is.
    pub fn active_room(&self) -> Option<OpenRoom> {
        self.find_room(*self.active.read())
    }

    fn find_room(&self, id: Option<usize>) -> Option<OpenRoom> {
        let mut all = self.all_rooms().into_iter();
        all.find(|room| Some(room.id) == id)
    }

    /// The open room of a name.
    pub fn room_named(&self, name: &RoomName) -> Option<OpenRoom> {
        let rooms = self.rooms.read_untracked();
        let is_named = |room: &&OpenRoom| room.info.read_untracked().name == *name;
        rooms.iter().find(is_named).cloned()
    }

    /// All rooms and conversations that are open; follows which those are.
    pub fn tracked_rooms(&self) -> Vec<OpenRoom> {
        self.rooms.track();
        self.direct.track();
        self.all_rooms()
    }

    /// All rooms and conversations that are open.
    pub fn all_rooms(&self) -> Vec<OpenRoom> {
        let (rooms, direct) = (self.rooms.read_untracked(), self.direct.read_untracked());
        rooms.iter().chain(direct.iter()).cloned().collect()
    }

    /// Opens the settings with what is in use.
    pub fn open_settings(&self) {
        if let Some(me) = self.me.read_untracked().as_ref() {
            self.form.update(|form| {
                form.set_service(&me.service);
                form.set_credentials(&me.credentials);
                form.set(Field::Name, me.name.clone());
            });
        }
        self.problems.set(Vec::new());
        self.fault.set(None);
        self.dialog.set(Some(Dialog::Settings));
    }

    /// Shows another room.
    pub fn show_room(&self, room: OpenRoom) {
        let before = self.find_room(*self.active.read_untracked());
        if let Some(before) = before.filter(|before| before.id != room.id) {
            before.look_away();
        }
        self.active.set_if_changed(Some(room.id));
        self.drawer.set_if_changed(false);
    }

    /// How many messages a room's badge counts; follows changes.
    pub fn badge_count(&self, room: &OpenRoom) -> usize {
        let level = self.attention.read().level(room.info.read().name.as_str());
        level.counts(room.unread.get(), room.mentions.get())
    }

    /// Whether a room is on the screen, and the reader's eyes with it: a window that has lost the focus is not looked at.
    pub fn is_looking_at(&self, room: &OpenRoom) -> bool {
        *self.active.read_untracked() == Some(room.id) && page::is_looked_at()
    }

    /// Something new was said in a room: it is unread unless the reader sees it. True if it is.
    pub fn notice(&self, room: &OpenRoom) -> bool {
        let looking = self.is_looking_at(room);
        let unread = !looking || !room.is_end_in_sight();
        if unread {
            room.unread.update(|unread| *unread += 1);
        }
        if looking && !self.announcements_muted.get_untracked() {
            room.announce(self.i18n);
        }
        room.receive(!unread);
        unread
    }

    /// The reader has come back to the window, has turned away from it, or sees something else in it.
    pub fn look(&self) {
        let Some(room) = self.find_room(*self.active.read_untracked()) else {
            return;
        };
        if page::is_looked_at() {
            room.read_in_sight();
        } else {
            room.look_away();
        }
    }
}
