//! What requests may cost: none keeps the others from being served.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod common;

use bytes::Bytes;
use common::{Client, Incoming, Seen, World, hash, login, requests, topics};
use effusion_broker::{Completion, Config, Creator, StoredTopic, bootstrap};
use effusion_protocol::body::{
    ApplyJsonPatchRequest, Call, ChangeRolesFilterRequest, ChangeRolesRequest, CloseClientRequest,
    FetchMetricsRequest, FetchRequest, FilterSelectRequest, FilterUnsubscribeAllRequest,
    MetricsServer, RemoveTopicsResponse, RequestHandlerRegistration, SelectRequest,
    SendToFilterRequest, SessionEventRegistration, SessionEvents, SessionLockRequest,
    SessionLockScope, SessionMetricCollector, SessionSelectRequest, SessionUnsubscribeAllRequest,
    SetConflationFilterRequest, SetSessionPropertiesFilterRequest, SetSessionPropertiesRequest,
    TopicMetricCollector, TopicNotificationSelection, TopicNotificationType, UpdateConstraint,
    call,
};
use effusion_protocol::time_series::{
    QueryRange, QueryType, RangeQueryRequest, RangeQueryResponse,
};
use effusion_protocol::{
    ConversationId, ErrorReason, Message, ServiceId, TopicSpecification, TopicType,
    UnsubscribeReason, decode, encode, property,
};
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

/// Whether the broker has something left to do once a message is served.
fn is_sliced(world: &mut World, client: &mut Client, request: &FetchRequest) -> bool {
    let message = Message::Request {
        service: ServiceId::Fetch,
        conversation: ConversationId(1_000_000),
        body: encode(request, client.version),
    };
    world
        .broker
        .receive(world.now, client.connection, message.encode(client.version));
    world.carry_out();
    world.broker.has_work()
}

#[test]
fn a_fetch_of_the_first_topic_looks_at_few() {
    let mut world = crowded(20_000);
    let mut reader = world.client("admin");
    for limit in [1, -1] {
        let mut request = fetch("?many//");
        request.limit = limit;
        assert!(!is_sliced(&mut world, &mut reader, &request), "{limit}");
        reader.read_all(&mut world);
    }
}

