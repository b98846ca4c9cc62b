//! Rights hold whenever something is done for a session, and nothing is told of what it may not see.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use bytes::Bytes;
use common::requests::{of_service, request, requests, respond};
use common::topics::{
    add, add_json, append, history, json, run_accounts_script, run_script, select, set,
};
use common::{Client, Incoming, Seen, World, login, peer};
use effusion_broker::{Config, ConnectionEnd};
use effusion_protocol::body::{
    ApplyJsonPatchRequest, AuthenticatorResponse, ChangeRolesFilterRequest,
    CreateUpdateStreamRequest, FetchRequest, FilterCount, MessagingResponse, NamedDeregistration,
    NamedRegistration, ReauthenticateRequest, RequestHandlerDeregistration,
    RequestHandlerRegistration, SelectRequest, SendRequest, SendToFilterRequest,
    SessionEventRegistration, SessionLockAcquisition, SessionLockRequest, SessionLockScope,
    SetConflationFilterRequest, TopicNotificationSelection, UpdateConstraint, UpdateStreamId,
    UpdateStreamRequest, UpdateTopicDeltaRequest, ValueComparison, call,
};
use effusion_protocol::time_series::{AppendAtRequest, EditRequest};
use effusion_protocol::{
    CloseReason, ConnectResponse, ConversationId, Credentials, ErrorReason, ErrorReport, Message,
    ProtocolVersion, ResponseCode, ServiceId, TopicSpecification, TopicType, UnsubscribeReason,
    property,
};

const VERSION: ProtocolVersion = ProtocolVersion::NEWEST;

/// A client with an account of its own.
fn account(world: &mut World, name: &str, roles: &str) -> Client {
    run_accounts_script(
        world,
        &format!("add principal '{name}' 'password' [{roles}]"),
    );
    world.client(name)
}

fn change_roles(world: &mut World, principal: &str, remove: &[&str]) {
    let change = ChangeRolesFilterRequest {
        filter: format!("$Principal is '{principal}'"),
        remove: remove.iter().map(|it| (*it).to_owned()).collect(),
        add: vec![],
    };
    let mut admin = world.client("admin");
    admin
        .call::<call::ChangeRolesFilter>(world, &change)
        .unwrap();
}

fn reason<T: core::fmt::Debug>(result: Result<T, ErrorReport>) -> ErrorReason {
    result.unwrap_err().reason
}

const EVENTS: ConversationId = ConversationId(101);
const HANDLER: ConversationId = ConversationId(102);
const MISSING: ConversationId = ConversationId(103);
const AUTHENTICATOR: ConversationId = ConversationId(104);

fn named(service: u32, name: &str, handler: ConversationId) -> NamedRegistration {
    NamedRegistration {
        service,
        group: "default".into(),
        name: name.into(),
        handler,
    }
}

fn request_handler(properties: &[&str]) -> RequestHandlerRegistration {
    RequestHandlerRegistration {
        service: 0x58,
        group: "default".into(),
        path: "service".into(),
        properties: properties.iter().map(|it| (*it).to_owned()).collect(),
        handler: HANDLER,
    }
}

fn event_listener() -> SessionEventRegistration {
    SessionEventRegistration {
        kind: 1,
        filter: None,
        properties: Some(vec!["*F".into()]),
        after: None,
        listener: EVENTS,
    }
}

/// A client that registers for everything that a client can be told of.
fn spy(world: &mut World) -> Client {
    let roles = "'CLIENT_CONTROL' 'TOPIC_CONTROL' 'AUTHENTICATION_HANDLER'";
    let mut spy = account(world, "spy", roles);
    spy.call::<call::SessionEventRegistration>(world, &event_listener())
        .unwrap();
    spy.call::<call::MessagingReceiverControlRegistration>(world, &request_handler(&[]))
        .unwrap();
    let missing = named(0x32, "missing", MISSING);
    spy.call::<call::TopicControlRegistration>(world, &missing)
        .unwrap();
    let authenticator = named(0x78, "after-system-handler", AUTHENTICATOR);
    spy.call::<call::AuthenticatorRegistration>(world, &authenticator)
        .unwrap();
    spy.read_all(world);
    spy
}

/// The registrations that ended for want of a right.
fn ended(incoming: &[Incoming]) -> Vec<ConversationId> {
    let mut ended: Vec<_> = incoming
        .iter()
        .filter_map(|it| match it {
            Incoming::Answer(id, Err(report)) if report.reason == ErrorReason::AccessDenied => {
                Some(*id)
            }
            _ => None,
        })
        .collect();
    ended.sort_unstable();
    ended
}

fn told(incoming: &[Incoming]) -> usize {
    let requests = incoming.iter();
    let is_ping = |it: &Message| {
        let service = ServiceId::SystemPing;
        matches!(it, Message::Request { service: it, .. } if *it == service)
    };
    requests
        .filter(|it| matches!(it, Incoming::Request(message) if !is_ping(message)))
        .count()
}

fn message(path: &str) -> SendRequest {
    SendRequest {
        path: path.into(),
        data_type: "json".into(),
        value: json("1"),
    }
}

/// A stranger asks to be let in: of strangers, handlers after the store decide.
fn knock(world: &mut World) -> effusion_broker::ConnectionId {
    let connection = world.new_connection();
    let request = login("stranger", "her secret", VERSION);
    world.broker.connect(world.now, connection, request, peer());
    world.settle();
    connection
}

/// What a spy would hear of: a sign-in, a request, a topic that is not there.
fn act(world: &mut World) -> ErrorReason {
    let connection = knock(world);
    world.broker.disconnected(world.now, connection);
    let mut ann = world.client("client");
    let answer = ann.request::<call::MessagingSend>(world, &message("service"));
    ann.request::<call::Subscribe>(world, &SelectRequest::new(">missing/one"));
    world.pass(10_000);
    let answers = ann.read_all(world);
    let refused = answers.iter().find_map(|it| match it {
        Incoming::Answer(id, Err(report)) if *id == answer => Some(report.reason),
        _ => None,
    });
    refused.expect("nobody answers")
}

