//! Clients that authenticate other clients.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use bytes::Bytes;
use common::requests::{request, respond};
use common::topics::{add_json, run_accounts_script, run_script};
use common::{Client, World, login, peer};
use effusion_broker::{ConnectionEnd, Peer};
use effusion_protocol::body::{
    AuthenticatorRequest, AuthenticatorResponse, GetSessionPropertiesRequest, MissingTopicOrigin,
    NamedDeregistration, NamedRegistration, ReauthenticateRequest, SelectRequest,
    SessionSelectRequest, call,
};
use effusion_protocol::{
    ConnectRequest, ConnectResponse, ConversationId, Credentials, ErrorReason, ProtocolVersion,
    ResponseCode, ServiceId,
};

const VERSION: ProtocolVersion = ProtocolVersion::NEWEST;

fn registration(name: &str) -> NamedRegistration {
    NamedRegistration {
        service: 0x78,
        group: "default".into(),
        name: name.into(),
        handler: ConversationId(40),
    }
}

fn authenticator(world: &mut World, name: &str) -> Client {
    let mut client = world.client("control");
    client
        .call::<call::AuthenticatorRegistration>(world, &registration(name))
        .unwrap();
    client
}

/// A client asks to be let in; the answer comes later.
fn knock(world: &mut World, request: ConnectRequest) -> effusion_broker::ConnectionId {
    let connection = world.new_connection();
    world.broker.connect(world.now, connection, request, peer());
    world.settle();
    connection
}

fn decide(
    world: &mut World,
    authenticator: &mut Client,
    decision: &AuthenticatorResponse,
) -> AuthenticatorRequest {
    let (conversation, asked) = request::<call::Authenticator>(world, authenticator);
    let service = ServiceId::Authenticator;
    respond(world, authenticator, service, conversation, Ok(decision));
    asked
}

fn response(
    world: &mut World,
    connection: effusion_broker::ConnectionId,
) -> Option<ConnectResponse> {
    world
        .read_raw(connection)
        .map(|bytes| ConnectResponse::decode(bytes).unwrap())
}

