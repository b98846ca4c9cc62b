//! The rooms of the service: finding them, making them, and what is written down of them.

use std::cell::RefCell;
use std::rc::Rc;

use effusion_client::{
    AddTopicResult, FetchedTopic, Json, RequestError, Session, TopicSpecification, TopicType,
};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::connection::{Connection, current_reader};
use super::fault;
use super::rooms::{Rooms, specification};
use super::value::{self, RoomValue};
use crate::features::composer::composing::Note;
use crate::features::directory::listing::{Listed, gather};
use crate::features::join::form::Room;
use crate::features::timeline::At;
use crate::i18n::messages;
use crate::state::{App, Fault, OpenRoom, Right, SetIfChanged};
use effusion_chat::{
    CARDS_SELECTOR, ChatMessage, MemberCard, RoomCard, RoomKind, RoomName, card_path,
};

/// How many topics are asked for at once. A service with more rooms shows the first ones.
const MAX_TOPICS: u32 = 2_000;

/// Everything below the root of rooms.
const ROOMS_SELECTOR: &str = "?Chat//";
/// Everybody in every room.
const MEMBERS_SELECTOR: &str = "?Effusion/members//";

/// Who may do something in a new room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Whoever the service lets into rooms.
    #[default]
    Everyone,
    /// All may read, and sessions with this role may write.
    WritersOnly(String),
    /// Only sessions with this role may read and write.
    RoleOnly(String),
}

/// A room to be made.
#[derive(Clone, Debug)]
pub struct NewRoom {
    /// Name and kind.
    pub room: Room,
    /// What it is about.
    pub topic: String,
    /// How many messages a history room keeps.
    pub keep: u32,
    /// Who may do what.
    pub access: Access,
}

/// Finds and describes rooms.
pub struct Directory {
    app: App,
    connection: Rc<Connection>,
    rooms: Rc<Rooms>,
    latest: RefCell<Vec<Listed>>,
}

impl Directory {
    pub(super) fn new(app: App, connection: &Rc<Connection>, rooms: &Rc<Rooms>) -> Self {
        Self {
            app,
            connection: Rc::clone(connection),
            rooms: Rc::clone(rooms),
            latest: RefCell::default(),
        }
    }

    /// The list as it was found last.
    pub fn latest(&self) -> Vec<Listed> {
        self.latest.borrow().clone()
    }

    /// The rooms of the service that the session may see.
    pub async fn load(&self) -> Result<Vec<Listed>, Fault> {
        let session = self.connection.session().ok_or(Fault::NotConnected)?;
        // All three are on their way before the first is answered.
        let values = |selector| session.fetch(selector).with_values().first(MAX_TOPICS);
        let rooms = values(ROOMS_SELECTOR)
            .topic_types(&[TopicType::Json, TopicType::TimeSeries])
            .with_properties()
            .fetch();
        let cards = values(CARDS_SELECTOR).fetch();
        let members = values(MEMBERS_SELECTOR).fetch();
        let rooms = rooms
            .await
            .map_err(|error| fault::of_request(error, Right::Read))?;
        // Without these there are still rooms.
        let cards = cards.await.map(|found| found.topics).unwrap_or_default();
        let members = members.await.map(|found| found.topics).unwrap_or_default();
        let card = |topic: &FetchedTopic| RoomCard::from_json(&json(topic)?);
        let list = gather(
            rooms.topics.iter().filter_map(room_of).collect(),
            &cards.iter().filter_map(card).collect::<Vec<_>>(),
            &members.iter().filter_map(member_of).collect::<Vec<_>>(),
        );
        self.latest.replace(list.clone());
        Ok(list)
    }

    /// The roles of the service, if the session may say which of them may do what; `None` if it may not.
    pub async fn roles(&self) -> Option<Vec<String>> {
        let session = self.connection.session()?;
        let store = session.security().security_store().await.ok()?;
        // Who may read the store need not be allowed to change it. A script that says what is the case anyway tells.
        let nothing = "deisolate path 'Effusion/no such path'";
        let security = session.security();
        security.update_security_store(nothing).await.ok()?;
        Some(store.roles.into_iter().map(|role| role.name).collect())
    }

    /// Makes a room and joins it.
    pub async fn create(&self, new: NewRoom) -> Result<(), Fault> {
        let session = self.connection.session().ok_or(Fault::NotConnected)?;
        let path = new.room.name.topic_path();
        // Before there is anything to read.
        if let Some(script) = script(&path, &new.access) {
            let granted = session.security().update_security_store(&script).await;
            granted.map_err(|error| fault::of_request(error, Right::Grant))?;
        }
        let keep = ["limit ", &new.keep.to_string()].concat();
        let specification = specification(new.room.kind, &keep);
        let added = session.topics().add(&path, specification).await;
        match added.map_err(|error| fault::of_request(error, Right::Create)) {
            Ok(AddTopicResult::Exists) | Err(Fault::NotARoom) => {
                return Err(Fault::RoomExists(new.room.name.to_string()));
            }
            added => added?,
        };
        let card = RoomCard {
            topic: new.topic,
            ..self.new_card(&new.room)
        };
        // A room without a card is still a room.
        let _ = write(&session, &card).await;
        self.rooms.open_and_show(new.room);
        Ok(())
    }

