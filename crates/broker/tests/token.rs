//! Sign-in by token, and sessions that end unless they authenticate again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use bytes::Bytes;
use common::requests::{request, respond};
use common::{Client, World, login, peer};
use effusion_broker::{AuthenticationHandler, Config, ConnectionEnd, ConnectionId, TokenClaims};
use effusion_protocol::body::{
    AuthenticatorResponse, GetSessionPropertiesRequest, NamedRegistration, ReauthenticateRequest,
    call,
};
use effusion_protocol::{
    CloseReason, ConnectRequest, ConversationId, Credentials, Message, ProtocolVersion, Reconnect,
    ResponseCode, ServiceId,
};

const VERSION: ProtocolVersion = ProtocolVersion::NEWEST;
const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl";
const FORGED: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.";

/// A service that knows one token: Ada's, good for a minute.
fn world() -> World {
    let mut config = Config::new([7; 32]);
    config
        .authentication
        .insert(1, AuthenticationHandler::Token);
    let mut world = World::new(config);
    let expires_ms = world.now.wall_ms + 60_000;
    world.tokens.insert(TOKEN.to_owned(), ada(expires_ms));
    world
}

fn ada(expires_ms: u64) -> TokenClaims {
    TokenClaims {
        subject: "ada".to_owned(),
        roles: ["TOPIC_CONTROL".to_owned()].into(),
        issued_ms: Some(1_700_000_000_000 - 1_000),
        expires_ms,
    }
}

fn with_token(principal: &str, token: &str) -> ConnectRequest {
    let mut request = login(principal, "", VERSION);
    request.principal = Some(principal.to_owned()).filter(|name| !name.is_empty());
    request.credentials = Credentials::Password(token.to_owned());
    request
}

fn enter(world: &mut World, request: ConnectRequest) -> Client {
    let (connection, response) = world.connect_with(request);
    assert_eq!(response.code, ResponseCode::Connected);
    world.client_of(connection, VERSION, response)
}

fn code(world: &mut World, request: ConnectRequest) -> ResponseCode {
    world.connect_with(request).1.code
}

fn property(world: &mut World, client: &Client, name: &str) -> Option<String> {
    let mut control = world.client("control");
    let found = control
        .call::<call::GetSessionProperties>(
            world,
            &GetSessionPropertiesRequest {
                session: client.session,
                keys: vec![name.to_owned()],
            },
        )
        .unwrap()
        .unwrap();
    found.into_iter().next().map(|(_, value)| value)
}

fn how_it_ended(world: &World, connection: ConnectionId) -> Option<ConnectionEnd> {
    world.closed.get(&connection).copied()
}

#[test]
fn a_token_lets_its_subject_in() {
    let mut world = world();
    for principal in ["", "ada"] {
        let client = enter(&mut world, with_token(principal, TOKEN));
        let name = property(&mut world, &client, "$Principal");
        assert_eq!(name.as_deref(), Some("ada"));
        let roles = property(&mut world, &client, "$Roles").unwrap();
        assert!(roles.contains("\"TOPIC_CONTROL\""), "{roles}");
        let expires = (world.now.wall_ms + 60_000).to_string();
        let told = property(&mut world, &client, "$ExpiryTime");
        assert_eq!(told, Some(expires));
    }
    let mut as_bytes = with_token("ada", "");
    as_bytes.credentials = Credentials::Custom(Bytes::from_static(TOKEN.as_bytes()));
    enter(&mut world, as_bytes);
}

#[test]
fn roles_of_a_principal_of_the_same_name_are_not_given() {
    let mut world = world();
    let mut claims = ada(world.now.wall_ms + 60_000);
    claims.subject = "admin".to_owned();
    claims.roles = [].into();
    world.tokens.insert(TOKEN.to_owned(), claims);
    let client = enter(&mut world, with_token("admin", TOKEN));
    let roles = property(&mut world, &client, "$Roles").unwrap();
    assert!(!roles.contains("ADMINISTRATOR"), "{roles}");
}