#[test]
fn what_is_registered_ends_with_the_rights_to_it() {
    type Loss = fn(&mut World, &mut Client);
    let losses: [Loss; 3] = [
        |world, _| {
            let roles = ["CLIENT_CONTROL", "TOPIC_CONTROL", "AUTHENTICATION_HANDLER"];
            change_roles(world, "spy", &roles);
        },
        |world, _| {
            let script =
                "set 'CLIENT_CONTROL' permissions []\nset 'AUTHENTICATION_HANDLER' permissions []";
            run_script(world, script);
        },
        |world, spy| {
            let change = ReauthenticateRequest {
                principal: "client".into(),
                credentials: Credentials::Password("password".into()),
                proposed: vec![],
            };
            spy.request::<call::Reauthenticate>(world, &change);
        },
    ];
    for loss in losses {
        let mut world = World::default();
        let mut spy = spy(&mut world);
        assert_eq!(act(&mut world), ErrorReason::RequestTimeOut);
        assert!(told(&spy.read_all(&mut world)) >= 4);
        loss(&mut world, &mut spy);
        let all = [EVENTS, HANDLER, MISSING, AUTHENTICATOR];
        assert_eq!(ended(&spy.read_all(&mut world)), all);
        assert_eq!(act(&mut world), ErrorReason::UnhandledMessage);
        assert_eq!(told(&spy.read_all(&mut world)), 0);
    }
}

#[test]
fn a_right_is_enough_for_what_needs_no_other() {
    let mut world = World::default();
    let mut spy = spy(&mut world);
    run_script(
        &mut world,
        "set 'CLIENT_CONTROL' permissions [REGISTER_HANDLER]",
    );
    assert_eq!(ended(&spy.read_all(&mut world)), [EVENTS]);
    // A handler that is told properties of sessions needs the right to view them.
    run_script(
        &mut world,
        "set 'CLIENT_CONTROL' permissions [REGISTER_HANDLER VIEW_SESSION]",
    );
    let other = account(&mut world, "other", "'CLIENT_CONTROL'");
    let mut other = other;
    other
        .call::<call::MessagingReceiverControlRegistration>(
            &mut world,
            &request_handler(&["$Principal"]),
        )
        .unwrap();
    run_script(
        &mut world,
        "set 'CLIENT_CONTROL' permissions [REGISTER_HANDLER]",
    );
    assert_eq!(ended(&other.read_all(&mut world)), [HANDLER]);
    assert_eq!(ended(&spy.read_all(&mut world)), []);
}

#[test]
fn what_waits_for_a_client_is_not_sent_after_the_right_is_gone() {
    let mut world = World::default();
    let mut spy = spy(&mut world);
    let mut reader = world.client("client");
    let mut user = world.client("user");
    add_json(&mut world, &mut user, "secret");
    select(&mut reader, &mut world, ">secret");
    // What was on its way before is theirs.
    spy.read_all(&mut world);
    reader.read_all(&mut world);
    spy.cut(&mut world);
    reader.cut(&mut world);
    user.call::<call::SetTopic>(&mut world, &set("secret", "1"))
        .unwrap();
    world.client("client");
    change_roles(
        &mut world,
        "spy",
        &["CLIENT_CONTROL", "AUTHENTICATION_HANDLER"],
    );
    run_script(&mut world, "set 'CLIENT' path 'secret' permissions []");
    assert_eq!(spy.reconnect(&mut world).code, ResponseCode::Reconnected);
    let heard = spy.read_all(&mut world);
    assert_eq!(told(&heard), 0, "{heard:?}");
    assert_eq!(reader.reconnect(&mut world).code, ResponseCode::Reconnected);
    let gone = Seen::Unsubscribed("secret".into(), UnsubscribeReason::Authorization);
    assert_eq!(reader.see(&mut world), [gone]);
}

#[test]
fn who_may_not_authenticate_any_more_lets_nobody_in() {
    let mut world = World::default();
    let mut spy = spy(&mut world);
    let connection = knock(&mut world);
    let asked = requests::<call::Authenticator>(&mut world, &mut spy);
    assert_eq!(asked.len(), 1);
    change_roles(&mut world, "spy", &["AUTHENTICATION_HANDLER"]);
    let refused = ConnectResponse::decode(world.read_raw(connection).unwrap()).unwrap();
    assert_eq!(refused.code, ResponseCode::AuthenticationFailed);
    let allow = AuthenticatorResponse::Allow(vec![("$Roles".into(), "\"ADMINISTRATOR\"".into())]);
    respond(
        &mut world,
        &mut spy,
        ServiceId::Authenticator,
        asked[0].0,
        Ok(&allow),
    );
    assert_eq!(world.read_raw(connection), None);
}

/// Has a client that registered for everything take it back.
fn deregister(world: &mut World, spy: &mut Client) {
    spy.request::<call::SessionEventDeregistration>(world, &EVENTS);
    let handler = RequestHandlerDeregistration {
        service: 0x58,
        group: "default".into(),
        path: "service".into(),
        properties: vec![],
    };
    spy.request::<call::MessagingReceiverControlDeregistration>(world, &handler);
    let named = |service, name: &str| NamedDeregistration {
        service,
        group: "default".into(),
        name: name.into(),
    };
    spy.request::<call::TopicControlDeregistration>(world, &named(0x32, "missing"));
    let authenticator = named(0x78, "after-system-handler");
    spy.request::<call::AuthenticatorDeregistration>(world, &authenticator);
}

