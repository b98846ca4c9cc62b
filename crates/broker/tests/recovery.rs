//! Sessions that lose their connection and come back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use bytes::Bytes;
use common::{Client, Incoming, Seen, World, login};
use effusion_broker::{Config, ConnectionEnd, Limits};
use effusion_protocol::body::{
    AddTopicRequest, SelectRequest, SessionLockRequest, SessionLockScope, call,
};
use effusion_protocol::time_series::{AppendRequest, Event};
use effusion_protocol::value::{Json, Value};
use effusion_protocol::{
    ConnectRequest, Message, ProtocolVersion, Reconnect, ResponseCode, ServiceId,
    TopicSpecification, TopicType, decode, property,
};

fn room(world: &mut World) -> (Client, Client) {
    let (mut writer, mut reader) = (world.client("user"), world.client("client"));
    let specification = TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json");
    let request = AddTopicRequest {
        path: "ts".into(),
        specification,
    };
    writer.call::<call::AddTopic>(world, &request).unwrap();
    reader
        .call::<call::Subscribe>(world, &SelectRequest::new(">ts"))
        .unwrap();
    (writer, reader)
}

fn append(number: u64) -> AppendRequest {
    AppendRequest {
        path: "ts".into(),
        value_type: "json".into(),
        value: Json::from_text(&number.to_string()).unwrap().to_bytes(),
    }
}

fn sequences(seen: Vec<Seen>) -> Vec<u64> {
    seen.into_iter()
        .filter_map(|it| match it {
            Seen::Value(_, value) => {
                let event: Event = decode(value, ProtocolVersion::NEWEST).unwrap();
                Some(event.metadata.sequence)
            }
            _ => None,
        })
        .collect()
}

/// What came about topics; pings are answered.
fn see_and_confirm(client: &mut Client, world: &mut World) -> Vec<Seen> {
    let mut all = Vec::new();
    for incoming in client.read_all(world) {
        match incoming {
            Incoming::Seen(seen) => all.push(seen),
            Incoming::Request(Message::Request {
                service,
                conversation,
                ..
            }) => {
                assert_eq!(service, ServiceId::SystemPing);
                let answer = Message::Response {
                    service: Some(service),
                    conversation,
                    body: Bytes::new(),
                };
                client.send(world, answer.encode(client.version));
            }
            _ => {}
        }
    }
    all
}

#[test]
fn a_client_that_comes_back_gets_what_it_missed() {
    let mut world = World::default();
    let (mut writer, mut reader) = room(&mut world);
    for number in 0..2 {
        writer
            .call::<call::TimeSeriesAppend>(&mut world, &append(number))
            .unwrap();
    }
    // One of the two events arrives, the other is lost with the connection.
    let first = world.read_raw(reader.connection).unwrap();
    reader.received += 1;
    drop(first);
    reader.cut(&mut world);
    for number in 2..5 {
        writer
            .call::<call::TimeSeriesAppend>(&mut world, &append(number))
            .unwrap();
    }
    world.pass(30_000);
    let response = reader.reconnect(&mut world);
    assert_eq!(response.code, ResponseCode::Reconnected);
    let success = response.success.unwrap();
    assert_eq!(success.session, reader.session);
    assert_eq!(
        success.last,
        Some(2),
        "the next message expected: one was received"
    );
    assert_eq!(sequences(reader.see(&mut world)), [1, 2, 3, 4]);
    writer
        .call::<call::TimeSeriesAppend>(&mut world, &append(5))
        .unwrap();
    assert_eq!(sequences(reader.see(&mut world)), [5]);
    reader.call::<call::UserPing>(&mut world, &()).unwrap();
}

#[test]
fn answers_are_kept_for_a_lost_client() {
    let mut world = World::default();
    let (mut writer, _) = room(&mut world);
    world.hold_stores = true;
    let asked = writer.request::<call::TimeSeriesAppend>(&mut world, &append(0));
    writer.cut(&mut world);
    world.store_one();
    assert_eq!(writer.reconnect(&mut world).code, ResponseCode::Reconnected);
    let came = writer.read_all(&mut world);
    assert!(
        matches!(&came[..], [Incoming::Answer(id, Ok(_))] if *id == asked),
        "{came:?}"
    );
}

