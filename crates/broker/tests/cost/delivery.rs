//! What waits for clients, and reaches them at their pace.

use super::{crowded, filled, pong, read_on, series, unread};
use crate::common::{Client, Incoming, Seen, World, topics};
use bytes::Bytes;
use effusion_broker::Config;
use effusion_protocol::body::{SelectRequest, SendToFilterRequest, call};
use effusion_protocol::time_series::{QueryRange, QueryType, RangeQueryRequest};
use effusion_protocol::{
    ConversationId, TopicSpecification, TopicType, UnsubscribeReason, property,
};

#[test]
fn any_number_of_topics_reaches_a_subscriber_at_its_pace() {
    let mut world = crowded(5_000);
    world.config.limits.window_messages = 500;
    world.config.limits.confirm_messages = 100;
    world.config.limits.recovery_messages = 1_000;
    world.restart();
    let mut reader = world.client("admin");
    reader.request::<call::Subscribe>(&mut world, &SelectRequest::new("?many//"));
    // What it has not read is bounded.
    assert!(unread(&world, &reader) < 600);
    let seen = read_on(&mut world, &mut reader);
    assert_eq!(seen.len(), 10_000);
    assert_eq!(reader.topics.len(), 5_000);
    assert_eq!(world.closed.len(), 0);
    // And so do the ends.
    let mut control = world.client("control");
    control.request::<call::RemoveTopics>(&mut world, &"?many//".to_owned());
    assert_eq!(read_on(&mut world, &mut reader).len(), 5_000);
    assert_eq!(reader.topics.len(), 0);
    assert_eq!(world.closed.len(), 0);
}

#[test]
fn a_long_series_reaches_a_subscriber_in_order_while_it_goes_on() {
    let mut world = World::default();
    let mut control = world.client("control");
    filled(&mut world, &mut control, 25_000, 30_000);
    let mut reader = world.client("client");
    reader.request::<call::Subscribe>(&mut world, &SelectRequest::new(">s"));
    for number in 25_000..25_100 {
        control.request::<call::TimeSeriesAppend>(
            &mut world,
            &topics::append("s", &number.to_string()),
        );
    }
    read_on(&mut world, &mut control);
    let seen = topics::events(read_on(&mut world, &mut reader));
    let sequences: Vec<u64> = seen.iter().map(|(sequence, _)| *sequence).collect();
    assert_eq!(sequences, (0..25_100).collect::<Vec<u64>>());
    assert_eq!(world.closed.len(), 0);
}

#[test]
fn who_reads_a_series_too_slowly_catches_up_or_loses_the_subscription_alone() {
    let mut config = Config::new([7; 32]);
    config.limits.recovery_bytes = 4_000;
    config.limits.window_bytes = 1_000;
    config.limits.confirm_bytes = 400;
    let mut world = World::new(config);
    let mut control = world.client("control");
    control.request::<call::AddTopic>(&mut world, &topics::add("s", &series(100)));
    read_on(&mut world, &mut control);
    let mut reader = world.client("client");
    topics::select(&mut reader, &mut world, ">s");
    let append = |world: &mut World, control: &mut Client, count: usize| {
        let text = format!("\"{}\"", "x".repeat(100));
        for _ in 0..count {
            control.request::<call::TimeSeriesAppend>(world, &topics::append("s", &text));
            read_on(world, control);
        }
    };
    // More than may wait, but not more than the series keeps.
    append(&mut world, &mut control, 90);
    let seen = topics::events(read_on(&mut world, &mut reader));
    assert_eq!(seen.len(), 90);
    // More than the series keeps.
    append(&mut world, &mut control, 200);
    let seen = read_on(&mut world, &mut reader);
    assert_eq!(
        seen.last(),
        Some(&Seen::Unsubscribed(
            "s".to_owned(),
            UnsubscribeReason::BackPressure
        ))
    );
    assert_eq!(world.closed.len(), 0);
}