#[test]
fn what_waits_for_what_was_deregistered_is_sent_to_nobody() {
    let mut config = Config::new([7; 32]);
    (
        config.limits.window_messages,
        config.limits.confirm_messages,
    ) = (12, 4);
    let mut world = World::new(config);
    let mut spy = spy(&mut world);
    let mut ann = world.client("client");
    // The client does not read: what follows waits in the service.
    for _ in 0..12 {
        spy.request::<call::UserPing>(&mut world, &());
    }
    let question = ann.request::<call::MessagingSend>(&mut world, &message("service"));
    ann.request::<call::Subscribe>(&mut world, &SelectRequest::new(">missing/one"));
    let connection = knock(&mut world);
    assert_eq!(world.read_raw(connection), None, "the spy is to decide");
    deregister(&mut world, &mut spy);
    // Nobody is left to be asked.
    let refused = ConnectResponse::decode(world.read_raw(connection).unwrap()).unwrap();
    assert_eq!(refused.code, ResponseCode::AuthenticationFailed);
    let answers = ann.read_all(&mut world);
    let is_refused = |it: &Incoming| {
        matches!(it, Incoming::Answer(id, Err(report))
            if *id == question && report.reason == ErrorReason::UnhandledMessage)
    };
    assert!(answers.iter().any(is_refused), "{answers:?}");
    change_roles(
        &mut world,
        "spy",
        &["CLIENT_CONTROL", "TOPIC_CONTROL", "AUTHENTICATION_HANDLER"],
    );
    spy.read_all(&mut world);
    spy.cut(&mut world);
    assert_eq!(spy.reconnect(&mut world).code, ResponseCode::Reconnected);
    let heard = spy.read_all(&mut world);
    assert_eq!(told(&heard), 0, "{heard:?}");
    assert!(
        heard.len() >= 4,
        "what was asked for is answered: {heard:?}"
    );
}

#[test]
fn who_deregisters_a_handler_may_answer_what_it_was_sent_as_long_as_it_has_the_right() {
    let mut world = World::default();
    let mut spy = spy(&mut world);
    let mut ann = world.client("client");
    for has_right in [true, false] {
        let register = request_handler(&[]);
        spy.request::<call::MessagingReceiverControlRegistration>(&mut world, &register);
        let question = ann.request::<call::MessagingSend>(&mut world, &message("service"));
        let asked = requests::<call::MessagingReceiverClient>(&mut world, &mut spy);
        assert_eq!(asked.len(), 1);
        deregister(&mut world, &mut spy);
        if !has_right {
            change_roles(
                &mut world,
                "spy",
                &["CLIENT_CONTROL", "AUTHENTICATION_HANDLER"],
            );
        }
        let answer = MessagingResponse {
            data_type: "json".into(),
            value: json("2"),
        };
        let service = ServiceId::MessagingReceiverClient;
        respond(&mut world, &mut spy, service, asked[0].0, Ok(&answer));
        let answers: Vec<_> = ann
            .read_all(&mut world)
            .into_iter()
            .filter_map(|it| match it {
                Incoming::Answer(id, answer) if id == question => Some(answer.is_ok()),
                _ => None,
            })
            .collect();
        assert_eq!(answers, [has_right]);
    }
}

#[test]
fn who_is_no_authenticator_any_more_lets_nobody_in() {
    let mut world = World::default();
    let mut spy = spy(&mut world);
    let connection = knock(&mut world);
    let asked = requests::<call::Authenticator>(&mut world, &mut spy);
    assert_eq!(asked.len(), 1);
    deregister(&mut world, &mut spy);
    let refused = ConnectResponse::decode(world.read_raw(connection).unwrap()).unwrap();
    assert_eq!(refused.code, ResponseCode::AuthenticationFailed);
}

#[test]
fn a_listener_is_not_sent_what_waits_of_topics_that_it_may_not_see_any_more() {
    let mut config = Config::new([7; 32]);
    (
        config.limits.window_messages,
        config.limits.confirm_messages,
    ) = (12, 4);
    let mut world = World::new(config);
    let mut listener = account(&mut world, "ann", "'CLIENT'");
    let select = TopicNotificationSelection {
        listener: ConversationId(1),
        selector: "?.*//".into(),
    };
    listener
        .call::<call::TopicNotificationSelection>(&mut world, &select)
        .unwrap();
    for _ in 0..12 {
        listener.request::<call::UserPing>(&mut world, &());
    }
    let mut user = world.client("user");
    for path in ["secret/there", "secret/gone", "open"] {
        add_json(&mut world, &mut user, path);
    }
    let gone = ">secret/gone".to_owned();
    user.call::<call::RemoveTopics>(&mut world, &gone).unwrap();
    run_script(
        &mut world,
        "set 'CLIENT' path 'secret' permissions [SELECT_TOPIC]",
    );
    listener.read_all(&mut world);
    listener.cut(&mut world);
    listener.reconnect(&mut world);
    let heard = listener.read_all(&mut world);
    let topics = of_service::<call::TopicNotificationEvent>(heard, &listener);
    let paths: Vec<_> = topics.into_iter().map(|(_, it)| it.path).collect();
    assert_eq!(paths, ["open"]);
}

fn stream(client: &mut Client, world: &mut World, path: &str) -> UpdateStreamId {
    let create = CreateUpdateStreamRequest {
        path: path.into(),
        topic_type: TopicType::Json,
        constraint: UpdateConstraint::Unconstrained,
    };
    let created = client.call::<call::CreateUpdateStream>(world, &create);
    created.unwrap().stream
}

#[test]
fn an_update_stream_is_its_sessions() {
    let mut world = World::default();
    let (mut al, mut bob) = (world.client("user"), world.client("user"));
    let mut nobody = world.client("");
    add_json(&mut world, &mut al, "Effusion/hidden");
    let own = stream(&mut al, &mut world, "Effusion/hidden");
    let update = UpdateStreamRequest {
        stream: own.clone(),
        value: json("1"),
    };
    let nothing = UpdateStreamId {
        topic: 999,
        ..own.clone()
    };
    for other in [&mut bob, &mut nobody] {
        let refusals = [
            other.call::<call::CheckUpdateStream>(&mut world, &own),
            other.call::<call::StreamSet>(&mut world, &update),
            other.call::<call::StreamApplyDelta>(&mut world, &update),
        ];
        let unknown = other.call::<call::CheckUpdateStream>(&mut world, &nothing);
        for refusal in refusals {
            assert_eq!(
                refusal, unknown,
                "no more is told than of one that is not there"
            );
        }
        assert_eq!(reason(unknown), ErrorReason::InvalidUpdateStream);
    }
    al.call::<call::StreamSet>(&mut world, &update).unwrap();
}

