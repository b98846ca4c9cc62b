//! What clients see of the service.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use bytes::Bytes;
use common::topics::{add, append, history, json, run_script, select, set};
use common::{Incoming, Seen, World, login};
use effusion_broker::{Config, ConnectionEnd, Limits};
use effusion_protocol::body::{
    AddAndSetTopicRequest, AddTopicResult, FetchRequest, GetSessionPropertiesRequest,
    SelectRequest, SetTopicRequest, UpdateConstraint, call,
};
use effusion_protocol::{
    CloseReason, ErrorReason, Message, ProtocolVersion, ResponseCode, ServiceId,
    TopicSpecification, TopicType, UnsubscribeReason, property,
};

#[test]
fn rights_are_asked_for_everything() {
    let mut world = World::default();
    let mut client = world.client("client");
    let mut writer = world.client("user");
    let topic = TopicSpecification::new(TopicType::Json);
    writer
        .call::<call::AddTopic>(&mut world, &add("a", &topic))
        .unwrap();
    let reasons = [
        client
            .call::<call::AddTopic>(&mut world, &add("b", &topic))
            .unwrap_err(),
        client
            .call::<call::SetTopic>(&mut world, &set("a", "1"))
            .unwrap_err(),
        client
            .call::<call::RemoveTopics>(&mut world, &">a".to_owned())
            .unwrap_err(),
        client
            .call::<call::GetSecurity>(&mut world, &())
            .unwrap_err(),
        client
            .call::<call::CloseClientFilter>(&mut world, &"all".to_owned())
            .unwrap_err(),
        client
            .call::<call::Subscribe>(&mut world, &SelectRequest::new("?Diffusion//"))
            .unwrap_err(),
    ];
    for report in reasons {
        assert_eq!(report.reason, ErrorReason::AccessDenied);
        assert!(!report.message.is_empty());
    }
}

#[test]
fn changed_rights_reach_live_subscriptions() {
    let mut world = World::default();
    let mut writer = world.client("admin");
    let topic = TopicSpecification::new(TopicType::Json);
    for path in ["a/public", "a/secret"] {
        writer
            .call::<call::AddTopic>(&mut world, &add(path, &topic))
            .unwrap();
    }
    let mut reader = world.client("client");
    assert_eq!(select(&mut reader, &mut world, "?a//").len(), 2);
    run_script(&mut world, "set 'CLIENT' path 'a/secret' permissions []");
    assert_eq!(
        reader.see(&mut world),
        [Seen::Unsubscribed(
            "a/secret".into(),
            UnsubscribeReason::Authorization
        )]
    );
    run_script(
        &mut world,
        "remove 'CLIENT' permissions for path 'a/secret'",
    );
    assert_eq!(
        reader.see(&mut world),
        [Seen::Subscribed("a/secret".into())]
    );
    // A role that is taken away does the same.
    let change = effusion_protocol::body::ChangeRolesRequest {
        session: reader.session,
        remove: vec!["CLIENT".into()],
        add: vec![],
    };
    let mut user = world.client("user");
    let denied = user.call::<call::ChangeRoles>(&mut world, &change);
    assert_eq!(denied.unwrap_err().reason, ErrorReason::AccessDenied);
    let mut control = world.client("control");
    control
        .call::<call::ChangeRoles>(&mut world, &change)
        .unwrap();
    assert_eq!(reader.see(&mut world).len(), 2);
}

#[test]
fn topics_compare_by_their_specifications() {
    let mut world = World::default();
    let mut client = world.client("user");
    let mut add_reason = |path: &str, specification: &TopicSpecification| {
        client
            .call::<call::AddTopic>(&mut world, &add(path, specification))
            .map_err(|report| report.reason)
    };
    let topic = TopicSpecification::new(TopicType::Json);
    assert_eq!(add_reason("/a/", &topic), Ok(AddTopicResult::Created));
    assert_eq!(add_reason("a", &topic), Ok(AddTopicResult::Exists));
    let other = topic.clone().with(property::PUBLISH_VALUES_ONLY, "true");
    assert_eq!(
        add_reason("a", &other),
        Err(ErrorReason::TopicExistsMismatch)
    );
    let bad = topic.with(property::REMOVAL, "whenever");
    assert_eq!(
        add_reason("b", &bad),
        Err(ErrorReason::InvalidTopicSpecification)
    );
    assert_eq!(add_reason("a//b", &bad), Err(ErrorReason::InvalidTopicPath));
}