    /// Says what a room is about.
    pub fn set_topic(&self, open: &OpenRoom, topic: String) {
        let card = self.card_of(open);
        self.save(open, RoomCard { topic, ..card });
    }

    /// Closes a room for writing, or opens it again.
    pub fn archive(&self, open: &OpenRoom, archived: bool) {
        let card = self.card_of(open);
        self.save(open, RoomCard { archived, ..card });
    }

    /// Writes down that a room has been made.
    pub fn introduce(&self, open: &OpenRoom) {
        self.save(open, self.card_of(open));
    }

    fn save(&self, open: &OpenRoom, card: RoomCard) {
        let Some(session) = self.connection.session().filter(|_| open.peer.is_none()) else {
            return;
        };
        let open = open.clone();
        spawn_local(async move {
            match write(&session, &card).await {
                // The reader sees it even where the service lets nobody read the cards.
                Ok(()) => open.card.set_if_changed(Some(card)),
                Err(error) => {
                    let fault = fault::of_request(error, Right::Describe);
                    let what = &messages::room_info_not_saved;
                    open.note.set(Some(Note::Failure { what, fault }));
                }
            }
        });
    }

    /// The card of a room as it is known, or as it would be.
    fn card_of(&self, open: &OpenRoom) -> RoomCard {
        let known = open.card.read_untracked().clone();
        known.unwrap_or_else(|| self.new_card(&open.info.read_untracked()))
    }

    /// The card of a room that has none yet.
    fn new_card(&self, room: &Room) -> RoomCard {
        RoomCard {
            name: room.name.clone(),
            kind: room.kind,
            topic: String::new(),
            by: current_reader(self.app).name,
            archived: false,
        }
    }
}

fn json(topic: &FetchedTopic) -> Option<Json> {
    topic.value::<Json>().ok()?
}

fn room_of(topic: &FetchedTopic) -> Option<(RoomName, RoomKind, Option<ChatMessage>, Option<At>)> {
    let name = RoomName::from_topic_path(&topic.path)?;
    let kind = value::kind(&topic.specification)?;
    let last = topic.value::<RoomValue>().ok().flatten();
    let (message, at) = match last {
        Some(RoomValue::Event(event)) => (Some(event.message), Some(event.at)),
        Some(RoomValue::Live(message)) => {
            let at = value::written(&message.timestamp);
            (Some(message), Some(at))
        }
        None => (None, None),
    };
    Some((name, kind, message, at))
}

fn member_of(topic: &FetchedTopic) -> Option<(RoomName, String, MemberCard)> {
    let (path, session) = topic.path.rsplit_once('/')?;
    let (_, key) = path.rsplit_once('/')?;
    let card = MemberCard::from_json(&json(topic)?)?;
    Some((RoomName::from_key(key)?, session.to_owned(), card))
}

/// What gives a path's rights to one role.
fn script(path: &str, access: &Access) -> Option<String> {
    let quote = |text: &str| ["'", &text.replace('\\', "\\\\").replace('\'', "\\'"), "'"].concat();
    let path = quote(path);
    let set = |role: &str, permissions: &str| {
        let role = quote(role);
        format!("set {role} path {path} permissions [{permissions}]\n")
    };
    const ALL: &str =
        "SELECT_TOPIC READ_TOPIC UPDATE_TOPIC MODIFY_TOPIC EDIT_OWN_TIME_SERIES_EVENTS";
    let (role, others) = match access {
        Access::Everyone => return None,
        Access::WritersOnly(role) if role != "CLIENT" => {
            (role, set("CLIENT", "SELECT_TOPIC READ_TOPIC"))
        }
        Access::WritersOnly(role) | Access::RoleOnly(role) => (role, String::new()),
    };
    // Whoever runs the service keeps the keys.
    let keys = match role.as_str() {
        "ADMINISTRATOR" => String::new(),
        _ => set("ADMINISTRATOR", ALL),
    };
    let own = set(role, ALL);
    Some(format!("isolate path {path}\n{others}{own}{keys}"))
}

async fn write(session: &Session, card: &RoomCard) -> Result<(), RequestError> {
    let path = card_path(&card.name);
    let added = session
        .topics()
        .add(&path, TopicSpecification::new(TopicType::Json));
    let set = session.topic_update().set(&path, card);
    added.await?;
    set.await
}
