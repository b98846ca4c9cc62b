//! The tutorial's three lessons: a live room, a room with a history, accounts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use common::topics::{add, append, events, history, json, run_script, select, set};
use common::{Seen, World, hash, login};
use effusion_broker::ConnectionEnd;
use effusion_protocol::body::{AddTopicResult, SelectRequest, call};
use effusion_protocol::time_series::{EditRequest, QueryRange, QueryType, RangeQueryRequest};
use effusion_protocol::{
    ErrorReason, ProtocolVersion, ResponseCode, TopicSpecification, TopicType,
};

/// Lesson 1 of the tutorial: a JSON topic that two windows share.
#[test]
fn two_clients_share_a_live_room() {
    let mut world = World::default();
    let (mut al, mut bob) = (world.client("user"), world.client("user"));
    let topic = TopicSpecification::new(TopicType::Json);
    assert_eq!(
        al.call::<call::AddTopic>(&mut world, &add("Chat/room", &topic)),
        Ok(AddTopicResult::Created)
    );
    assert_eq!(
        bob.call::<call::AddTopic>(&mut world, &add("Chat/room", &topic)),
        Ok(AddTopicResult::Exists)
    );
    for client in [&mut al, &mut bob] {
        assert_eq!(
            select(client, &mut world, ">Chat/room"),
            [Seen::Subscribed("Chat/room".into())]
        );
    }
    let messages = [
        r#"{"text":"hello, this is a first message","name":"al","timestamp":1}"#,
        r#"{"text":"hello, this is a second message","name":"al","timestamp":2}"#,
    ];
    for text in messages {
        al.call::<call::SetTopic>(&mut world, &set("Chat/room", text))
            .unwrap();
        assert_eq!(
            bob.see(&mut world),
            [Seen::Value("Chat/room".into(), json(text))]
        );
    }
    let mut late = world.client("client");
    assert_eq!(
        select(&mut late, &mut world, "?Chat//"),
        [
            Seen::Subscribed("Chat/room".into()),
            Seen::Value("Chat/room".into(), json(messages[1]))
        ]
    );
    bob.call::<call::Unsubscribe>(&mut world, &SelectRequest::new(">Chat/room"))
        .unwrap();
    al.call::<call::SetTopic>(&mut world, &set("Chat/room", "{}"))
        .unwrap();
    assert_eq!(bob.see(&mut world), []);
}

