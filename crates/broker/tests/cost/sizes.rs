//! Names, expressions, properties, topics: what is remembered has a size.

use super::{fetch, read_on, series};
use crate::common::{Client, World, topics};
use effusion_broker::Config;
use effusion_protocol::body::{
    ChangeRolesFilterRequest, ChangeRolesRequest, CloseClientRequest, FetchMetricsRequest,
    MetricsServer, RequestHandlerRegistration, SelectRequest, SessionLockRequest, SessionLockScope,
    SessionMetricCollector, SetSessionPropertiesFilterRequest, SetSessionPropertiesRequest,
    TopicNotificationSelection, call,
};
use effusion_protocol::time_series::{EditRequest, RangeQueryRequest};
use effusion_protocol::{
    ConversationId, ErrorReason, Message, ServiceId, TopicSpecification, TopicType, property,
};

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

/// The names of authors are as long as whoever appends wants, and an edit has two of them.
#[test]
fn the_authors_of_events_have_a_size() {
    let mut world = World::default();
    let author = "n".repeat(1_000);
    let script = format!("add principal '{author}' 'password' ['CLIENT' 'TOPIC_CONTROL']");
    topics::run_accounts_script(&mut world, &script);
    world.config.limits.topic_bytes_per_principal = 200_000;
    world.config.limits.answer_bytes = 50_000;
    world.restart();
    let mut writer = world.client(&author);
    writer
        .call::<call::AddTopic>(&mut world, &topics::add("Chat/s", &series(10_000)))
        .unwrap();
    let append = topics::append("Chat/s", "1");
    let edit = EditRequest {
        path: "Chat/s".to_owned(),
        value_type: "json".to_owned(),
        original: 0,
        value: topics::json("2"),
    };
    for _ in 0..60 {
        writer
            .call::<call::TimeSeriesAppend>(&mut world, &append)
            .unwrap();
    }
    let mut edits = 0;
    let refused = loop {
        match writer.call::<call::TimeSeriesEdit>(&mut world, &edit) {
            Ok(_) => edits += 1,
            Err(report) => break report,
        }
        assert!(edits < 100);
    };
    assert_eq!(refused.reason, ErrorReason::TopicLicenceLimit);
    assert!((50..70).contains(&edits), "{edits}");
    // What an answer has of them counts as its values do.
    let mut query = RangeQueryRequest::new("Chat/s");
    let refused = writer.call::<call::RangeQuery>(&mut world, &query);
    assert_eq!(refused.unwrap_err().reason, ErrorReason::InvalidData);
    query.limit = 40;
    let answer = writer.call::<call::RangeQuery>(&mut world, &query).unwrap();
    assert_eq!(answer.events.len(), 40);
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
    world.config.limits.session_bytes = 600_000;
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
