//! What two people say to each other, by the inboxes that the service keeps for principals.
//!
//! An inbox belongs to its principal (OWNER): the service lets everyone who may write append to it, and nobody else read
//! it. A message goes to the other's inbox and, as a copy, to one's own. Who wrote an event is what the service says, and
//! never what the event says. Before anything is sent, the page makes sure that the inbox is that of the other, and that
//! the service protects the inboxes.

use leptos::prelude::*;
use std::cell::{Cell, RefCell};

use effusion_client::{
    ErrorReason, Interruption, Json, RangeAnchor, RequestError, RequestError as Error, Session,
    StreamEvent, TimeSeriesEvent, TopicSpecification, TopicType, UnsubscribedReason, property,
};
use futures_util::StreamExt;
use leptos::task::spawn_local;

use super::{drafts, fault, link, notify, outbox, room};
use crate::browser;
use crate::model::fault::{Fault, Right};
use crate::model::form::Room;
use crate::model::people::Person;
use crate::model::query;
use crate::model::service::SHARED_ACCOUNT;
use crate::state::{App, OpenRoom, RoomState};
use effusion_chat::{
    ChatMessage, DIRECT_RANGE, DirectMessage, MEMBER_REMOVAL, RoomKind, RoomName, direct_path,
};

/// Up to which time the reader has read, by service, account and the other's principal.
const READ: &str = "effusion.direct";

/// A topic beside the inboxes that belongs to nobody: who can read it could read the inboxes, too. No inbox has this name.
const PROBE: &str = "Effusion/direct/%probe";

thread_local! {
    /// The session whose inbox is followed.
    static FOLLOWED: Cell<usize> = const { Cell::new(0) };
    /// The session for which the service was seen to protect the inboxes.
    static PROTECTED: Cell<usize> = const { Cell::new(0) };
    /// The newest event of the inbox that was taken in, with its time, and whose inbox that is.
    static NEWEST: RefCell<(String, Option<(u64, u64)>)> = const { RefCell::new((String::new(), None)) };
}

/// What became of a message.
#[derive(Clone, Debug)]
pub enum Sent {
    /// It is in the other's inbox.
    Done,
    /// It is not, and this is why.
    Refused(Fault),
    /// It may be, or may not.
    Unknown,
}

/// Follows the reader's own inbox, if that has not begun yet.
pub(super) fn begin(app: App) {
    let Some(session) = link::session() else {
        return;
    };
    if FOLLOWED.replace(link::epoch()) == link::epoch() {
        return;
    }
    let me = app.me.read_untracked().clone();
    let Some(me) = me else { return };
    let whose = [&me.service.address(), " ", &me.credentials.principal].concat();
    let is_new = NEWEST.with_borrow(|(known, _)| *known != whose);
    if is_new {
        NEWEST.set((whose, None));
        let active = *app.active.read_untracked();
        let was_shown = app
            .direct
            .read_untracked()
            .iter()
            .any(|it| Some(it.id) == active);
        app.direct.set(Vec::new());
        let first = app.rooms.read_untracked().first().copied();
        if let Some(first) = first.filter(|_| was_shown) {
            app.show_room(first);
        }
    }
    let principal = me.credentials.principal;
    if let Some(path) = direct_path(&principal) {
        spawn_local(follow(app, session, principal, path));
    }
}

async fn follow(app: App, session: Session, principal: String, path: String) {
    let selector = [">", &path].concat();
    let Ok(mut stream) = session.add_stream::<TimeSeriesEvent<Json>>(&selector) else {
        return;
    };
    // Where the service does not allow it, there are no direct messages.
    let added = session.topics().add(&path, specification(&principal));
    // What is there already is no news. It is asked for in the same breath, so that nothing comes in between.
    let newest = session.time_series().range_query();
    let newest = newest.from(RangeAnchor::Last(1)).select_from::<Json>(&path);
    let selected = session.topics().select(&selector);
    let before = match (added.await, newest.await, selected.await) {
        (Err(_), ..) | (.., Err(_)) => return,
        (_, newest, _) => newest.ok().and_then(|newest| {
            let newest = newest.events.into_iter().map(|event| event.metadata);
            newest.map(|it| (it.sequence, it.timestamp)).max()
        }),
    };
    let epoch = link::epoch();
    drop(session);
    while let Some(event) = stream.next().await {
        if link::epoch() != epoch {
            return;
        }
        match event {
            StreamEvent::Subscribed { .. } => {
                for open in app.direct.read_untracked().iter() {
                    outbox::serve(*open);
                }
            }
            StreamEvent::Unsubscribed {
                reason: UnsubscribedReason::SessionLost,
                ..
            } => {
                // The service that the next session finds may have lost the inbox, too.
                if let Some(session) = link::session() {
                    drop(session.topics().add(&path, specification(&principal)));
                }
            }
            StreamEvent::Value { new, .. } if !new.is_edit() => {
                take_in(app, &principal, new, before);
            }
            _ => {}
        }
    }
}

