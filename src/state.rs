//! What the page knows, as values that it follows. Components read them; what people do and [`crate::session`] change them.

mod room;

use std::ops::Deref;

use leptos::prelude::document;

use crate::live::Live;
use crate::model::attention::Attention;
use crate::model::fault::Fault;
use crate::model::form::{Field, Form, Problem, SignIn};
use crate::model::people::Person;
use crate::model::saved::SavedServices;
use effusion_chat::{RoomName, Target};
pub use room::{Earlier, LiveReactions, LiveRow, OpenRoom, RoomFields, RoomState};

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
    /// Who somebody is: the one in [`AppFields::whom`].
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
    #[must_use]
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

/// Everything the page knows.
#[derive(Clone, Copy)]
pub struct App(&'static AppFields);

/// What [`App`] refers to.
pub struct AppFields {
    /// Which page is shown.
    pub screen: Live<Screen>,
    /// What lies over the chat.
    pub dialog: Live<Option<Dialog>>,
    /// Whether the list of rooms lies over the chat, where there is no room for both.
    pub drawer: Live<bool>,
    /// What is filled in.
    pub form: Live<Form>,
    /// What is wrong with it.
    pub problems: Live<Vec<Problem>>,
    /// Whether what the form asked for is under way.
    pub busy: Live<bool>,
    /// Why it did not work.
    pub fault: Live<Option<Fault>>,
    /// Who is signed in, and where.
    pub me: Live<Option<SignIn>>,
    /// The connection.
    pub connection: Live<Connection>,
    /// The rooms in the order they were joined.
    pub rooms: Live<Vec<OpenRoom>>,
    /// What the reader and others say to each other, the latest first.
    pub direct: Live<Vec<OpenRoom>>,
    /// The one that is shown.
    pub active: Live<Option<usize>>,
    /// What stands beside it.
    pub panel: Live<Option<Panel>>,
    /// Whether the reader may change the rights of others, and so may moderate.
    pub moderator: Live<bool>,
    /// Whose profile is shown.
    pub whom: Live<Option<Person>>,
    /// What the reader is told of.
    pub attention: Live<Attention>,
    /// Whether to ask if the system may show notifications.
    pub ask_to_notify: Live<bool>,
    /// The room and the message that an address led to.
    pub jump: Live<Option<(RoomName, Target)>>,
    /// `system`, `light`, `dark` or `contrast`.
    pub theme: Live<String>,
    /// `comfortable` or `compact`.
    pub density: Live<String>,
    /// The language that was chosen by its code, or `system`.
    pub language: Live<String>,
    /// The language that the page speaks. What is on the screen is drawn anew when it changes.
    pub spoken: Live<&'static str>,
    /// Whether the page's host has a newer version of it.
    pub outdated: Live<bool>,
    /// The services that the reader keeps.
    pub services: Live<SavedServices>,
    /// The name that the page has made up for who gives none.
    pub guest: String,
}

impl Deref for App {
    type Target = AppFields;

    fn deref(&self) -> &AppFields {
        self.0
    }
}

impl App {
    /// The page before anything happened.
    #[must_use]
    pub fn new(form: Form, guest: String) -> Self {
        Self(Box::leak(Box::new(AppFields {
            screen: Live::default(),
            dialog: Live::default(),
            drawer: Live::default(),
            form: Live::new(form),
            problems: Live::default(),
            busy: Live::default(),
            fault: Live::default(),
            me: Live::default(),
            connection: Live::default(),
            rooms: Live::default(),
            direct: Live::default(),
            active: Live::default(),
            panel: Live::default(),
            moderator: Live::default(),
            whom: Live::default(),
            attention: Live::default(),
            ask_to_notify: Live::default(),
            jump: Live::default(),
            theme: Live::new("system".to_owned()),
            density: Live::default(),
            language: Live::default(),
            spoken: Live::new("en"),
            outdated: Live::default(),
            services: Live::default(),
            guest,
        })))
    }

    /// The room that is shown; follows which one that is.
    #[must_use]
    pub fn active_room(&self) -> Option<OpenRoom> {
        self.find_room(*self.active.read())
    }

    fn find_room(&self, id: Option<usize>) -> Option<OpenRoom> {
        let (rooms, direct) = (self.rooms.peek(), self.direct.peek());
        let mut all = rooms.iter().chain(direct.iter());
        all.find(|room| Some(room.id) == id).copied()
    }

    /// Shows another room.
    pub fn show_room(&self, room: OpenRoom) {
        let before = self.find_room(*self.active.peek());
        if let Some(before) = before.filter(|before| before.id != room.id) {
            before.turned_away();
        }
        room.saw_all();
        self.active.put(Some(room.id));
        self.drawer.put(false);
    }

    /// How many messages a room's badge counts; follows changes.
    #[must_use]
    pub fn counted(&self, room: OpenRoom) -> usize {
        let level = self.attention.read().level(room.room.read().name.as_str());
        level.counts(room.unread.get(), room.mentions.get())
    }

    /// Whether a room is on the screen, and the window in sight.
    #[must_use]
    pub fn is_looking_at(&self, room: OpenRoom) -> bool {
        *self.active.peek() == Some(room.id) && !document().hidden()
    }

    /// Something new was said in a room: it is unread unless the reader is looking at it. True if it is.
    pub fn notice(&self, room: OpenRoom) -> bool {
        let unread = !self.is_looking_at(room);
        if unread {
            room.unread.update(|unread| *unread += 1);
        } else {
            room.hear();
        }
        room.said(!unread);
        unread
    }

    /// The reader has come back to the window.
    pub fn look(&self) {
        let Some(room) = self.find_room(*self.active.peek()) else {
            return;
        };
        if document().hidden() {
            room.turned_away();
        } else {
            room.saw_all();
        }
    }

    /// What is wrong with a field; follows changes.
    #[must_use]
    pub fn problem(&self, field: Field) -> Option<&'static str> {
        self.problems
            .read()
            .iter()
            .find(|(wrong, _)| *wrong == field)
            .map(|(_, words)| *words)
    }

    /// Goes to another page of forms.
    pub fn go(&self, screen: Screen) {
        self.problems.set(Vec::new());
        self.fault.set(None);
        self.screen.set(screen);
    }
}
