//! What requests may cost: none keeps the others from being served.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

#[path = "../common/mod.rs"]
mod common;
mod delivery;
mod rights;
mod sessions;
mod sizes;
mod walks;

use bytes::Bytes;
use common::{Client, Incoming, Seen, World, hash, topics};
use effusion_broker::{Config, Creator, StoredTopic, bootstrap};
use effusion_protocol::body::{Call, FetchRequest, call};
use effusion_protocol::{Message, ServiceId, TopicSpecification, TopicType, property};
use std::collections::VecDeque;

fn fetch(selector: &str) -> FetchRequest {
    FetchRequest::new(selector)
}

/// A world with so many topics `many/…/branch/…`.
fn crowded(count: usize) -> World {
    let mut snapshot =
        bootstrap::development_snapshot(|password| Ok::<_, ()>(hash(password))).unwrap();
    snapshot.topics = (0..count)
        .map(|number| {
            let topic = StoredTopic {
                specification: TopicSpecification::new(TopicType::Json),
                created_ms: 0,
                creator: Creator::default(),
                value: Some(topics::json("1")),
                events: Vec::new(),
            };
            (format!("many/{}/branch/{number}", number % 10), topic)
        })
        .collect();
    World::with(Config::new([7; 32]), snapshot)
}

/// Answers a ping.
fn pong(world: &mut World, client: &mut Client, incoming: &Incoming) {
    if let Incoming::Request(Message::Request {
        service: ServiceId::SystemPing,
        conversation,
        ..
    }) = incoming
    {
        let answer = Message::Response {
            service: Some(ServiceId::SystemPing),
            conversation: *conversation,
            body: Bytes::new(),
        };
        client.sent += 1;
        let answer = answer.encode(client.version);
        world.broker.receive(world.now, client.connection, answer);
        world.carry_out();
    }
}

/// Reads what came, and answers pings, until nothing more comes.
fn read_on(world: &mut World, client: &mut Client) -> Vec<Seen> {
    let mut all = Vec::new();
    loop {
        let incoming = client.read_all(world);
        if incoming.is_empty() {
            return all;
        }
        for it in incoming {
            match it {
                Incoming::Seen(seen) => all.push(seen),
                it @ Incoming::Request(_) => pong(world, client, &it),
                Incoming::Answer(..) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// How much waits for a client that does not read.
fn unread(world: &World, client: &Client) -> usize {
    world.sent.get(&client.connection).map_or(0, VecDeque::len)
}

fn series(limit: usize) -> TopicSpecification {
    let range = format!("limit {limit}");
    topics::history()
        .with(property::TIME_SERIES_RETAINED_RANGE, &range)
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, &range)
        .with(property::PERSISTENT, "false")
}

/// A series of so many events.
fn filled(world: &mut World, control: &mut Client, events: usize, limit: usize) {
    control.request::<call::AddTopic>(world, &topics::add("s", &series(limit)));
    for number in 0..events {
        control.request::<call::TimeSeriesAppend>(world, &topics::append("s", &number.to_string()));
        if number % 1_000 == 0 {
            read_on(world, control);
        }
    }
    read_on(world, control);
}

/// A world with so many sessions besides those that a test opens, none of which has a connection any more.
fn full_of_sessions(world: &mut World, count: usize) {
    world.config.limits.sessions_per_address = usize::MAX;
    world.restart();
    for _ in 0..count {
        let mut client = world.client("user");
        client.cut(world);
    }
}

/// Sends a request, and returns how many slices are worked on until it is answered; between them, another session is served.
fn slices<C: Call>(world: &mut World, client: &mut Client, body: &C::Request) -> usize {
    let mut other = world.client("client");
    let asked = client.request_unsettled::<C>(world, body);
    let mut count = 0;
    let mut is_answered = false;
    loop {
        other.request_unsettled::<call::UserPing>(world, &());
        assert!(
            other
                .read_all(world)
                .iter()
                .any(|it| matches!(it, Incoming::Answer(..))),
            "others are served"
        );
        for it in client.read_all(world) {
            match it {
                Incoming::Answer(id, result) if id == asked => {
                    result.unwrap();
                    is_answered = true;
                }
                other => pong(world, client, &other),
            }
        }
        if world.broker.has_work() {
            world.broker.work(world.now);
            world.carry_out();
            count += 1;
        } else if unread(world, client) == 0 {
            break;
        }
    }
    assert!(is_answered);
    count
}