/// An event of the reader's inbox, of which an event was the newest when the page came in.
fn take_in(app: App, me: &str, event: TimeSeriesEvent<Json>, before: Option<(u64, u64)>) {
    let (sequence, time) = (event.metadata.sequence, event.metadata.timestamp);
    // A lower place at a later time is one of another series: the service has begun anew.
    let is_not_after = |(known, then): (u64, u64)| sequence <= known && time <= then;
    let is_news = !before.is_some_and(is_not_after);
    let is_known = NEWEST.with_borrow_mut(|(_, newest)| {
        let known = newest.is_some_and(is_not_after);
        if !known {
            *newest = Some((sequence, time));
        }
        known
    });
    let Some(DirectMessage { to, message }) = DirectMessage::from_json(&event.value) else {
        return; // Anybody may append anything.
    };
    if is_known {
        return;
    }
    let author = event.metadata.author;
    let own = author == me;
    let peer = if own { to } else { author.clone() };
    let Some(open) = conversation(app, &peer) else {
        return;
    };
    let my_name = open.look(|timeline| timeline.reader().name.clone());
    let name = if own {
        my_name
    } else if author == my_name {
        // Not the reader, who only goes by this name.
        [&author, " (@)"].concat()
    } else {
        author
    };
    let message = ChatMessage { name, ..message };
    let at = browser::at(time as i64);
    let said = open.change(|timeline| timeline.receive_value(message.clone(), at, false));
    outbox::arrived(open, &message);
    app.direct.update(|direct| {
        // The latest comes first.
        if let Some(place) = direct.iter().position(|it| it.id == open.id) {
            let open = direct.remove(place);
            direct.insert(0, open);
        }
    });
    let is_read = read_up_to(app, &peer).is_some_and(|read| time <= read);
    if said && !is_read && app.notice(open) && is_news {
        notify::direct(app, open, &message);
    }
    if !own {
        LAST.with_borrow_mut(|last| {
            last.retain(|(id, _)| *id != open.id);
            last.push((open.id, time));
        });
        keep_read(app);
    }
}

thread_local! {
    /// The time of the newest event of each conversation.
    static LAST: RefCell<Vec<(usize, u64)>> = const { RefCell::new(Vec::new()) };
}

/// Remembers how far the reader has read.
pub(super) fn keep_read(app: App) {
    for open in app.direct.read_untracked().iter() {
        let newest = LAST.with_borrow(|last| last.iter().find(|(id, _)| *id == open.id).copied());
        let (Some((_, newest)), Some(peer)) = (newest, &open.peer) else {
            continue;
        };
        if app.is_looking_at(*open) && read_up_to(app, peer) < Some(newest) {
            let name = name_of(app, peer);
            let mut known = query::parse(&browser::recall(READ).unwrap_or_default());
            known.retain(|(it, _)| *it != name);
            known.push((name, newest.to_string()));
            let pairs = known
                .iter()
                .map(|(name, read)| (name.as_str(), read.as_str()));
            browser::remember(READ, Some(&query::format(pairs)));
        }
    }
}

fn read_up_to(app: App, peer: &str) -> Option<u64> {
    let name = name_of(app, peer);
    let known = query::parse(&browser::recall(READ)?);
    let (_, read) = known.into_iter().find(|(it, _)| *it == name)?;
    read.parse().ok()
}

fn name_of(app: App, peer: &str) -> String {
    let me = app.me.read_untracked();
    let me = me.as_ref().map_or_else(String::new, |me| {
        [&me.service.address(), " ", &me.credentials.principal].concat()
    });
    [&me, " ", peer].concat()
}

/// What the reader and another principal say to each other.
fn conversation(app: App, peer: &str) -> Option<OpenRoom> {
    let known = app
        .direct
        .read_untracked()
        .iter()
        .find(|open| open.peer.as_deref() == Some(peer))
        .copied();
    if known.is_some() {
        return known;
    }
    let name = RoomName::parse(peer)
        .or_else(|_| RoomName::parse(&peer.replace('/', "∕").chars().take(80).collect::<String>()))
        .ok()?;
    // As in a live room, messages are named by their ids: each of the two has a series of its own.
    let shown = Room {
        name,
        kind: RoomKind::Live,
    };
    let reader = app
        .me
        .read_untracked()
        .as_ref()
        .map(link::reader)
        .unwrap_or_default();
    let open = OpenRoom::direct(room::next_id(), shown, reader, peer.to_owned());
    open.state.set(RoomState::Open);
    app.direct.update(|direct| direct.insert(0, open));
    drafts::recall(app, open);
    outbox::take_up(app, open);
    Some(open)
}

