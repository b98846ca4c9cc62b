//! Bytes that no client would send: whatever comes, the broker goes on, and other sessions notice nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod common;

use bytes::Bytes;
use common::{World, peer};
use effusion_protocol::body::call;
use effusion_protocol::{
    ConnectRequest, ConversationId, Message, ProtocolVersion, ServiceId, Writer,
};
use proptest::prelude::*;

fn versions() -> impl Strategy<Value = ProtocolVersion> {
    (13..=29u8).prop_map(|number| ProtocolVersion::new(number).unwrap())
}

/// Bodies that look like real ones: small numbers, short texts, and some that are cut off.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        "[a-c/]{0,6}",
        "[>?*#]([a-c/.*]|//){0,6}",
        "(add principal 'a' 'b'|remove principal 'a'|set 'A' permissions \\[\\]|all|\\$Roles is 'x')",
        Just("json".to_owned()),
    ]
    .prop_map(|text| {
        let mut bytes = vec![u8::try_from(text.len()).unwrap_or(0)];
        bytes.extend_from_slice(text.as_bytes());
        bytes
    });
    let part = prop_oneof![
        4 => text,
        4 => (0..20u8).prop_map(|byte| vec![byte]),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

fn messages() -> impl Strategy<Value = Vec<u8>> {
    let known =
        (0..ServiceId::ALL.len(), 0..9u64, bodies()).prop_map(|(index, conversation, body)| {
            let service = ServiceId::ALL.get(index).map_or(0, |it| it.code());
            let mut writer = Writer::new(ProtocolVersion::NEWEST);
            writer.byte(0);
            writer.varint64(u64::from(service));
            writer.varint64(conversation);
            writer.raw(&body);
            writer.finish().to_vec()
        });
    let answer = (prop_oneof![Just(1u8), Just(2), Just(6), Just(7)], bodies())
        .prop_map(|(kind, body)| [vec![kind], body].concat());
    prop_oneof![
        8 => known,
        1 => answer,
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_broker_survives_any_messages(
        inputs in prop::collection::vec((0..3usize, messages()), 1..40),
        versions in prop::collection::vec(versions(), 3),
        hold in any::<bool>(),
    ) {
        let mut world = World::default();
        let mut bystander = world.client("client");
        let mut clients: Vec<_> = versions
            .iter()
            .map(|version| world.client_at("admin", *version))
            .collect();
        world.hold_stores = hold;
        for (index, message) in inputs {
            let Some(client) = clients.get_mut(index) else {
                continue;
            };
            if world.closed.contains_key(&client.connection) {
                *client = world.client_at("admin", client.version);
            }
            let connection = client.connection;
            world.broker.receive(world.now, connection, Bytes::from(message));
            world.settle();
            world.pass(7_000);
            if hold {
                world.store_one();
            }
        }
        while world.store_one() {}
        world.pass(200_000);
        // The bystander may have been closed by an admin's filter; if not, it is served as ever.
        if !world.closed.contains_key(&bystander.connection) {
            bystander.call::<call::UserPing>(&mut world, &()).unwrap();
        }
        // What is stored can be read by the next broker.
        world.restart();
        prop_assert!(world.broker.topic_count() <= world.stored.topics.len());
        let mut fresh = world.broker.session_count();
        fresh += usize::from(world.broker.poll_output().is_some());
        prop_assert_eq!(fresh, 0);
    }

    /// Every request that can be read is answered, or waits for something: it is never forgotten.
    #[test]
    fn no_request_is_left_without_an_answer(inputs in prop::collection::vec(messages(), 1..20)) {
        let mut world = World::default();
        let client = world.client("admin");
        for (conversation, message) in (1_000u64..).zip(inputs) {
            let Ok(Message::Request { service, body, .. }) =
                Message::decode(Bytes::from(message), client.version)
            else {
                continue;
            };
            // A lock may be waited for, and the session may end itself.
            if matches!(service, ServiceId::AcquireSessionLock) {
                continue;
            }
            let request = Message::Request {
                service,
                conversation: ConversationId(conversation),
                body,
            };
            world
                .broker
                .receive(world.now, client.connection, request.encode(client.version));
            world.settle();
            // Longer than a receiver of messages has to answer.
            world.pass(10_001);
            if world.closed.contains_key(&client.connection) {
                return Ok(());
            }
            let answered = core::iter::from_fn(|| world.read_raw(client.connection)).any(|bytes| {
                matches!(
                    Message::decode(bytes, client.version),
                    Ok(Message::Response { conversation: it, .. } | Message::Error { conversation: it, .. })
                        if it == ConversationId(conversation)
                )
            });
            prop_assert!(answered, "{service:?} is not answered");
        }
    }

    #[test]
    fn the_broker_survives_any_connect_request(query in "[a-z]{1,2}=[ -~]{0,20}(&(v|ty|c|cs|ss|r|username|password|sp)=[ -~]{0,30}){0,6}") {
        let mut world = World::default();
        let query = format!("v=29&ty=WB&{query}");
        if let Ok(request) = ConnectRequest::from_query(&query) {
            let connection = world.new_connection();
            world.broker.connect(world.now, connection, request, peer());
            world.settle();
            prop_assert!(world.read_raw(connection).is_some(), "a connect request is answered");
        }
    }
}