/// A role that writes below `box` and reads nothing there, as everyone does with inboxes.
fn writer(world: &mut World) -> Client {
    run_script(
        world,
        "isolate path 'box'\nset 'WRITER' path 'box' permissions [SELECT_TOPIC UPDATE_TOPIC MODIFY_TOPIC]",
    );
    account(world, "writer", "'WRITER'")
}

#[test]
fn who_may_not_read_a_value_is_told_nothing_of_it() {
    let mut world = World::default();
    let mut writer = writer(&mut world);
    let mut admin = world.client("admin");
    run_script(
        &mut world,
        "set 'ADMINISTRATOR' path 'box' permissions [READ_TOPIC UPDATE_TOPIC MODIFY_TOPIC]",
    );
    add_json(&mut world, &mut admin, "box/a");
    admin
        .call::<call::SetTopic>(&mut world, &set("box/a", r#"{"secret":1}"#))
        .unwrap();
    let is = |text: &str| ValueComparison::is(json(text));
    let pointer = |with| UpdateConstraint::PartialJson {
        with,
        without: vec!["/other".into()],
    };
    for constraint in [
        UpdateConstraint::Value(is("1")),
        UpdateConstraint::NoValue,
        pointer(vec![("/secret".into(), is("1"))]),
        pointer(vec![]),
        UpdateConstraint::Disjunction(vec![UpdateConstraint::NoTopic, UpdateConstraint::NoValue]),
        UpdateConstraint::Conjunction(vec![UpdateConstraint::Value(is("2"))]),
    ] {
        // The same for a topic that is not there.
        for path in ["box/a", "box/none"] {
            let mut request = set(path, "2");
            request.constraint = constraint.clone();
            let refused = writer.call::<call::SetTopic>(&mut world, &request);
            assert_eq!(reason(refused), ErrorReason::AccessDenied, "{constraint:?}");
            let create = CreateUpdateStreamRequest {
                path: path.into(),
                topic_type: TopicType::Json,
                constraint: constraint.clone(),
            };
            let refused = writer.call::<call::CreateUpdateStream>(&mut world, &create);
            assert_eq!(reason(refused), ErrorReason::AccessDenied, "{constraint:?}");
        }
    }
    let patch = ApplyJsonPatchRequest {
        path: "box/a".into(),
        patch: r#"[{"op":"test","path":"/secret","value":1}]"#.into(),
        constraint: UpdateConstraint::Unconstrained,
    };
    let refused = writer.call::<call::ApplyJsonPatch>(&mut world, &patch);
    assert_eq!(reason(refused), ErrorReason::AccessDenied);
    let delta = UpdateTopicDeltaRequest {
        path: "box/a".into(),
        delta_type: 0,
        delta: Bytes::from_static(&[0xf6]),
    };
    let refused = writer.call::<call::UpdateTopicDelta>(&mut world, &delta);
    assert_eq!(reason(refused), ErrorReason::AccessDenied);
    // A stream that has set nothing cannot build on what is there; afterwards it builds on its own value.
    let own = stream(&mut writer, &mut world, "box/a");
    let mut update = UpdateStreamRequest {
        stream: own,
        value: Bytes::from_static(&[0xf6]),
    };
    let refused = writer.call::<call::StreamApplyDelta>(&mut world, &update);
    assert_eq!(reason(refused), ErrorReason::AccessDenied);
    let unchanged = std::mem::replace(&mut update.value, json("3"));
    writer.call::<call::StreamSet>(&mut world, &update).unwrap();
    update.value = unchanged;
    writer
        .call::<call::StreamApplyDelta>(&mut world, &update)
        .unwrap();
    // Writing is as free as ever.
    writer
        .call::<call::SetTopic>(&mut world, &set("box/a", "2"))
        .unwrap();
}

#[test]
fn who_may_not_read_a_series_is_told_nothing_of_its_events() {
    let mut world = World::default();
    let mut writer = writer(&mut world);
    run_script(
        &mut world,
        "set 'WRITER' path 'box' permissions \
         [SELECT_TOPIC UPDATE_TOPIC MODIFY_TOPIC EDIT_OWN_TIME_SERIES_EVENTS]\n\
         set 'ADMINISTRATOR' path 'box' permissions [UPDATE_TOPIC MODIFY_TOPIC]",
    );
    let mut admin = world.client("admin");
    admin
        .call::<call::AddTopic>(&mut world, &add("box/a", &history()))
        .unwrap();
    admin
        .call::<call::TimeSeriesAppend>(&mut world, &append("box/a", "1"))
        .unwrap();
    // The sequence of another's event, and one that is not there.
    let edits = [0, 17].map(|original| {
        let edit = EditRequest {
            path: "box/a".into(),
            value_type: "json".into(),
            original,
            value: json("2"),
        };
        let refused = writer.call::<call::TimeSeriesEdit>(&mut world, &edit);
        refused.unwrap_err()
    });
    assert_eq!(edits[0].reason, ErrorReason::AccessDenied);
    assert_eq!(edits[0], edits[1]);
    let now = world.now.wall_ms;
    let appends = [1, now].map(|timestamp| {
        let append = AppendAtRequest {
            path: "box/a".into(),
            value_type: "json".into(),
            value: json("2"),
            timestamp,
        };
        let refused = writer.call::<call::TimeSeriesAppendAt>(&mut world, &append);
        refused.unwrap_err()
    });
    assert_eq!(appends[0].reason, ErrorReason::AccessDenied);
    assert_eq!(appends[0], appends[1]);
    // Its own events it may append and edit.
    let own = writer.call::<call::TimeSeriesAppend>(&mut world, &append("box/a", "2"));
    let edit = EditRequest {
        path: "box/a".into(),
        value_type: "json".into(),
        original: own.unwrap().sequence,
        value: json("3"),
    };
    writer
        .call::<call::TimeSeriesEdit>(&mut world, &edit)
        .unwrap();
}

#[test]
fn removal_says_nothing_of_topics_that_a_session_cannot_remove() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    for path in ["Effusion/moderation/hidden", "open/a", "open/b"] {
        add_json(&mut world, &mut admin, path);
    }
    run_script(
        &mut world,
        "set 'TOPIC_CONTROL' path 'open/b' permissions []",
    );
    let mut user = world.client("user");
    let mut nobody = world.client("");
    for (there, not_there) in [
        (
            ">Effusion/moderation/hidden",
            ">Effusion/moderation/nothing",
        ),
        (
            "*Effusion/moderation/hidden",
            "*Effusion/moderation/nothing",
        ),
        ("?Effusion/moderation/.*", "?Effusion/moderation/x.*"),
    ] {
        for client in [&mut user, &mut nobody] {
            let text = |selector: &str| selector.replace("hidden", "nothing");
            let one = client.call::<call::RemoveTopics>(&mut world, &there.to_owned());
            let other = client.call::<call::RemoveTopics>(&mut world, &not_there.to_owned());
            let [one, other] = [one, other].map(|it| it.map_err(|e| (e.reason, text(&e.message))));
            assert_eq!(one, other, "{there}");
        }
    }
    // Topics of others are passed over.
    let removed = user.call::<call::RemoveTopics>(&mut world, &"?open//".to_owned());
    assert_eq!(removed.unwrap().removed, Some(1));
    assert_eq!(world.broker.topic_count(), 2);
}

fn owned_by(principal: &str) -> TopicSpecification {
    history().with(property::OWNER, &format!("$Principal is '{principal}'"))
}

#[test]
fn an_owned_topic_is_its_owners() {
    let mut world = World::default();
    let writes = "'CLIENT' 'TOPIC_CONTROL'";
    let mut ann = account(&mut world, "ann", writes);
    let mut bob = account(&mut world, "bob", writes);
    let mut eve = account(&mut world, "eve", writes);
    for path in ["Effusion/direct/ann", "open/ann"] {
        bob.call::<call::AddTopic>(&mut world, &add(path, &owned_by("ann")))
            .unwrap();
        for selector in [format!(">{path}"), "?.*//".into()] {
            let removed = eve.call::<call::RemoveTopics>(&mut world, &selector);
            assert_eq!(removed.unwrap().removed, Some(0), "{selector}");
        }
        let taken = eve.call::<call::AddTopic>(&mut world, &add(path, &owned_by("eve")));
        assert_eq!(reason(taken), ErrorReason::TopicExistsMismatch);
        bob.call::<call::TimeSeriesAppend>(&mut world, &append(path, "1"))
            .unwrap();
    }
    let own = ann.call::<call::RemoveTopics>(&mut world, &">open/ann".to_owned());
    assert_eq!(own.unwrap().removed, Some(1));
    // Who may become anyone may remove anything that it may modify.
    let mut admin = world.client("admin");
    let removed = admin.call::<call::RemoveTopics>(&mut world, &"?Effusion/direct//".to_owned());
    assert_eq!(removed.unwrap().removed, Some(1));
}

fn with_removal(policy: &str) -> TopicSpecification {
    TopicSpecification::new(TopicType::Json).with(property::REMOVAL, policy)
}

#[test]
fn a_removal_policy_does_no_more_than_its_creator_may() {
    let mut world = World::default();
    let writes = "'CLIENT' 'TOPIC_CONTROL'";
    let mut bob = account(&mut world, "bob", writes);
    let mut eve = account(&mut world, "eve", writes);
    bob.call::<call::AddTopic>(&mut world, &add("room/inbox", &owned_by("ann")))
        .unwrap();
    add_json(&mut world, &mut bob, "room/talk");
    // Whether a session is there that has a property is for those who may view sessions.
    let curious = with_removal("when no session has '$ClientIP is \"127.0.0.1\"' for 1s");
    let refused = eve.call::<call::AddTopic>(&mut world, &add("room/spy", &curious));
    assert_eq!(reason(refused), ErrorReason::AccessDenied);
    let mut control = world.client("control");
    control
        .call::<call::AddTopic>(&mut world, &add("room/seen", &curious))
        .unwrap();
    // Whose sessions there are is what policies of topics with an owner are about.
    let nobody = with_removal("when no session has '$Principal is \"nobody\"' for 1s");
    eve.call::<call::AddTopic>(&mut world, &add("room/nobody", &nobody))
        .unwrap();
    let somebody = with_removal("when no session has '$Principal is \"bob\"' for 1s");
    eve.call::<call::AddTopic>(&mut world, &add("room/somebody", &somebody))
        .unwrap();
    world.pass(5_000);
    let removed = bob.call::<call::RemoveTopics>(&mut world, &"?room/(no|some)body".to_owned());
    assert_eq!(
        removed.unwrap().removed,
        Some(1),
        "the one is gone, the other stays"
    );
    let bomb = with_removal("when no updates for 1m remove '?room//'");
    eve.call::<call::AddTopic>(&mut world, &add("room/bomb", &bomb))
        .unwrap();
    // A moderator takes all roles of an account.
    run_accounts_script(&mut world, "assign roles 'eve' []");
    world.pass(120_000);
    let mut admin = world.client("admin");
    let left = |world: &mut World, admin: &mut Client| -> Vec<String> {
        let fetched = admin.call::<call::Fetch>(world, &FetchRequest::new("?room//"));
        let topics = fetched.unwrap().topics.into_iter();
        topics.map(|topic| topic.path).collect()
    };
    assert_eq!(
        left(&mut world, &mut admin),
        ["room/inbox", "room/seen", "room/talk"]
    );
    // With its roles, it would have removed all but the inbox.
    run_accounts_script(&mut world, &format!("assign roles 'eve' [{writes}]"));
    eve.call::<call::AddTopic>(&mut world, &add("room/bomb", &bomb))
        .unwrap();
    world.pass(120_000);
    assert_eq!(left(&mut world, &mut admin), ["room/inbox"]);
    // What a moderator took from an account, its policies have lost, too.
    add_json(&mut world, &mut bob, "room/talk");
    let mut eve = world.client("eve");
    eve.call::<call::AddTopic>(&mut world, &add("room/bomb", &bomb))
        .unwrap();
    run_accounts_script(&mut world, "assign roles 'eve' ['CLIENT' 'Muted eve']");
    world.pass(120_000);
    assert_eq!(left(&mut world, &mut admin), ["room/inbox", "room/talk"]);
    // So has the policy of an account that was removed, whoever has one of the same name.
    run_accounts_script(&mut world, &format!("assign roles 'eve' [{writes}]"));
    let mut eve = world.client("eve");
    eve.call::<call::AddTopic>(&mut world, &add("room/bomb", &bomb))
        .unwrap();
    run_accounts_script(
        &mut world,
        "remove principal 'eve'\nadd principal 'eve' 'another' ['CLIENT']",
    );
    world.pass(120_000);
    assert_eq!(left(&mut world, &mut admin), ["room/inbox", "room/talk"]);
}

fn ask_for(name: &str, request: u64, scope: SessionLockScope) -> SessionLockRequest {
    SessionLockRequest {
        name: name.into(),
        request,
        scope,
    }
}

#[test]
fn a_lock_goes_with_the_connection_and_the_right() {
    use SessionLockScope::{UnlockOnConnectionLoss, UnlockOnSessionLoss};
    let mut world = World::default();
    let (mut al, mut bob) = (world.client("control"), world.client("control"));
    let taken = |client: &mut Client,
                 world: &mut World|
     -> Vec<Result<SessionLockAcquisition, ErrorReason>> {
        let version = client.version;
        let incoming = client.read_all(world).into_iter();
        incoming
            .filter_map(|it| match it {
                Incoming::Answer(_, answer) => Some(match answer {
                    Ok(body) => Ok(effusion_protocol::decode(body, version).unwrap()),
                    Err(report) => Err(report.reason),
                }),
                _ => None,
            })
            .collect()
    };
    for (name, scope) in [
        ("short", UnlockOnConnectionLoss),
        ("long", UnlockOnSessionLoss),
    ] {
        al.call::<call::AcquireSessionLock>(&mut world, &ask_for(name, 1, scope))
            .unwrap();
        bob.request::<call::AcquireSessionLock>(&mut world, &ask_for(name, 2, scope));
    }
    // The client is back before the service noticed that it was gone.
    assert_eq!(al.reconnect(&mut world).code, ResponseCode::Reconnected);
    let got = taken(&mut bob, &mut world);
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].as_ref().unwrap().name, "short");
    // A request for such a lock does not wait without a connection.
    al.request::<call::AcquireSessionLock>(
        &mut world,
        &ask_for("short", 3, UnlockOnConnectionLoss),
    );
    al.cut(&mut world);
    let release = got[0].clone().unwrap();
    bob.call::<call::ReleaseSessionLock>(&mut world, &release)
        .unwrap();
    bob.call::<call::AcquireSessionLock>(&mut world, &ask_for("short", 4, UnlockOnSessionLoss))
        .unwrap();
    al.reconnect(&mut world);
    assert_eq!(
        taken(&mut al, &mut world),
        [Err(ErrorReason::RejectedRequest)]
    );
    // Without the right, there are neither locks nor requests for them.
    let mut cy = account(&mut world, "cy", "'TOPIC_CONTROL'");
    al.request::<call::AcquireSessionLock>(&mut world, &ask_for("short", 5, UnlockOnSessionLoss));
    cy.request::<call::AcquireSessionLock>(&mut world, &ask_for("short", 6, UnlockOnSessionLoss));
    run_script(
        &mut world,
        "set 'CLIENT_CONTROL' path 'short' permissions []\nset 'AUTHENTICATION_HANDLER' path 'short' permissions []\nset 'TOPIC_CONTROL' path 'short' permissions []\nset 'CY' path 'short' permissions [ACQUIRE_LOCK]",
    );
    assert_eq!(taken(&mut al, &mut world), [Err(ErrorReason::AccessDenied)]);
    assert_eq!(taken(&mut cy, &mut world), [Err(ErrorReason::AccessDenied)]);
    let mut dan = account(&mut world, "dan", "'CY'");
    dan.call::<call::AcquireSessionLock>(&mut world, &ask_for("short", 7, UnlockOnSessionLoss))
        .unwrap();
}

