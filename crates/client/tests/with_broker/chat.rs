//! People in one room: who writes, who reads, and what must be true of it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use effusion_client::machine::{Event, SessionOptions, Ticket};
use effusion_client::{Json, RequestError, UnsubscribedReason};
use effusion_protocol::body::{AddTopicRequest, SetTopicRequest, UpdateConstraint};
use effusion_protocol::time_series::{AppendRequest, Event as SeriesEvent, EventMetadata};
use effusion_protocol::value::Value as _;
use effusion_protocol::{
    Credentials, ServiceId, TopicSpecification, TopicType, Wire, decode, encode, property,
};

use super::network::Network;

pub const ROOM: &str = "Chat/room";
pub const BOARD: &str = "Chat/board";

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Open,
    Acknowledged(u64),
    Unknown,
    NotDone,
}

/// A reader's subscriptions to the room, one after the other, with what came of each.
#[derive(Debug, Default)]
pub struct Reader {
    pub subscriptions: Vec<Vec<SeriesEvent>>,
    pub board: Option<Bytes>,
    /// How often the session was lost for good.
    pub losses: usize,
}

pub struct Chat {
    pub network: Network,
    asked: BTreeMap<(usize, Ticket), String>,
    pub outcomes: BTreeMap<String, Outcome>,
    pub readers: BTreeMap<usize, Reader>,
    messages: usize,
}

pub fn options(principal: &str) -> SessionOptions {
    SessionOptions {
        principal: Some(principal.to_owned()),
        credentials: Credentials::Password("password".to_owned()),
        ..SessionOptions::default()
    }
}

fn room() -> TopicSpecification {
    TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, "limit 100000")
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, "limit 100000")
}

fn id_of(value: &Bytes) -> String {
    let json = Json::from_cbor(value.clone());
    json.member("id").and_then(|id| id.as_text()).unwrap()
}

impl Chat {
    /// A room and a board that everybody may write to.
    pub fn new(seed: u64) -> Self {
        let mut chat = Self {
            network: Network::new(seed),
            asked: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            readers: BTreeMap::new(),
            messages: 0,
        };
        let admin = chat.network.add_client(options("admin"));
        let topics = [
            (ROOM, room()),
            (BOARD, TopicSpecification::new(TopicType::Json)),
        ];
        for (path, specification) in topics {
            let request = AddTopicRequest {
                path: path.to_owned(),
                specification,
            };
            chat.ask(admin, ServiceId::AddTopic, &request, path);
        }
        chat.run_for(2_000);
        for path in [ROOM, BOARD] {
            assert_eq!(chat.outcomes.remove(path), Some(Outcome::Acknowledged(0)));
        }
        chat
    }

    fn ask<T: Wire>(&mut self, client: usize, service: ServiceId, request: &T, id: &str) {
        let ticket = self.network.with(client, |machine, now| {
            let body = encode(request, machine.version());
            machine.request(now, service, body)
        });
        self.asked.insert((client, ticket), id.to_owned());
        self.outcomes.insert(id.to_owned(), Outcome::Open);
    }

    /// Says something in the room.
    pub fn say(&mut self, client: usize) {
        self.messages += 1;
        let id = format!("message {} of {client}", self.messages);
        let request = AppendRequest {
            path: ROOM.to_owned(),
            value_type: "json".to_owned(),
            value: Json::object(&[("id", Json::text(&id))]).to_bytes(),
        };
        self.ask(client, ServiceId::TimeSeriesAppend, &request, &id);
    }

    /// Writes something on the board, long enough to make deltas worth while.
    pub fn write(&mut self, client: usize) -> String {
        self.write_if(client, UpdateConstraint::Unconstrained)
    }

    /// Writes something on the board if a constraint holds.
    pub fn write_if(&mut self, client: usize, constraint: UpdateConstraint) -> String {
        self.messages += 1;
        let id = format!("note {} of {client}", self.messages);
        let filler = "what was on the board before, and is still there ".repeat(4);
        let request = SetTopicRequest {
            path: BOARD.to_owned(),
            topic_type: TopicType::Json,
            value: Json::object(&[("filler", Json::text(&filler)), ("id", Json::text(&id))])
                .to_bytes(),
            constraint,
        };
        self.ask(client, ServiceId::SetTopic, &request, &id);
        id
    }

    /// What is written on the board.
    pub fn board(&self) -> Option<String> {
        self.truth().1.as_ref().map(id_of)
    }

    /// Reads the room and the board from now on.
    pub fn read(&mut self, client: usize) {
        self.readers.insert(client, Reader::default());
        self.network.with(client, |machine, now| {
            machine.select(now, &format!(">{ROOM}"), true);
            machine.select(now, &format!(">{BOARD}"), true);
        });
    }

