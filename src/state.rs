//! What the page knows, as signals. Components read it; [`crate::session`] and [`crate::actions`] change it.

use leptos::prelude::*;

use crate::model::fault::Fault;
use crate::model::form::{Field, Form, Problem, Room, SignIn};
use crate::model::timeline::{Key, Reader, Row, Timeline};

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
}

/// What lies over the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// Asks for another room.
    AnotherRoom,
    /// Name, account, service and looks.
    Settings,
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

/// How a room stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomState {
    /// Its topic is being made or looked for.
    Joining,
    /// Messages come and go.
    Open,
    /// It can be read, but this is why nothing can be written.
    ReadOnly(Fault),
    /// It cannot be used, and why.
    Failed(Fault),
}

/// What is known about messages from before those shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// There may be some.
    Unknown,
    /// They are being asked for.
    Loading,
    /// There are none, or the service keeps them no longer.
    None,
    /// They could not be had.
    Failed,
}

/// A message on the screen: it changes in place, so that nothing is read out or drawn twice.
#[derive(Clone)]
pub struct RowSignal {
    /// Names the message.
    pub key: Key,
    /// What it looks like now.
    pub row: ArcRwSignal<Row>,
}

/// One room that the reader is in.
#[derive(Clone, Copy)]
pub struct OpenRoom {
    /// Names the room for as long as the page is open; a room left and joined again is another one.
    pub id: usize,
    /// Name and kind. The kind changes if the room turns out to be of the other one.
    pub room: RwSignal<Room>,
    /// How it stands.
    pub state: RwSignal<RoomState>,
    /// Its messages on the screen.
    pub rows: RwSignal<Vec<RowSignal>>,
    /// Messages from others that came while the reader looked elsewhere.
    pub unread: RwSignal<usize>,
    /// What is in the composer.
    pub draft: RwSignal<String>,
    /// Whether to offer earlier messages.
    pub earlier: RwSignal<Earlier>,
    timeline: StoredValue<Timeline>,
    visit: StoredValue<usize>,
}

impl OpenRoom {
    /// A room that shows nothing yet.
    #[must_use]
    pub fn new(id: usize, room: Room, reader: Reader) -> Self {
        Self {
            id,
            room: RwSignal::new(room),
            state: RwSignal::new(RoomState::Joining),
            rows: RwSignal::new(Vec::new()),
            unread: RwSignal::new(0),
            draft: RwSignal::new(String::new()),
            earlier: RwSignal::new(Earlier::Unknown),
            timeline: StoredValue::new(Timeline::new(reader)),
            visit: StoredValue::new(0),
        }
    }

    /// Looks at the messages without following them.
    pub fn look<T>(&self, look: impl FnOnce(&Timeline) -> T) -> T {
        self.timeline.with_value(look)
    }

    /// Changes the messages, and what is on the screen with them.
    pub fn change<T: Default>(&self, change: impl FnOnce(&mut Timeline) -> T) -> T {
        self.timeline
            .try_update_value(|timeline| {
                let result = change(timeline);
                self.show(timeline);
                result
            })
            .unwrap_or_default()
    }

    /// Comes in once more; what was begun before counts no longer. Answers how to tell this visit from others.
    #[must_use]
    pub fn begin_visit(&self) -> usize {
        self.visit.update_value(|visit| *visit += 1);
        self.visit.get_value()
    }

    /// Whether this is the visit that counts.
    #[must_use]
    pub fn is_visit(&self, visit: usize) -> bool {
        self.visit.get_value() == visit
    }