#[test]
fn filters_are_for_those_who_may_view_sessions() {
    let mut world = World::default();
    run_script(
        &mut world,
        "set 'BLIND' permissions [MODIFY_SESSION]\nset 'BLIND' default path permissions [SEND_TO_SESSION SELECT_TOPIC]",
    );
    let mut blind = account(&mut world, "blind", "'BLIND'");
    let mut control = world.client("control");
    let send = SendToFilterRequest {
        conversation: ConversationId(5),
        filter: "$Principal is 'control'".into(),
        path: "p".into(),
        data_type: "json".into(),
        value: json("1"),
    };
    let sent = blind.call::<call::MessagingFilterSend>(&mut world, &send);
    assert_eq!(sent, Ok(FilterCount::Selected(0)));
    let closed = blind.call::<call::CloseClientFilter>(&mut world, &send.filter);
    assert_eq!(closed.unwrap().selected, 0);
    assert_eq!(told(&control.read_all(&mut world)), 0);
    let all = u32::try_from(world.broker.session_count()).unwrap();
    for (filter, count) in [
        ("hasRoles ['CLIENT_CONTROL']", 0),
        ("has $ClientIP and not $Principal is 'blind'", 0),
        ("$Principal is 'blind'", 1),
        ("all", all),
    ] {
        let conflate = SetConflationFilterRequest {
            filter: filter.into(),
            enabled: false,
        };
        let found = blind.call::<call::SetConflationFilter>(&mut world, &conflate);
        assert_eq!(found.unwrap().selected, count, "{filter}");
    }
    // Answers are for those who may still send.
    let mut sender = account(&mut world, "sender", "'CLIENT_CONTROL'");
    sender
        .call::<call::MessagingFilterSend>(&mut world, &send)
        .unwrap();
    change_roles(&mut world, "sender", &["CLIENT_CONTROL"]);
    let (conversation, _) = request::<call::MessagingSend>(&mut world, &mut control);
    let report = ErrorReport {
        message: "no".into(),
        reason: ErrorReason::RejectedRequest,
    };
    respond::<effusion_protocol::body::MessagingResponse>(
        &mut world,
        &mut control,
        ServiceId::MessagingSend,
        conversation,
        Err(&report),
    );
    assert_eq!(told(&sender.read_all(&mut world)), 0);
}