#[test]
fn a_session_is_kept_for_the_shorter_of_two_times() {
    let mut world = World::new(Config {
        reconnect_timeout_ms: 20_000,
        ..Config::new([4; 32])
    });
    for (asked, kept) in [(60_000, 20_000), (5_000, 5_000)] {
        let mut request = login("user", "password", ProtocolVersion::NEWEST);
        request.reconnect_timeout = asked;
        let (connection, _) = world.connect_with(request);
        world.broker.disconnected(world.now, connection);
        world.pass(kept - 1);
        assert_eq!(world.broker.session_count(), 1);
        world.pass(1);
        assert_eq!(world.broker.session_count(), 0);
    }
    let mut request = login("user", "password", ProtocolVersion::NEWEST);
    request.reconnect_timeout = 0;
    let (connection, _) = world.connect_with(request);
    world.broker.disconnected(world.now, connection);
    assert_eq!(world.broker.session_count(), 0);
}

#[test]
fn a_session_that_is_gone_is_unknown() {
    let mut world = World::default();
    let (_, mut reader) = room(&mut world);
    reader.cut(&mut world);
    world.pass(60_001);
    let response = reader.reconnect(&mut world);
    assert_eq!(response.code, ResponseCode::UnknownSession);
    assert_eq!(
        world.closed[&reader.connection],
        ConnectionEnd::Refused(ResponseCode::UnknownSession)
    );
    let (_, mut other) = room(&mut world);
    world.restart();
    assert_eq!(
        other.reconnect(&mut world).code,
        ResponseCode::UnknownSession
    );
}

#[test]
fn a_loss_that_cannot_be_repaired_ends_the_session() {
    let limits = Limits {
        recovery_messages: 2,
        ..Limits::default()
    };
    let config = Config {
        limits,
        ..Config::new([4; 32])
    };
    // Too much was sent while the client was away.
    let mut world = World::new(config.clone());
    let (mut writer, mut reader) = room(&mut world);
    reader.cut(&mut world);
    for number in 0..5 {
        writer
            .call::<call::TimeSeriesAppend>(&mut world, &append(number))
            .unwrap();
    }
    let response = reader.reconnect(&mut world);
    assert_eq!(response.code, ResponseCode::ReconnectionMessageLoss);
    assert_eq!(world.broker.session_count(), 1);
    // More was on the way than is kept.
    let mut world = World::new(config);
    let (mut writer, mut reader) = room(&mut world);
    for number in 0..3 {
        writer
            .call::<call::TimeSeriesAppend>(&mut world, &append(number))
            .unwrap();
    }
    reader.cut(&mut world);
    let response = reader.reconnect(&mut world);
    assert_eq!(response.code, ResponseCode::ReconnectionMessageLoss);
}

#[test]
fn a_client_that_reads_much_confirms_it_and_recovers_far_more_than_is_kept() {
    let limits = Limits {
        recovery_messages: 40,
        confirm_messages: 8,
        ..Limits::default()
    };
    let mut world = World::new(Config {
        limits,
        ..Config::new([4; 32])
    });
    let (mut writer, mut reader) = room(&mut world);
    let mut seen = Vec::new();
    for number in 0..200 {
        writer
            .call::<call::TimeSeriesAppend>(&mut world, &append(number))
            .unwrap();
        seen.extend(sequences(see_and_confirm(&mut reader, &mut world)));
    }
    // All of what it did not see, which is less than is kept.
    for number in 200..220 {
        writer
            .call::<call::TimeSeriesAppend>(&mut world, &append(number))
            .unwrap();
    }
    reader.cut(&mut world);
    for number in 220..225 {
        writer
            .call::<call::TimeSeriesAppend>(&mut world, &append(number))
            .unwrap();
    }
    let response = reader.reconnect(&mut world);
    assert_eq!(response.code, ResponseCode::Reconnected);
    seen.extend(sequences(reader.see(&mut world)));
    assert_eq!(seen, (0..225).collect::<Vec<u64>>());
}