#[test]
fn a_token_gives_no_role_that_was_taken_from_the_account_of_its_subject() {
    let mut world = world();
    let mut registrar = world.client("auth-handler");
    let mut store = |world: &mut World, script: &str| {
        let answer = registrar.call::<call::UpdateSystemAuthentication>(world, &script.to_owned());
        assert_eq!(answer.unwrap(), []);
    };
    let has_role = |world: &mut World| {
        let client = enter(world, with_token("ada", TOKEN));
        let roles = property(world, &client, "$Roles").unwrap();
        roles.contains("\"TOPIC_CONTROL\"")
    };
    assert!(has_role(&mut world), "there is no account");
    let add = "add principal 'ada' 'secret' ['CLIENT' 'TOPIC_CONTROL']";
    store(&mut world, add);
    assert!(has_role(&mut world));
    // As a moderator does who mutes somebody.
    store(&mut world, "assign roles 'ada' ['Muted ada']");
    assert!(!has_role(&mut world));
    store(&mut world, "assign roles 'ada' ['CLIENT' 'TOPIC_CONTROL']");
    assert!(has_role(&mut world));
}

#[test]
fn a_token_of_another_or_of_nobody_is_refused() {
    let mut world = world();
    let refused = ResponseCode::AuthenticationFailed;
    assert_eq!(code(&mut world, with_token("admin", TOKEN)), refused);
    assert_eq!(code(&mut world, with_token("ada", FORGED)), refused);
    assert_eq!(code(&mut world, with_token("", FORGED)), refused);
    let nobody = TokenClaims {
        subject: String::new(),
        ..ada(u64::MAX)
    };
    world.tokens.insert(TOKEN.to_owned(), nobody);
    assert_eq!(code(&mut world, with_token("", TOKEN)), refused);
    assert_eq!(world.broker.session_count(), 0);
    // Passwords are as good as ever.
    world.client("user");
}

#[test]
fn a_refused_token_is_not_tried_as_a_password() {
    let mut world = world();
    let hash = common::hash(FORGED);
    let user = world.stored.principals.iter_mut();
    for principal in user.filter(|principal| principal.name == "user") {
        principal.password_hash.clone_from(&hash);
    }
    world.restart();
    let refused = code(&mut world, with_token("user", FORGED));
    assert_eq!(refused, ResponseCode::AuthenticationFailed);
}

#[test]
fn without_keys_a_token_is_a_wrong_password() {
    let mut world = World::default();
    let refused = code(&mut world, with_token("user", TOKEN));
    assert_eq!(refused, ResponseCode::AuthenticationFailed);
}

#[test]
fn a_session_ends_with_its_token() {
    let mut world = world();
    let client = enter(&mut world, with_token("ada", TOKEN));
    world.pass(59_999);
    assert_eq!(how_it_ended(&world, client.connection), None);
    world.pass(1);
    let expired = Some(ConnectionEnd::Session(CloseReason::Expired));
    assert_eq!(how_it_ended(&world, client.connection), expired);
    let last = world.sent.remove(&client.connection).unwrap().pop_back();
    let abort = Message::Abort.encode(VERSION);
    assert_eq!(last, Some(abort));
    assert_eq!(world.broker.session_count(), 0);
}

#[test]
fn a_session_that_waits_for_its_client_ends_with_its_token_too() {
    let mut world = world();
    let mut claims = ada(world.now.wall_ms + 10_000);
    claims.roles = [].into();
    world.tokens.insert(TOKEN.to_owned(), claims);
    let (connection, response) = world.connect_with(with_token("ada", TOKEN));
    let token = response.success.unwrap().token;
    world.broker.disconnected(world.now, connection);
    world.pass(10_000);
    let mut request = ConnectRequest::new(VERSION);
    request.reconnect = Some(Reconnect {
        token,
        available_client_sequence: 1,
        last_server_sequence: 0,
    });
    let gone = code(&mut world, request);
    assert_eq!(gone, ResponseCode::UnknownSession);
}

#[test]
fn setting_the_wall_clock_does_not_move_the_end() {
    let mut world = world();
    let client = enter(&mut world, with_token("ada", TOKEN));
    world.now.wall_ms -= 3_600_000;
    world.pass(60_000);
    assert!(how_it_ended(&world, client.connection).is_some());
}

#[test]
fn who_authenticates_again_goes_on() {
    let mut world = world();
    let mut client = enter(&mut world, with_token("", TOKEN));
    world.pass(30_000);
    let again = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.YWdhaW4";
    let claims = ada(world.now.wall_ms + 60_000);
    world.tokens.insert(again.to_owned(), claims);
    let renew = |principal: &str, credentials: &str| ReauthenticateRequest {
        principal: principal.to_owned(),
        credentials: Credentials::Password(credentials.to_owned()),
        proposed: vec![],
    };
    let refused = client.call::<call::Reauthenticate>(&mut world, &renew("", FORGED));
    assert_eq!(refused, Ok(false));
    let accepted = client.call::<call::Reauthenticate>(&mut world, &renew("", again));
    assert_eq!(accepted, Ok(true));
    world.pass(59_999);
    assert_eq!(how_it_ended(&world, client.connection), None);
    // A password has no end.
    let accepted = client.call::<call::Reauthenticate>(&mut world, &renew("user", "password"));
    assert_eq!(accepted, Ok(true));
    assert_eq!(property(&mut world, &client, "$ExpiryTime"), None);
    world.pass(60_000);
    assert_eq!(how_it_ended(&world, client.connection), None);
}