#[test]
fn values_must_be_of_the_type() {
    let mut world = World::default();
    let mut client = world.client("user");
    client
        .call::<call::AddTopic>(
            &mut world,
            &add("a", &TopicSpecification::new(TopicType::Json)),
        )
        .unwrap();
    let mut reason = |request: &SetTopicRequest| {
        client
            .call::<call::SetTopic>(&mut world, request)
            .unwrap_err()
            .reason
    };
    let broken = SetTopicRequest {
        value: Bytes::from_static(&[0xbf, 0x61]),
        ..set("a", "1")
    };
    assert_eq!(reason(&broken), ErrorReason::InvalidData);
    let wrong_type = SetTopicRequest {
        topic_type: TopicType::String,
        ..set("a", "\"x\"")
    };
    assert_eq!(reason(&wrong_type), ErrorReason::IncompatibleTopic);
    assert_eq!(reason(&set("nowhere", "1")), ErrorReason::NoSuchTopic);
    let constrained = SetTopicRequest {
        constraint: UpdateConstraint::NoTopic,
        ..set("a", "1")
    };
    assert_eq!(reason(&constrained), ErrorReason::UnsatisfiedConstraint);
    // A topic that is added for a value that is refused is not added.
    let add_and_set = AddAndSetTopicRequest {
        path: "b".into(),
        specification: TopicSpecification::new(TopicType::Int64),
        value: json("\"no number\""),
        constraint: UpdateConstraint::Unconstrained,
    };
    let refused = client.call::<call::AddAndSetTopic>(&mut world, &add_and_set);
    assert_eq!(refused.unwrap_err().reason, ErrorReason::InvalidData);
    assert_eq!(world.broker.topic_count(), 1);
}

#[test]
fn a_topic_set_to_null_has_no_value() {
    let mut world = World::default();
    let mut client = world.client("user");
    let request = |value: &str| AddAndSetTopicRequest {
        path: "s".into(),
        specification: TopicSpecification::new(TopicType::String),
        value: json(value),
        constraint: UpdateConstraint::Unconstrained,
    };
    client
        .call::<call::AddAndSetTopic>(&mut world, &request("\"x\""))
        .unwrap();
    select(&mut client, &mut world, ">s");
    let (_, seen) = client.call_seeing::<call::AddAndSetTopic>(&mut world, &request("null"));
    assert_eq!(
        seen,
        [Incoming::Seen(Seen::Value("s".into(), json("null")))]
    );
    world.restart();
    let mut late = world.client("client");
    assert_eq!(
        select(&mut late, &mut world, ">s"),
        [Seen::Subscribed("s".into())]
    );
}

#[test]
fn fetch_answers_what_was_asked_for() {
    let mut world = World::default();
    let mut client = world.client("user");
    for (path, value) in [("a", "1"), ("a/b", "2"), ("a-b", "3"), ("c", "4")] {
        let request = AddAndSetTopicRequest {
            path: path.into(),
            specification: TopicSpecification::new(TopicType::Json),
            value: json(value),
            constraint: UpdateConstraint::Unconstrained,
        };
        client
            .call::<call::AddAndSetTopic>(&mut world, &request)
            .unwrap();
    }
    let mut request = FetchRequest::new("?.*//");
    request.with_values = true;
    request.limit = -2;
    let found = client.call::<call::Fetch>(&mut world, &request).unwrap();
    let paths: Vec<_> = found.topics.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["a-b", "c"]);
    assert!(found.has_more);
    assert_eq!(found.topics[1].value, Some(json("4")));
    request.limit = 10;
    request.deep_branch_depth = 1;
    request.deep_branch_limit = 1;
    let found = client.call::<call::Fetch>(&mut world, &request).unwrap();
    let paths: Vec<_> = found.topics.iter().map(|it| it.path.as_str()).collect();
    assert_eq!(paths, ["a", "a-b", "c"]);
    assert!(!found.has_more);
}

