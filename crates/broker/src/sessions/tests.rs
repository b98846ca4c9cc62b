//! Sessions alone: no topic, no store, no authentication.

use bytes::Bytes;
use effusion_protocol::body::{Properties, SessionUpdateType};
use effusion_protocol::{
    CloseReason, ConnectRequest, ConnectResponse, ConversationId, ProtocolVersion, Reconnect,
    ResponseCode, ServiceId, TopicId, UnsubscribeReason,
};
use std::sync::Arc;

use super::events::SessionListener;
use super::*;
use crate::auth::{Admission, Rights};
use crate::topics::{Messages, Priority, Progress, Selector};
use crate::{ConnectionEnd, Peer, Time};

const VERSION: ProtocolVersion = ProtocolVersion::NEWEST;
const TOPIC: TopicId = TopicId(1);

fn sessions() -> Sessions {
    Sessions::new(&Config {
        ping_period_ms: 1_000,
        limits: Limits {
            sessions: 2,
            window_messages: 4,
            ..Limits::default()
        },
        ..Config::new([1; 32])
    })
}

fn open(sessions: &mut Sessions, connection: u64, at: Time) -> SessionKey {
    let connecting = Connecting {
        connection: ConnectionId(connection),
        version: VERSION,
        request: ConnectRequest::new(VERSION),
        peer: Peer {
            address: "10.0.0.1".to_owned(),
            connector: "c".to_owned(),
            secure: false,
        },
    };
    let admission = Admission {
        principal: Some("ann".to_owned()),
        roles: ["R".to_owned()].into(),
        rights: Arc::new(Rights::default()),
        properties: Properties::new(),
        has_all_properties: false,
        expires_ms: None,
    };
    sessions.open(connecting, admission, at);
    let Some(Connection::Session(key)) = sessions.connection(ConnectionId(connection)) else {
        panic!();
    };
    key
}

