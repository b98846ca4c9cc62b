//! What concerns many sessions.

use super::{crowded, full_of_sessions, pong, read_on, slices};
use crate::common::{Incoming, World, login, topics};
use effusion_protocol::body::{
    ChangeRolesFilterRequest, CloseClientRequest, FetchMetricsRequest, FilterSelectRequest,
    FilterUnsubscribeAllRequest, MetricsServer, SelectRequest, SendToFilterRequest,
    SessionEventRegistration, SessionEvents, SessionMetricCollector, SessionSelectRequest,
    SessionUnsubscribeAllRequest, SetConflationFilterRequest, SetSessionPropertiesFilterRequest,
    SetSessionPropertiesRequest, TopicMetricCollector, call,
};
use effusion_protocol::{ConversationId, Message, ServiceId, decode};
use std::collections::VecDeque;

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

/// The text of all roles may be long, for each session.
#[test]
fn to_look_at_many_roles_lets_others_go_first() {
    let mut world = World::default();
    full_of_sessions(&mut world, 60);
    let mut admin = world.client("admin");
    let roles = ChangeRolesFilterRequest {
        filter: "$Principal is 'user'".to_owned(),
        remove: Vec::new(),
        add: (0..55)
            .map(|it| format!("{it}{}", "x".repeat(1_000)))
            .collect(),
    };
    let change = admin.call::<call::ChangeRolesFilter>(&mut world, &roles);
    change.unwrap();
    let conflation = SetConflationFilterRequest {
        filter: "$Roles matches 'nobody'".to_owned(),
        enabled: false,
    };
    let count = slices::<call::SetConflationFilter>(&mut world, &mut admin, &conflation);
    assert!(count > 2, "{count}");
    let collector = SessionMetricCollector {
        name: "roles".to_owned(),
        exports: false,
        maximum_groups: 10,
        removes_unmatched: true,
        filter: "all".to_owned(),
        group_by: vec!["$Roles".to_owned()],
    };
    admin
        .call::<call::PutSessionMetricCollector>(&mut world, &collector)
        .unwrap();
    let fetch = FetchMetricsRequest {
        server: MetricsServer::Current,
        names: Vec::new(),
        pattern: String::new(),
    };
    assert!(slices::<call::FetchMetrics>(&mut world, &mut admin, &fetch) > 8);
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
        .connect(world.now, connection, request, crate::common::peer());
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
fn listeners_for_many_bytes_are_told_in_slices_and_in_order() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    let victim = world.client("user");
    let text = |number: usize| (format!("p{number}"), "v".repeat(4_000));
    let set = |set| SetSessionPropertiesRequest {
        session: victim.session,
        set: Some(set),
        remove: None,
    };
    let large = set((0..15).map(text).collect());
    admin
        .call::<call::SetSessionProperties>(&mut world, &large)
        .unwrap();
    let mut listener = world.client("admin");
    let mut register = SessionEventRegistration {
        kind: 1,
        listener: ConversationId(0),
        filter: Some("has p0".to_owned()),
        properties: Some(vec!["*U".to_owned()]),
        after: None,
    };
    for number in 1..=100 {
        register.listener = ConversationId(number);
        listener.request::<call::SessionEventRegistration>(&mut world, &register);
        read_on(&mut world, &mut listener);
    }
    let small = |value: &str| set(vec![("q".to_owned(), value.to_owned())]);
    let first = admin.request_unsettled::<call::SetSessionProperties>(&mut world, &small("x"));
    // That waits for what it would be told after.
    let second = admin.request_unsettled::<call::SetSessionProperties>(&mut world, &small("y"));
    let ended = ConversationId(100);
    listener.request_unsettled::<call::SessionEventDeregistration>(&mut world, &ended);
    let (mut told, mut count, mut answers) = (Vec::new(), 0, Vec::new());
    loop {
        let mut bytes = 0;
        let mut incoming = VecDeque::from(listener.read_all(&mut world));
        while let Some(it) = incoming.pop_front() {
            pong(&mut world, &mut listener, &it);
            incoming.extend(listener.read_all(&mut world));
            if let Incoming::Request(Message::Request { service, body, .. }) = it
                && service == ServiceId::SessionPropertiesEvent
            {
                bytes += body.len();
                let events: SessionEvents = decode(body, listener.version).unwrap();
                told.push(events.listener);
            }
        }
        assert!(bytes < 3_000_000, "{bytes}");
        for it in admin.read_all(&mut world) {
            if let Incoming::Answer(id, _) = it {
                answers.push((id, told.len()));
            }
        }
        if !world.broker.has_work() {
            break;
        }
        count += 1;
        world.broker.work(world.now);
        world.carry_out();
    }
    assert!(count > 5, "{count}");
    let each: Vec<_> = (1..100).map(ConversationId).collect();
    assert_eq!(told, [&each[..], &each].concat());
    // The second change begins in the slice that ends the first.
    assert!(matches!(answers[..], [(one, 99..150), (two, 198)] if one == first && two == second));
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
