//! Update streams, constraints, locks, messaging, control of sessions, topic notifications.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use bytes::Bytes;
use common::{Client, Incoming, Seen, World};
use effusion_broker::ConnectionEnd;
use effusion_protocol::body::{
    AddTopicRequest, ApplyJsonPatchRequest, Call, ChangeRolesFilterRequest, CloseClientRequest,
    CreateUpdateStreamAndSetRequest, FilterCount, FilterOutcome, FilterResponse, MessagingResponse,
    ReceiveRequest, RequestHandlerDeregistration, RequestHandlerRegistration, SelectRequest,
    SelectionKind, SendRequest, SendToFilterRequest, SendToSessionRequest, SessionChange,
    SessionEventRegistration, SessionEventRegistrationResponse, SessionEvents,
    SessionLockAcquisition, SessionLockRequest, SessionLockScope, SessionSelectRequest,
    SessionUpdateType, SetSessionPropertiesRequest, SetTopicRequest, StreamAddAndSetTopicRequest,
    TopicDescendantEvent, TopicNotificationEvent, TopicNotificationSelection,
    TopicNotificationType, UpdateConstraint, UpdateStreamRequest, call,
};
use effusion_protocol::value::{Json, Value, delta};
use effusion_protocol::{
    CloseReason, ConversationId, ErrorReason, ErrorReport, Message, ServiceId, TopicSpecification,
    TopicType, UnsubscribeReason, Wire, decode, encode,
};

fn json(text: &str) -> Bytes {
    Json::from_text(text).unwrap().to_bytes()
}

fn topic() -> TopicSpecification {
    TopicSpecification::new(TopicType::Json)
}

fn add(world: &mut World, client: &mut Client, path: &str) {
    let request = AddTopicRequest {
        path: path.to_owned(),
        specification: topic(),
    };
    client.call::<call::AddTopic>(world, &request).unwrap();
}

fn set(path: &str, value: &str, constraint: UpdateConstraint) -> SetTopicRequest {
    SetTopicRequest {
        path: path.to_owned(),
        topic_type: TopicType::Json,
        value: json(value),
        constraint,
    }
}

/// The one request that came, read as a service's.
fn request<C: Call>(world: &mut World, client: &mut Client) -> (ConversationId, C::Request) {
    let mut requests = requests::<C>(world, client);
    assert_eq!(requests.len(), 1, "one request for {:?}", C::SERVICE);
    requests.remove(0)
}

fn requests<C: Call>(world: &mut World, client: &mut Client) -> Vec<(ConversationId, C::Request)> {
    of_service::<C>(client.read_all(world), client)
}

fn of_service<C: Call>(
    incoming: Vec<Incoming>,
    client: &Client,
) -> Vec<(ConversationId, C::Request)> {
    incoming
        .into_iter()
        .filter_map(|it| match it {
            Incoming::Request(Message::Request {
                service,
                conversation,
                body,
            }) if service == C::SERVICE => {
                Some((conversation, decode(body, client.version).unwrap()))
            }
            _ => None,
        })
        .collect()
}

fn respond<B: Wire>(
    world: &mut World,
    client: &mut Client,
    service: ServiceId,
    conversation: ConversationId,
    body: Result<&B, &ErrorReport>,
) {
    let version = client.version;
    let message = match body {
        Ok(body) => Message::Response {
            service: Some(service),
            conversation,
            body: encode(body, version),
        },
        Err(report) => Message::Error {
            service: Some(service),
            conversation,
            body: encode(report, version),
        },
    };
    client.send(world, message.encode(version));
}

