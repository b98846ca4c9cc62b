//! What two people say to each other, by the inboxes that the service keeps for principals.
//!
//! An inbox belongs to its principal (OWNER): the service lets everyone who may write append to it, and nobody else read
//! it. A message goes to the other's inbox and, as a copy, to one's own. Who wrote an event is what the service says, and
//! never what the event says. Before anything is sent, the page makes sure that the inbox is that of the other, and that
//! the service protects the inboxes.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use effusion_client::{
    ErrorReason, Interruption, Json, RequestError, Session, StreamEvent, TimeSeriesEvent,
    TopicSpecification, UnsubscribedReason, property,
};
use futures_util::StreamExt;
use leptos::prelude::*;

use super::connection::{Connection, current_reader};
use super::notices::{Cause, Notice, Notices};
use super::outbox::{Outbox, account};
use super::preferences::Newest;
use super::privacy::{Privacy, Trouble, owner};
use super::rights::Rights;
use super::rooms::{Rooms, newest_event};
use super::value;
use crate::features::join::form::Room;
use crate::features::join::service::SHARED_ACCOUNT;
use crate::features::people::roster::Person;
use crate::features::timeline::{At, Timeline};
use crate::platform::{clock, focus};
use crate::state::{App, Dialog, Fault, OpenRoom, Right, RoomState};
use crate::ui::identity::revealed;
use effusion_chat::{
    ChatMessage, DIRECT_RANGE, DirectMessage, MemberCard, RightsNotice, RoomKind, RoomName,
    direct_members_selector, direct_path,
};

/// Up to which time the reader has read, by service, account and the other's principal.
const READ: Newest = Newest("effusion.direct", 200);

/// How many sessions of others are kept track of.
const MAX_PRESENT: usize = 1_000;

/// The place of an event in the inbox, and its time.
type Place = (u64, u64);

/// Conversations of two people.
pub struct Direct {
    app: App,
    connection: Rc<Connection>,
    rooms: Rc<Rooms>,
    outbox: Rc<Outbox>,
    notices: Rc<Notices>,
    rights: Rc<Rights>,
    privacy: Rc<Privacy>,
    /// The cards of those who are there and talk to the reader, by session.
    present: RefCell<Vec<(String, MemberCard)>>,
    /// The session whose inbox is followed.
    followed: Cell<usize>,
    /// Whose inbox was followed last, and the newest event of it that was taken in.
    inbox: RefCell<(String, Option<Place>)>,
    /// The time of the newest event of each conversation.
    last: RefCell<Vec<(usize, u64)>>,
}

impl Direct {
    pub(super) fn new(
        app: App,
        connection: &Rc<Connection>,
        rooms: &Rc<Rooms>,
        outbox: &Rc<Outbox>,
        notices: &Rc<Notices>,
        rights: &Rc<Rights>,
        privacy: &Rc<Privacy>,
    ) -> Self {
        Self {
            app,
            connection: Rc::clone(connection),
            rooms: Rc::clone(rooms),
            outbox: Rc::clone(outbox),
            notices: Rc::clone(notices),
            rights: Rc::clone(rights),
            privacy: Rc::clone(privacy),
            present: RefCell::default(),
            followed: Cell::new(0),
            inbox: RefCell::default(),
            last: RefCell::default(),
        }
    }

    /// Follows the reader's own inbox, if that has not begun yet in this session.
    pub fn follow_inbox(self: &Rc<Self>) {
        let Some(session) = self.connection.session() else {
            return;
        };
        let epoch = self.connection.epoch();
        if self.followed.replace(epoch) == epoch {
            return;
        }
        let Some(me) = self.app.me.get_untracked() else {
            return;
        };
        let (connection, privacy) = (self.connection.clone(), self.privacy.clone());
        self.outbox.set_delivery(Rc::new(move |room, message| {
            Box::pin(deliver(connection.clone(), privacy.clone(), room, message))
        }));
        let whose = account(&me);
        if self.inbox.borrow().0 != whose {
            self.inbox.replace((whose, None));
            self.rights.forget();
            self.forget_conversations();
        }
        let principal = me.credentials.principal;
        if let Some(path) = direct_path(&principal) {
            let this = Rc::clone(self);
            self.follow_present(&session, &principal);
            self.connection
                .spawn(async move { this.follow(session, principal, path).await });
        }
    }