/// Whether several people are signed in as a principal: all of them could read what is written to it.
pub(crate) fn is_shared(app: App, principal: &str) -> bool {
    let me = app.me.read_untracked();
    let Some(me) = me.as_ref() else { return false };
    if principal == SHARED_ACCOUNT && me.service.is_loopback() {
        return true;
    }
    let mut names: Vec<String> = Vec::new();
    if principal == me.credentials.principal {
        names.push(me.name.clone());
    }
    for open in app.rooms.read_untracked().iter() {
        for person in open.people.read_untracked().persons() {
            if person.principal == principal && !names.contains(&person.name) {
                names.push(person.name);
            }
        }
    }
    names.len() > 1
}

/// Shows what the reader and somebody say to each other. Where others could read it, it says so instead.
pub(crate) fn write_to(app: App, person: Person) {
    if !may_write_to(app, &person) {
        app.whom.set(Some(person));
        app.dialog.set(Some(crate::state::Dialog::Profile));
        return;
    }
    if let Some(open) = conversation(app, &person.principal) {
        app.panel.set(None);
        app.show_room(open);
        browser::focus("composer");
    }
}

/// Whether it can be kept between the two.
pub(crate) fn may_write_to(app: App, person: &Person) -> bool {
    let me = app.me.read_untracked();
    let mine = me.as_ref().map_or("", |me| &me.credentials.principal);
    direct_path(&person.principal).is_some()
        && person.principal != mine
        && !is_shared(app, mine)
        && !is_shared(app, &person.principal)
}

/// Puts a message into the other's inbox, and a copy into the reader's own.
pub(crate) async fn send(open: OpenRoom, message: ChatMessage) -> Sent {
    match try_to_send(open, message).await {
        Ok(()) => Sent::Done,
        Err(Trouble::Fault(fault)) => Sent::Refused(fault),
        Err(Trouble::Request(error)) if error.may_have_happened() => Sent::Unknown,
        Err(Trouble::Request(Error::NeverSent(_))) => Sent::Unknown,
        Err(Trouble::Request(error)) => Sent::Refused(fault::of_request(error, Right::Write)),
    }
}

enum Trouble {
    Fault(Fault),
    Request(RequestError),
}

impl From<RequestError> for Trouble {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

async fn try_to_send(open: OpenRoom, message: ChatMessage) -> Result<(), Trouble> {
    let lost = || Trouble::Request(RequestError::NeverSent(Interruption::SessionLost));
    let session = link::session().ok_or_else(lost)?;
    let me = open.look(|timeline| timeline.reader().principal.clone());
    let Some(to) = open.peer.clone() else {
        return Err(Trouble::Fault(Fault::NotARoom));
    };
    let (Some(theirs), Some(mine)) = (direct_path(&to), direct_path(&me)) else {
        return Err(Trouble::Fault(Fault::NotARoom));
    };
    protect(&session).await?;
    // It is there, and its owner is the other: or it is somebody else's, and then the service says that it is another topic.
    let inbox = session.topics().add(&theirs, specification(&to)).await;
    if inbox
        .as_ref()
        .err()
        .and_then(RequestError::refusal)
        .is_some_and(|it| {
            it == ErrorReason::TopicExistsMismatch || it == ErrorReason::TopicExistsIncompatible
        })
    {
        return Err(Trouble::Fault(Fault::NotPrivate));
    }
    inbox?;
    let value = DirectMessage { to, message }.to_json();
    session.time_series().append(&theirs, &value).await?;
    // It has arrived; without the copy it is only not shown in other windows.
    drop(session.topics().add(&mine, specification(&me)));
    let _ = session.time_series().append(&mine, &value).await;
    Ok(())
}

/// Makes sure that the service protects the inboxes, as far as that can be seen with the reader's rights.
async fn protect(session: &Session) -> Result<(), Trouble> {
    if PROTECTED.get() == link::epoch() {
        return Ok(());
    }
    let probe = TopicSpecification::new(TopicType::Json)
        .with(property::OWNER, "$Principal is '%probe'")
        .with(property::REMOVAL, MEMBER_REMOVAL)
        .with(property::PERSISTENT, "false");
    session.topics().add(PROBE, probe).await?;
    let seen = session.fetch(&[">", PROBE].concat()).fetch().await;
    if seen.is_ok_and(|seen| !seen.topics.is_empty()) {
        return Err(Trouble::Fault(Fault::NotPrivate));
    }
    PROTECTED.set(link::epoch());
    Ok(())
}

/// An inbox.
fn specification(principal: &str) -> TopicSpecification {
    let name = principal.replace('\\', "\\\\").replace('\'', "\\'");
    TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, DIRECT_RANGE)
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, DIRECT_RANGE)
        .with(property::OWNER, &["$Principal is '", &name, "'"].concat())
}