#[test]
fn topics_are_removed_by_selector() {
    let mut world = World::default();
    let mut client = world.client("user");
    let topic = TopicSpecification::new(TopicType::Json);
    for path in ["x", "x/y", "x/z", "w"] {
        client
            .call::<call::AddTopic>(&mut world, &add(path, &topic))
            .unwrap();
    }
    select(&mut client, &mut world, "?.*//");
    let (removed, seen) = client.call_seeing::<call::RemoveTopics>(&mut world, &"?x/".to_owned());
    assert_eq!(removed.unwrap().removed, Some(2));
    assert_eq!(
        seen,
        ["x/z", "x/y"].map(|path| Incoming::Seen(Seen::Unsubscribed(
            path.into(),
            UnsubscribeReason::Removal
        )))
    );
    let paths: Vec<_> = world.stored.topics.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(paths, ["x", "w"]);
}

#[test]
fn a_topic_goes_when_the_session_that_made_it_closes() {
    let mut world = World::default();
    let mut maker = world.client("user");
    let mut watcher = world.client("client");
    let topic = TopicSpecification::new(TopicType::Json)
        .with(property::REMOVAL, "when this session closes");
    maker
        .call::<call::AddTopic>(&mut world, &add("presence/al", &topic))
        .unwrap();
    select(&mut watcher, &mut world, "?presence//");
    world.pass(5_000);
    assert_eq!(watcher.see(&mut world), []);
    maker.send(&mut world, Message::Close.encode(maker.version));
    world.pass(5_000);
    assert_eq!(
        watcher.see(&mut world),
        [Seen::Unsubscribed(
            "presence/al".into(),
            UnsubscribeReason::Removal
        )]
    );
    assert!(world.stored.topics.is_empty());
    // After a restart no session is left, whoever it was.
    let mut maker = world.client("user");
    maker
        .call::<call::AddTopic>(&mut world, &add("presence/al", &topic))
        .unwrap();
    world.restart();
    assert_eq!(world.broker.topic_count(), 1);
    world.pass(2_000);
    assert_eq!(world.broker.topic_count(), 0);
}

#[test]
fn versions_are_negotiated_by_refusal() {
    let mut config = Config::new([3; 32]);
    config.newest_version = ProtocolVersion::new(20).unwrap();
    let mut world = World::new(config);
    for (asked, spoken) in [(29, 20), (12, 13), (255, 20)] {
        let mut request = login("user", "password", ProtocolVersion::NEWEST);
        request.version = asked;
        let (_, response) = world.connect_with(request);
        assert_eq!(
            (response.code, response.version),
            (ResponseCode::Downgrade, spoken)
        );
    }
    let (_, response) =
        world.connect_with(login("user", "password", ProtocolVersion::new(20).unwrap()));
    assert_eq!(response.code, ResponseCode::Connected);
}

#[test]
fn every_version_serves_the_lessons() {
    for version in ProtocolVersion::newest_first() {
        let mut world = World::default();
        let mut client = world.client_at("user", version);
        client
            .call::<call::AddTopic>(&mut world, &add("ts", &history()))
            .unwrap();
        select(&mut client, &mut world, ">ts");
        client
            .call::<call::TimeSeriesAppend>(&mut world, &append("ts", "1"))
            .unwrap();
        client.call::<call::UserPing>(&mut world, &()).unwrap();
    }
}

