//! Sessions among each other: request messages, events, control.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use common::requests::{of_service, request, requests, respond};
use common::topics::{add_json, json};
use common::{Client, Incoming, Seen, World};
use effusion_broker::ConnectionEnd;
use effusion_protocol::body::{
    ChangeRolesFilterRequest, CloseClientRequest, FilterCount, FilterOutcome, FilterResponse,
    MessagingResponse, ReceiveRequest, RequestHandlerDeregistration, RequestHandlerRegistration,
    SelectRequest, SelectionKind, SendRequest, SendToFilterRequest, SendToSessionRequest,
    SessionChange, SessionEventRegistration, SessionEventRegistrationResponse, SessionEvents,
    SessionSelectRequest, SessionUpdateType, SetSessionPropertiesRequest, call,
};
use effusion_protocol::{
    CloseReason, ConversationId, ErrorReason, ErrorReport, Message, ServiceId, UnsubscribeReason,
    encode,
};

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
    // What is not there needs no removal, and is not told.
    assert_eq!(changed.unwrap().absent, Some(vec!["Room".into()]));
    assert_eq!(
        of_service::<call::SessionPropertiesEvent>(incoming, &control).len(),
        1
    );
    let fixed = SetSessionPropertiesRequest {
        session: watched.session,
        set: Some(vec![("$Principal".into(), "admin".into())]),
        remove: None,
    };
    // The service's own properties are passed over.
    let changed = control
        .call::<call::SetSessionProperties>(&mut world, &fixed)
        .unwrap();
    assert_eq!(
        (changed.former, changed.absent),
        (Some(vec![]), Some(vec![]))
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
    add_json(&mut world, &mut control, "a");
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
    add_json(&mut world, &mut control, "a/b");
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