#[test]
fn a_hidden_topic_is_not_told_by_what_is_not_said() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    let mut events = Vec::new();
    for hides in [true, false] {
        let branch = if hides { "one" } else { "two" };
        run_script(
            &mut world,
            &format!(
                "set 'CLIENT' path '{branch}/x' permissions []\nset 'CLIENT' path '{branch}/x/y' permissions [SELECT_TOPIC READ_TOPIC]"
            ),
        );
        if hides {
            add_json(&mut world, &mut admin, &format!("{branch}/x"));
        }
        let mut listener = world.client("client");
        let selection = TopicNotificationSelection {
            listener: ConversationId(1),
            selector: format!(">{branch}"),
        };
        listener
            .call::<call::TopicNotificationSelection>(&mut world, &selection)
            .unwrap();
        add_json(&mut world, &mut admin, &format!("{branch}/x/y"));
        let heard = listener.read_all(&mut world);
        events.push(told(&heard));
    }
    assert_eq!(events, [1, 1]);
}

#[test]
fn a_new_password_or_a_lost_account_ends_the_sessions() {
    let mut world = World::default();
    let mut ann = account(&mut world, "ann", "'CLIENT'");
    let mut lost = world.client("ann");
    lost.cut(&mut world);
    run_accounts_script(&mut world, "assign roles 'ann' ['CLIENT' 'TOPIC_CONTROL']");
    assert!(!world.closed.contains_key(&ann.connection));
    run_accounts_script(&mut world, "set password 'ann' 'other'");
    let ended = ConnectionEnd::Session(CloseReason::Revoked);
    assert_eq!(world.closed[&ann.connection], ended);
    assert_eq!(ann.read_all(&mut world), [Incoming::Abort]);
    assert_eq!(
        lost.reconnect(&mut world).code,
        ResponseCode::UnknownSession
    );
    let (_, response) = world.connect_with(login("ann", "other", VERSION));
    assert_eq!(response.code, ResponseCode::Connected);
    let before = world.broker.session_count();
    run_accounts_script(&mut world, "remove principal 'ann'");
    // Its session is gone; the administrator's that ran the script is new.
    assert_eq!(world.broker.session_count(), before);
    // Who changes the own password goes on; others of the same principal do not.
    let (mut admin, other) = (world.client("admin"), world.client("admin"));
    let script = "set password 'admin' 'new'".to_owned();
    let done = admin.call::<call::UpdateSystemAuthentication>(&mut world, &script);
    assert_eq!(done, Ok(vec![]));
    assert!(!world.closed.contains_key(&admin.connection));
    assert_eq!(world.closed[&other.connection], ended);
}