#[test]
fn a_fetch_that_looks_at_everything_lets_others_go_first() {
    let mut world = crowded(20_000);
    let mut reader = world.client("admin");
    let mut other = world.client("user");
    assert!(is_sliced(&mut world, &mut reader, &fetch("*.*/nothing")));
    // What the reader asks for afterwards waits, pings apart; the other does not.
    let asked = reader.request_unsettled::<call::Fetch>(&mut world, &fetch(">many"));
    reader.request_unsettled::<call::SystemPing>(&mut world, &());
    other.request_unsettled::<call::Fetch>(&mut world, &fetch(">many"));
    assert_eq!(other.read_all(&mut world).len(), 1);
    assert_eq!(reader.read_all(&mut world).len(), 1);
    assert!(world.broker.has_work());
    world.settle();
    let answers: Vec<_> = reader
        .read_all(&mut world)
        .into_iter()
        .map(|it| match it {
            Incoming::Answer(id, result) => (id.0, result.is_ok()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(answers, [(1_000_000, true), (asked.0, true)]);
}

#[test]
fn specifications_have_a_size() {
    let mut world = World::default();
    let mut control = world.client("control");
    let mut many = TopicSpecification::new(TopicType::Json);
    many.properties = (0..100_000)
        .map(|it| (format!("k{it}"), String::new()))
        .collect();
    let long = TopicSpecification::new(TopicType::Json).with("note", &"x".repeat(100_000));
    let condition = "no updates for 9d";
    let policy = |count| {
        let text = format!("when {}", vec![condition; count].join(" or "));
        TopicSpecification::new(TopicType::Json).with(property::REMOVAL, &text)
    };
    for specification in [&many, &long, &policy(65), &policy(45_000)] {
        for _ in 0..2 {
            let refused = control
                .call::<call::AddTopic>(&mut world, &topics::add("a", specification))
                .unwrap_err();
            // One of hundreds of kilobytes is not even read.
            assert!(matches!(
                refused.reason,
                ErrorReason::InvalidTopicSpecification | ErrorReason::InvalidData
            ));
            assert!(refused.message.len() < 1_000, "{}", refused.message);
        }
    }
    control
        .call::<call::AddTopic>(&mut world, &topics::add("a", &policy(1)))
        .unwrap();
    world.pass(60_000);
    assert_eq!(world.broker.topic_count(), 1);
}

/// A policy that was stored before there was a bound ended the process, at this start and at every later one.
#[test]
fn a_stored_policy_that_is_too_long_is_told_and_left_out() {
    let mut world = World::default();
    let mut control = world.client("control");
    control
        .call::<call::AddTopic>(
            &mut world,
            &topics::add("a", &TopicSpecification::new(TopicType::Json)),
        )
        .unwrap();
    let policy = format!(
        "when {}this session closes",
        "no updates for 9d or ".repeat(45_000)
    );
    let (_, topic) = world.stored.topics.last_mut().unwrap();
    topic.specification = topic.specification.clone().with(property::REMOVAL, &policy);
    world.restart();
    let notices = world.broker.take_notices();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].contains("the stored topic 'a'"), "{notices:?}");
    assert!(notices[0].len() < 1_000);
    world.pass(10_000);
    assert_eq!(world.broker.topic_count(), 1);
    let mut control = world.client("control");
    control
        .call::<call::SetTopic>(&mut world, &topics::set("a", "1"))
        .unwrap();
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
fn topics_on_their_way_are_looked_at_in_slices_when_topics_are_removed() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    world.hold_stores = true;
    let mut users: Vec<Client> = (0..4).map(|_| world.client("user")).collect();
    for (user, number) in users.iter_mut().zip(0..) {
        for topic in 0..900 {
            let path = format!("many/{}/{number}/{topic}", "x".repeat(60));
            let add = topics::add(&path, &TopicSpecification::new(TopicType::Json));
            user.request::<call::AddTopic>(&mut world, &add);
        }
    }
    let removed = |world: &mut World, client: &mut Client, selector: &str| {
        let asked = client.request_unsettled::<call::RemoveTopics>(world, &selector.to_owned());
        let mut slices = 0;
        while world.broker.has_work() {
            world.broker.work(world.now);
            world.carry_out();
            slices += 1;
        }
        (asked, slices)
    };
    // A selector that matches none of them looks at all.
    assert!(removed(&mut world, &mut admin, "?many/.*y.*/.*/.*").1 >= 2);
    let (asked, slices) = removed(&mut world, &mut admin, "?many//");
    assert!(slices >= 10, "{slices}");
    while world.store_one() {}
    assert_eq!(world.broker.topic_count(), 0);
    let answers = admin.read_all(&mut world).into_iter();
    let removed = answers.filter_map(|it| match it {
        Incoming::Answer(id, Ok(body)) if id == asked => Some(body),
        _ => None,
    });
    let removed: Vec<RemoveTopicsResponse> = removed
        .map(|it| decode(it, admin.version).unwrap())
        .collect();
    assert_eq!(removed.len(), 1);
    assert_eq!(removed[0].removed, Some(3_600));
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
fn names_and_expressions_have_a_length_and_a_number() {
    let mut world = World::default();
    let mut control = world.client("control");
    let lock = |name: String, request| SessionLockRequest {
        name,
        request,
        scope: SessionLockScope::UnlockOnSessionLoss,
    };
    let refused = control
        .call::<call::AcquireSessionLock>(&mut world, &lock("/".repeat(5_000), 1))
        .unwrap_err();
    assert_eq!(refused.reason, ErrorReason::InvalidData);
    let refused = (0..2_000).find_map(|number| {
        let answer = control
            .call::<call::AcquireSessionLock>(&mut world, &lock(format!("l{number}"), number));
        read_on(&mut world, &mut control);
        answer.err()
    });
    assert!(refused.unwrap().message.contains("session locks"));
    // Deselections are remembered as well as selections are.
    let mut reader = world.client("client");
    topics::select(&mut reader, &mut world, "?.*//");
    let refused = (0..2_000).find_map(|number| {
        let selector = SelectRequest::new(&format!(">a/{number}"));
        let answer = reader.call::<call::Unsubscribe>(&mut world, &selector);
        read_on(&mut world, &mut reader);
        answer.err()
    });
    assert!(refused.unwrap().message.contains("topic selections"));
    let mut scope = SelectRequest::new(">a");
    scope.scope = "s".repeat(5_000);
    assert!(reader.call::<call::Subscribe>(&mut world, &scope).is_err());
    // What a handler is registered with is remembered, too.
    let handler = |path: String| RequestHandlerRegistration {
        service: ServiceId::MessagingReceiverClient.code().into(),
        group: "default".to_owned(),
        path,
        properties: Vec::new(),
        handler: ConversationId(5),
    };
    control
        .call::<call::MessagingReceiverControlRegistration>(&mut world, &handler("a".repeat(4_000)))
        .unwrap();
    let refused = control
        .call::<call::MessagingReceiverControlRegistration>(&mut world, &handler("b".repeat(9_000)))
        .unwrap_err();
    assert!(refused.message.contains("longer than"), "{refused:?}");
}

#[test]
fn topics_have_a_quota_in_bytes() {
    let mut config = Config::new([7; 32]);
    config.limits.topic_bytes = 1_000_000;
    config.limits.topic_bytes_per_principal = 300_000;
    let mut world = World::new(config);
    let mut control = world.client("control");
    let mut admin = world.client("admin");
    topics::add_json(&mut world, &mut control, "value");
    control
        .call::<call::AddTopic>(&mut world, &topics::add("s", &series(5)))
        .unwrap();
    let text = |length: usize| format!("\"{}\"", "x".repeat(length));
    let small = text(20_000);
    let mut append = |world: &mut World, text: &str| {
        control.call::<call::TimeSeriesAppend>(world, &topics::append("s", text))
    };
    // A series that is full goes on for ever.
    for _ in 0..100 {
        append(&mut world, &small).unwrap();
    }
    let refused = append(&mut world, &text(250_000)).unwrap_err();
    assert_eq!(refused.reason, ErrorReason::TopicLicenceLimit);
    // The quota is that of whoever added the topic.
    let refused = admin
        .call::<call::SetTopic>(&mut world, &topics::set("value", &text(200_000)))
        .unwrap_err();
    assert_eq!(refused.reason, ErrorReason::TopicLicenceLimit);
    admin
        .call::<call::SetTopic>(&mut world, &topics::set("value", &small))
        .unwrap();
    // Topics without anything in them take memory, too.
    let refused = (0..2_000).find_map(|number| {
        let request = topics::add(
            &format!("t{number}"),
            &TopicSpecification::new(TopicType::Json),
        );
        let answer = admin.call::<call::AddTopic>(&mut world, &request);
        read_on(&mut world, &mut admin);
        answer.err()
    });
    assert!(refused.unwrap().message.contains("one principal"));
    // What is removed is given back.
    control
        .call::<call::RemoveTopics>(&mut world, &">s".to_owned())
        .unwrap();
    admin
        .call::<call::SetTopic>(&mut world, &topics::set("value", &text(100_000)))
        .unwrap();
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

#[test]
fn what_is_done_to_all_sessions_lets_others_go_first() {
    let mut world = World::default();
    full_of_sessions(&mut world, 2_000);
    let mut admin = world.client("admin");
    let filter = || "$Principal is 'user'".to_owned();
    let long = vec!["$Principal is 'user'"; 200].join(" and ");
    let selection = |filter: String| FilterSelectRequest {
        filter,
        selection: SelectRequest::new("?many//"),
    };
    assert!(slices::<call::FilterSubscribe>(&mut world, &mut admin, &selection(filter())) > 3);
    assert!(slices::<call::FilterUnsubscribe>(&mut world, &mut admin, &selection(filter())) > 3);
    let unsubscribe = FilterUnsubscribeAllRequest {
        filter: filter(),
        selector: "?many//".to_owned(),
    };
    assert!(slices::<call::FilterUnsubscribeAllScopes>(&mut world, &mut admin, &unsubscribe) > 3);
    let set = SetSessionPropertiesFilterRequest {
        filter: filter(),
        set: Some(vec![("a".to_owned(), "b".to_owned())]),
        remove: None,
    };
    assert!(slices::<call::SetSessionPropertiesFilter>(&mut world, &mut admin, &set) > 3);
    // A long filter takes long for each session.
    let conflation = SetConflationFilterRequest {
        filter: long,
        enabled: false,
    };
    assert!(slices::<call::SetConflationFilter>(&mut world, &mut admin, &conflation) > 70);
    let roles = ChangeRolesFilterRequest {
        filter: filter(),
        remove: Vec::new(),
        add: vec!["OPERATOR".to_owned()],
    };
    assert!(slices::<call::ChangeRolesFilter>(&mut world, &mut admin, &roles) > 3);
    assert!(slices::<call::CloseClientFilter>(&mut world, &mut admin, &filter()) > 3);
    // The one that did it, and those that were served meanwhile.
    assert_eq!(world.broker.session_count(), 1 + 7);
}

#[test]
fn a_new_listener_is_told_of_all_sessions_in_slices_and_of_each_once() {
    let mut world = World::default();
    full_of_sessions(&mut world, 3_000);
    let mut admin = world.client("admin");
    let register = SessionEventRegistration {
        kind: 1,
        listener: ConversationId(77),
        filter: Some("$Principal is 'user'".to_owned()),
        properties: Some(vec!["$Principal".to_owned()]),
        after: None,
    };
    admin.request_unsettled::<call::SessionEventRegistration>(&mut world, &register);
    assert!(world.broker.has_work());
    // One that opens meanwhile is among them.
    let connection = world.new_connection();
    let request = login("user", "password", admin.version);
    world
        .broker
        .connect(world.now, connection, request, common::peer());
    world.carry_out();
    assert_eq!(world.broker.session_count(), 3_002);
    let mut told = 0;
    loop {
        for it in admin.read_all(&mut world) {
            if let Incoming::Request(Message::Request { service, body, .. }) = it
                && service == ServiceId::SessionPropertiesEvent
            {
                let events: SessionEvents = decode(body, admin.version).unwrap();
                told += events.events.len();
            }
        }
        if !world.broker.has_work() {
            break;
        }
        world.broker.work(world.now);
        world.carry_out();
    }
    assert_eq!(told, 3_001);
    // Listeners together take only so much whenever a session changes.
    let heavy = SessionEventRegistration {
        properties: Some(vec!["a".to_owned(); 15_000]),
        listener: ConversationId(78),
        ..register.clone()
    };
    admin
        .call::<call::SessionEventRegistration>(&mut world, &heavy)
        .unwrap();
    let refused = admin.call::<call::SessionEventRegistration>(
        &mut world,
        &SessionEventRegistration {
            listener: ConversationId(79),
            ..heavy
        },
    );
    assert!(refused.unwrap_err().message.contains("listeners"));
}

#[test]
fn the_sessions_of_a_removed_account_end_in_slices_before_the_script_is_done() {
    let mut world = World::default();
    full_of_sessions(&mut world, 3_000);
    let mut listener = world.client("admin");
    for number in 0..10 {
        let register = SessionEventRegistration {
            kind: 1,
            listener: ConversationId(77 + number),
            filter: Some("$Principal is 'nobody'".to_owned()),
            properties: None,
            after: None,
        };
        listener
            .call::<call::SessionEventRegistration>(&mut world, &register)
            .unwrap();
    }
    let mut admin = world.client("admin");
    let script = "set password 'user' 'other'\nremove principal 'admin'".to_owned();
    let done = slices::<call::UpdateSystemAuthentication>(&mut world, &mut admin, &script);
    assert!(done > 5, "{done}");
    // The one that served as the other meanwhile.
    assert_eq!(world.broker.session_count(), 1);
    assert!(world.closed.contains_key(&admin.connection));
}

#[test]
fn sessions_whose_time_has_come_at_once_end_in_slices() {
    let mut world = World::default();
    full_of_sessions(&mut world, 3_000);
    let mut listener = world.client("admin");
    let register = SessionEventRegistration {
        kind: 1,
        listener: ConversationId(77),
        filter: Some("$Principal is 'nobody'".to_owned()),
        properties: Some(vec!["a".to_owned(); 50]),
        after: None,
    };
    listener
        .call::<call::SessionEventRegistration>(&mut world, &register)
        .unwrap();
    world.now = world.now.plus(u64::from(world.config.reconnect_timeout_ms));
    world.broker.tick(world.now);
    let mut slices = 0;
    while world.broker.has_work() {
        assert_eq!(world.broker.next_timeout(), None, "it is worked on already");
        world.broker.work(world.now);
        world.carry_out();
        slices += 1;
    }
    assert!(slices > 10, "{slices}");
    assert!(world.broker.next_timeout().is_some());
    assert_eq!(world.broker.session_count(), 1);
}

#[test]
fn what_was_served_in_slices_is_not_open_for_ever() {
    let mut world = World::default();
    world.config.limits.open_requests = 3;
    full_of_sessions(&mut world, 2_000);
    let mut admin = world.client("admin");
    let register = SessionEventRegistration {
        kind: 1,
        listener: ConversationId(77),
        filter: None,
        properties: None,
        after: None,
    };
    let send = SendToFilterRequest {
        filter: "$Principal is 'user'".to_owned(),
        conversation: ConversationId(9),
        path: "a".to_owned(),
        data_type: "json".to_owned(),
        value: topics::json("1"),
    };
    for _ in 0..4 {
        assert!(slices::<call::SessionEventRegistration>(&mut world, &mut admin, &register) > 0);
        assert!(slices::<call::MessagingFilterSend>(&mut world, &mut admin, &send) > 0);
        admin
            .call::<call::SessionEventDeregistration>(&mut world, &register.listener)
            .unwrap();
    }
}

#[test]
fn subscribing_and_deselecting_for_others_lets_others_go_first() {
    let mut world = crowded(10_000);
    let mut admin = world.client("admin");
    let other = world.client("user");
    let select = |selector: &str| SessionSelectRequest {
        session: other.session,
        selection: SelectRequest::new(selector),
    };
    let of_all = select("?many//");
    assert!(slices::<call::SubscribeClient>(&mut world, &mut admin, &of_all) > 5);
    assert!(slices::<call::UnsubscribeClient>(&mut world, &mut admin, &of_all) > 5);
    assert!(slices::<call::SubscribeClient>(&mut world, &mut admin, &of_all) > 5);
    let of_all = SessionUnsubscribeAllRequest {
        session: other.session,
        selector: "?many//".to_owned(),
    };
    assert!(slices::<call::UnsubscribeClientAllScopes>(&mut world, &mut admin, &of_all) > 5);
    // The more is selected, the longer it takes to look whether a topic is.
    let mut own = world.client("admin");
    let paths: Vec<String> = (0..900).map(|it| format!(">many/{it}")).collect();
    let many = SelectRequest::new(&format!("#{}", paths.join("////")));
    own.call::<call::Subscribe>(&mut world, &many).unwrap();
    let all = SelectRequest::new("?many//");
    assert!(slices::<call::Subscribe>(&mut world, &mut own, &all) > 50);
    assert!(slices::<call::Unsubscribe>(&mut world, &mut own, &all) > 50);
}

#[test]
fn whoever_lost_a_right_is_sent_nothing_until_all_subscriptions_are_looked_at() {
    let mut world = crowded(10_000);
    let mut admin = world.client("admin");
    let mut writer = world.client("control");
    let mut reader = world.client("user");
    reader.request::<call::Subscribe>(&mut world, &SelectRequest::new("?many//"));
    read_on(&mut world, &mut reader);
    assert_eq!(reader.topics.len(), 10_000);
    let roles = ChangeRolesRequest {
        session: reader.session,
        remove: vec!["CLIENT".to_owned(), "TOPIC_CONTROL".to_owned()],
        add: Vec::new(),
    };
    admin.request_unsettled::<call::ChangeRoles>(&mut world, &roles);
    assert!(world.broker.has_work());
    // The last of the topics has not been looked at yet.
    let path = "many/9/branch/9999";
    writer.request_unsettled::<call::SetTopic>(&mut world, &topics::set(path, "\"secret\""));
    world.carry_out();
    assert!(world.broker.has_work());
    let seen = read_on(&mut world, &mut reader);
    assert!(
        seen.iter().all(|it| matches!(it, Seen::Unsubscribed(..))),
        "{:?}",
        seen.first()
    );
    world.settle();
    let seen = read_on(&mut world, &mut reader);
    assert!(
        seen.iter().all(|it| matches!(it, Seen::Unsubscribed(..))),
        "{:?}",
        seen.first()
    );
    assert_eq!(reader.topics.len(), 0);
    // With the right, they come back, in slices.
    let again = ChangeRolesRequest {
        remove: Vec::new(),
        add: vec!["CLIENT".to_owned()],
        ..roles
    };
    admin.request_unsettled::<call::ChangeRoles>(&mut world, &again);
    assert!(world.broker.has_work());
    world.settle();
    read_on(&mut world, &mut reader);
    assert_eq!(reader.topics.len(), 10_000);
}

#[test]
fn collectors_count_in_slices() {
    let mut world = crowded(20_000);
    let mut admin = world.client("admin");
    for number in 0..10 {
        let collector = TopicMetricCollector {
            name: format!("c{number}"),
            exports: false,
            maximum_groups: 10,
            selector: "?many//".to_owned(),
            by_type: true,
            by_view: false,
            prefix_parts: 2,
        };
        admin
            .call::<call::PutTopicMetricCollector>(&mut world, &collector)
            .unwrap();
    }
    let fetch = FetchMetricsRequest {
        server: MetricsServer::Current,
        names: Vec::new(),
        pattern: String::new(),
    };
    assert!(slices::<call::FetchMetrics>(&mut world, &mut admin, &fetch) > 30);
    let metrics = admin
        .call::<call::FetchMetrics>(&mut world, &fetch)
        .unwrap();
    let topics = metrics.servers[0]
        .1
        .iter()
        .find(|it| it.name == "diffusion_topic_collector_topics")
        .unwrap();
    assert_eq!(topics.samples.len(), 100);
    assert!(
        topics
            .samples
            .iter()
            .all(|it| f64::from_bits(it.bits) == 2_000.0)
    );
}

#[test]
fn a_listener_of_topics_is_told_in_slices() {
    let mut world = crowded(20_000);
    let mut reader = world.client("admin");
    let select = TopicNotificationSelection {
        listener: ConversationId(5),
        selector: "?many//".to_owned(),
    };
    assert!(slices::<call::TopicNotificationSelection>(&mut world, &mut reader, &select) > 10);
}

#[test]
fn a_policy_that_removes_many_topics_lets_others_go_first() {
    let mut world = crowded(20_000);
    let mut control = world.client("control");
    let specification = TopicSpecification::new(TopicType::Json)
        .with(property::REMOVAL, "when no updates for 1s remove '?many//'");
    control
        .call::<call::AddTopic>(&mut world, &topics::add("many/z", &specification))
        .unwrap();
    let mut slices = 0;
    for _ in 0..3 {
        world.now = world.now.plus(1_000);
        world.broker.tick(world.now);
        world.carry_out();
        while world.broker.has_work() {
            world.broker.work(world.now);
            world.carry_out();
            slices += 1;
        }
    }
    assert!(slices > 50, "{slices}");
    assert_eq!(world.broker.topic_count(), 0);
    // What a policy asks of sessions has a bound.
    let filter = vec!["A is 'b'"; 30].join(" or ");
    let policy = format!("when no session has \"{filter}\"");
    let specification = TopicSpecification::new(TopicType::Json).with(property::REMOVAL, &policy);
    let refused = control.call::<call::AddTopic>(&mut world, &topics::add("a", &specification));
    assert_eq!(
        refused.unwrap_err().reason,
        ErrorReason::InvalidTopicSpecification
    );
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

/// A selector of so much memory.
fn large(number: usize, parts: usize) -> String {
    format!("?.*/{number}{}", "/x".repeat(parts))
}

#[test]
fn what_all_sessions_select_has_a_size() {
    let mut world = World::default();
    world.config.limits.selection_bytes = 4_000_000;
    world.restart();
    let big = |number: usize| SelectRequest::new(&large(number, 1_000));
    let mut kept = 0;
    let mut clients = Vec::new();
    let refused = loop {
        let mut client = world.client("client");
        match client.call::<call::Subscribe>(&mut world, &big(kept)) {
            Ok(()) => kept += 1,
            Err(report) => break report,
        }
        clients.push(client);
        assert!(kept < 1_000);
    };
    assert!(refused.message.contains("bytes of topic"), "{refused:?}");
    assert!(kept > 16, "{kept}");
    // A little is always kept, and of what is selected already less.
    let mut client = world.client("client");
    for number in 0..10 {
        let small = SelectRequest::new(&large(number, 10));
        client.call::<call::Subscribe>(&mut world, &small).unwrap();
    }
    for client in &mut clients {
        client
            .call::<call::UnsubscribeAllScopes>(&mut world, &"?.*//".to_owned())
            .unwrap();
    }
    client
        .call::<call::Subscribe>(&mut world, &big(5_000))
        .unwrap();
    // What closed sessions had selected does not count.
    for number in 0..3 * kept {
        let mut client = world.client("client");
        client
            .call::<call::Subscribe>(&mut world, &big(number))
            .unwrap();
        client.send(&mut world, Message::Close.encode(client.version));
    }
    // One session alone gets no further than its share, in topic notifications either.
    for parts in [10, 1_000] {
        let mut client = world.client("client");
        let mut own = 0;
        while own < kept
            && client
                .call::<call::Subscribe>(&mut world, &SelectRequest::new(&large(own, parts)))
                .is_ok()
        {
            own += 1;
        }
        assert!(parts == 10 || own < kept / 8, "{own} of {kept}");
        let mut listening = 0;
        while listening < kept {
            let select = TopicNotificationSelection {
                listener: ConversationId(5),
                selector: large(listening, parts),
            };
            let answer = client.call::<call::TopicNotificationSelection>(&mut world, &select);
            if answer.is_err() {
                break;
            }
            listening += 1;
        }
        assert!(parts == 10 || listening < kept / 8, "{listening}");
        assert!(own > 0 && listening > 0);
        client.send(&mut world, Message::Close.encode(client.version));
    }
}

#[test]
fn a_regular_expression_that_takes_long_is_refused() {
    let mut world = World::default();
    let mut client = world.client("client");
    for costly in ["?a/[b-y]*b[a-z]{300}q", "?(?:[a-y]{0,30}b){30}q"] {
        let refused = client
            .call::<call::Fetch>(&mut world, &fetch(costly))
            .unwrap_err();
        assert!(refused.message.contains("memory"), "{refused:?}");
    }
}

#[test]
fn properties_and_roles_of_sessions_have_a_size() {
    let mut world = World::default();
    world.config.limits.session_bytes = 400_000;
    world.restart();
    let mut admin = world.client("admin");
    let users: Vec<Client> = (0..20).map(|_| world.client("user")).collect();
    let roles = |round: usize| ChangeRolesFilterRequest {
        filter: "$Principal is 'user'".to_owned(),
        remove: Vec::new(),
        add: (0..100)
            .map(|it| format!("{round} {it} {}", "x".repeat(90)))
            .collect(),
    };
    let answers: Vec<_> = (0..20)
        .map(|round| admin.call::<call::ChangeRolesFilter>(&mut world, &roles(round)))
        .collect();
    assert!(answers[0].is_ok());
    let refused = answers[1].as_ref().unwrap_err();
    assert!(
        refused.message.contains("properties and roles"),
        "{refused:?}"
    );
    let set = SetSessionPropertiesFilterRequest {
        filter: "$Principal is 'user'".to_owned(),
        set: Some(vec![("a".to_owned(), "x".repeat(4_000))]),
        remove: None,
    };
    let mut refusals = 0;
    for number in 0..10 {
        let mut set = set.clone();
        set.set = Some(vec![(format!("a{number}"), "x".repeat(4_000))]);
        let answer = admin.call::<call::SetSessionPropertiesFilter>(&mut world, &set);
        refusals += usize::from(answer.is_err());
    }
    assert!(refusals > 5, "{refusals}");
    // What a session takes is free once it is gone.
    for user in &users {
        let close = CloseClientRequest {
            session: user.session,
            reason: None,
        };
        admin.call::<call::CloseClient>(&mut world, &close).unwrap();
    }
    let _user = world.client("user");
    admin
        .call::<call::ChangeRolesFilter>(&mut world, &roles(0))
        .unwrap();
}

#[test]
fn a_topic_that_many_may_have_selected_lets_others_go_first() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    let mut readers: Vec<Client> = (0..60).map(|_| world.client("client")).collect();
    for reader in &mut readers {
        for number in 0..5 {
            let selector = format!("?[a-z]{{1,200}}x{number}");
            reader
                .call::<call::Subscribe>(&mut world, &SelectRequest::new(&selector))
                .unwrap();
        }
        let all = SelectRequest::new("?abc.*//");
        reader.call::<call::Subscribe>(&mut world, &all).unwrap();
    }
    let path = "abc".repeat(1_300);
    let add = topics::add(&path, &TopicSpecification::new(TopicType::Json));
    let count = slices::<call::AddTopic>(&mut world, &mut admin, &add);
    assert!(count > 3, "{count}");
    for reader in &mut readers {
        read_on(&mut world, reader);
        assert_eq!(reader.topics.len(), 1);
    }
}

#[test]
fn a_session_with_many_subscriptions_ends_in_slices() {
    let mut world = crowded(20_000);
    let mut admin = world.client("admin");
    let mut reader = world.client("user");
    reader.request::<call::Subscribe>(&mut world, &SelectRequest::new("?many//"));
    let close = CloseClientRequest {
        session: reader.session,
        reason: None,
    };
    assert!(slices::<call::CloseClient>(&mut world, &mut admin, &close) >= 3);
    // The topics know no subscriber any more.
    let collector = TopicMetricCollector {
        name: "all".to_owned(),
        exports: false,
        maximum_groups: 1,
        selector: "?many//".to_owned(),
        by_type: false,
        by_view: false,
        prefix_parts: 0,
    };
    admin
        .call::<call::PutTopicMetricCollector>(&mut world, &collector)
        .unwrap();
    let fetch = FetchMetricsRequest {
        server: MetricsServer::Current,
        names: vec!["diffusion_topic_collector_subscriptions".to_owned()],
        pattern: String::new(),
    };
    let metrics = admin
        .call::<call::FetchMetrics>(&mut world, &fetch)
        .unwrap();
    let samples = &metrics.servers[0].1[0].samples;
    assert_eq!(samples.len(), 1);
    assert_eq!(f64::from_bits(samples[0].bits), 0.0);
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

/// What a listener of topics is told: of a selected topic, or one below, and of what kind.
fn told(world: &mut World, client: &mut Client) -> Vec<(bool, TopicNotificationType)> {
    let mut all = Vec::new();
    for it in client.read_all(world) {
        let it = vec![it];
        let of_selected = requests::of_service::<call::TopicNotificationEvent>(it.clone(), client);
        all.extend(of_selected.into_iter().map(|(_, it)| (true, it.kind)));
        let below = requests::of_service::<call::TopicDescendantEvent>(it, client);
        all.extend(below.into_iter().map(|(_, it)| (false, it.kind)));
    }
    all
}

#[test]
fn many_listeners_with_costly_selectors_let_others_go_first() {
    let mut world = World::default();
    let mut control = world.client("control");
    let mut listeners: Vec<Client> = (0..100).map(|_| world.client("admin")).collect();
    for listener in &mut listeners {
        for number in 0..10 {
            let select = TopicNotificationSelection {
                listener: ConversationId(5),
                selector: format!("*.*b{number}"),
            };
            listener
                .call::<call::TopicNotificationSelection>(&mut world, &select)
                .unwrap();
        }
    }
    let select = |selector: &str| TopicNotificationSelection {
        listener: ConversationId(5),
        selector: selector.to_owned(),
    };
    let deep = "b1".to_owned() + &"/a".repeat(500);
    let add = topics::add(&deep, &TopicSpecification::new(TopicType::Json));
    let count = slices::<call::AddTopic>(&mut world, &mut control, &add);
    // A selector looks at the path once, not at each of its 500 parts.
    assert!((2..10).contains(&count), "{count}");
    let (added, removed) = (TopicNotificationType::Added, TopicNotificationType::Removed);
    for listener in &mut listeners {
        assert_eq!(told(&mut world, listener), [(false, added)]);
    }
    // Who changes what it listens to meanwhile is told in the order of the changes, and nothing twice.
    control.request_unsettled::<call::RemoveTopics>(&mut world, &format!(">{deep}"));
    control.request_unsettled::<call::AddTopic>(&mut world, &add);
    let [.., before, last] = &mut listeners[..] else {
        panic!("there are listeners");
    };
    last.request_unsettled::<call::TopicNotificationDeselection>(&mut world, &select("*.*b1"));
    before.request_unsettled::<call::TopicNotificationSelection>(&mut world, &select("?.*//"));
    assert!(world.broker.has_work());
    world.settle();
    assert_eq!(told(&mut world, last), [(false, removed)]);
    assert_eq!(told(&mut world, before), [(false, removed), (true, added)]);
}

#[test]
fn a_long_answer_is_written_in_slices_and_tells_of_one_moment() {
    let mut world = World::default();
    let mut control = world.client("control");
    filled(&mut world, &mut control, 12_000, 12_000);
    let query = RangeQueryRequest::new("s");
    assert!(slices::<call::RangeQuery>(&mut world, &mut control, &query) >= 2);
    let mut reader = world.client("admin");
    let asked = reader.request_unsettled::<call::RangeQuery>(&mut world, &query);
    assert!(world.broker.has_work());
    // What comes meanwhile, and what is discarded for it, does not concern the answer.
    for number in 0..10 {
        let append = topics::append("s", &format!("-{number}"));
        control.request_unsettled::<call::TimeSeriesAppend>(&mut world, &append);
    }
    world.settle();
    let answer = reader
        .read_all(&mut world)
        .into_iter()
        .find_map(|it| match it {
            Incoming::Answer(id, result) if id == asked => Some(result.unwrap()),
            _ => None,
        });
    let answer: RangeQueryResponse = decode(answer.unwrap(), reader.version).unwrap();
    assert_eq!((answer.selected, answer.events.len()), (12_000, 12_000));
    assert!(answer.is_complete());
    let sequences = answer.events.iter().map(|it| it.metadata.sequence);
    assert!(sequences.eq(0..12_000));
    // So many events that the first ones asked for are discarded before they are written: the answer begins anew.
    let asked = reader.request_unsettled::<call::RangeQuery>(&mut world, &query);
    for number in 0..12_000 {
        let append = topics::append("s", &number.to_string());
        control.request_unsettled::<call::TimeSeriesAppend>(&mut world, &append);
    }
    world.settle();
    let answer = reader
        .read_all(&mut world)
        .into_iter()
        .find_map(|it| match it {
            Incoming::Answer(id, result) if id == asked => Some(result.unwrap()),
            _ => None,
        });
    let answer: RangeQueryResponse = decode(answer.unwrap(), reader.version).unwrap();
    let sequences = answer.events.iter().map(|it| it.metadata.sequence);
    assert!(sequences.eq(12_010..24_010));
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

#[test]
fn costly_changes_that_queued_up_let_others_go_first() {
    let mut world = World::default();
    let mut writer = world.client("user");
    topics::add_json(&mut world, &mut writer, "large");
    world.hold_stores = true;
    let value = format!("[{}]", vec!["1"; 60_000].join(","));
    writer.request::<call::SetTopic>(&mut world, &topics::set("large", &value));
    let patch = ApplyJsonPatchRequest {
        path: "large".into(),
        patch: r#"[{"op":"test","path":"","value":0}]"#.into(),
        constraint: UpdateConstraint::Unconstrained,
    };
    for _ in 0..10 {
        writer.request::<call::ApplyJsonPatch>(&mut world, &patch);
    }
    world.hold_stores = false;
    let (ticket, _) = world.pending.pop_front().unwrap();
    let stored = Completion::Stored(Ok(()));
    world.broker.completed(world.now, ticket, stored);
    let mut inputs = 0;
    let mut answered = 0;
    while world.broker.has_work() {
        world.carry_out();
        let now = writer.read_all(&mut world).len();
        assert!(now <= 4, "{now} in one input");
        answered += now;
        inputs += 1;
        world.broker.work(world.now);
    }
    world.carry_out();
    answered += writer.read_all(&mut world).len();
    assert_eq!(answered, 11);
    assert!(inputs >= 3, "{inputs}");
}

#[test]
fn sessions_whose_rights_changed_take_turns() {
    let mut world = crowded(10_000);
    let roles = |client: &Client, remove: &str| ChangeRolesRequest {
        session: client.session,
        remove: vec![remove.to_owned()],
        add: Vec::new(),
    };
    let mut first = world.client("user");
    for number in 0..30 {
        let selector = SelectRequest::new(&format!("?many/.*/.*/x{number}.*"));
        first
            .call::<call::Subscribe>(&mut world, &selector)
            .unwrap();
    }
    let mut owner = world.client("control");
    let lock = SessionLockRequest {
        name: "lock".into(),
        request: 1,
        scope: SessionLockScope::UnlockOnSessionLoss,
    };
    owner
        .call::<call::AcquireSessionLock>(&mut world, &lock)
        .unwrap();
    let mut next = world.client("user");
    next.request::<call::AcquireSessionLock>(&mut world, &lock);
    let mut admin = world.client("admin");
    let change = roles(&first, "CLIENT");
    admin.request_unsettled::<call::ChangeRoles>(&mut world, &change);
    world.carry_out();
    assert!(world.broker.has_work());
    for role in ["CLIENT", "TOPIC_CONTROL", "CLIENT_CONTROL", "MODERATOR"] {
        let change = roles(&owner, role);
        admin.request_unsettled::<call::ChangeRoles>(&mut world, &change);
    }
    // The lock is free at once, and the session's turn comes before the first one's end.
    world.carry_out();
    assert!(
        next.read_all(&mut world)
            .iter()
            .any(|it| matches!(it, Incoming::Answer(_, Ok(_))))
    );
    world.broker.work(world.now);
    world.broker.work(world.now);
    world.carry_out();
    assert!(world.broker.has_work());
    let ping = owner.request_unsettled::<call::UserPing>(&mut world, &());
    world.carry_out();
    let seen = owner.read_all(&mut world);
    assert!(
        seen.iter()
            .any(|it| matches!(it, Incoming::Answer(id, Ok(_)) if *id == ping)),
        "{seen:?}"
    );
    assert!(world.broker.has_work());
}

/// The answer to a request of a client whose role has other permissions once it is being served, but is not done.
fn after_loss<C: Call>(
    world: &mut World,
    (before, after): (&str, &str),
    body: &C::Request,
) -> Result<C::Response, ErrorReason> {
    topics::run_script(world, before);
    let mut admin = world.client("admin");
    let mut caller = world.client("caller");
    let asked = caller.request_unsettled::<C>(world, body);
    assert!(world.broker.has_work());
    admin.request_unsettled::<call::UpdateSecurity>(world, &after.to_owned());
    world.settle();
    let version = caller.version;
    let answers = caller.read_all(world).into_iter();
    let mut answers = answers.filter_map(|it| match it {
        Incoming::Answer(id, answer) if id == asked => Some(answer),
        _ => None,
    });
    let answer = answers.next().expect("it is answered");
    assert_eq!(answers.next(), None);
    answer
        .map(|body| decode(body, version).unwrap())
        .map_err(|report| report.reason)
}

#[test]
fn what_is_served_in_slices_needs_the_right_until_it_is_done() {
    let mut world = crowded(12_000);
    full_of_sessions(&mut world, 2_000);
    topics::run_accounts_script(&mut world, "add principal 'caller' 'password' ['C']");
    let denied = ErrorReason::AccessDenied;
    let all = "set 'C' permissions [MODIFY_SESSION VIEW_SESSION VIEW_SERVER CONTROL_SERVER]\n\
               set 'C' default path permissions [SELECT_TOPIC READ_TOPIC]";
    let filter = || "$Principal is 'user'".to_owned();
    let subscribe = FilterSelectRequest {
        filter: filter(),
        selection: SelectRequest::new("?many//"),
    };
    let loss = (all, "set 'C' default path permissions [READ_TOPIC]");
    let subscribed = after_loss::<call::FilterSubscribe>(&mut world, loss, &subscribe);
    assert_eq!(subscribed.unwrap_err(), denied);
    let set = SetSessionPropertiesFilterRequest {
        filter: filter(),
        set: Some(vec![("a".to_owned(), "b".to_owned())]),
        remove: None,
    };
    let loss = (all, "set 'C' permissions [MODIFY_SESSION]");
    let changed = after_loss::<call::SetSessionPropertiesFilter>(&mut world, loss, &set);
    assert_eq!(changed.unwrap_err(), denied);
    let collector = TopicMetricCollector {
        name: "all".to_owned(),
        exports: false,
        maximum_groups: 1,
        selector: "?many//".to_owned(),
        by_type: false,
        by_view: false,
        prefix_parts: 0,
    };
    let mut admin = world.client("admin");
    admin
        .call::<call::PutTopicMetricCollector>(&mut world, &collector)
        .unwrap();
    let metrics = FetchMetricsRequest {
        server: MetricsServer::Current,
        names: Vec::new(),
        pattern: String::new(),
    };
    let loss = (all, "set 'C' permissions [VIEW_SESSION]");
    let measured = after_loss::<call::FetchMetrics>(&mut world, loss, &metrics);
    assert_eq!(measured.unwrap_err(), denied);
    // What was fetched before the right to it was lost is not among the answer.
    let mut request = fetch("?many//");
    request.with_values = true;
    let loss = (all, "set 'C' path 'many/0' permissions []");
    let fetched = after_loss::<call::Fetch>(&mut world, loss, &request).unwrap();
    assert_eq!(fetched.topics.len(), 12_000 / 10 * 9);
    assert!(
        fetched
            .topics
            .iter()
            .all(|it| !it.path.starts_with("many/0"))
    );
}

#[test]
fn a_query_for_what_was_replaced_needs_the_right_until_it_is_done() {
    let mut world = World::default();
    topics::run_accounts_script(&mut world, "add principal 'caller' 'password' ['C']");
    let mut control = world.client("control");
    filled(&mut world, &mut control, 12_000, 12_000);
    let query = RangeQueryRequest {
        query_type: QueryType::AllEdits,
        ..RangeQueryRequest::new("s")
    };
    let script = |permissions: &str| {
        format!("set 'C' default path permissions [SELECT_TOPIC READ_TOPIC {permissions}]")
    };
    let [may, may_not] = ["QUERY_OBSOLETE_TIME_SERIES_EVENTS", ""].map(script);
    let queried = after_loss::<call::RangeQuery>(&mut world, (&may, &may_not), &query);
    assert_eq!(queried.unwrap_err(), ErrorReason::AccessDenied);
    let queried = after_loss::<call::RangeQuery>(&mut world, (&may, &may), &query);
    assert_eq!(queried.unwrap().events.len(), 12_000);
}

#[test]
fn what_collectors_count_has_a_size() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    let collector = |name: &str, properties: usize| SessionMetricCollector {
        name: name.to_owned(),
        exports: false,
        maximum_groups: u32::MAX,
        removes_unmatched: true,
        filter: "all".to_owned(),
        group_by: vec!["Room".to_owned(); properties],
    };
    let refused = admin
        .call::<call::PutSessionMetricCollector>(&mut world, &collector("a", 33))
        .unwrap_err();
    assert_eq!(refused.reason, ErrorReason::InvalidData);
    admin
        .call::<call::PutSessionMetricCollector>(&mut world, &collector("a", 32))
        .unwrap();
    for number in 0..40 {
        let user = world.client("user");
        let set = SetSessionPropertiesRequest {
            session: user.session,
            set: Some(vec![(
                "Room".to_owned(),
                format!("{number}{}", "x".repeat(1_000)),
            )]),
            remove: None,
        };
        admin
            .call::<call::SetSessionProperties>(&mut world, &set)
            .unwrap();
    }
    let fetch = FetchMetricsRequest {
        server: MetricsServer::Current,
        names: vec!["diffusion_session_collector_open".to_owned(); 1_500],
        pattern: String::new(),
    };
    let metrics = admin
        .call::<call::FetchMetrics>(&mut world, &fetch)
        .unwrap();
    let samples = &metrics.servers[0].1[0].samples;
    // Of 41 groups of 32 KiB each, those that fit.
    assert!((3..=5).contains(&samples.len()), "{}", samples.len());
}

#[test]
fn what_properties_a_session_has_does_not_show_in_what_roles_it_takes() {
    let mut world = World::default();
    topics::run_script(&mut world, "set 'BLIND' permissions [MODIFY_SESSION]");
    topics::run_accounts_script(&mut world, "add principal 'blind' 'password' ['BLIND']");
    let mut blind = world.client("blind");
    let mut admin = world.client("admin");
    let mut taken = |has_much: bool| {
        let user = world.client("user");
        for number in 0..if has_much { 30 } else { 0 } {
            let set = SetSessionPropertiesRequest {
                session: user.session,
                set: Some(vec![(format!("p{number}"), "x".repeat(4_000))]),
                remove: None,
            };
            admin
                .call::<call::SetSessionProperties>(&mut world, &set)
                .unwrap();
        }
        let mut count = 0;
        loop {
            let change = ChangeRolesRequest {
                session: user.session,
                remove: Vec::new(),
                add: vec![format!("{count}{}", "x".repeat(1_000))],
            };
            let changed = blind.call::<call::ChangeRoles>(&mut world, &change);
            read_on(&mut world, &mut blind);
            match changed {
                Ok(()) => count += 1,
                Err(_) => return count,
            }
        }
    };
    let (little, much) = (taken(false), taken(true));
    assert!(little > 50, "{little}");
    assert_eq!(little, much);
}