#[test]
fn a_handler_sets_what_it_may_of_a_session() {
    let mut world = world();
    let mut handler = world.client("control");
    handler
        .call::<call::AuthenticatorRegistration>(
            &mut world,
            &NamedRegistration {
                service: 0x78,
                group: "default".into(),
                name: "before-system-handler".into(),
                handler: ConversationId(40),
            },
        )
        .unwrap();
    let connection = world.new_connection();
    let guest = login("guest", "x", VERSION);
    world.broker.connect(world.now, connection, guest, peer());
    world.settle();
    let (conversation, _) = request::<call::Authenticator>(&mut world, &mut handler);
    let properties = [
        ("$Principal", "Eve"),
        ("$Roles", "\"CLIENT\""),
        ("$Country", "NZ"),
        ("$ExpiryTime", &(world.now.wall_ms + 5_000).to_string()),
        // These are the server's own.
        ("$ClientIP", "1.2.3.4"),
        ("$SessionId", "x"),
        ("$Mine", "x"),
    ];
    let properties = properties.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let allow = AuthenticatorResponse::Allow(properties.into());
    let service = ServiceId::Authenticator;
    respond(&mut world, &mut handler, service, conversation, Ok(&allow));
    let first = world.read_raw(connection).unwrap();
    let response = effusion_protocol::ConnectResponse::decode(first).unwrap();
    let session = response.success.unwrap().session;
    let found = handler
        .call::<call::GetSessionProperties>(
            &mut world,
            &GetSessionPropertiesRequest {
                session,
                keys: vec!["*F".to_owned()],
            },
        )
        .unwrap()
        .unwrap();
    let value = |name: &str| {
        let pair = found.iter().find(|(found, _)| found == name);
        pair.map(|(_, value)| value.as_str())
    };
    assert_eq!(value("$Principal"), Some("Eve"));
    assert_eq!(value("$Country"), Some("NZ"));
    assert_eq!(value("$ClientIP"), Some(common::PEER));
    assert_eq!(value("$SessionId"), Some(&*session.to_string()));
    assert_eq!(value("$Mine"), None);
    world.pass(5_000);
    let expired = Some(ConnectionEnd::Session(CloseReason::Expired));
    assert_eq!(how_it_ended(&world, connection), expired);
}

#[test]
fn a_token_from_before_a_new_password_is_refused() {
    let mut world = world();
    let mut admin = world.client("admin");
    let mut run = |world: &mut World, script: &str| {
        let script = script.to_owned();
        let done = admin.call::<call::UpdateSystemAuthentication>(world, &script);
        assert_eq!(done, Ok(vec![]), "{script}");
    };
    let token = |world: &mut World, issued_ms: Option<u64>| {
        let claims = TokenClaims {
            issued_ms,
            ..ada(world.now.wall_ms + 60_000)
        };
        world.tokens.insert(TOKEN.to_owned(), claims);
    };
    let now = world.now.wall_ms;
    let client = enter(&mut world, with_token("ada", TOKEN));
    run(&mut world, "add principal 'ada' 'first' ['CLIENT']");
    assert!(!world.closed.contains_key(&client.connection));
    run(&mut world, "set password 'ada' 'second'");
    assert!(world.closed.contains_key(&client.connection));
    let refused = ResponseCode::AuthenticationFailed;
    for before in [Some(now - 1_000), Some(now), None] {
        token(&mut world, before);
        assert_eq!(code(&mut world, with_token("ada", TOKEN)), refused);
    }
    token(&mut world, Some(now + 1));
    enter(&mut world, with_token("ada", TOKEN));
    // A locked account has no roles, and a token does not give it any; a removed one is as good as a new password.
    run(&mut world, "assign roles 'ada' []");
    assert_eq!(code(&mut world, with_token("ada", TOKEN)), refused);
    world.pass(10);
    run(&mut world, "remove principal 'ada'");
    assert_eq!(code(&mut world, with_token("ada", TOKEN)), refused);
    token(&mut world, Some(now + 11));
    enter(&mut world, with_token("ada", TOKEN));
}