#[test]
fn a_password_that_was_changed_meanwhile_lets_nobody_in() {
    let mut world = World::default();
    let mut admin = world.client("admin");
    run_accounts_script(&mut world, "add principal 'ann' 'old' ['CLIENT']");
    world.hold_checks = true;
    let connection = world.new_connection();
    world
        .broker
        .connect(world.now, connection, login("ann", "old", VERSION), peer());
    world.settle();
    let script = "set password 'ann' 'new'".to_owned();
    let done = admin.call::<call::UpdateSystemAuthentication>(&mut world, &script);
    assert_eq!(done, Ok(vec![]));
    assert!(
        world.check_one(),
        "the old password is that of the old hash"
    );
    assert_eq!(world.read_raw(connection), None);
    assert!(world.check_one(), "and is checked against the new one");
    let response = ConnectResponse::decode(world.read_raw(connection).unwrap()).unwrap();
    assert_eq!(response.code, ResponseCode::AuthenticationFailed);
}

fn prove(principal: &str) -> ReauthenticateRequest {
    ReauthenticateRequest {
        principal: principal.into(),
        credentials: Credentials::Password("password".into()),
        proposed: vec![],
    }
}

#[test]
fn nobody_waits_for_more_than_a_turn_of_each_of_the_others() {
    let mut world = World::default();
    let mut eves: Vec<Client> = (0..20).map(|_| world.client("client")).collect();
    world.hold_checks = true;
    for eve in &mut eves {
        eve.request::<call::Reauthenticate>(&mut world, &prove("client"));
        // One at a time is enough for a session.
        let second = eve.call::<call::Reauthenticate>(&mut world, &prove("client"));
        assert_eq!(reason(second), ErrorReason::RejectedRequest);
    }
    assert_eq!(world.checks.len(), world.config.limits.checks_at_once);
    let connection = world.new_connection();
    let request = login("control", "password", VERSION);
    world.broker.connect(world.now, connection, request, peer());
    world.settle();
    let mut checked = 0;
    let response = loop {
        assert!(world.check_one());
        checked += 1;
        if let Some(response) = world.read_raw(connection) {
            break ConnectResponse::decode(response).unwrap();
        }
    };
    assert_eq!(response.code, ResponseCode::Connected);
    assert!(checked <= 4, "{checked} others were checked first");
    // Of too many that wait, those of the longest line give way, and are told to come back.
    let mut more: Vec<Client> = Vec::new();
    world.hold_checks = false;
    while world.check_one() {}
    for _ in 0..100 {
        more.push(world.client("client"));
    }
    world.hold_checks = true;
    for eve in &mut more {
        eve.request::<call::Reauthenticate>(&mut world, &prove("client"));
    }
    let connection = world.new_connection();
    let request = login("user", "password", VERSION);
    world.broker.connect(world.now, connection, request, peer());
    world.settle();
    while world.check_one() {}
    let response = ConnectResponse::decode(world.read_raw(connection).unwrap()).unwrap();
    assert_eq!(response.code, ResponseCode::Connected);
}

