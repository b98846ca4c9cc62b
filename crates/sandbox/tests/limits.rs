//! What the service lets nobody do: pages of others, floods, guessing, and more of everything than there is.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by a panic"
)]

mod common;

use std::time::{Duration, Instant};

use common::{Client, Failure, Socket, binary, request, start, url};
use effusion_protocol::body::call::UserPing;
use effusion_protocol::{ConnectRequest, ConnectResponse, Credentials, ErrorReason, ResponseCode};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Message as Frame};

/// What a refused client is told: in the protocol's words, and in those of the close frame.
async fn refusal(url: &str, request: &ConnectRequest) -> (ResponseCode, CloseFrame) {
    let socket = common::open(&format!("{url}?{}", request.to_query())).await;
    told(socket).await
}

async fn told(mut socket: Socket) -> (ResponseCode, CloseFrame) {
    let first = socket.next().await.unwrap().unwrap();
    let code = ConnectResponse::decode(first.into_data()).unwrap().code;
    match socket.next().await.unwrap().unwrap() {
        Frame::Close(Some(frame)) => (code, frame),
        other => panic!("{other:?}"),
    }
}

fn wrong(principal: &str) -> ConnectRequest {
    let mut request = request(principal);
    request.credentials = Credentials::Password("wrong".to_owned());
    request
}

/// Opens a WebSocket as a page would; the status of the answer if it is refused.
async fn from_page(url: &str, origin: &str) -> Result<Socket, u16> {
    let mut request = format!("{url}?{}", request("user").to_query())
        .into_client_request()
        .unwrap();
    let headers = request.headers_mut();
    headers.insert("origin", origin.parse().unwrap());
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => {
            let body = response.body().clone().unwrap_or_default();
            let text = String::from_utf8(body).unwrap();
            assert!(text.contains("--allow-origin"), "{text}");
            Err(response.status().as_u16())
        }
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn pages_of_others_may_not_connect() {
    let server = start(&["--memory"]).await;
    let url = url(&server);
    for origin in [
        "http://localhost:8000",
        "http://127.0.0.1:1",
        "http://[::1]",
    ] {
        assert!(from_page(&url, origin).await.is_ok(), "{origin}");
    }
    for origin in ["https://evil.example", "null", "nonsense", "http://x\u{e4}"] {
        assert_eq!(from_page(&url, origin).await.err(), Some(403), "{origin}");
    }
    // What names no origin is no page.
    assert!(Client::connect(&url, &request("user")).await.is_ok());
    server.stop().await;

    let server = start(&[
        "--memory",
        "--allow-origin",
        "https://chat.example",
        "--allow-origin",
        "null",
    ])
    .await;
    let url = common::url(&server);
    for origin in ["https://chat.example", "null", "http://localhost"] {
        assert!(from_page(&url, origin).await.is_ok(), "{origin}");
    }
    let other = from_page(&url, "http://chat.example").await.err();
    assert_eq!(other, Some(403));
    server.stop().await;

    let server = start(&["--memory", "--allow-origin", "*"]).await;
    let page = from_page(&common::url(&server), "https://evil.example").await;
    assert!(page.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn guessing_is_slow_and_the_owner_is_let_in_again() {
    let server = start(&["--memory", "--sign-in-attempts", "3"]).await;
    let url = url(&server);
    for _ in 0..3 {
        let (code, _) = refusal(&url, &wrong("user")).await;
        assert_eq!(code, ResponseCode::AuthenticationFailed);
    }
    let waiting = Instant::now();
    let (code, frame) = refusal(&url, &request("user")).await;
    assert_eq!(code, ResponseCode::Rejected);
    assert_eq!(frame.code, CloseCode::Policy);
    assert_eq!(frame.reason, "too many sign-ins failed: try again in 1 s");
    // Another principal at the same address need not wait yet.
    Client::connect(&url, &request("client")).await.unwrap();
    while let Err(refused) = Client::connect(&url, &request("user")).await {
        assert_eq!(refused.code, ResponseCode::Rejected);
        assert!(
            waiting.elapsed() < common::PATIENCE,
            "knocking makes it longer"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn an_address_has_so_many_sessions() {
    let server = start(&["--memory", "--max-sessions-per-address", "2"]).await;
    let url = url(&server);
    let mut first = Client::connect(&url, &request("user")).await.unwrap();
    let _second = Client::connect(&url, &request("user")).await.unwrap();
    let (code, frame) = refusal(&url, &request("user")).await;
    assert_eq!(code, ResponseCode::LicenceExceeded);
    assert_eq!(frame.reason, "too many sessions from this address");
    // A place is given back.
    let version = effusion_protocol::ProtocolVersion::NEWEST;
    let close = effusion_protocol::Message::Close.encode(version);
    first.socket.send(Frame::Binary(close)).await.unwrap();
    first.closed().await;
    assert!(Client::connect(&url, &request("user")).await.is_ok());
    server.stop().await;
}

#[tokio::test]
async fn a_principal_has_so_many_topics() {
    let server = start(&["--memory", "--max-topics-per-principal", "1"]).await;
    let mut user = Client::connect(&url(&server), &request("user"))
        .await
        .unwrap();
    user.add_topic("a", binary()).await.unwrap();
    match user.add_topic("b", binary()).await {
        Err(Failure::Error(report)) => {
            assert_eq!(report.reason, ErrorReason::TopicLicenceLimit);
            assert!(report.message.contains("'user'"), "{}", report.message);
        }
        other => panic!("{other:?}"),
    }
    server.stop().await;
}

#[tokio::test]
async fn a_flood_is_slowed_down() {
    let server = start(&["--memory", "--max-message-rate", "50"]).await;
    let mut client = Client::connect(&url(&server), &request("user"))
        .await
        .unwrap();
    let started = Instant::now();
    for _ in 0..200 {
        client.send::<UserPing>(&()).await.unwrap();
    }
    for _ in 0..200 {
        client.answer().await.unwrap().1.unwrap();
    }
    // A burst of 100, and 50 in each second after.
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(1_900), "{took:?}");
    // Nothing is lost, and whoever waits is answered at once again.
    tokio::time::sleep(Duration::from_secs(1)).await;
    client.call::<UserPing>(&()).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn so_many_sign_in_at_a_time() {
    let server = start(&["--memory", "--max-pending", "4"]).await;
    let url = url(&server);
    // One of them from this address at a time.
    let knock = || async {
        let socket = common::open(&format!("{url}?{}", request("user").to_query())).await;
        let mut socket = socket;
        let first = socket.next().await.unwrap().unwrap();
        (
            socket,
            ConnectResponse::decode(first.into_data()).unwrap().code,
        )
    };
    let all = futures_util::future::join_all((0..12).map(|_| knock())).await;
    let count = |code| all.iter().filter(|(_, found)| *found == code).count();
    assert!(count(ResponseCode::Connected) >= 1);
    assert!(count(ResponseCode::NotReady) >= 1);
    assert_eq!(
        count(ResponseCode::Connected) + count(ResponseCode::NotReady),
        12
    );
    drop(all);
    // Later there is room again.
    assert_eq!(knock().await.1, ResponseCode::Connected);
    server.stop().await;
}
