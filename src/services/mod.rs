//! What talks to the Diffusion service and to the browser's storage: the only part of the page that does. Each service owns its
//! state and its tasks.
//!
//! ```text
//!   entry ── moderation ── presence ── reactions ── directory ── direct
//!     └──────────────┬────────────────────────────────┴────────────┤
//!                  rooms ── notices ── notifications             outbox
//!                    │                                             │
//!       history    copies   drafts                                 │
//!          └────┬────┴────┬───┴────────────────────────────────────┘
//!          connection   storage
//!               │
//!       traffic   browser
//! ```
//!
//! A service knows those below it. What people do comes in by their methods, and what becomes of it goes out by the signals of
//! [`App`] and of the rooms. None of them knows a view. What is not needed to read follows the signals of the rooms, once there are
//! messages on the screen: history, outbox, drafts and copies ([`serve_room`]), and all that [`serve_rooms`] begins.

mod appearance;
pub mod browser;
mod connection;
mod copies;
mod direct;
mod directory;
mod drafts;
mod entry;
mod fault;
mod history;
mod location;
mod moderation;
mod navigation;
mod notices;
mod notifications;
mod outbox;
mod preferences;
mod presence;
mod privacy;
mod progress;
mod reactions;
mod reading;
mod rights;
mod room_storage;
mod rooms;
mod storage;
mod traffic;
mod value;

use std::ops::Deref;
use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast;

use self::privacy::Privacy;
use self::storage::Storage;
use crate::platform::tasks::Tasks;
use crate::platform::{clock, page};
use crate::state::{self, App, Fault, Focus, Request, RoomState};

pub use appearance::{
    change_saved_services, recall_saved_services, set_density, set_enter_key, set_language,
    set_theme,
};
pub use connection::{Connection, Connector, SessionSnapshot};
pub use copies::Copies;
pub use direct::Direct;
pub use directory::{Access, Directory, NewRoom};
pub use drafts::{Drafts, StoreDrafts};
pub use entry::Entry;
pub use history::History;
pub use location::{follow_location, lesson_link, link_copied, link_to};
pub use moderation::{Board, Duty, Moderation, Order};
pub use navigation::start;
pub use notices::Notices;
pub use notifications::{Notifications, beep, is_allowed};
pub use outbox::Outbox;
pub use presence::{PersonDetails, Presence};
pub use progress::{clear_lesson_progress, lesson_progress, lessons_are_begun, note_lesson_step};
pub use reactions::Reactions;
pub use rights::Rights;
pub use room_storage::serve_room;
pub use rooms::Rooms;
pub use traffic::Traffic;

/// The services of the page. A clone is another handle of the same ones.
#[derive(Clone)]
pub struct Services(SendWrapper<Rc<Parts>>);

/// What [`Services`] refers to.
pub struct Parts {
    /// The owner of what lives as long as the services do.
    pub page: WeakOwner,
    /// The last messages that went over the connection.
    pub traffic: Rc<Traffic>,
    /// The session in use.
    pub connection: Rc<Connection>,
    /// The device's database.
    storage: Rc<Storage>,
    /// Copies of the rooms on this device.
    pub copies: Rc<Copies>,
    /// What was begun and not sent.
    pub drafts: Rc<Drafts>,
    /// Messages on their way.
    pub outbox: Rc<Outbox>,
    /// Earlier messages.
    pub history: Rc<History>,
    /// Where the reader may write.
    pub rights: Rc<Rights>,
    /// The rooms that the reader is in.
    pub rooms: Rc<Rooms>,
    /// Coming in and going out.
    pub entry: Rc<Entry>,
    /// Those who are in the rooms.
    pub presence: Rc<Presence>,
    /// What people think of messages.
    pub reactions: Rc<Reactions>,
    /// The rooms of the service.
    pub directory: Rc<Directory>,
    /// Conversations of two people.
    pub direct: Rc<Direct>,
    /// Tells the reader of what must not be missed.
    pub notifications: Rc<Notifications>,
    /// The moderator's desk.
    pub moderation: Rc<Moderation>,
}

impl Deref for Services {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Services {
    /// The services of a page, which reach their service by the browser's WebSocket.
    pub fn new(app: App) -> Self {
        Self::with_connector(
            app,
            Rc::new(|address, options| Box::pin(options.connect(address))),
        )
    }