#[test]
fn an_answer_that_nobody_reads_keeps_the_next_requests_waiting() {
    let mut world = World::default();
    let mut control = world.client("control");
    control.request::<call::AddTopic>(&mut world, &topics::add("s", &series(100)));
    let text = format!("\"{}\"", "x".repeat(500_000));
    for _ in 0..30 {
        control.request::<call::TimeSeriesAppend>(&mut world, &topics::append("s", &text));
        read_on(&mut world, &mut control);
    }
    let mut reader = world.client("client");
    let query = RangeQueryRequest {
        path: "s".to_owned(),
        query_type: QueryType::Values,
        view: QueryRange::ALL,
        edits: QueryRange::ALL,
        limit: u64::MAX,
    };
    for _ in 0..10 {
        reader.request::<call::RangeQuery>(&mut world, &query);
    }
    let waiting: usize = world
        .sent
        .get(&reader.connection)
        .map_or(0, |sent| sent.iter().map(Bytes::len).sum());
    assert!(waiting < 25_000_000, "{waiting}");
    // A client that reads gets all of them.
    let before = reader.received;
    for _ in 0..10 {
        read_on(&mut world, &mut reader);
        world.settle();
    }
    assert!(reader.received >= before + 10);
    assert_eq!(world.closed.len(), 0);
}

#[test]
fn what_waits_for_all_clients_together_is_bounded() {
    let mut config = Config::new([7; 32]);
    config.limits.waiting_bytes = 1_000_000;
    config.limits.confirm_bytes = 20_000;
    let mut world = World::new(config);
    let mut control = world.client("control");
    let specification = TopicSpecification::new(TopicType::Json)
        .with(property::CONFLATION, "off")
        .with(property::PUBLISH_VALUES_ONLY, "true");
    control
        .call::<call::AddTopic>(&mut world, &topics::add("value", &specification))
        .unwrap();
    let mut readers: Vec<Client> = (0..10).map(|_| world.client("client")).collect();
    for reader in &mut readers {
        topics::select(reader, &mut world, ">value");
    }
    let mut quick = world.client("client");
    topics::select(&mut quick, &mut world, ">value");
    for number in 0..100 {
        let text = format!("\"{number}{}\"", "x".repeat(20_000));
        control.request::<call::SetTopic>(&mut world, &topics::set("value", &text));
        read_on(&mut world, &mut control);
        read_on(&mut world, &mut quick);
    }
    // Those that do not read are closed, and not whoever reads.
    assert!(
        readers
            .iter()
            .any(|it| world.closed.contains_key(&it.connection))
    );
    assert!(!world.closed.contains_key(&quick.connection));
    assert!(!world.closed.contains_key(&control.connection));
}

#[test]
fn a_message_to_all_sessions_leaves_room_for_what_they_subscribe_to() {
    let mut world = World::default();
    world.config.limits.waiting_bytes = 1_000_000;
    world.restart();
    let mut admin = world.client("admin");
    let mut receivers: Vec<Client> = (0..100).map(|_| world.client("user")).collect();
    for receiver in &mut receivers {
        receiver.read_all(&mut world);
    }
    let send = SendToFilterRequest {
        filter: "$Principal is 'user'".to_owned(),
        conversation: ConversationId(9),
        path: "a".to_owned(),
        data_type: "binary".to_owned(),
        value: Bytes::from(vec![0; 50_000]),
    };
    for _ in 0..3 {
        admin.request::<call::MessagingFilterSend>(&mut world, &send);
    }
    assert_eq!(world.closed.len(), 0);
    let waiting: usize = world.sent.values().flatten().map(Bytes::len).sum();
    assert!(waiting < 1_000_000, "{waiting}");
}

#[test]
fn answers_that_are_being_written_count_as_what_waits() {
    let mut world = World::default();
    world.config.limits.waiting_bytes = 4_000_000;
    world.restart();
    let mut control = world.client("control");
    control.request::<call::AddTopic>(&mut world, &topics::add("s", &series(1_000)));
    let value = format!("\"{}\"", "x".repeat(10_000));
    for _ in 0..100 {
        control.request::<call::TimeSeriesAppend>(&mut world, &topics::append("s", &value));
    }
    read_on(&mut world, &mut control);
    let mut readers: Vec<Client> = (0..20).map(|_| world.client("admin")).collect();
    for reader in &mut readers {
        let query = RangeQueryRequest::new("s");
        reader.request_unsettled::<call::RangeQuery>(&mut world, &query);
    }
    // A megabyte for each: all are answered, as those who are answered read.
    let mut answered = 0;
    while world.broker.has_work() {
        world.broker.work(world.now);
        world.carry_out();
        for reader in &mut readers {
            for it in reader.read_all(&mut world) {
                answered += usize::from(matches!(it, Incoming::Answer(_, Ok(_))));
                pong(&mut world, reader, &it);
            }
        }
    }
    assert_eq!((answered, world.closed.len()), (20, 0));
}