    fn show(&self, timeline: &mut Timeline) {
        let changes = timeline.take_changes();
        if changes.touched.is_empty() && !changes.reordered {
            return;
        }
        let known = self.rows.get_untracked();
        for key in changes.touched {
            let shown = known.iter().rfind(|shown| shown.key == key);
            if let (Some(shown), Some(row)) = (shown, timeline.row(key)) {
                shown.row.set(row);
            }
        }
        if !changes.reordered {
            return;
        }
        let mut known: Vec<_> = known.into_iter().map(Some).collect();
        let mut from = 0;
        let rows = timeline.order().into_iter().filter_map(|key| {
            // Nearly everything keeps its order, so the search nearly always ends at once.
            let place = (from..known.len())
                .chain(0..from)
                .find(|&place| known[place].as_ref().is_some_and(|k| k.key == key));
            if let Some(place) = place {
                from = place + 1;
                return known[place].take();
            }
            timeline.row(key).map(|row| RowSignal {
                key,
                row: ArcRwSignal::new(row),
            })
        });
        self.rows.set(rows.collect());
    }
}

/// Everything the page knows.
#[derive(Clone, Copy)]
pub struct App {
    /// Which page is shown.
    pub screen: RwSignal<Screen>,
    /// What lies over the chat.
    pub dialog: RwSignal<Option<Dialog>>,
    /// Whether the list of rooms lies over the chat, where there is no room for both.
    pub drawer: RwSignal<bool>,
    /// What is filled in.
    pub form: RwSignal<Form>,
    /// What is wrong with it.
    pub problems: RwSignal<Vec<Problem>>,
    /// Whether what the form asked for is under way.
    pub busy: RwSignal<bool>,
    /// Why it did not work.
    pub fault: RwSignal<Option<Fault>>,
    /// Who is signed in, and where.
    pub me: RwSignal<Option<SignIn>>,
    /// The connection.
    pub connection: RwSignal<Connection>,
    /// The rooms in the order they were joined.
    pub rooms: RwSignal<Vec<OpenRoom>>,
    /// The one that is shown.
    pub active: RwSignal<Option<usize>>,
    /// `system`, `light` or `dark`.
    pub theme: RwSignal<String>,
    /// The name that the page has made up for who gives none.
    pub guest: StoredValue<String>,
}

impl App {
    /// The page before anything happened.
    #[must_use]
    pub fn new(form: Form, guest: String) -> Self {
        Self {
            screen: RwSignal::default(),
            dialog: RwSignal::default(),
            drawer: RwSignal::default(),
            form: RwSignal::new(form),
            problems: RwSignal::default(),
            busy: RwSignal::default(),
            fault: RwSignal::default(),
            me: RwSignal::default(),
            connection: RwSignal::default(),
            rooms: RwSignal::default(),
            active: RwSignal::default(),
            theme: RwSignal::new("system".to_owned()),
            guest: StoredValue::new(guest),
        }
    }

    /// Shows another room.
    pub fn show_room(&self, room: OpenRoom) {
        room.unread.set(0);
        self.active.set(Some(room.id));
        self.drawer.set(false);
    }

    /// Something new was said in a room: it is unread unless the reader is looking at it.
    pub fn notice(&self, room: OpenRoom) {
        if self.active.get_untracked() != Some(room.id) || document().hidden() {
            room.unread.update(|unread| *unread += 1);
        }
    }

    /// The reader has come back to the window.
    pub fn look(&self) {
        let active = self.active.get_untracked();
        let room = self
            .rooms
            .read_untracked()
            .iter()
            .find(|room| Some(room.id) == active)
            .copied();
        if let Some(room) =
            room.filter(|room| room.unread.get_untracked() > 0 && !document().hidden())
        {
            room.unread.set(0);
        }
    }

    /// What is wrong with a field; follows changes.
    #[must_use]
    pub fn problem(&self, field: Field) -> Option<&'static str> {
        self.problems.with(|problems| {
            problems
                .iter()
                .find(|(wrong, _)| *wrong == field)
                .map(|(_, words)| *words)
        })
    }

    /// Goes to another page of forms.
    pub fn go(&self, screen: Screen) {
        self.problems.set(Vec::new());
        self.fault.set(None);
        self.screen.set(screen);
    }
}