    /// The services of a page, which reach their service in another way.
    pub fn with_connector(app: App, connect: Connector) -> Self {
        let traffic = Rc::new(Traffic::default());
        let storage = Rc::new(Storage::default());
        let notices = Rc::new(Notices::default());
        let connection = Rc::new(Connection::new(app, &traffic, connect));
        let privacy = Rc::new(Privacy::new(&connection));
        let rights = Rc::new(Rights::new(app, &connection));
        let drafts = Rc::new(Drafts::new(app, &storage));
        let copies = Rc::new(Copies::new(app, &storage));
        let outbox = Rc::new(Outbox::new(app, &connection, &storage, &rights));
        let rooms = Rc::new(Rooms::new(app, &connection, &copies, &notices));
        let entry = Entry::new(app, &connection, &rooms, &copies, &drafts);
        let direct = Direct::new(
            app,
            &connection,
            &rooms,
            &outbox,
            &notices,
            &rights,
            &privacy,
        );
        Self(SendWrapper::new(Rc::new(Parts {
            page: Owner::current().unwrap_or_default().downgrade(),
            entry: Rc::new(entry),
            direct: Rc::new(direct),
            presence: Rc::new(Presence::new(app, &connection, &privacy)),
            reactions: Rc::new(Reactions::new(&connection)),
            directory: Rc::new(Directory::new(app, &connection, &rooms)),
            notifications: Rc::new(Notifications::new(app, &notices)),
            moderation: Rc::new(Moderation::new(app, &connection)),
            history: Rc::new(History::new(&connection)),
            traffic,
            connection,
            storage,
            copies,
            drafts,
            outbox,
            rights,
            rooms,
        })))
    }
}

/// The services of the page, from context.
///
/// # Panics
/// Where they were not provided further up.
pub fn use_services() -> Services {
    expect_context()
}

/// Creates the services, provides them as context, and has them do what the page's state requests, until the owner of the caller is
/// done with. Then the session is closed.
pub fn provide_services(app: App) -> Services {
    let services = Services::new(app);
    provide_context(services.clone());
    serve(app, &services);
    services
}

/// Has services work for a page until the owner of the caller is done with.
pub fn serve(app: App, services: &Services) {
    appearance::recall_enter_key(app);
    carry_out_requests(app, services.clone());
    let entry = services.entry.clone();
    on_return(&["focus", "offline", "online"], move || entry.check());
    let window = window();
    // A window that is closed says so; the service need not wait for it to come back.
    let connection = services.connection.clone();
    page::listen(&window, "pagehide", move |_| connection.say_goodbye());
    // The browser may keep a page that was left, and show it again.
    let entry = services.entry.clone();
    page::listen(&window, "pageshow", move |event| {
        let event: &web_sys::PageTransitionEvent = event.unchecked_ref();
        if event.persisted() && app.me.read_untracked().is_some() {
            entry.reconnect();
        }
    });
    let services = services.clone();
    on_cleanup(move || services.connection.replace(None));
}

/// Has services do for a page what can wait until there are messages to read: keep on the device what changes, share what is read
/// with other windows, and tell what must not be missed.
pub fn serve_rooms(app: App, services: &Services) {
    let days = Tasks::default();
    days.spawn(follow_days(app));
    // The owner drops what it stores.
    StoredValue::new_local(days);
    jump(app, services.clone());
    let rights = services.rights.clone();
    on_return(&["focus", "online"], move || rights.check_again());
    leave_replaced(app, services.entry.clone());
    services.drafts.follow();
    services.copies.follow();
    services.notifications.start();
    reading::share(app, services.notifications.clone());
    let (drafts, copies) = (services.drafts.clone(), services.copies.clone());
    let store = move || {
        drafts.store_changes(StoreDrafts::Now);
        copies.store_changes();
    };
    // Each may be the last that the page is told.
    let hidden = store.clone();
    page::listen(&document(), "visibilitychange", move |_| hidden());
    let storage = services.storage.clone();
    page::listen(&window(), "pagehide", move |_| {
        store();
        storage.keep_left();
    });
}

/// Does something when the reader may have come back: at these events of the window, and when it is shown or hidden.
fn on_return(events: &[&'static str], act: impl Fn() + Clone + 'static) {
    for event in events {
        let act = act.clone();
        page::listen(&window(), event, move |_| act());
    }
    page::listen(&document(), "visibilitychange", move |_| act());
}

/// Has dates say when a day begins that it is no longer today.
async fn follow_days(app: App) {
    loop {
        TimeoutFuture::new(clock::until_midnight() + 1).await;
        app.i18n.show_again();
    }
}

fn carry_out_requests(app: App, services: Services) {
    Effect::new(move |_| {
        // The form for an account asks for that itself.
        let is_ours = |it: &Request| *it != Request::CreateAccount;
        let Some(request) = app.request.get().filter(is_ours) else {
            return;
        };
        app.request.set(None);
        match request {
            Request::Join => services.entry.join(),
            Request::Return => services.entry.come_back(),
            Request::Open(room) => services.rooms.open_and_show(room),
            Request::CreateAccount => {}
        }
    });
}

/// Leaves the service in this browser once it has been replaced.
fn leave_replaced(app: App, entry: Rc<Entry>) {
    let entry = SendWrapper::new(entry);
    Effect::new(move |_| {
        if *app.connection.read() == state::Connection::Lost(Fault::StartedAfresh) {
            entry.leave_replaced();
        }
    });
}

/// Goes to the message that an address led to, once its room is there.
fn jump(app: App, services: Services) {
    Effect::new(move |_| {
        let Some((room, target)) = app.jump.get() else {
            return;
        };
        app.rooms.track();
        if let Some(open) = app.room_named(&room)
            && *open.state.read() == RoomState::Open
        {
            app.jump.set(None);
            services.history.jump_to(&open, target, Focus::Stays);
        }
    });
}
