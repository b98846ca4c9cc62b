//! Functions in the place of services, for views that do not take them from context yet.

use std::cell::RefCell;

use leptos::prelude::*;

use crate::features::diagnostics::decoder::Recorded;
use crate::features::join::form::{NewAccount, Room, SignIn};
use crate::features::settings::saved::SavedServices;
use crate::features::timeline::Key;
use crate::i18n::Message;
use crate::model::fault::Fault;
use crate::services::{self, Services};
use crate::state::{App, OpenRoom, Request};
use effusion_chat::{ChatMessage, RoomKind, Target};
use effusion_client::ProtocolVersion;

pub use crate::services::{Inside, set_density, set_language, set_theme};

thread_local! {
    static SERVICES: RefCell<Option<Services>> = const { RefCell::new(None) };
}

/// The services that these functions are for.
pub fn set_services(services: Services) {
    SERVICES.set(Some(services));
}

fn with<T>(call: impl FnOnce(&Services) -> T) -> Option<T> {
    let services = SERVICES.with_borrow(Option::clone);
    services.map(|services| call(&services))
}

/// See [`Request::Enter`].
pub fn join(app: App, sign_in: SignIn, room: Room) {
    app.request.set(Some(Request::Enter {
        sign_in,
        rooms: vec![room],
        announce: true,
    }));
}
/// See [`Request::CreateAccount`].
pub fn create_account(app: App, account: NewAccount) {
    app.request.set(Some(Request::CreateAccount(account)));
}
/// See [`App::open_settings`].
pub fn open_settings(app: App) {
    app.open_settings();
}
/// See [`services::Entry::switch`].
pub fn switch(_: App, sign_in: SignIn) {
    with(|it| it.entry.switch(sign_in));
}
/// See [`services::Entry::reconnect`].
pub fn reconnect(_: App) {
    with(|it| it.entry.reconnect());
}
/// See [`services::Entry::sign_out`].
pub fn sign_out(_: App) {
    with(|it| it.entry.sign_out());
}
/// See [`services::Entry::rename`].
///
/// # Errors
/// What is wrong with the name.
pub fn rename(_: App, name: &str) -> Result<(), &'static Message> {
    with(|it| it.entry.rename(name)).unwrap_or(Ok(()))
}
/// See [`services::change_saved_services`].
pub fn change_services(app: App, change: impl FnOnce(&mut SavedServices)) {
    services::change_saved_services(app, change);
}
/// See [`services::Rooms::open_and_show`].
pub fn open_room(_: App, room: Room) {
    with(|it| it.rooms.open_and_show(room));
}
/// See [`services::Rooms::join_as`].
pub fn join_as(_: App, open: OpenRoom, kind: RoomKind) {
    with(|it| it.rooms.join_as(&open, kind));
}
/// See [`services::Rooms::join_again`].
pub fn join_again(_: App, open: OpenRoom) {
    with(|it| it.rooms.join_again(&open));
}
/// See [`services::Rooms::leave`].
pub fn leave(_: App, open: OpenRoom) {
    with(|it| it.rooms.leave(&open));
}
/// See [`services::Rooms::move_to`].
pub fn move_room(_: App, room: usize, to: usize) {
    with(|it| it.rooms.move_to(room, to));
}
/// See [`services::Directory::archive`].
pub fn reopen(_: App, open: OpenRoom) {
    with(|it| it.directory.archive(&open, false));
}
/// See [`services::Directory::set_topic`].
pub fn set_topic(_: App, open: OpenRoom, topic: String) {
    with(|it| it.directory.set_topic(&open, topic));
}
/// See [`services::History::load_earlier`].
pub fn earlier(open: OpenRoom) {
    with(|it| it.history.load_earlier(&open));
}
/// See [`services::History::fill_gap`].
pub fn fill_gap(open: OpenRoom, rank: u64, from_above: bool) {
    with(|it| it.history.fill_gap(&open, rank, from_above));
}
/// See [`services::History::jump_to`].
pub fn jump_to(open: OpenRoom, target: Target) {
    with(|it| it.history.jump_to(&open, target));
}
/// See [`services::History::jump_to_time`].
pub fn jump_to_time(open: OpenRoom, ms: i64) {
    with(|it| it.history.jump_to_time(&open, ms));
}
/// See [`services::History::edit`].
///
/// # Errors
/// Why the service did not do it.
pub async fn edit(open: OpenRoom, key: Key, text: String) -> Result<(), Fault> {
    let history = with(|it| it.history.clone()).ok_or(Fault::NotConnected)?;
    history.edit(&open, key, text).await
}
/// See [`services::History::take_back`].
///
/// # Errors
/// Why the service did not do it.
pub async fn take_back(open: OpenRoom, key: Key) -> Result<(), Fault> {
    let history = with(|it| it.history.clone()).ok_or(Fault::NotConnected)?;
    history.take_back(&open, key).await
}
/// See [`services::Outbox::send_text`].
pub fn send(_: App, open: OpenRoom, text: String) {
    with(|it| it.outbox.send_text(&open, text));
}
/// See [`services::Outbox::send`].
pub fn say(_: App, open: OpenRoom, message: ChatMessage) {
    with(|it| it.outbox.send(&open, message));
}
/// See [`services::Outbox::retry`].
pub fn retry(open: OpenRoom, key: Key) {
    with(|it| it.outbox.retry(&open, key));
}
/// See [`services::Outbox::cancel`].
pub fn cancel(open: OpenRoom, key: Key) {
    with(|it| it.outbox.cancel(&open, key));
}
/// See [`services::link_to`].
#[must_use]
pub fn link_to(app: App, open: OpenRoom, target: Option<Target>) -> Option<String> {
    services::link_to(app, &open, target)
}
/// See [`services::copy_link`].
pub fn copy_link(app: App, open: OpenRoom, target: Option<Target>) {
    services::copy_link(app, &open, target);
}
/// See [`services::Connection::inside`].
#[must_use]
pub fn look_inside() -> Option<Inside> {
    with(|it| it.connection.inside()).flatten()
}
/// See [`services::Connection::measure`].
pub fn measure(round_trip: ArcRwSignal<Option<u64>>) {
    with(|it| it.connection.measure(round_trip));
}
/// See [`services::Connection::version`].
#[must_use]
pub fn version() -> ProtocolVersion {
    with(|it| it.connection.version()).unwrap_or(ProtocolVersion::NEWEST)
}
/// See [`services::Traffic::recorded`].
#[must_use]
pub fn recorded(from: usize) -> Vec<Recorded> {
    with(|it| it.traffic.recorded(from)).unwrap_or_default()
}
/// See [`services::Traffic::next_number`].
#[must_use]
pub fn next_number() -> usize {
    with(|it| it.traffic.next_number()).unwrap_or_default()
}