    /// What somebody else said stays with them.
    fn forget_conversations(&self) {
        let active = self.app.active.get_untracked();
        let direct = self.app.direct.get_untracked();
        let was_shown = direct.iter().any(|it| Some(it.id) == active);
        self.app.direct.set(Vec::new());
        self.last.take();
        let first = self.app.rooms.read_untracked().first().cloned();
        if let Some(first) = first.filter(|_| was_shown) {
            self.app.show_room(first);
        }
    }

    /// Follows which of those who talk to the reader are there, what they have seen, and whether they type.
    fn follow_present(self: &Rc<Self>, session: &Session, principal: &str) {
        self.present.take();
        let Some(selector) = direct_members_selector(principal) else {
            return;
        };
        let Ok(mut stream) = session.add_stream::<TimeSeriesEvent<MemberCard>>(&selector) else {
            return;
        };
        // Where it may not be selected, nobody is shown to be there.
        drop(session.topics().select(&selector));
        let this = Rc::clone(self);
        self.connection.spawn(async move {
            while let Some(event) = stream.next().await {
                this.see(event);
            }
        });
    }

    fn see(&self, event: StreamEvent<TimeSeriesEvent<MemberCard>>) {
        let (topic, card) = match event {
            StreamEvent::Value { topic, new, .. } => {
                // Anybody may write here, but only under their own name.
                if new.metadata.author != new.value.principal {
                    return;
                }
                (topic, Some(new.value))
            }
            StreamEvent::Unsubscribed { topic, .. } => (topic, None),
            _ => return,
        };
        let session = topic.path.rsplit('/').next().unwrap_or_default();
        let mut present = self.present.borrow_mut();
        present.retain(|(known, _)| known != session);
        let card = card.filter(|_| present.len() < MAX_PRESENT);
        present.extend(card.map(|card| (session.to_owned(), card)));
        drop(present);
        for open in self.app.direct.get_untracked() {
            self.show_present(&open);
        }
    }

    /// Shows whether the other of a conversation is there.
    fn show_present(&self, open: &OpenRoom) {
        let present = self.present.borrow();
        let theirs = present
            .iter()
            .filter(|(_, card)| open.peer.as_ref() == Some(&card.principal));
        open.change(|timeline| {
            for (_, card) in theirs.clone() {
                if let Some(seen) = card.seen {
                    timeline.note_seen(&card.name, &card.principal, seen);
                }
            }
        });
        open.people.maybe_update(|people| {
            people.keep(|session| theirs.clone().any(|(known, _)| known == session))
                | theirs.fold(false, |changed, (session, card)| {
                    people.put(session, card.clone(), clock::now()) | changed
                })
        });
    }

    async fn follow(self: &Rc<Self>, session: Session, principal: String, path: String) {
        let selector = [">", &path].concat();
        let Ok(mut stream) = session.add_stream::<TimeSeriesEvent<Json>>(&selector) else {
            return;
        };
        // Where the service does not allow it, there are no direct messages.
        let added = session.topics().add(&path, specification(&principal));
        // What is there already is no news. It is asked for at the same time, so that nothing comes in between.
        let newest = newest_event(&session, &path);
        let selected = session.topics().select(&selector);
        let before = match (added.await, newest.await, selected.await) {
            (Err(_), ..) | (.., Err(_)) => return,
            (_, newest, _) => newest.ok().and_then(|newest| {
                let newest = newest.events.into_iter().map(|event| event.metadata);
                newest.map(|it| (it.sequence, it.timestamp_millis())).max()
            }),
        };
        drop(session);
        while let Some(event) = stream.next().await {
            match event {
                StreamEvent::Subscribed { .. } => {
                    for open in self.app.direct.get_untracked() {
                        self.outbox.serve(&open);
                    }
                }
                StreamEvent::Unsubscribed {
                    reason: UnsubscribedReason::SessionLost,
                    ..
                } => {
                    // The service that the next session finds may have lost the inbox, too.
                    if let Some(session) = self.connection.session() {
                        drop(session.topics().add(&path, specification(&principal)));
                    }
                }
                StreamEvent::Value { new, .. } if !new.is_edit() => {
                    self.receive(&principal, new, before);
                }
                _ => {}
            }
        }
    }