#[test]
fn a_script_with_many_passwords_takes_turns_with_those_who_sign_in() {
    let mut config = Config::new([7; 32]);
    config.limits.checks_at_once = 1;
    let mut world = World::new(config);
    let mut admin = world.client("admin");
    world.hold_checks = true;
    let script = "verify password 'user' 'password'\n".repeat(1_000);
    let asked = admin.request::<call::UpdateSystemAuthentication>(&mut world, &script);
    let connection = world.new_connection();
    let request = login("control", "password", VERSION);
    world.broker.connect(world.now, connection, request, peer());
    world.settle();
    for _ in 0..3 {
        assert_eq!(world.checks.len(), 1, "one at a time");
        world.check_one();
    }
    let response = ConnectResponse::decode(world.read_raw(connection).unwrap()).unwrap();
    assert_eq!(response.code, ResponseCode::Connected);
    // The script comes to its end, too.
    while world.check_one() {}
    let answers = admin.read_all(&mut world);
    let is_done = |it: &Incoming| matches!(it, Incoming::Answer(id, Ok(_)) if *id == asked);
    assert!(answers.iter().any(is_done), "{answers:?}");
}

#[test]
fn what_waited_for_the_store_needs_the_right_when_it_is_done() {
    let mut world = World::default();
    let mut eve = account(&mut world, "eve", "'TOPIC_CONTROL'");
    add_json(&mut world, &mut eve, "topic");
    let mut admin = world.client("admin");
    world.hold_stores = true;
    let first = eve.request::<call::SetTopic>(&mut world, &set("topic", "1"));
    let second = eve.request::<call::SetTopic>(&mut world, &set("topic", "2"));
    let change = ChangeRolesFilterRequest {
        filter: "$Principal is 'eve'".into(),
        remove: vec!["TOPIC_CONTROL".into()],
        add: vec![],
    };
    admin
        .call::<call::ChangeRolesFilter>(&mut world, &change)
        .unwrap();
    while world.store_one() {}
    let answers: Vec<_> = eve
        .read_all(&mut world)
        .into_iter()
        .filter_map(|it| match it {
            Incoming::Answer(id, answer) => Some((id, answer.map_err(|it| it.reason).is_ok())),
            _ => None,
        })
        .collect();
    assert_eq!(answers, [(first, true), (second, false)]);
}

#[test]
fn what_a_closed_session_left_waiting_needs_the_right_too() {
    let mut world = World::default();
    let mut eve = account(&mut world, "eve", "'TOPIC_CONTROL'");
    add_json(&mut world, &mut eve, "topic");
    let mut admin = world.client("admin");
    world.hold_stores = true;
    eve.request::<call::SetTopic>(&mut world, &set("topic", "1"));
    eve.request::<call::SetTopic>(&mut world, &set("topic", "2"));
    eve.send(&mut world, Message::Close.encode(VERSION));
    let script = "set 'TOPIC_CONTROL' default path permissions []".to_owned();
    admin.request::<call::UpdateSecurity>(&mut world, &script);
    assert_eq!(world.pending.len(), 2);
    world.pending.swap(0, 1);
    while world.store_one() {}
    let mut topics = world.stored.topics.iter();
    let (_, stored) = topics.find(|(path, _)| path == "topic").unwrap();
    assert_eq!(stored.value, Some(json("1")));
}

#[test]
fn a_fetch_makes_progress_or_says_why_not() {
    let mut world = World::default();
    let mut user = world.client("user");
    for path in ["a", "b"] {
        add_json(&mut world, &mut user, path);
        user.call::<call::SetTopic>(&mut world, &set(path, &format!("\"{}\"", "x".repeat(500))))
            .unwrap();
    }
    let mut request = FetchRequest {
        with_values: true,
        maximum_size: 100,
        ..FetchRequest::new("?.*//")
    };
    let refused = user.call::<call::Fetch>(&mut world, &request);
    assert_eq!(reason(refused), ErrorReason::RejectedRequest);
    request.maximum_size = 800;
    let found = user.call::<call::Fetch>(&mut world, &request).unwrap();
    assert!(found.topics.len() == 1 && found.has_more);
    request.selector = "?nothing//".into();
    request.maximum_size = 1;
    let found = user.call::<call::Fetch>(&mut world, &request).unwrap();
    assert!(found.topics.is_empty() && !found.has_more);
}

#[test]
fn what_is_not_there_is_named_in_words() {
    let mut world = World::default();
    let mut user = world.client("user");
    for (service, words) in [
        (0x8a_u8, "topic views"),
        (0xbb, "metric alerts"),
        (0xb0, "session trees"),
    ] {
        // A request: the service in two bytes, and the conversation.
        let message = Bytes::from(vec![0, service, 1, 77]);
        user.send(&mut world, message);
        let answers = user.read_all(&mut world);
        let [Incoming::Answer(_, Err(report))] = &answers[..] else {
            panic!("{answers:?}");
        };
        assert_eq!(report.reason, ErrorReason::Unsupported);
        assert!(report.message.contains(words), "{}", report.message);
    }
}

#[test]
fn a_timestamp_far_in_the_future_is_refused() {
    let mut world = World::default();
    let mut user = world.client("user");
    user.call::<call::AddTopic>(&mut world, &add("series", &history()))
        .unwrap();
    let now = world.now.wall_ms;
    let at = |timestamp| AppendAtRequest {
        path: "series".into(),
        value_type: "json".into(),
        value: json("1"),
        timestamp,
    };
    for far in [now + 60_001, now + 3_600_000, u64::MAX >> 1] {
        let refused = user.call::<call::TimeSeriesAppendAt>(&mut world, &at(far));
        assert_eq!(reason(refused), ErrorReason::InvalidData);
    }
    let kept = user.call::<call::TimeSeriesAppendAt>(&mut world, &at(now + 1_000));
    assert_eq!(kept.unwrap().timestamp, now + 1_000);
    let next = user.call::<call::TimeSeriesAppend>(&mut world, &append("series", "2"));
    assert_eq!(next.unwrap().timestamp, now + 1_000);
}