#[test]
fn what_a_client_cannot_send_again_is_lost() {
    let mut world = World::default();
    let mut client = world.client("user");
    client.cut(&mut world);
    for (available, server, expected) in [
        (2, 0, ResponseCode::ReconnectionMessageLoss),
        (1, 0, ResponseCode::UnknownSession),
    ] {
        let mut request = ConnectRequest::new(client.version);
        request.reconnect = Some(Reconnect {
            token: client.token,
            available_client_sequence: available,
            last_server_sequence: server,
        });
        assert_eq!(world.connect_with(request).1.code, expected);
    }
    let mut client = world.client("user");
    client.received = 99;
    client.cut(&mut world);
    assert_eq!(
        client.reconnect(&mut world).code,
        ResponseCode::ReconnectionMessageLoss,
        "the client has received what was never sent"
    );
}

#[test]
fn a_client_may_come_back_before_its_loss_is_noticed() {
    let mut world = World::default();
    let (mut writer, mut reader) = room(&mut world);
    let old = reader.connection;
    let response = reader.reconnect(&mut world);
    assert_eq!(response.code, ResponseCode::Reconnected);
    assert_eq!(world.closed[&old], ConnectionEnd::Replaced);
    // What still comes from the old connection, and its end, is passed over.
    world
        .broker
        .receive(world.now, old, Bytes::from_static(&[0x1d]));
    world.broker.disconnected(world.now, old);
    writer
        .call::<call::TimeSeriesAppend>(&mut world, &append(0))
        .unwrap();
    assert_eq!(sequences(reader.see(&mut world)), [0]);
}

#[test]
fn a_lock_request_that_ends_with_its_connection_is_answered_over_the_next() {
    let mut world = World::default();
    let (mut al, mut bob) = (world.client("user"), world.client("user"));
    let ask = |scope| SessionLockRequest {
        name: "L".into(),
        request: 1,
        scope,
    };
    al.call::<call::AcquireSessionLock>(&mut world, &ask(SessionLockScope::UnlockOnSessionLoss))
        .unwrap();
    let short = ask(SessionLockScope::UnlockOnConnectionLoss);
    let conversation = bob.request::<call::AcquireSessionLock>(&mut world, &short);
    // The service has not noticed the loss of the old connection.
    assert_eq!(bob.reconnect(&mut world).code, ResponseCode::Reconnected);
    let incoming = bob.read_all(&mut world);
    let [Incoming::Answer(answered, Err(_))] = incoming.as_slice() else {
        panic!("{incoming:?}");
    };
    assert_eq!(*answered, conversation);
    // Client and service agree on what was sent.
    assert_eq!(bob.reconnect(&mut world).code, ResponseCode::Reconnected);
    assert!(bob.read_all(&mut world).is_empty());
}

#[test]
fn another_version_is_another_session() {
    let mut world = World::default();
    let mut client = world.client("user");
    client.cut(&mut world);
    client.version = ProtocolVersion::OLDEST;
    assert_eq!(
        client.reconnect(&mut world).code,
        ResponseCode::UnknownSession
    );
}

#[test]
fn a_connection_that_is_gone_before_the_password_is_checked_leaves_nothing() {
    let mut world = World::default();
    let connection = world.new_connection();
    let request = login("user", "password", ProtocolVersion::NEWEST);
    world
        .broker
        .connect(world.now, connection, request, common::peer());
    world.broker.disconnected(world.now, connection);
    world.settle();
    assert_eq!(world.broker.session_count(), 0);
    assert!(world.read_raw(connection).is_none());
}

#[test]
fn the_service_stops_with_a_word() {
    let mut world = World::default();
    let mut client = world.client("user");
    world.broker.shut_down(world.now);
    world.settle();
    assert_eq!(client.read_all(&mut world), [Incoming::Abort]);
    assert_eq!(world.broker.session_count(), 0);
}