    pub fn run_for(&mut self, milliseconds: u64) {
        let end = self.network.now + milliseconds;
        self.network.run_until(end);
        for client in 0..self.network.clients.len() {
            while let Some(event) = self.network.clients[client].events.pop_front() {
                self.look_at(client, event);
            }
        }
    }

    fn look_at(&mut self, client: usize, event: Event) {
        match event {
            Event::Answer { ticket, result } => {
                let Some(id) = self.asked.remove(&(client, ticket)) else {
                    return;
                };
                let outcome = match result {
                    Ok(body) => {
                        let version = self.network.clients[client].machine.version();
                        let metadata = decode::<EventMetadata>(body, version);
                        Outcome::Acknowledged(metadata.map_or(0, |metadata| metadata.sequence))
                    }
                    Err(error) if error.may_have_happened() => Outcome::Unknown,
                    Err(RequestError::NeverSent(_)) => Outcome::NotDone,
                    Err(error) => panic!("{id}: {error}"),
                };
                let before = self.outcomes.insert(id.clone(), outcome);
                assert_eq!(before, Some(Outcome::Open), "{id} is answered twice");
            }
            Event::Subscribed(topic) if topic.path == ROOM => {
                let reader = self.readers.get_mut(&client).unwrap();
                reader.subscriptions.push(Vec::new());
            }
            Event::Value { topic, new, .. } => {
                let reader = self.readers.get_mut(&client).unwrap();
                if topic.path == ROOM {
                    let version = self.network.clients[client].machine.version();
                    let event = decode(new, version).unwrap();
                    reader.subscriptions.last_mut().unwrap().push(event);
                } else {
                    reader.board = Some(new);
                }
            }
            Event::Unsubscribed { topic, reason } => {
                assert_eq!(reason, UnsubscribedReason::SessionLost);
                let reader = self.readers.get_mut(&client).unwrap();
                reader.losses += usize::from(topic.path == ROOM);
            }
            Event::Broken { topic, error } => panic!("{}: {error}", topic.path),
            Event::SelectionFailed { error, .. } => panic!("{error}"),
            Event::Subscribed(_)
            | Event::State(_)
            | Event::Called(_)
            | Event::ConversationEnded { .. } => {}
        }
    }

    /// What one client says stays in the order in which it was said.
    fn check_order(&self) {
        let mut last: BTreeMap<&str, (usize, u64)> = BTreeMap::new();
        let mut acknowledged: Vec<_> = self
            .outcomes
            .iter()
            .filter_map(|(id, outcome)| match outcome {
                Outcome::Acknowledged(sequence) => {
                    let (number, client) = id.strip_prefix("message ")?.split_once(" of ")?;
                    Some((number.parse::<usize>().unwrap(), client, *sequence))
                }
                _ => None,
            })
            .collect();
        acknowledged.sort_unstable();
        for (number, client, sequence) in acknowledged {
            if let Some((before, earlier)) = last.insert(client, (number, sequence)) {
                assert!(
                    earlier < sequence,
                    "{number} of {client} came before {before}"
                );
            }
        }
    }

    /// What the store says that happened.
    fn truth(&self) -> (Vec<SeriesEvent>, Option<Bytes>) {
        let topic = |path: &str| {
            let topics = &self.network.service.stored.topics;
            let found = topics.iter().find(|(it, _)| it == path).unwrap();
            found.1.clone()
        };
        (topic(ROOM).events, topic(BOARD).value)
    }

    /// Checks that what was acknowledged is there once, in order, for everybody, and nothing else that should not be.
    pub fn check(&self) {
        let (truth, board) = self.truth();
        for (index, event) in truth.iter().enumerate() {
            assert_eq!(event.metadata.sequence, index as u64);
        }
        let ids: Vec<String> = truth.iter().map(|event| id_of(&event.value)).collect();
        let distinct: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len(), "a message is there twice");
        for (id, outcome) in &self.outcomes {
            let is_message = id.starts_with("message");
            match outcome {
                Outcome::Open => panic!("{id} was never answered"),
                Outcome::Acknowledged(sequence) if is_message => {
                    assert_eq!(ids.get(*sequence as usize), Some(id));
                }
                Outcome::NotDone => assert!(!ids.contains(id), "{id} was not to be there"),
                Outcome::Acknowledged(_) | Outcome::Unknown => {}
            }
        }
        self.check_order();
        for (client, reader) in &self.readers {
            for subscription in &reader.subscriptions {
                assert!(
                    truth.starts_with(subscription),
                    "client {client} saw {} events of {}, not in order or not all",
                    subscription.len(),
                    truth.len()
                );
            }
            // What a session has lost it is told; what it is told twice was sent twice.
            assert_eq!(
                reader.subscriptions.len(),
                reader.losses + 1,
                "client {client}"
            );
            let last = reader.subscriptions.last().expect("a subscription");
            assert_eq!(last.len(), truth.len(), "client {client} lacks messages");
            assert_eq!(reader.board, board, "client {client} sees another board");
        }
    }
}
