//! Sessions over real sockets, with a service made by hand on loopback.
#![cfg(feature = "native")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bytes::Bytes;
use effusion_client::{
    AddressError, ConnectError, ConnectOptions, ErrorReason, Interruption, ReconnectStrategy,
    RequestError, Session, SessionCloseReason, SessionState, TopicNotification, TopicSpecification,
    TopicType, TransportError, TransportErrorKind,
};
use effusion_protocol::{
    ConversationId, ErrorReport, Message, ResponseCode, ServiceId, decode, encode,
};
use futures_util::StreamExt as _;
use std::error::Error;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

mod by_hand;

use by_hand::{Service, VERSION};

const fn assert_handle<T: Clone + Send + Sync>() {}
const _: () = assert_handle::<Session>();

/// Handles in tasks on several threads, each of which gets the answers to its own requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn handles_are_used_from_many_threads() {
    const TASKS: u32 = 8;
    const REQUESTS: u32 = 200;
    let service = Service::new().await;
    let address = service.address();
    let serving = tokio::spawn(async move {
        let (mut connection, _) = service.accept().await;
        connection.answer(ResponseCode::Connected, 1 << 20).await;
        let mut served = 0;
        while let Some(message) = connection.receive().await {
            let Message::Request {
                service,
                conversation,
                body,
            } = message
            else {
                break;
            };
            // The count of removed topics is what the selector says.
            let selector: String = decode(body, VERSION).unwrap();
            let body = encode(&selector[1..].parse::<u32>().unwrap(), VERSION);
            let response = Message::Response {
                service: Some(service),
                conversation,
                body,
            };
            connection.send(response.encode(VERSION)).await;
            served += 1;
        }
        served
    });
    let session = effusion_client::connect(address).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..TASKS {
        let session = session.clone();
        tasks.spawn(async move {
            for number in 0..REQUESTS {
                let number = task * REQUESTS + number;
                let removed = session.topics().remove(&format!(">{number}")).await;
                assert_eq!(removed.unwrap(), Some(number));
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    tokio::task::spawn(async move { session.close().await })
        .await
        .unwrap();
    assert_eq!(serving.await.unwrap(), TASKS * REQUESTS);
}

#[tokio::test]
async fn a_session_from_beginning_to_end() {
    let service = Service::new().await;
    let client = async {
        let options = ConnectOptions::new().principal("ann").password("secret");
        let session = options.connect(service.address()).await.unwrap();
        assert!(session.state().is_connected());
        assert_eq!(session.info().unwrap().maximum_message_size, Some(1 << 20));
        session.ping().await.unwrap();
        let json = TopicSpecification::new(TopicType::Json);
        let error = session.topics().add("a", json).await.unwrap_err();
        assert_eq!(error.refusal(), Some(ErrorReason::AccessDenied));
        let also = session.clone();
        session.close().await;
        let closed = SessionState::Closed(SessionCloseReason::ClosedByClient);
        assert_eq!(also.state(), closed);
        assert!(matches!(also.ping().await, Err(RequestError::NeverSent(_))));
        assert_eq!(also.states().collect::<Vec<_>>().await, [closed]);
    };
    let server = async {
        let (mut connection, request) = service.accept().await;
        assert_eq!(request.version, 29);
        assert_eq!(request.principal.as_deref(), Some("ann"));
        connection.answer(ResponseCode::Connected, 1 << 20).await;
        connection.respond(ServiceId::UserPing, b"").await;
        let Some(Message::Request { conversation, .. }) = connection.receive().await else {
            panic!("no request");
        };
        let report = ErrorReport {
            message: "no".to_owned(),
            reason: ErrorReason::AccessDenied,
        };
        let refusal = Message::Error {
            service: None,
            conversation,
            body: encode(&report, VERSION),
        };
        connection.send(refusal.encode(VERSION)).await;
        assert_eq!(connection.receive().await, Some(Message::Close));
        connection.send(Message::Abort.encode(VERSION)).await;
        assert_eq!(connection.receive().await, None);
    };
    async { tokio::join!(client, server) }.await;
}

#[tokio::test]
async fn a_lost_connection_comes_back() {
    let service = Service::new().await;
    let client = async {
        let session = effusion_client::connect(service.address()).await.unwrap();
        session.topics().select(">a").await.unwrap();
        assert!(session.state().is_connected());
    };
    let server = async {
        let (mut connection, _) = service.accept().await;
        connection.answer(ResponseCode::Connected, 0).await;
        // The request is received, but the connection breaks before it is answered.
        assert!(connection.receive().await.is_some());
        drop(connection);
        let (mut connection, request) = service.accept().await;
        let reconnect = request.reconnect.unwrap();
        assert_eq!(reconnect.available_client_sequence, 1);
        assert_eq!(reconnect.last_server_sequence, 0);
        connection.answer(ResponseCode::Reconnected, 1).await;
        connection.respond(ServiceId::Subscribe, b"").await;
        // The last handle is dropped: the session is closed.
        assert_eq!(connection.receive().await, Some(Message::Close));
    };
    async { tokio::join!(client, server) }.await;
}

/// What a service asks, and what the client answers.
#[tokio::test]
async fn calls_that_cannot_be_read_are_refused_and_the_session_goes_on() {
    let service = Service::new().await;
    let client = async {
        let session = effusion_client::connect(service.address()).await.unwrap();
        let mut topics = session.topics().add_notification_listener();
        topics.select("?a").await.unwrap();
        let told = topics.next().await;
        assert!(matches!(told, Some(TopicNotification::Topic { path, .. }) if path == "a"));
        session.close().await;
    };
    let server = async {
        let (mut connection, _) = service.accept().await;
        connection.answer(ResponseCode::Connected, 0).await;
        connection
            .respond(ServiceId::TopicNotificationSelection, b"")
            .await;
        // The listener is conversation 1: its first byte of a body says so.
        for (body, reason) in [
            (&b"\x01\x01"[..], Some(ErrorReason::InvalidData)),
            (b"\x01\x01a\x09\x0f\0", Some(ErrorReason::InvalidData)),
            (b"\x63\x01a\0\x0f\0", Some(ErrorReason::Unsupported)),
            (b"\x01\x01a\0\x0f\0", None),
        ] {
            let call = Message::Request {
                service: ServiceId::TopicNotificationEvent,
                conversation: ConversationId(7),
                body: Bytes::from_static(body),
            };
            connection.send(call.encode(VERSION)).await;
            let found = match connection.receive().await {
                Some(Message::Error { body, .. }) => {
                    Some(decode::<ErrorReport>(body, VERSION).unwrap().reason)
                }
                Some(Message::Response { .. }) => None,
                other => panic!("{other:?}"),
            };
            assert_eq!(found, reason, "{body:?}");
        }
        while connection
            .receive()
            .await
            .is_some_and(|it| it != Message::Close)
        {}
    };
    async { tokio::join!(client, server) }.await;
}

#[tokio::test]
async fn a_text_message_breaks_the_connection() {
    let service = Service::new().await;
    let client = async {
        let options = ConnectOptions::new().reconnect_timeout(core::time::Duration::ZERO);
        let session = options.connect(service.address()).await.unwrap();
        session.states().collect::<Vec<_>>().await
    };
    let server = async {
        let (mut connection, _) = service.accept().await;
        connection.answer(ResponseCode::Connected, 0).await;
        connection.send_text("hello").await;
        assert_eq!(connection.receive().await, None);
    };
    let (states, ()) = async { tokio::join!(client, server) }.await;
    assert_eq!(
        states.last(),
        Some(&SessionState::Closed(SessionCloseReason::ConnectionLost(
            TransportErrorKind::WebSocket.into()
        )))
    );
}

#[tokio::test]
async fn a_lost_session_keeps_its_cause() {
    let service = Service::new().await;
    let address = service.address();
    let client = async {
        let wait = core::time::Duration::from_millis(1);
        let options =
            ConnectOptions::new().reconnect(ReconnectStrategy::backoff(wait, wait).max_attempts(2));
        let session = options.connect(address).await.unwrap();
        session.states().collect::<Vec<_>>().await
    };
    let server = async move {
        let (mut connection, _) = service.accept().await;
        connection.answer(ResponseCode::Connected, 0).await;
    };
    let (states, ()) = async { tokio::join!(client, server) }.await;
    let Some(SessionState::Closed(reason)) = states.last() else {
        panic!("the session is closed: {states:?}");
    };
    let lost = SessionCloseReason::ConnectionLost(TransportErrorKind::ConnectionRefused.into());
    assert_eq!(*reason, lost);
    let io = reason.source().and_then(Error::source);
    let io = io.and_then(|cause| cause.downcast_ref::<std::io::Error>());
    assert_eq!(io.unwrap().kind(), std::io::ErrorKind::ConnectionRefused);
}

/// What a service says when it closes a connection is the cause.
#[tokio::test]
async fn a_session_that_the_service_closes_has_the_words_for_it() {
    let service = Service::new().await;
    let address = service.address();
    let client = async {
        let session = effusion_client::connect(address).await.unwrap();
        session.states().collect::<Vec<_>>().await
    };
    let server = async {
        let (mut connection, _) = service.accept().await;
        connection.answer(ResponseCode::Connected, 0).await;
        connection.send(Message::Abort.encode(VERSION)).await;
        connection.close("the sign-in has \u{1b}expired").await;
    };
    let (states, ()) = async { tokio::join!(client, server) }.await;
    let Some(SessionState::Closed(reason)) = states.last() else {
        panic!("the session is closed: {states:?}");
    };
    let closed = SessionCloseReason::ClosedByService(TransportErrorKind::Closed.into());
    assert_eq!(*reason, closed);
    let words = reason.source().unwrap().to_string();
    assert_eq!(words, "the sign-in has expired");
}

#[test]
fn a_session_ends_with_its_runtime() {
    let started = || {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(1).enable_all().build().unwrap()
    };
    let runtime = started();
    let (session, waiting) = runtime.block_on(async {
        let service = Service::new().await;
        let address = service.address();
        tokio::spawn(async move {
            let (mut connection, _) = service.accept().await;
            connection.answer(ResponseCode::Connected, 1 << 20).await;
            while connection.receive().await.is_some() {}
        });
        let session = effusion_client::connect(address).await.unwrap();
        let waiting = session.topics().select(">a");
        (session, waiting)
    });
    drop(runtime);
    let ended = SessionState::Closed(SessionCloseReason::RuntimeShutDown);
    assert_eq!(session.state(), ended);
    started().block_on(async {
        let unknown = RequestError::OutcomeUnknown(Interruption::SessionClosed);
        assert_eq!(waiting.await, Err(unknown));
        let never = RequestError::NeverSent(Interruption::SessionClosed);
        assert_eq!(session.flush().await, Err(never));
        session.close().await;
        assert_eq!(session.states().collect::<Vec<_>>().await, [ended]);
    });
}

#[test]
fn a_runtime_without_timers_is_named() {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let result = runtime
        .unwrap()
        .block_on(effusion_client::connect("ws://127.0.0.1:1"));
    let error = result.unwrap_err();
    assert_eq!(error, ConnectError::RuntimeShutDown);
    assert!(error.to_string().contains("without timers"), "{error}");
}

#[tokio::test]
async fn refusals_and_nobody_there() {
    let service = Service::new().await;
    let address = service.address();
    let client = effusion_client::connect(address.clone());
    let server = async {
        let (mut connection, _) = service.accept().await;
        connection
            .answer(ResponseCode::AuthenticationFailed, 0)
            .await;
        connection.receive().await
    };
    let (result, _) = async { tokio::join!(client, server) }.await;
    assert!(result.unwrap_err().is_authentication_failure());
    drop(service);
    assert_eq!(
        kind(effusion_client::connect(address).await),
        TransportErrorKind::ConnectionRefused
    );
}

/// Why no connection came about; what the operating system said must be there too.
fn kind(result: Result<Session, ConnectError>) -> TransportErrorKind {
    use core::error::Error as _;
    let error = result.unwrap_err();
    let transport: &TransportError = error.source().unwrap().downcast_ref().unwrap();
    let kind = transport.kind();
    if !matches!(kind, TransportErrorKind::HttpStatus(_)) {
        let cause = transport.source().unwrap();
        assert!(!cause.to_string().is_empty());
    }
    assert_eq!(error, ConnectError::Unreachable(transport.clone()));
    kind
}

#[tokio::test]
async fn errors_keep_their_cause() {
    // RFC 6761: the name never has an address.
    let nowhere = effusion_client::connect("ws://nowhere.invalid:8080").await;
    assert_eq!(kind(nowhere), TransportErrorKind::NameNotResolved);

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = |text: &'static [u8]| {
        let accepted = listener.accept();
        async move {
            let (mut stream, _) = accepted.await.unwrap();
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            stream.write_all(text).await.unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        }
    };
    let options = ConnectOptions::new().header("X-Tenant", "blue");
    let address = format!("ws://127.0.0.1:{port}/elsewhere");
    let (result, request) = tokio::join!(
        options.connect(address.as_str()),
        answer(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
    );
    assert_eq!(kind(result), TransportErrorKind::HttpStatus(403));
    assert!(request.starts_with("GET /elsewhere?ty=WB&"), "{request}");
    assert!(
        request.to_lowercase().contains("\r\nx-tenant: blue\r\n"),
        "{request}"
    );

    let (result, _) = tokio::join!(
        effusion_client::connect(address.as_str()),
        answer(b"220 mail.example ready\r\n\r\n")
    );
    assert_eq!(kind(result), TransportErrorKind::WebSocket);

    for (name, value) in [("no header", "x"), ("x", "no\nvalue"), ("Upgrade", "x")] {
        let options = ConnectOptions::new().header(name, value);
        let (result, _) = tokio::join!(options.connect(address.as_str()), listener.accept());
        assert_eq!(kind(result), TransportErrorKind::WebSocket, "{name}");
    }
    let invalid = effusion_client::connect("http://127.0.0.1").await;
    assert_eq!(
        invalid.unwrap_err(),
        ConnectError::InvalidAddress(AddressError::Scheme)
    );
}