#[test]
fn a_handler_before_the_store_decides_first() {
    let mut world = World::default();
    let mut handler = authenticator(&mut world, "before-system-handler");
    let mut guest = login("guest", "", VERSION);
    guest.credentials = Credentials::Custom(Bytes::from_static(b"token"));
    guest.proposed_properties = vec![("Wish".into(), "1".into())];
    let connection = knock(&mut world, guest.clone());
    assert_eq!(response(&mut world, connection), None, "not decided yet");
    let allow = AuthenticatorResponse::Allow(vec![
        ("Room".into(), "kitchen".into()),
        ("$Roles".into(), "\"CLIENT\",\"COOK\"".into()),
    ]);
    let asked = decide(&mut world, &mut handler, &allow);
    assert_eq!(asked.principal, "guest");
    assert_eq!(asked.credentials, guest.credentials);
    assert_eq!(asked.proposed, guest.proposed_properties);
    assert!(
        asked
            .properties
            .contains(&("$ClientIP".into(), "127.0.0.1".into()))
    );
    let success = response(&mut world, connection).unwrap().success.unwrap();
    let mut control = world.client_authenticated_by(&mut handler, "control");
    let keys = ["$Principal", "$Roles", "Room", "Wish"].map(str::to_owned);
    let properties = control
        .call::<call::GetSessionProperties>(
            &mut world,
            &GetSessionPropertiesRequest {
                session: success.session,
                keys: keys.into(),
            },
        )
        .unwrap()
        .unwrap();
    assert_eq!(
        properties,
        [
            ("$Principal", "guest"),
            ("$Roles", "\"CLIENT\",\"COOK\""),
            ("Room", "kitchen")
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    // A denial counts whatever the store would say.
    let connection = knock(&mut world, login("user", "password", VERSION));
    decide(&mut world, &mut handler, &AuthenticatorResponse::Deny);
    let refused = response(&mut world, connection).unwrap();
    assert_eq!(refused.code, ResponseCode::AuthenticationFailed);
}

#[test]
fn who_abstains_or_is_silent_leaves_it_to_the_next() {
    let mut world = World::default();
    let mut handler = authenticator(&mut world, "before-system-handler");
    for (password, code) in [
        ("password", ResponseCode::Connected),
        ("wrong", ResponseCode::AuthenticationFailed),
    ] {
        let connection = knock(&mut world, login("user", password, VERSION));
        decide(&mut world, &mut handler, &AuthenticatorResponse::Abstain);
        assert_eq!(response(&mut world, connection).unwrap().code, code);
    }
    let connection = knock(&mut world, login("user", "password", VERSION));
    world.pass(9_999);
    assert_eq!(response(&mut world, connection), None);
    world.pass(1);
    let let_in = response(&mut world, connection).unwrap();
    assert_eq!(let_in.code, ResponseCode::Connected);
    // One that goes away while it is asked has abstained, too.
    let connection = knock(&mut world, login("user", "password", VERSION));
    let close = effusion_protocol::Message::Close.encode(VERSION);
    handler.send(&mut world, close);
    let let_in = response(&mut world, connection).unwrap();
    assert_eq!(let_in.code, ResponseCode::Connected);
}

#[test]
fn a_handler_after_the_store_is_asked_about_strangers_only() {
    let mut world = World::default();
    let mut handler = authenticator(&mut world, "after-system-handler");
    let connection = knock(&mut world, login("user", "wrong", VERSION));
    let refused = response(&mut world, connection).unwrap();
    assert_eq!(refused.code, ResponseCode::AuthenticationFailed);
    let connection = knock(&mut world, login("stranger", "x", VERSION));
    let allow = AuthenticatorResponse::Allow(vec![]);
    decide(&mut world, &mut handler, &allow);
    let let_in = response(&mut world, connection).unwrap();
    assert_eq!(let_in.code, ResponseCode::Connected);
    // A client that does not wait leaves nothing behind.
    let connection = knock(&mut world, login("stranger", "x", VERSION));
    world.broker.disconnected(world.now, connection);
    decide(&mut world, &mut handler, &allow);
    assert_eq!(response(&mut world, connection), None);
    assert_eq!(world.broker.session_count(), 2);
    // An open session can become another principal's in the same way.
    let mut client = world.client("client");
    let become_stranger = ReauthenticateRequest {
        principal: "stranger".into(),
        credentials: Credentials::None,
        proposed: vec![],
    };
    client.request::<call::Reauthenticate>(&mut world, &become_stranger);
    decide(&mut world, &mut handler, &AuthenticatorResponse::Deny);
    let answers = client.read_all(&mut world);
    assert!(matches!(
        &answers[..],
        [common::Incoming::Answer(_, Ok(body))] if body.as_ref() == [0]
    ));
}

#[test]
fn only_some_may_authenticate_others() {
    let mut world = World::default();
    let mut user = world.client("user");
    let denied = user.call::<call::AuthenticatorRegistration>(
        &mut world,
        &registration("before-system-handler"),
    );
    assert_eq!(denied.unwrap_err().reason, ErrorReason::AccessDenied);
    let mut control = world.client("control");
    let unknown = control.call::<call::AuthenticatorRegistration>(&mut world, &registration("x"));
    assert_eq!(unknown.unwrap_err().reason, ErrorReason::InvalidData);
    let mut handler = authenticator(&mut world, "before-system-handler");
    let twice = handler.call::<call::AuthenticatorRegistration>(
        &mut world,
        &registration("before-system-handler"),
    );
    assert_eq!(twice.unwrap_err().reason, ErrorReason::HandlerConflict);
    let deregistration = NamedDeregistration {
        service: 0x78,
        group: "default".into(),
        name: "before-system-handler".into(),
    };
    handler
        .call::<call::AuthenticatorDeregistration>(&mut world, &deregistration)
        .unwrap();
    world.client("user");
}

#[test]
fn a_handler_is_told_of_missing_topics() {
    let mut world = World::default();
    let (mut control, mut client) = (world.client("control"), world.client("client"));
    let register = NamedRegistration {
        service: 0x32,
        group: "default".into(),
        name: "a".into(),
        handler: ConversationId(8),
    };
    control
        .call::<call::TopicControlRegistration>(&mut world, &register)
        .unwrap();
    client
        .call::<call::Subscribe>(&mut world, &SelectRequest::new("?a/b//"))
        .unwrap();
    let (_, missing) = request::<call::MissingTopic>(&mut world, &mut control);
    assert_eq!(missing.selector, "?a/b//");
    let MissingTopicOrigin::Properties { properties, .. } = missing.origin else {
        panic!("properties are told in this version");
    };
    assert!(properties.contains(&("$SessionId".into(), client.session.to_string())));
    client
        .call::<call::Subscribe>(&mut world, &SelectRequest::new(">b"))
        .unwrap();
    assert_eq!(control.read_all(&mut world), []);
}

#[test]
fn a_handler_is_not_told_what_its_session_may_not_see() {
    let mut world = World::default();
    run_script(
        &mut world,
        "isolate path 'box'\n\
         set 'SPY' permissions [REGISTER_HANDLER MODIFY_SESSION]\n\
         set 'SPY' path 'box' permissions [SELECT_TOPIC]\n\
         set 'CLIENT' path 'box' permissions [SELECT_TOPIC READ_TOPIC]\n\
         set 'ADMINISTRATOR' path 'box' permissions [MODIFY_TOPIC]",
    );
    run_accounts_script(&mut world, "add principal 'eve' 'password' ['SPY']");
    let (mut eve, mut client) = (world.client("eve"), world.client("client"));
    let mut admin = world.client("admin");
    add_json(&mut world, &mut admin, "box/ann");
    let register = NamedRegistration {
        service: 0x32,
        group: "default".into(),
        name: "box".into(),
        handler: ConversationId(8),
    };
    eve.call::<call::TopicControlRegistration>(&mut world, &register)
        .unwrap();
    // Whether there is such a topic or not, the handler is told the same, also of what it selects for another session.
    for selector in ["?box/a.*", "?box/b.*"] {
        eve.request::<call::Subscribe>(&mut world, &SelectRequest::new(selector));
        request::<call::MissingTopic>(&mut world, &mut eve);
        let other = SessionSelectRequest {
            session: client.session,
            selection: SelectRequest::new(selector),
        };
        eve.request::<call::SubscribeClient>(&mut world, &other);
        request::<call::MissingTopic>(&mut world, &mut eve);
    }
    // Who may see a topic does not miss it.
    client
        .call::<call::Subscribe>(&mut world, &SelectRequest::new("?box/a.*"))
        .unwrap();
    assert_eq!(eve.read_all(&mut world), []);
}

/// A client that gives a password from an address; what it is told, and how its connection ended.
fn try_from_address(
    world: &mut World,
    address: &str,
    principal: &str,
    password: &str,
) -> (ResponseCode, Option<ConnectionEnd>) {
    let connection = world.new_connection();
    let peer = Peer {
        address: address.to_owned(),
        ..peer()
    };
    let request = login(principal, password, VERSION);
    world.broker.connect(world.now, connection, request, peer);
    world.settle();
    let code = response(world, connection).unwrap().code;
    (code, world.closed.get(&connection).copied())
}

#[test]
fn who_fails_often_has_to_wait() {
    let mut world = World::default();
    let failed = ResponseCode::AuthenticationFailed;
    for principal in ["user", "nobody"] {
        for _ in 0..5 {
            let (code, _) = try_from_address(&mut world, "10.0.0.1", principal, "wrong");
            assert_eq!(code, failed);
        }
        for _ in 0..20 {
            // Right or wrong: it is not looked at. And it does not make the wait longer.
            let told = try_from_address(&mut world, "10.0.0.1", principal, "password");
            let reason = ConnectionEnd::TooManyAttempts { wait_ms: 1_000 };
            assert_eq!(told, (ResponseCode::Rejected, Some(reason)));
        }
    }
    let elsewhere = try_from_address(&mut world, "10.0.0.2", "user", "password");
    assert_eq!(elsewhere.0, ResponseCode::Connected);
    // The clock that people see may be set; waits go by the other one.
    world.now.wall_ms += 3_600_000;
    let early = try_from_address(&mut world, "10.0.0.1", "user", "password");
    assert_eq!(early.0, ResponseCode::Rejected);
    world.pass(1_000);
    let (code, _) = try_from_address(&mut world, "10.0.0.1", "user", "wrong");
    assert_eq!(code, failed);
    let (_, reason) = try_from_address(&mut world, "10.0.0.1", "user", "wrong");
    let doubled = ConnectionEnd::TooManyAttempts { wait_ms: 2_000 };
    assert_eq!(reason, Some(doubled));
    world.pass(2_000);
    for _ in 0..3 {
        let (code, _) = try_from_address(&mut world, "10.0.0.1", "user", "password");
        assert_eq!(code, ResponseCode::Connected);
    }
}

#[test]
fn anonymous_sessions_are_no_attempts() {
    let mut world = World::default();
    world.stored.authentication.anonymous = effusion_broker::AnonymousPolicy::Deny;
    world.restart();
    for _ in 0..100 {
        let (_, response) = world.connect_with(ConnectRequest::new(VERSION));
        assert_eq!(response.code, ResponseCode::AuthenticationFailed);
    }
}

#[test]
fn an_open_session_cannot_guess_either() {
    let mut world = World::default();
    let mut client = world.client("client");
    let mut guess = |world: &mut World, password: &str| {
        let request = ReauthenticateRequest {
            principal: "admin".into(),
            credentials: Credentials::Password(password.into()),
            proposed: vec![],
        };
        client.call::<call::Reauthenticate>(world, &request)
    };
    for _ in 0..5 {
        assert_eq!(guess(&mut world, "wrong"), Ok(false));
    }
    let refused = guess(&mut world, "password").unwrap_err();
    assert_eq!(refused.reason, ErrorReason::RejectedRequest);
    assert_eq!(
        refused.message,
        "Too many sign-ins failed: try again in 1 s"
    );
    world.pass(1_000);
    assert_eq!(guess(&mut world, "password"), Ok(true));
}

#[test]
fn one_handler_of_a_name_is_asked_and_the_order_is_the_configurations() {
    let mut world = World::default();
    // Registered in the other order, and one name twice.
    let mut after = authenticator(&mut world, "after-system-handler");
    let mut first = authenticator(&mut world, "before-system-handler");
    let mut second = world.client_authenticated_by(&mut first, "control");
    second
        .call::<call::AuthenticatorRegistration>(&mut world, &registration("before-system-handler"))
        .unwrap();
    let connection = knock(&mut world, login("stranger", "x", VERSION));
    assert_eq!(after.read_all(&mut world), []);
    decide(&mut world, &mut first, &AuthenticatorResponse::Abstain);
    assert_eq!(second.read_all(&mut world), [], "one of a name is asked");
    assert_eq!(response(&mut world, connection), None);
    // All abstain: nobody is let in.
    decide(&mut world, &mut after, &AuthenticatorResponse::Abstain);
    let refused = response(&mut world, connection).unwrap();
    assert_eq!(refused.code, ResponseCode::AuthenticationFailed);
    // The first one goes; the other one of its name takes over.
    let close = effusion_protocol::Message::Close.encode(VERSION);
    first.send(&mut world, close);
    let connection = knock(&mut world, login("stranger", "x", VERSION));
    decide(
        &mut world,
        &mut second,
        &AuthenticatorResponse::Allow(vec![]),
    );
    let let_in = response(&mut world, connection).unwrap();
    assert_eq!(let_in.code, ResponseCode::Connected);
    assert_eq!(after.read_all(&mut world), []);
}

#[test]
fn each_handler_has_its_time() {
    let mut world = World::default();
    let mut first = authenticator(&mut world, "before-system-handler");
    let mut after = world.client_authenticated_by(&mut first, "control");
    after
        .call::<call::AuthenticatorRegistration>(&mut world, &registration("after-system-handler"))
        .unwrap();
    let connection = knock(&mut world, login("stranger", "x", VERSION));
    let (late, _) = request::<call::Authenticator>(&mut world, &mut first);
    world.pass(10_000);
    let (conversation, _) = request::<call::Authenticator>(&mut world, &mut after);
    // An answer that comes too late is passed over.
    let allow = AuthenticatorResponse::Allow(vec![]);
    let service = ServiceId::Authenticator;
    respond(&mut world, &mut first, service, late, Ok(&allow));
    assert_eq!(response(&mut world, connection), None);
    world.pass(9_999);
    assert_eq!(response(&mut world, connection), None);
    respond(&mut world, &mut after, service, conversation, Ok(&allow));
    let let_in = response(&mut world, connection).unwrap();
    assert_eq!(let_in.code, ResponseCode::Connected);
}