/// The text of the roles is made when they change, and not whenever it is asked for.
#[test]
fn the_property_of_the_roles_is_what_they_are_now() {
    use super::filter::Properties as _;
    let mut sessions = sessions();
    let key = open(&mut sessions, 1, Time::default());
    let details = sessions.details;
    let roles = BTreeSet::from(["A".to_owned(), "\"".to_owned()]);
    let rights = Arc::new(Rights::default());
    sessions.set_roles(key, roles.clone(), rights).unwrap();
    let session = sessions.get(key).unwrap();
    assert_eq!(session.roles(), &roles);
    let text = session.property(key::ROLES).unwrap();
    assert_eq!(text, r#""\"","A""#);
    let again = session.property(key::ROLES).unwrap();
    assert!(core::ptr::eq(text, again));
    // A role more, with what it takes by itself, and five bytes of text: the quote is escaped.
    assert_eq!(sessions.details, details + 64 + 1 + 5);
    let keys = vec![key::ROLES.to_owned(); 3];
    let selected = sessions.get(key).unwrap().select_properties(&keys);
    assert_eq!(
        selected,
        [(key::ROLES.to_owned(), roles_text(&roles))].into()
    );
}

/// What is to be sent over a connection, and why others are closed.
fn outputs(sessions: &mut Sessions, connection: u64) -> (Vec<Bytes>, Vec<ConnectionEnd>) {
    let (mut sent, mut closed) = (Vec::new(), Vec::new());
    while let Some(output) = sessions.next_output() {
        match output {
            Output::Send {
                connection: to,
                message,
            } if to == ConnectionId(connection) => sent.push(message),
            Output::Close { reason, .. } => closed.push(reason),
            _ => {}
        }
    }
    (sent, closed)
}

fn message(number: u8) -> Bytes {
    Bytes::copy_from_slice(&[number])
}

fn after(seconds: u64) -> Time {
    Time::default().plus(seconds * 1_000)
}

#[test]
fn what_a_client_missed_is_sent_again_when_it_is_back() {
    let mut sessions = sessions();
    let key = open(&mut sessions, 1, after(0));
    let (greeting, _) = outputs(&mut sessions, 1);
    let greeting = ConnectResponse::decode(greeting.first().unwrap().clone()).unwrap();
    let token = greeting.success.unwrap().token;
    sessions.send(key, message(1));
    sessions.send(key, message(2));
    assert_eq!(outputs(&mut sessions, 1).0, [message(1), message(2)]);
    assert!(sessions.forget_connection(ConnectionId(1)).is_some());
    assert_eq!(sessions.lose_connection(key, after(1)), Some(Loss::Kept));
    sessions.send(key, message(3));
    assert_eq!(outputs(&mut sessions, 1).0.len(), 0);
    let reconnect = |last| Reconnect {
        token,
        available_client_sequence: 1,
        last_server_sequence: last,
    };
    let resumed = sessions.resume(ConnectionId(2), VERSION, &reconnect(1), after(2));
    let expected = Resumption::Resumed {
        key,
        is_replaced: false,
    };
    assert_eq!(resumed, expected);
    let (sent, _) = outputs(&mut sessions, 2);
    // After the greeting, and before the ping that asks for a confirmation.
    assert_eq!(sent.get(1..3), Some(&[message(2), message(3)][..]));
    let resumed = sessions.resume(ConnectionId(3), VERSION, &reconnect(99), after(3));
    assert_eq!(resumed, Resumption::Lossy(key));
    assert!(sessions.close(key, CloseReason::LostMessages).is_some());
    let resumed = sessions.resume(ConnectionId(4), VERSION, &reconnect(1), after(4));
    assert_eq!(resumed, Resumption::Unknown);
}

#[test]
fn there_are_only_so_many_sessions() {
    let mut sessions = sessions();
    let key = open(&mut sessions, 1, after(0));
    assert_eq!(sessions.refusal("10.0.0.1"), None);
    open(&mut sessions, 2, after(0));
    let full = ConnectionEnd::Refused(ResponseCode::LicenceExceeded);
    assert_eq!(sessions.refusal("10.0.0.9"), Some(full));
    sessions.close(key, CloseReason::ClosedByClient);
    assert_eq!((sessions.refusal("10.0.0.1"), sessions.len()), (None, 1));
}

#[test]
fn a_silent_client_loses_its_connection_and_then_its_session() {
    let mut sessions = sessions();
    let key = open(&mut sessions, 1, after(0));
    outputs(&mut sessions, 1);
    assert_eq!(sessions.next_timeout(), Some(1_000));
    assert_eq!(sessions.handle_timeout(after(1)), None);
    assert_eq!(outputs(&mut sessions, 1).0.len(), 1, "a ping");
    assert_eq!(
        sessions.handle_timeout(after(2)),
        Some(Timeout::Unresponsive(key))
    );
    assert_eq!(outputs(&mut sessions, 1).1, [ConnectionEnd::Unresponsive]);
    assert_eq!(sessions.lose_connection(key, after(2)), Some(Loss::Kept));
    // What is due comes one by one; whoever is not there is not pinged.
    let timeouts = |sessions: &mut Sessions, now| {
        let mut timeouts = Vec::new();
        while sessions.next_timeout().is_some_and(|at| at <= now) {
            timeouts.extend(sessions.handle_timeout(after(now / 1_000)));
        }
        timeouts
    };
    assert_eq!(timeouts(&mut sessions, 61_000), []);
    let over = Timeout::Over(key, CloseReason::ConnectionLost);
    assert_eq!(timeouts(&mut sessions, 62_000), [over]);
    assert!(outputs(&mut sessions, 1).0.is_empty());
}

#[test]
fn a_client_is_told_of_subscriptions_as_it_reads() {
    let mut sessions = sessions();
    let key = open(&mut sessions, 1, after(0));
    outputs(&mut sessions, 1);
    let selector = Arc::new(Selector::parse("?a//").unwrap());
    let by = SelectedBy::Session;
    sessions.select(key, "", &selector, by).unwrap();
    assert!(sessions.interested_in("a/b").contains(&key));
    assert!(sessions.interested_in("b").is_empty());
    sessions.subscribe(key, TOPIC, Priority::Default);
    let next = sessions.next_due(key).unwrap();
    assert_eq!(next.due, Due::Updates(Progress::NotStarted));
    assert_eq!(sessions.is_not_started(key, TOPIC), Some(false));
    let told = |updates: &[u8], progress| Messages {
        notification: None,
        updates: updates.iter().copied().map(message).collect(),
        priority: Priority::Default,
        progress,
    };
    sessions.send_updates(key, TOPIC, told(&[1, 2], Some(Progress::Next(2))));
    // Half of what may be in flight is left to what cannot wait.
    assert_eq!(sessions.next_due(key), None);
    let (sent, _) = outputs(&mut sessions, 1);
    assert_eq!(sent, [message(1), message(2)]);
    sessions.ping(key);
    assert!(!sessions.pong(key, ConversationId(99)));
    assert!(sessions.pong(key, ConversationId(1)));
    let next = sessions.next_due(key).unwrap();
    assert_eq!(next.due, Due::Updates(Progress::Next(2)));
    sessions.send_updates(key, TOPIC, told(&[3], None));
    assert_eq!(sessions.next_due(key), None);
    let reason = UnsubscribeReason::Requested;
    sessions.unsubscribe(key, TOPIC, Priority::Default, false, reason);
    assert!(sessions.get(key).unwrap().subscriptions().is_empty());
    sessions.deselect(key, &[String::new()], &selector).unwrap();
    assert!(sessions.interested_in("a/b").is_empty());
}

#[test]
fn listeners_are_told_of_what_changes() {
    let mut sessions = sessions();
    let listening = open(&mut sessions, 1, after(0));
    outputs(&mut sessions, 1);
    let listener = SessionListener {
        filter: None,
        properties: vec!["Room".to_owned()],
        after: None,
        service: ServiceId::SessionEventRegistration,
        introduced: SessionKey(0),
        since: 0,
    };
    let id = ConversationId(5);
    sessions.add_listener(listening, id, listener).unwrap();
    let told = |sessions: &mut Sessions| outputs(sessions, 1).0.len();
    assert!(sessions.introduce(listening, id, &mut 100));
    assert_eq!(told(&mut sessions), 1, "of itself");
    let key = open(&mut sessions, 2, after(1));
    assert_eq!(told(&mut sessions), 1);
    let set = |value: &str| vec![("Room".to_owned(), value.to_owned())];
    let changed = sessions.set_properties(key, &set("tea"), &[]).unwrap();
    assert_eq!(changed, (Properties::new(), vec!["Room".to_owned()]));
    assert_eq!(told(&mut sessions), 1);
    let unchanged = sessions.set_properties(key, &set("tea"), &[]).unwrap();
    assert_eq!(unchanged, (Properties::new(), Vec::new()));
    assert_eq!(told(&mut sessions), 0);
    sessions.notify_moved(key, SessionUpdateType::Disconnected);
    assert_eq!(told(&mut sessions), 1);
    assert!(sessions.listening_steps() > 0);
    assert_eq!(sessions.end_listeners(listening).len(), 1);
    assert_eq!(sessions.listening_steps(), 0);
    let closed = sessions.close(key, CloseReason::ClosedByClient).unwrap();
    sessions.notify_closed(&closed, CloseReason::ClosedByClient);
    assert_eq!(told(&mut sessions), 0);
}