#[test]
fn who_selected_a_topic_before_it_was_there_misses_none_of_its_updates() {
    let mut world = World::default();
    world.config.limits.sessions_per_address = usize::MAX;
    world.restart();
    let mut control = world.client("control");
    let mut readers: Vec<Client> = (0..3_000).map(|_| world.client("user")).collect();
    for reader in &mut readers {
        reader.request::<call::Subscribe>(&mut world, &SelectRequest::new("?a//"));
        reader.read_all(&mut world);
    }
    for (path, is_kept) in [("a/kept", "false"), ("a/passing", "true")] {
        let specification =
            TopicSpecification::new(TopicType::Json).with(property::DONT_RETAIN_VALUE, is_kept);
        let add = topics::add(path, &specification);
        control.request_unsettled::<call::AddTopic>(&mut world, &add);
        assert!(world.broker.has_work(), "more sessions than one slice has");
        for value in ["1", "2"] {
            let set = topics::set(path, value);
            control.request_unsettled::<call::SetTopic>(&mut world, &set);
        }
        control.request_unsettled::<call::RemoveTopics>(&mut world, &format!(">{path}"));
        world.settle();
        let expected = [
            Seen::Subscribed(path.to_owned()),
            Seen::Value(path.to_owned(), topics::json("1")),
            Seen::Value(path.to_owned(), topics::json("2")),
            Seen::Unsubscribed(path.to_owned(), UnsubscribeReason::Removal),
        ];
        for reader in &mut readers {
            assert_eq!(read_on(&mut world, reader), expected);
        }
    }
}

#[test]
fn an_update_reaches_very_many_subscribers_in_slices_and_whole() {
    let mut world = World::default();
    world.config.limits.sessions_per_address = usize::MAX;
    world.restart();
    let mut control = world.client("control");
    topics::add_json(&mut world, &mut control, "a");
    let mut readers: Vec<Client> = (0..6_000).map(|_| world.client("user")).collect();
    for reader in &mut readers {
        reader.request::<call::Subscribe>(&mut world, &SelectRequest::new(">a"));
    }
    // Deltas: whoever got one too many, or one too few, would see another value.
    let value = |last: usize| format!("\"{}{last}\"", "x".repeat(100));
    for last in 0..3 {
        control.request_unsettled::<call::SetTopic>(&mut world, &topics::set("a", &value(last)));
    }
    assert!(world.broker.has_work());
    // Some leave and come back, one stays away, and one is new.
    let (all, again) = ("?.*//".to_owned(), SelectRequest::new(">a"));
    for reader in &mut readers[5_900..] {
        reader.request_unsettled::<call::UnsubscribeAllScopes>(&mut world, &all);
        reader.request_unsettled::<call::Subscribe>(&mut world, &again);
    }
    readers[5_999].request_unsettled::<call::UnsubscribeAllScopes>(&mut world, &all);
    let mut new = world.client("user");
    new.request_unsettled::<call::Subscribe>(&mut world, &again);
    world.settle();
    for (number, reader) in readers.iter_mut().chain([&mut new]).enumerate() {
        let seen = read_on(&mut world, reader);
        let last = seen.into_iter().rev().find_map(|it| match it {
            Seen::Value(_, value) => Some(value),
            _ => None,
        });
        if number != 5_999 {
            assert_eq!(last, Some(topics::json(&value(2))), "{number}");
        }
    }
    // What many have sent meanwhile is carried out in slices, too.
    let mut count = 0;
    for last in 3..13 {
        control.request_unsettled::<call::SetTopic>(&mut world, &topics::set("a", &value(last)));
    }
    while world.broker.has_work() {
        world.broker.work(world.now);
        world.carry_out();
        count += 1;
    }
    assert!(count >= 10, "{count}");
}