#[test]
fn anonymous_sessions_are_let_in_by_policy() {
    let mut world = World::default();
    let mut guest = world.client("");
    let own = GetSessionPropertiesRequest {
        session: guest.session,
        keys: vec!["*F".into()],
    };
    let properties = guest
        .call::<call::GetSessionProperties>(&mut world, &own)
        .unwrap()
        .unwrap();
    let get = |name: &str| {
        properties
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(get("$Principal"), Some(""));
    assert_eq!(get("$Roles"), Some("\"CLIENT\""));
    assert_eq!(get("$ClientType"), Some("JAVASCRIPT_BROWSER"));
    let all = guest.call::<call::GetOwnSessionProperties>(&mut world, &());
    assert_eq!(all, Ok(Some(properties.clone())));
    let mut admin = world.client("admin");
    admin
        .call::<call::UpdateSystemAuthentication>(&mut world, &"deny anonymous connections".into())
        .unwrap();
    let (_, refused) = world.connect_with(login("", "", ProtocolVersion::NEWEST));
    assert_eq!(refused.code, ResponseCode::AuthenticationFailed);
}

#[test]
fn a_silent_client_loses_its_connection() {
    let mut world = World::default();
    let client = world.client("user");
    world.pass(90_000);
    let ping = world.read_raw(client.connection).unwrap();
    assert!(matches!(
        Message::decode(ping, client.version),
        Ok(Message::Request {
            service: ServiceId::SystemPing,
            ..
        })
    ));
    world.pass(95_000);
    assert_eq!(
        world.closed[&client.connection],
        ConnectionEnd::Unresponsive
    );
    assert_eq!(world.broker.session_count(), 1);
    world.pass(60_000);
    assert_eq!(world.broker.session_count(), 0);
}

#[test]
fn bad_input_ends_its_own_session_only() {
    let limits = Limits {
        message_bytes: 1_000,
        ..Limits::default()
    };
    let mut world = World::new(Config {
        limits,
        ..Config::new([5; 32])
    });
    let mut bystander = world.client("user");
    for (message, reason) in [
        (
            Bytes::from_static(&[0xff, 1, 2]),
            CloseReason::InvalidInboundMessage,
        ),
        (Bytes::new(), CloseReason::InvalidInboundMessage),
        (Bytes::from(vec![0; 1_001]), CloseReason::MessageTooLarge),
        (
            Bytes::from_static(&[0x04, 0, 0, 0, 1, 1]),
            CloseReason::InvalidInboundMessage,
        ),
    ] {
        let mut client = world.client("user");
        client.send(&mut world, message);
        assert_eq!(
            world.closed[&client.connection],
            ConnectionEnd::Session(reason)
        );
        assert_eq!(client.read_all(&mut world), [Incoming::Abort]);
    }
    let mut client = world.client("user");
    client.send(&mut world, Bytes::from_static(&[0, 0xe7, 7, 5]));
    let answers = client.read_all(&mut world);
    assert!(
        matches!(&answers[..], [Incoming::Answer(_, Err(report))] if report.reason == ErrorReason::Unsupported),
        "{answers:?}"
    );
    client.send(&mut world, Bytes::from_static(&[0, 0x70, 6, 0xff, 0xff]));
    let answers = client.read_all(&mut world);
    assert!(
        matches!(&answers[..], [Incoming::Answer(_, Err(report))] if report.reason == ErrorReason::InvalidData),
        "{answers:?}"
    );
    bystander.call::<call::UserPing>(&mut world, &()).unwrap();
}

#[test]
fn limits_are_told() {
    let limits = Limits {
        sessions: 1,
        topics: 1,
        selections: 1,
        ..Limits::default()
    };
    let mut world = World::new(Config {
        limits,
        ..Config::new([5; 32])
    });
    let mut client = world.client("user");
    let (_, second) = world.connect_with(login("user", "password", ProtocolVersion::NEWEST));
    assert_eq!(second.code, ResponseCode::LicenceExceeded);
    let topic = TopicSpecification::new(TopicType::Json);
    client
        .call::<call::AddTopic>(&mut world, &add("a", &topic))
        .unwrap();
    let more = client.call::<call::AddTopic>(&mut world, &add("b", &topic));
    assert_eq!(more.unwrap_err().reason, ErrorReason::TopicLicenceLimit);
    select(&mut client, &mut world, ">a");
    let more = client.call::<call::Subscribe>(&mut world, &SelectRequest::new(">b"));
    assert!(more.is_err());
}