#[test]
fn subscribers_share_the_bytes_of_a_message_and_get_deltas() {
    let mut world = World::default();
    let mut writer = world.client("user");
    let topic = TopicSpecification::new(TopicType::Json);
    writer
        .call::<call::AddTopic>(&mut world, &add("a", &topic))
        .unwrap();
    let long = "x".repeat(500);
    writer
        .call::<call::SetTopic>(&mut world, &set("a", &format!(r#"{{"t":"{long}","n":1}}"#)))
        .unwrap();
    let mut readers = [
        world.client("client"),
        world.client_at("client", ProtocolVersion::OLDEST),
    ];
    for reader in &mut readers {
        select(reader, &mut world, ">a");
    }
    writer
        .call::<call::SetTopic>(&mut world, &set("a", &format!(r#"{{"t":"{long}","n":2}}"#)))
        .unwrap();
    let messages = readers
        .iter()
        .map(|reader| world.read_raw(reader.connection).unwrap())
        .collect::<Vec<_>>();
    assert!(
        messages[0].len() < 50,
        "a delta, not {} bytes",
        messages[0].len()
    );
    assert_eq!(messages[0].as_ptr(), messages[1].as_ptr(), "encoded once");
}

#[test]
fn a_value_that_does_not_change_is_not_sent() {
    let mut world = World::default();
    let mut client = world.client("user");
    client
        .call::<call::AddTopic>(
            &mut world,
            &add("a", &TopicSpecification::new(TopicType::Json)),
        )
        .unwrap();
    select(&mut client, &mut world, ">a");
    let (_, first) = client.call_seeing::<call::SetTopic>(&mut world, &set("a", "1"));
    assert_eq!(first.len(), 1);
    let (_, second) = client.call_seeing::<call::SetTopic>(&mut world, &set("a", "1"));
    assert_eq!(second, []);
}

/// Lesson 2 of the tutorial: a time series.
#[test]
fn a_history_room_keeps_and_tells_its_events() {
    let mut world = World::default();
    let mut al = world.client("user");
    al.call::<call::AddTopic>(&mut world, &add("Chat/ts", &history()))
        .unwrap();
    for number in 0..5u64 {
        world.now.wall_ms += 10;
        let metadata = al
            .call::<call::TimeSeriesAppend>(&mut world, &append("Chat/ts", &number.to_string()))
            .unwrap();
        assert_eq!(metadata.sequence, number);
        assert_eq!(metadata.timestamp, world.now.wall_ms);
        assert_eq!(metadata.author, "user");
    }
    let mut bob = world.client("client");
    let seen = select(&mut bob, &mut world, ">Chat/ts");
    assert_eq!(events(seen), [(3, "3".into()), (4, "4".into())]);
    // The clock is set back: time stamps are not.
    world.now.wall_ms -= 1_000_000;
    let late = al
        .call::<call::TimeSeriesAppend>(&mut world, &append("Chat/ts", "5"))
        .unwrap();
    assert_eq!(late.timestamp, 1_700_000_000_050);
    assert_eq!(events(bob.see(&mut world)), [(5, "5".into())]);
    let query = RangeQueryRequest {
        path: "Chat/ts".into(),
        query_type: QueryType::Values,
        view: QueryRange::ALL,
        edits: QueryRange::ALL,
        limit: 2,
    };
    let found = bob.call::<call::RangeQuery>(&mut world, &query).unwrap();
    let sequences: Vec<_> = found.events.iter().map(|it| it.metadata.sequence).collect();
    assert_eq!((found.value_type.as_str(), found.selected), ("json", 3));
    assert_eq!(sequences, [4, 5]);
    assert_eq!(
        world.stored.topics[0].1.events.len(),
        4,
        "discarded events are removed from the store with the next change"
    );
}

#[test]
fn events_are_edited_by_those_who_may() {
    let mut world = World::default();
    let mut al = world.client("user");
    let mut control = world.client("control");
    al.call::<call::AddTopic>(&mut world, &add("ts", &history()))
        .unwrap();
    al.call::<call::TimeSeriesAppend>(&mut world, &append("ts", "0"))
        .unwrap();
    control
        .call::<call::TimeSeriesAppend>(&mut world, &append("ts", "1"))
        .unwrap();
    let edit = |original| EditRequest {
        path: "ts".into(),
        value_type: "json".into(),
        original,
        value: json("\"edited\""),
    };
    let denied = al.call::<call::TimeSeriesEdit>(&mut world, &edit(0));
    assert_eq!(denied.unwrap_err().reason, ErrorReason::AccessDenied);
    run_script(
        &mut world,
        "set 'TOPIC_CONTROL' path 'ts' permissions [READ_TOPIC SELECT_TOPIC UPDATE_TOPIC EDIT_OWN_TIME_SERIES_EVENTS]",
    );
    let edited = al
        .call::<call::TimeSeriesEdit>(&mut world, &edit(0))
        .unwrap();
    assert_eq!(edited.sequence, 2);
    let others = al.call::<call::TimeSeriesEdit>(&mut world, &edit(1));
    assert_eq!(others.unwrap_err().reason, ErrorReason::AccessDenied);
    run_script(
        &mut world,
        "set 'TOPIC_CONTROL' path 'ts' permissions [READ_TOPIC UPDATE_TOPIC EDIT_TIME_SERIES_EVENTS]",
    );
    al.call::<call::TimeSeriesEdit>(&mut world, &edit(1))
        .unwrap();
    let of_edit = al.call::<call::TimeSeriesEdit>(&mut world, &edit(2));
    assert_eq!(of_edit.unwrap_err().reason, ErrorReason::NoSuchEvent);
    let obsolete = RangeQueryRequest {
        path: "ts".into(),
        query_type: QueryType::AllEdits,
        view: QueryRange::ALL,
        edits: QueryRange::ALL,
        limit: RangeQueryRequest::NO_LIMIT,
    };
    let denied = al.call::<call::RangeQuery>(&mut world, &obsolete);
    assert_eq!(denied.unwrap_err().reason, ErrorReason::AccessDenied);
}

/// Lesson 3 of the tutorial: a new account.
#[test]
fn a_registrar_adds_an_account() {
    let mut world = World::default();
    let mut registrar = world.client("auth-handler");
    let script = "add principal 'alice' 'secret' ['CLIENT' 'TOPIC_CONTROL']".to_owned();
    let add = registrar.call::<call::UpdateSystemAuthentication>(&mut world, &script);
    assert_eq!(add, Ok(vec![]));
    let again = registrar
        .call::<call::UpdateSystemAuthentication>(&mut world, &script)
        .unwrap();
    assert_eq!((again.len(), again[0].line, again[0].column), (1, 1, 1));
    let version = ProtocolVersion::NEWEST;
    let (_, right) = world.connect_with(login("alice", "secret", version));
    assert_eq!(right.code, ResponseCode::Connected);
    let (connection, wrong) = world.connect_with(login("alice", "wrong", version));
    assert_eq!(wrong.code, ResponseCode::AuthenticationFailed);
    assert_eq!(
        world.closed[&connection],
        ConnectionEnd::Refused(ResponseCode::AuthenticationFailed)
    );
    let (_, unknown) = world.connect_with(login("nobody", "secret", version));
    assert_eq!(unknown.code, ResponseCode::AuthenticationFailed);
    let alice = world.stored.principals.iter().find(|it| it.name == "alice");
    assert_eq!(
        alice.map(|it| it.password_hash.clone()),
        Some(hash("secret"))
    );
    let mut user = world.client("user");
    let denied = user.call::<call::UpdateSystemAuthentication>(&mut world, &script);
    assert_eq!(denied.unwrap_err().reason, ErrorReason::AccessDenied);
    let mut store = world.client("admin");
    let store = store
        .call::<call::GetSystemAuthentication>(&mut world, &())
        .unwrap();
    assert!(store.principals.iter().any(|it| it.name == "alice"));
}

#[test]
fn a_script_with_one_mistake_does_nothing() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    let script = "add principal 'a' 'x'\nadd principal 'b' 'y'\nremove principal 'nobody'";
    let mistakes = admin
        .call::<call::UpdateSystemAuthentication>(&mut world, &script.to_owned())
        .unwrap();
    assert_eq!((mistakes.len(), mistakes[0].line), (1, 3));
    assert!(!world.stored.principals.iter().any(|it| it.name == "a"));
    let syntax = admin
        .call::<call::UpdateSecurity>(&mut world, &"set nothing".to_owned())
        .unwrap();
    assert_eq!(syntax.len(), 1);
    let wrong = "verify password 'user' 'password'\nverify password 'user' 'other'".to_owned();
    let mistakes = admin
        .call::<call::UpdateSystemAuthentication>(&mut world, &wrong)
        .unwrap();
    assert_eq!((mistakes.len(), mistakes[0].line), (1, 2));
}