    /// An event of the reader's inbox, of which an event was the newest when the page came in.
    fn receive(self: &Rc<Self>, me: &str, event: TimeSeriesEvent<Json>, before: Option<Place>) {
        let sequence = event.metadata.sequence;
        let time = event.metadata.timestamp_millis();
        // A lower place at a later time is one of another series: the service has begun anew.
        let is_not_after = |(known, then): Place| sequence <= known && time <= then;
        let is_news = !before.is_some_and(is_not_after);
        let is_known = self.inbox.borrow().1.is_some_and(is_not_after);
        if is_known {
            return;
        }
        self.inbox.borrow_mut().1 = Some((sequence, time));
        let Some(direct) = DirectMessage::from_json(&event.value) else {
            return; // Anybody may append anything.
        };
        if let Some(notice) = direct.rights {
            self.note_rights(notice);
        }
        let (to, message) = (direct.to, direct.message);
        let author = event.metadata.author;
        let own = author == me;
        let peer = if own { to } else { author.clone() };
        let Some(open) = self.conversation(&peer) else {
            return;
        };
        let my_name = open.look(|timeline| timeline.reader().name.clone());
        let name = if own {
            my_name
        } else if author == my_name {
            // Not the reader, who only goes by this name.
            [&author, " (@)"].concat()
        } else {
            revealed(&author)
        };
        let message = ChatMessage { name, ..message };
        let at = At::local(time as i64);
        let said = open.change(|timeline| timeline.receive_value(message.clone(), at, false));
        self.app.direct.update(|direct| {
            // The latest comes first.
            if let Some(place) = direct.iter().position(|it| it.id == open.id) {
                let open = direct.remove(place);
                direct.insert(0, open);
            }
        });
        let is_read = self.read_up_to(&peer).is_some_and(|read| time <= read);
        if said && !is_read && self.app.notice(&open) && is_news {
            self.notices.send(Notice {
                room: open.clone(),
                cause: Cause::Direct,
                message,
                rank: open.look(Timeline::newest_rank),
            });
        }
        if !own {
            let mut last = self.last.borrow_mut();
            last.retain(|(id, _)| *id != open.id);
            last.push((open.id, time));
            drop(last);
            self.remember_read(&open);
        }
    }

    /// A moderator has withdrawn rights in a room, or has given them back.
    fn note_rights(&self, notice: RightsNotice) {
        let shut = RoomState::Failed(Fault::NotPermitted(Right::Read));
        if let Some(open) = self.app.room_named(&notice.room)
            && !notice.withdrawn
            && *open.state.read_untracked() == shut
        {
            self.rooms.join_again(&open);
        }
        self.rights.notice(notice);
    }

    /// Remembers how far the reader has read, if the conversation is on the screen.
    pub fn remember_read(&self, open: &OpenRoom) {
        let last = self.last.borrow();
        let newest = last.iter().find(|(id, _)| *id == open.id);
        let (Some((_, newest)), Some(peer)) = (newest, &open.peer) else {
            return;
        };
        let is_seen = self.app.is_looking_at(open) && open.is_end_in_sight();
        if is_seen && self.read_up_to(peer) < Some(*newest) {
            READ.set(self.name_of(peer), Some(newest.to_string()));
        }
    }

    fn read_up_to(&self, peer: &str) -> Option<u64> {
        READ.get(&self.name_of(peer))?.parse().ok()
    }

    fn name_of(&self, peer: &str) -> String {
        let me = self.app.me.read_untracked();
        let me = me.as_ref().map(account).unwrap_or_default();
        [&me, " ", peer].concat()
    }