pub(crate) mod board {
    //! See [`crate::services::Moderation`].

    use super::{App, with};
    pub use crate::services::{Board, Duty, Order};

    pub fn board() -> Board {
        with(|it| it.moderation.board).unwrap_or_default()
    }
    pub fn keep_watch(_: App) {
        with(|it| it.moderation.keep_watch());
    }
    pub fn order(_: App, order: Order) {
        with(|it| it.moderation.order(order));
    }
}

pub(crate) mod moderation {
    //! See [`crate::services::Moderation::set_muted`].

    use leptos::prelude::*;
    use leptos::task::spawn_local;

    use super::{App, OpenRoom, with};
    use crate::features::composer::composing::Note;
    use crate::features::moderation::set_muted;
    use crate::text;

    pub fn mute(_: App, open: OpenRoom, name: &str) {
        begin(open, name.to_owned(), true);
    }
    pub fn unmute(_: App, open: OpenRoom, name: &str) {
        begin(open, name.to_owned(), false);
    }
    fn begin(open: OpenRoom, name: String, muted: bool) {
        let Some(services) = with(Clone::clone) else {
            return;
        };
        spawn_local(async move {
            if set_muted(services, open.clone(), name, muted)
                .await
                .is_err()
            {
                open.note
                    .set(Some(Note::Alert(text!(moderation_load_failed))));
            }
        });
    }
}

pub(crate) mod directory {
    //! See [`crate::services::Directory`].

    use super::{App, Fault, OpenRoom, with};
    use crate::features::directory::listing::Listed;
    pub use crate::services::{Access, NewRoom};

    pub fn latest() -> Vec<Listed> {
        with(|it| it.directory.latest()).unwrap_or_default()
    }
    pub async fn load() -> Result<Vec<Listed>, Fault> {
        let directory = with(|it| it.directory.clone()).ok_or(Fault::NotConnected)?;
        directory.load().await
    }
    pub async fn roles() -> Option<Vec<String>> {
        with(|it| it.directory.clone())?.roles().await
    }
    pub async fn create(_: App, new: NewRoom) -> Result<(), Fault> {
        let directory = with(|it| it.directory.clone()).ok_or(Fault::NotConnected)?;
        directory.create(new).await
    }
    pub fn set_topic(_: App, open: OpenRoom, topic: String) {
        with(|it| it.directory.set_topic(&open, topic));
    }
    pub fn archive(_: App, open: OpenRoom, archived: bool) {
        with(|it| it.directory.archive(&open, archived));
    }
}

pub(crate) mod direct {
    //! See [`crate::services::Direct`].

    use super::{App, with};
    use crate::features::people::roster::Person;

    pub fn may_write_to(_: App, person: &Person) -> bool {
        with(|it| it.direct.may_write_to(person)).unwrap_or_default()
    }
    pub fn write_to(_: App, person: Person) {
        with(|it| it.direct.write_to(person));
    }
    pub fn is_shared(_: App, principal: &str) -> bool {
        with(|it| it.direct.is_shared(principal)).unwrap_or_default()
    }
}

pub(crate) mod notify {
    //! See [`crate::services::Notifications`].

    use super::{App, with};
    use crate::model::attention::Attention;
    pub use crate::services::{beep, is_allowed};

    pub fn change(_: App, change: impl FnOnce(&mut Attention)) {
        with(|it| it.notifications.change(change));
    }
    pub fn ask(_: App) {
        with(|it| it.notifications.ask());
    }
    pub fn never_ask(_: App) {
        with(|it| it.notifications.never_ask());
    }
}

pub(crate) mod people {
    //! See [`crate::services::Presence`].

    use super::{App, with};
    use crate::features::people::roster::Person;
    pub use crate::services::Insight;

    pub async fn look_into(_: App, person: &Person) -> Insight {
        match with(|it| it.presence.clone()) {
            Some(presence) => presence.look_into(person).await,
            None => Insight::default(),
        }
    }
}

pub(crate) mod reactions {
    //! See [`crate::services::Reactions`].

    use super::{OpenRoom, Target, with};

    pub fn toggle(open: OpenRoom, to: Target, emoji: String) {
        with(|it| it.reactions.toggle(&open, to, emoji));
    }
}

pub(crate) mod travel {
    //! See [`crate::services::History`].

    use super::{OpenRoom, with};
    use crate::features::timeline::Event;

    pub async fn whole(open: OpenRoom) -> Option<Vec<Event>> {
        let history = with(|it| it.history.clone())?;
        history.whole(&open).await
    }
}