#[test]
fn an_update_stream_is_valid_as_long_as_it_is_alone() {
    let mut world = World::default();
    let (mut al, mut bob) = (world.client("user"), world.client("user"));
    let create = StreamAddAndSetTopicRequest {
        path: "s".into(),
        specification: topic(),
        value: json(r#"{"a":"a rather long value that stays","n":1}"#),
        constraint: UpdateConstraint::Unconstrained,
    };
    let created = al
        .call::<call::StreamAddAndSetTopic>(&mut world, &create)
        .unwrap()
        .created;
    assert_eq!(created.flags, Some(1));
    bob.call::<call::Subscribe>(&mut world, &SelectRequest::new(">s"))
        .unwrap();
    let old = create.value.clone();
    let new = json(r#"{"a":"a rather long value that stays","n":2}"#);
    let update = UpdateStreamRequest {
        stream: created.stream.clone(),
        value: delta::apply(&old, &[0xf6])
            .map(|_| diff(&old, &new))
            .unwrap(),
    };
    al.call::<call::StreamApplyDelta>(&mut world, &update)
        .unwrap();
    assert_eq!(bob.see(&mut world), [Seen::Value("s".into(), new)]);
    al.call::<call::CheckUpdateStream>(&mut world, &created.stream)
        .unwrap();
    bob.call::<call::SetTopic>(&mut world, &set("s", "1", UpdateConstraint::Unconstrained))
        .unwrap();
    let late = UpdateStreamRequest {
        stream: created.stream.clone(),
        value: json("2"),
    };
    let refused = al.call::<call::StreamSet>(&mut world, &late);
    assert_eq!(
        refused.unwrap_err().reason,
        ErrorReason::InvalidUpdateStream
    );
    // A second stream ends the first, and a removed topic ends all.
    let create = CreateUpdateStreamAndSetRequest {
        path: "s".into(),
        topic_type: TopicType::Json,
        value: json("3"),
        constraint: UpdateConstraint::Unconstrained,
    };
    let first = al
        .call::<call::CreateUpdateStreamAndSet>(&mut world, &create)
        .unwrap();
    let second = bob
        .call::<call::CreateUpdateStreamAndSet>(&mut world, &create)
        .unwrap();
    assert!(
        al.call::<call::CheckUpdateStream>(&mut world, &first.stream)
            .is_err()
    );
    bob.call::<call::CheckUpdateStream>(&mut world, &second.stream)
        .unwrap();
    bob.call::<call::RemoveTopics>(&mut world, &">s".to_owned())
        .unwrap();
    assert!(
        bob.call::<call::CheckUpdateStream>(&mut world, &second.stream)
            .is_err()
    );
}

/// All of the new value as one insertion, which is a delta too.
fn diff(_: &Bytes, new: &Bytes) -> Bytes {
    let mut delta = vec![0x58, u8::try_from(new.len()).unwrap()];
    delta.extend_from_slice(new);
    Bytes::from(delta)
}

#[test]
fn a_lock_guards_an_update() {
    let mut world = World::default();
    let (mut al, mut bob) = (world.client("user"), world.client("user"));
    add(&mut world, &mut al, "a");
    let ask = |request| SessionLockRequest {
        name: "L".into(),
        request,
        scope: SessionLockScope::UnlockOnConnectionLoss,
    };
    let lock = al
        .call::<call::AcquireSessionLock>(&mut world, &ask(1))
        .unwrap();
    let waiting = bob.request::<call::AcquireSessionLock>(&mut world, &ask(1));
    assert_eq!(bob.read_all(&mut world), []);
    let locked = |sequence| UpdateConstraint::Locked {
        name: "L".into(),
        sequence,
    };
    al.call::<call::SetTopic>(&mut world, &set("a", "1", locked(lock.sequence)))
        .unwrap();
    let refused = bob.call::<call::SetTopic>(&mut world, &set("a", "2", locked(lock.sequence)));
    assert_eq!(
        refused.unwrap_err().reason,
        ErrorReason::UnsatisfiedConstraint
    );
    al.cut(&mut world);
    let granted = bob.read_all(&mut world);
    let [Incoming::Answer(id, Ok(body))] = &granted[..] else {
        panic!("{granted:?}");
    };
    assert_eq!(*id, waiting);
    let granted: SessionLockAcquisition = decode(body.clone(), bob.version).unwrap();
    assert!(granted.sequence > lock.sequence);
    let released = bob.call::<call::ReleaseSessionLock>(&mut world, &granted);
    assert_eq!(released, Ok(true));
    let released = bob.call::<call::ReleaseSessionLock>(&mut world, &granted);
    assert_eq!(released, Ok(false));
    let mut client = world.client("client");
    let denied = client.call::<call::AcquireSessionLock>(&mut world, &ask(1));
    assert_eq!(denied.unwrap_err().reason, ErrorReason::AccessDenied);
}

#[test]
fn a_patch_is_applied_or_told_where_it_fails() {
    let mut world = World::default();
    let mut client = world.client("user");
    add(&mut world, &mut client, "a");
    client
        .call::<call::SetTopic>(
            &mut world,
            &set("a", r#"{"n":1}"#, UpdateConstraint::Unconstrained),
        )
        .unwrap();
    let mut patch = |text: &str| {
        let request = ApplyJsonPatchRequest {
            path: "a".into(),
            patch: text.into(),
            constraint: UpdateConstraint::Unconstrained,
        };
        client
            .call::<call::ApplyJsonPatch>(&mut world, &request)
            .map(|it| it.failed)
    };
    assert_eq!(patch(r#"[{"op":"replace","path":"/n","value":2}]"#), Ok(-1));
    assert_eq!(
        patch(r#"[{"op":"test","path":"/n","value":2},{"op":"remove","path":"/x"}]"#),
        Ok(1)
    );
    assert_eq!(
        patch("no patch").unwrap_err().reason,
        ErrorReason::InvalidData
    );
    assert_eq!(world.stored.topics[0].1.value, Some(json(r#"{"n":2}"#)));
}

fn message(path: &str) -> SendRequest {
    SendRequest {
        path: path.into(),
        data_type: "json".into(),
        value: json("\"ping\""),
    }
}

fn pong() -> MessagingResponse {
    MessagingResponse {
        data_type: "json".into(),
        value: json("\"pong\""),
    }
}

#[test]
fn requests_reach_the_handler_of_a_path() {
    let mut world = World::default();
    let (mut sender, mut handler) = (world.client("client"), world.client("control"));
    let unhandled = sender.call::<call::MessagingSend>(&mut world, &message("svc/x"));
    assert_eq!(unhandled.unwrap_err().reason, ErrorReason::UnhandledMessage);
    let register = RequestHandlerRegistration {
        service: 0x58,
        group: "default".into(),
        path: "svc".into(),
        properties: vec!["$Principal".into()],
        handler: ConversationId(77),
    };
    handler
        .call::<call::MessagingReceiverControlRegistration>(&mut world, &register)
        .unwrap();
    let twice = handler.call::<call::MessagingReceiverControlRegistration>(&mut world, &register);
    assert_eq!(twice.unwrap_err().reason, ErrorReason::HandlerConflict);
    let asked = sender.request::<call::MessagingSend>(&mut world, &message("svc/x"));
    let (conversation, received) =
        request::<call::MessagingReceiverClient>(&mut world, &mut handler);
    assert_eq!(
        received,
        ReceiveRequest {
            handler: ConversationId(77),
            sender: sender.session,
            path: "svc/x".into(),
            properties: vec![("$Principal".into(), "client".into())],
            data_type: "json".into(),
            value: json("\"ping\""),
        }
    );
    let service = ServiceId::MessagingReceiverClient;
    respond(&mut world, &mut handler, service, conversation, Ok(&pong()));
    let answers = sender.read_all(&mut world);
    assert_eq!(
        answers,
        [Incoming::Answer(asked, Ok(encode(&pong(), sender.version)))]
    );
    // A rejection is handed on, and so is silence.
    sender.request::<call::MessagingSend>(&mut world, &message("svc"));
    let (conversation, _) = request::<call::MessagingReceiverClient>(&mut world, &mut handler);
    let rejection = ErrorReport {
        message: "no way".into(),
        reason: ErrorReason::RejectedRequest,
    };
    respond::<MessagingResponse>(
        &mut world,
        &mut handler,
        service,
        conversation,
        Err(&rejection),
    );
    let answers = sender.read_all(&mut world);
    assert!(matches!(&answers[..], [Incoming::Answer(_, Err(it))] if *it == rejection));
    sender.request::<call::MessagingSend>(&mut world, &message("svc"));
    world.pass(10_000);
    let answers = sender.read_all(&mut world);
    assert!(
        matches!(&answers[..], [Incoming::Answer(_, Err(it))] if it.reason == ErrorReason::RequestTimeOut)
    );
    handler
        .call::<call::MessagingReceiverControlDeregistration>(
            &mut world,
            &RequestHandlerDeregistration {
                service: 0x58,
                group: "default".into(),
                path: "svc".into(),
                properties: vec![],
            },
        )
        .unwrap();
    assert!(
        sender
            .call::<call::MessagingSend>(&mut world, &message("svc"))
            .is_err()
    );
}

#[test]
fn requests_reach_sessions_by_id_and_by_filter() {
    let mut world = World::default();
    let mut control = world.client("control");
    let mut receivers = [world.client("client"), world.client("client")];
    let to = |client: &Client| SendToSessionRequest {
        session: client.session,
        path: "p".into(),
        data_type: "json".into(),
        value: json("1"),
    };
    let asked = control.request::<call::MessagingReceiverServer>(&mut world, &to(&receivers[0]));
    let (conversation, received) = request::<call::MessagingSend>(&mut world, &mut receivers[0]);
    assert_eq!(received.path, "p");
    let service = ServiceId::MessagingSend;
    respond(
        &mut world,
        &mut receivers[0],
        service,
        conversation,
        Ok(&pong()),
    );
    let answers = control.read_all(&mut world);
    assert_eq!(
        answers,
        [Incoming::Answer(
            asked,
            Ok(encode(&pong(), control.version))
        )]
    );
    let denied = receivers[0]
        .clone()
        .call::<call::MessagingReceiverServer>(&mut world, &to(&control));
    assert_eq!(denied.unwrap_err().reason, ErrorReason::AccessDenied);
    let by_filter = |filter: &str| SendToFilterRequest {
        conversation: ConversationId(5),
        filter: filter.into(),
        path: "p".into(),
        data_type: "json".into(),
        value: json("1"),
    };
    let count = control
        .call::<call::MessagingFilterSend>(&mut world, &by_filter("$Principal is 'client'"))
        .unwrap();
    assert_eq!(count, FilterCount::Selected(2));
    let mistakes = control
        .call::<call::MessagingFilterSend>(&mut world, &by_filter("$Principal"))
        .unwrap();
    assert!(matches!(mistakes, FilterCount::Errors(list) if list.len() == 1));
    let (conversation, _) = request::<call::MessagingSend>(&mut world, &mut receivers[0]);
    respond(
        &mut world,
        &mut receivers[0],
        service,
        conversation,
        Ok(&pong()),
    );
    // The other one closes instead of answering.
    let close = Message::Close.encode(receivers[1].version);
    receivers[1].send(&mut world, close);
    let responses: Vec<FilterResponse> = requests::<call::FilterResponse>(&mut world, &mut control)
        .into_iter()
        .map(|(_, it)| it)
        .collect();
    assert_eq!(responses.len(), 2);
    assert_eq!(responses[0].outcome, FilterOutcome::Response(pong()));
    assert_eq!(responses[1].session, receivers[1].session);
    assert!(matches!(responses[1].outcome, FilterOutcome::Failure(_)));
}

#[test]
fn sessions_are_watched_and_controlled() {
    let mut world = World::default();
    let mut control = world.client("control");
    let register = |filter: &str| SessionEventRegistration {
        kind: 1,
        filter: Some(filter.into()),
        properties: Some(vec!["$Principal".into(), "Room".into(), "$Roles".into()]),
        after: Some(0),
        listener: ConversationId(9),
    };
    let bad = control
        .call::<call::SessionEventRegistration>(&mut world, &register("what"))
        .unwrap();
    assert!(matches!(bad, SessionEventRegistrationResponse::Errors(_)));
    let present = world.client("client");
    let (registered, incoming) = control.call_seeing::<call::SessionEventRegistration>(
        &mut world,
        &register("$Principal is 'client'"),
    );
    assert_eq!(registered, Ok(SessionEventRegistrationResponse::Registered));
    let first: Vec<SessionEvents> = of_service::<call::SessionPropertiesEvent>(incoming, &control)
        .into_iter()
        .map(|(_, it)| it)
        .collect();
    assert_eq!(first[0].events[0].session, present.session);
    let mut watched = world.client("client");
    let mut next = |world: &mut World| -> SessionEvents {
        request::<call::SessionPropertiesEvent>(world, &mut control).1
    };
    assert!(matches!(
        next(&mut world).events[0].change,
        SessionChange::Opened(_)
    ));
    watched.cut(&mut world);
    assert!(matches!(
        next(&mut world).events[0].change,
        SessionChange::Changed {
            kind: SessionUpdateType::Disconnected,
            ..
        }
    ));
    watched.reconnect(&mut world);
    assert!(matches!(
        next(&mut world).events[0].change,
        SessionChange::Changed {
            kind: SessionUpdateType::Reconnected,
            ..
        }
    ));
    let change = SetSessionPropertiesRequest {
        session: watched.session,
        set: Some(vec![("Room".into(), "kitchen".into())]),
        remove: Some(vec!["Missing".into()]),
    };
    let (changed, incoming) =
        control.call_seeing::<call::SetSessionProperties>(&mut world, &change);
    assert_eq!(
        changed.unwrap().absent,
        Some(vec!["Room".into(), "Missing".into()])
    );
    assert_eq!(
        of_service::<call::SessionPropertiesEvent>(incoming, &control).len(),
        1
    );
    let fixed = SetSessionPropertiesRequest {
        session: watched.session,
        set: Some(vec![("$Principal".into(), "admin".into())]),
        remove: None,
    };
    assert!(
        control
            .call::<call::SetSessionProperties>(&mut world, &fixed)
            .is_err()
    );
    let roles = ChangeRolesFilterRequest {
        filter: "Room is 'kitchen'".into(),
        remove: vec![],
        add: vec!["COOK".into()],
    };
    let changed = control
        .call::<call::ChangeRolesFilter>(&mut world, &roles)
        .unwrap();
    assert_eq!(changed.selected, 1);
    let close = CloseClientRequest {
        session: watched.session,
        reason: None,
    };
    let (closed, incoming) = control.call_seeing::<call::CloseClient>(&mut world, &close);
    closed.unwrap();
    let events = of_service::<call::SessionPropertiesEvent>(incoming, &control);
    assert!(matches!(
        events[0].1.events[0].change,
        SessionChange::Closed {
            reason: CloseReason::ClosedByController,
            ..
        }
    ));
    assert_eq!(
        world.closed[&watched.connection],
        ConnectionEnd::Session(CloseReason::ClosedByController)
    );
    let again = control.call::<call::CloseClient>(&mut world, &close);
    assert_eq!(again.unwrap_err().reason, ErrorReason::NoSuchSession);
}

#[test]
fn a_control_client_subscribes_others() {
    let mut world = World::default();
    let (mut control, mut client) = (world.client("control"), world.client("client"));
    add(&mut world, &mut control, "a");
    // The client may read, but not select.
    let mut admin = world.client("admin");
    let script = "set 'CLIENT' default path permissions [READ_TOPIC]".to_owned();
    admin
        .call::<call::UpdateSecurity>(&mut world, &script)
        .unwrap();
    let selection = SessionSelectRequest {
        session: client.session,
        selection: SelectRequest::new("?a//"),
    };
    control
        .call::<call::SubscribeClient>(&mut world, &selection)
        .unwrap();
    assert_eq!(client.see(&mut world), [Seen::Subscribed("a".into())]);
    add(&mut world, &mut control, "a/b");
    assert_eq!(client.see(&mut world), [Seen::Subscribed("a/b".into())]);
    let selections = control
        .call::<call::GetTopicSelections>(&mut world, &client.session)
        .unwrap();
    assert_eq!(
        selections.scopes,
        [(
            String::new(),
            vec![("?a//".to_owned(), SelectionKind::Select)]
        )]
    );
    control
        .call::<call::UnsubscribeClient>(&mut world, &selection)
        .unwrap();
    assert_eq!(
        client.see(&mut world),
        ["a", "a/b"].map(|path| Seen::Unsubscribed(path.into(), UnsubscribeReason::Control))
    );
}

#[test]
fn listeners_are_told_of_the_tree() {
    let mut world = World::default();
    let (mut maker, mut watcher) = (world.client("user"), world.client("client"));
    add(&mut world, &mut maker, "a/b");
    add(&mut world, &mut maker, "a/b/c");
    let selection = |selector: &str| TopicNotificationSelection {
        listener: ConversationId(3),
        selector: selector.into(),
    };
    let (_, incoming) =
        watcher.call_seeing::<call::TopicNotificationSelection>(&mut world, &selection(">a"));
    let events: Vec<TopicDescendantEvent> =
        of_service::<call::TopicDescendantEvent>(incoming, &watcher)
            .into_iter()
            .map(|(_, it)| it)
            .collect();
    assert_eq!(events.len(), 1, "only the first topic on the branch");
    assert_eq!(
        (events[0].path.as_str(), events[0].kind),
        ("a/b", TopicNotificationType::Selected)
    );
    let (_, incoming) =
        watcher.call_seeing::<call::TopicNotificationSelection>(&mut world, &selection("?a/b//"));
    assert_eq!(
        of_service::<call::TopicNotificationEvent>(incoming, &watcher).len(),
        2
    );
    maker
        .call::<call::RemoveTopics>(&mut world, &">a/b/c".to_owned())
        .unwrap();
    let (_, event): (_, TopicNotificationEvent) =
        request::<call::TopicNotificationEvent>(&mut world, &mut watcher);
    assert_eq!(
        (event.path.as_str(), event.kind),
        ("a/b/c", TopicNotificationType::Removed)
    );
    watcher
        .call::<call::TopicNotificationDeregistration>(&mut world, &ConversationId(3))
        .unwrap();
    add(&mut world, &mut maker, "a/x");
    assert_eq!(watcher.read_all(&mut world), []);
}

#[test]
fn a_session_becomes_another_principals() {
    let mut world = World::default();
    let mut client = world.client("client");
    let become_user = |password: &str| effusion_protocol::body::ReauthenticateRequest {
        principal: "user".into(),
        credentials: effusion_protocol::Credentials::Password(password.into()),
        proposed: vec![],
    };
    let wrong = client.call::<call::Reauthenticate>(&mut world, &become_user("wrong"));
    assert_eq!(wrong, Ok(false));
    let right = client.call::<call::Reauthenticate>(&mut world, &become_user("password"));
    assert_eq!(right, Ok(true));
    add(&mut world, &mut client, "a");
    let permissions = client
        .call::<call::GetPathPermissions>(&mut world, &"a".to_owned())
        .unwrap();
    assert!(permissions.contains(&effusion_broker::PathPermission::ModifyTopic));
}