    /// What the reader and another principal say to each other.
    fn conversation(self: &Rc<Self>, peer: &str) -> Option<OpenRoom> {
        let mut direct = self.app.direct.get_untracked().into_iter();
        let known = direct.find(|open| open.peer.as_deref() == Some(peer));
        if known.is_some() {
            return known;
        }
        let shown = revealed(peer);
        let shortened = || shown.replace('/', "∕").chars().take(80).collect::<String>();
        let name = RoomName::parse(&shown)
            .or_else(|_| RoomName::parse(&shortened()))
            .ok()?;
        // As in a live room, messages are named by their ids: each of the two has a series of its own.
        let shown = Room {
            name,
            kind: RoomKind::Live,
        };
        let reader = current_reader(self.app);
        let open = OpenRoom::new(self.rooms.next_id(), shown, reader, Some(peer.to_owned()));
        open.state.set(RoomState::Open);
        self.show_present(&open);
        self.app
            .direct
            .update(|direct| direct.insert(0, open.clone()));
        Some(open)
    }

    /// Whether several people are signed in as a principal: all of them could read what is written to it.
    pub fn is_shared(&self, principal: &str) -> bool {
        let me = self.app.me.read_untracked();
        let Some(me) = me.as_ref() else { return false };
        if principal == SHARED_ACCOUNT && me.service.is_loopback() {
            return true;
        }
        let rooms = self.app.rooms.read_untracked();
        let persons = rooms
            .iter()
            .flat_map(|open| open.people.read_untracked().persons());
        let named = persons.filter(|it| it.principal == principal);
        let own = (principal == me.credentials.principal).then(|| me.name.clone());
        let mut names = own.into_iter().chain(named.map(|it| it.name));
        let first = names.next();
        names.any(|name| Some(name) != first)
    }

    /// Shows what the reader and somebody say to each other. Where others could read it, the profile says so instead.
    pub fn open_conversation(self: &Rc<Self>, person: Person) {
        if !self.is_private_with(&person) {
            self.app.profile_of.set(Some(person));
            self.app.dialog.set(Some(Dialog::Profile));
            return;
        }
        if let Some(open) = self.conversation(&person.principal) {
            self.app.panel.set(None);
            self.app.show_room(open);
            focus::move_to("composer");
        }
    }

    /// Whether what is written can be kept between the two.
    pub fn is_private_with(&self, person: &Person) -> bool {
        let mine = current_reader(self.app).principal;
        direct_path(&person.principal).is_some()
            && person.principal != mine
            && !self.is_shared(&mine)
            && !self.is_shared(&person.principal)
    }
}

/// Puts a message into the other's inbox, and a copy into the reader's own.
async fn deliver(
    connection: Rc<Connection>,
    privacy: Rc<Privacy>,
    open: OpenRoom,
    message: ChatMessage,
) -> Result<(), Trouble> {
    let lost = || Trouble::Request(RequestError::NeverSent(Interruption::SessionLost));
    let session = connection.session().ok_or_else(lost)?;
    let me = open.look(|timeline| timeline.reader().principal.clone());
    let to = open.peer.clone().unwrap_or_default();
    let (Some(theirs), Some(mine)) = (direct_path(&to), direct_path(&me)) else {
        return Err(Trouble::Fault(Fault::NotARoom));
    };
    privacy.assure(&session).await?;
    // It is there, and its owner is the other: or it is somebody else's, and then the service says that it is another topic.
    if let Err(error) = session.topics().add(&theirs, specification(&to)).await {
        return Err(match error.refusal() {
            Some(ErrorReason::TopicExistsMismatch | ErrorReason::TopicExistsIncompatible) => {
                Trouble::Fault(Fault::NotPrivate)
            }
            _ => Trouble::Request(error),
        });
    }
    let value = DirectMessage {
        to,
        message,
        rights: None,
    };
    session.time_series().append(&theirs, &value).await?;
    // It has arrived; without the copy it is only not shown in other windows.
    drop(session.topics().add(&mine, specification(&me)));
    let _ = session.time_series().append(&mine, &value).await;
    Ok(())
}

/// An inbox.
fn specification(principal: &str) -> TopicSpecification {
    value::series(DIRECT_RANGE, DIRECT_RANGE).with(property::OWNER, &owner(principal))
}
