//! Real sandboxes, and clients that behave in all kinds of ways.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by a panic"
)]

mod common;

use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Client, Failure, PATIENCE, Random, binary, request, start, time_series, url};
use effusion_protocol::body::call::{UpdateSystemAuthentication, UserPing};
use effusion_protocol::{
    ConnectRequest, ConnectResponse, Credentials, ProtocolVersion, ResponseCode, property,
};
use effusion_sandbox::server::StartError;
use effusion_sandbox::store::StoreError;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

#[tokio::test]
async fn two_sessions_share_a_topic() {
    let server = start(&["--memory"]).await;
    let mut alice = Client::connect(&url(&server), &request("user"))
        .await
        .unwrap();
    let mut bob = Client::connect(&url(&server), &request("client"))
        .await
        .unwrap();
    alice.add_topic("Chat/room", binary()).await.unwrap();
    bob.subscribe("?Chat/").await.unwrap();
    for text in ["one", "two"] {
        alice.set("Chat/room", text.into()).await.unwrap();
    }
    bob.wait_for_values(2).await.unwrap();
    let expected = ["one", "two"].map(|text| ("Chat/room".to_owned(), Bytes::from(text)));
    assert_eq!(bob.values, expected);
    server.stop().await;
}

#[tokio::test]
async fn a_stopped_service_tells_its_sessions_and_keeps_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let data = ["--data", folder.path().to_str().unwrap()];
    let server = start(&data).await;
    assert_eq!(server.default_principals().len(), 6);
    let mut user = Client::connect(&url(&server), &request("user"))
        .await
        .unwrap();
    user.add_topic("Chat/history", time_series(100))
        .await
        .unwrap();
    for number in 0..3 {
        let metadata = user.append("Chat/history", "x".into()).await.unwrap();
        assert_eq!(metadata.sequence, number);
    }
    let mut registrar = Client::connect(&url(&server), &request("auth-handler"))
        .await
        .unwrap();
    let script = "set password 'admin' 'changed'".to_owned();
    let errors = registrar
        .call::<UpdateSystemAuthentication>(&script)
        .await
        .unwrap();
    assert_eq!(errors, []);
    let (told, ()) = tokio::join!(user.closed(), server.stop());
    assert!(told.0, "aborted");

    let server = start(&data).await;
    assert!(!server.default_principals().contains(&"admin".to_owned()));
    assert_eq!(server.default_principals().len(), 5);
    let refused = Client::connect(&url(&server), &request("admin")).await;
    let response = refused.err().unwrap();
    assert_eq!(response.code, ResponseCode::AuthenticationFailed);
    let mut user = Client::connect(&url(&server), &request("user"))
        .await
        .unwrap();
    let metadata = user.append("Chat/history", "x".into()).await.unwrap();
    assert_eq!(metadata.sequence, 3, "the series goes on");
    server.stop().await;
}

#[tokio::test]
async fn a_folder_serves_one_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let data = ["--data", folder.path().to_str().unwrap()];
    let server = start(&data).await;
    let second = common::try_start(&data).await;
    assert!(
        matches!(second, Err(StartError::Store(StoreError::InUse(_)))),
        "{second:?}"
    );
    server.stop().await;
    start(&data).await.stop().await;
}

#[tokio::test]
async fn a_wrong_password_is_refused_in_the_protocols_words() {
    let server = start(&["--memory"]).await;
    for (principal, password) in [("user", "wrong"), ("user", ""), ("nobody", "password")] {
        let mut request = request(principal);
        request.credentials = Credentials::Password(password.to_owned());
        let mut socket = common::open(&format!("{}?{}", url(&server), request.to_query())).await;
        let first = socket.next().await.unwrap().unwrap();
        let response = ConnectResponse::decode(first.into_data()).unwrap();
        assert_eq!(response.code, ResponseCode::AuthenticationFailed);
        let end = socket.next().await.unwrap().unwrap();
        assert!(matches!(end, Frame::Close(Some(_))), "{end:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_request_can_be_in_headers() {
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    let server = start(&["--memory"]).await;
    let mut upgrade = url(&server).into_client_request().unwrap();
    for (name, value) in [
        ("v", "15"),
        ("ty", "WJ"),
        ("ca", "10"),
        ("r", "60000"),
        ("username", "user"),
        ("password", "AQhwYXNzd29yZA=="),
    ] {
        upgrade.headers_mut().insert(name, value.parse().unwrap());
    }
    let (socket, _) = tokio_tungstenite::connect_async(upgrade).await.unwrap();
    let mut client = Client::on(socket).await.unwrap();
    client.call::<UserPing>(&()).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_connect_request_is_a_protocol_error() {
    let server = start(&["--memory"]).await;
    for query in [
        "",
        "?",
        "?v=29",
        "?ty=WB",
        "?ty=WB&v=x",
        "?ty=WB&v=29&password=%00",
        "?ty=WB&v=29&sp=[1]",
        "?ty=WB&v=7",
        "?ty=WB&v=255",
        "?%%%=&&&=",
    ] {
        let mut socket = common::open(&format!("{}{query}", url(&server))).await;
        let first = socket.next().await.unwrap().unwrap();
        let response = ConnectResponse::decode(first.into_data()).unwrap();
        assert!(!response.code.is_success(), "{query} {response:?}");
        let end = socket.next().await.unwrap().unwrap();
        assert!(matches!(end, Frame::Close(Some(_))), "{query} {end:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_version_that_is_too_new_gets_the_newest() {
    let server = start(&["--memory"]).await;
    let mut newer: ConnectRequest = request("user");
    newer.version = 40;
    let query = newer.to_query();
    let mut socket = common::open(&format!("{}?{query}", url(&server))).await;
    let first = socket.next().await.unwrap().unwrap();
    let response = ConnectResponse::decode(first.into_data()).unwrap();
    assert_eq!(response.version, ProtocolVersion::NEWEST.number());
    server.stop().await;
}

#[tokio::test]
async fn garbage_ends_its_own_session_only() {
    let server = start(&["--memory"]).await;
    let mut neighbour = Client::connect(&url(&server), &request("user"))
        .await
        .unwrap();
    neighbour.add_topic("Chat/room", binary()).await.unwrap();
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let mut rude = Client::connect(&url(&server), &request("user"))
            .await
            .unwrap();
        for _ in 0..1 + random.below(4) {
            let length = random.below(60) as usize;
            let mut garbage = random.bytes(length).to_vec();
            // Half of them look like a message at first.
            if seed % 2 == 0 && !garbage.is_empty() {
                garbage[0] = [0, 1, 2, 4, 5, 6, 7][random.below(7) as usize];
            }
            if rude
                .socket
                .send(Frame::Binary(garbage.into()))
                .await
                .is_err()
            {
                break;
            }
        }
        if seed % 20 == 0 {
            let set = neighbour.set("Chat/room", "still here".into()).await;
            set.unwrap();
        }
        // Whatever came of it, the session has an end.
        let _ = rude.socket.close(None).await;
    }
    neighbour.call::<UserPing>(&()).await.unwrap();
    server.stop().await;
}

#[tokio::test]
async fn text_is_refused() {
    let server = start(&["--memory"]).await;
    let mut client = Client::connect(&url(&server), &request("user"))
        .await
        .unwrap();
    client.socket.send(Frame::text("hello")).await.unwrap();
    assert_eq!(client.closed().await, (true, Some(CloseCode::Unsupported)));
    server.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused() {
    let server = start(&["--memory", "--max-message-size", "10000"]).await;
    let connect = || async {
        let mut client = Client::connect(&url(&server), &request("user"))
            .await
            .unwrap();
        client.add_topic("Chat/room", binary()).await.unwrap();
        client
    };
    let mut fits = connect().await;
    fits.set("Chat/room", vec![1; 9_900].into()).await.unwrap();
    for size in [10_001, 100_000, 5_000_000] {
        let mut client = connect().await;
        let end = client.set("Chat/room", vec![1; size].into()).await;
        assert!(
            matches!(
                end,
                Err(Failure::Closed(Some(CloseCode::Size) | None) | Failure::Aborted)
            ),
            "{size}: {end:?}"
        );
    }
    // A client that reads while it writes is told the reason.
    let mut client = connect().await;
    let size = Bytes::from(vec![1; 20_000]);
    client.socket.send(Frame::Binary(size)).await.unwrap();
    assert_eq!(client.closed().await, (true, Some(CloseCode::Size)));
    fits.call::<UserPing>(&()).await.unwrap();
    server.stop().await;
}

/// A session over a socket that takes little before it is full.
async fn connect_with_small_buffers(url: &str) -> Client {
    let address = url.trim_start_matches("ws://").split('/').next().unwrap();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let stream = socket.connect(address.parse().unwrap()).await.unwrap();
    let url = format!("{url}?{}", request("client").to_query());
    let (socket, _) = tokio_tungstenite::client_async(url, MaybeTlsStream::Plain(stream))
        .await
        .unwrap();
    Client::on(socket).await.unwrap()
}

/// Sets a topic many times, with somebody who reads and somebody who does not. What the slow one got at last, whether it
/// could go on, and the last value.
async fn outrun(conflation: &str) -> (Vec<Bytes>, Result<(), Failure>, Bytes) {
    const VALUES: usize = 150;
    const SIZE: usize = 100_000;
    let server = start(&["--memory", "--max-queue-bytes", "1000000"]).await;
    let mut writer = Client::connect(&url(&server), &request("user"))
        .await
        .unwrap();
    let specification = binary().with(property::CONFLATION, conflation);
    writer.add_topic("Chat/room", specification).await.unwrap();
    let mut slow = connect_with_small_buffers(&url(&server)).await;
    slow.subscribe("Chat/room").await.unwrap();
    let mut neighbour = Client::connect(&url(&server), &request("client"))
        .await
        .unwrap();
    neighbour.subscribe("Chat/room").await.unwrap();
    let mut random = Random::new(1);
    let start = Instant::now();
    let mut value = Bytes::new();
    for number in 1..=VALUES {
        value = random.bytes(SIZE);
        writer.set("Chat/room", value.clone()).await.unwrap();
        neighbour.wait_for_values(number).await.unwrap();
        assert_eq!(neighbour.values.last().unwrap().1, value);
    }
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    let mut end = Ok(());
    while end.is_ok() && slow.values.last().is_none_or(|(_, last)| *last != value) {
        let count = slow.values.len() + 1;
        end = slow.wait_for_values(count).await;
    }
    let values = slow
        .values
        .into_iter()
        .map(|(_, value)| value)
        .collect::<Vec<_>>();
    assert!(values.len() < VALUES, "nothing was held up");
    server.stop().await;
    (values, end, value)
}

#[tokio::test]
async fn a_slow_reader_is_disconnected_and_delays_nobody() {
    // It can still read what was on the way, and then it is over.
    let (_, end, _) = outrun("off").await;
    assert!(
        matches!(end, Err(Failure::Closed(_) | Failure::Aborted)),
        "{end:?}"
    );
}

#[tokio::test]
async fn a_slow_reader_gets_the_latest_of_what_is_conflated() {
    for conflation in ["conflate", "always"] {
        let (values, end, latest) = outrun(conflation).await;
        assert!(end.is_ok(), "{end:?}");
        assert_eq!(values.last(), Some(&latest));
    }
}

#[tokio::test]
async fn a_client_that_stops_reading_is_cut_off() {
    let server = start(&["--memory", "--io-timeout", "1"]).await;
    let mut writer = Client::connect(&url(&server), &request("user"))
        .await
        .unwrap();
    writer.add_topic("Chat/room", binary()).await.unwrap();
    let mut stuck = connect_with_small_buffers(&url(&server)).await;
    stuck.subscribe("Chat/room").await.unwrap();
    // Less than may wait, more than the sockets take.
    for number in 0..10 {
        let value = Bytes::from(vec![number; 1_000_000]);
        writer.set("Chat/room", value).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(3500)).await;
    let end = stuck.wait_for_values(10).await;
    assert!(matches!(end, Err(Failure::Closed(_))), "{end:?}");
    server.stop().await;
}

#[tokio::test]
async fn too_many_connections_are_refused_until_there_is_room() {
    let server = start(&["--memory", "--max-connections-per-address", "3"]).await;
    let mut clients = Vec::new();
    for _ in 0..3 {
        clients.push(
            Client::connect(&url(&server), &request("user"))
                .await
                .unwrap(),
        );
    }
    let refused = Client::connect(&url(&server), &request("user")).await;
    assert_eq!(
        refused.err().unwrap().code,
        ResponseCode::LicenceExceeded,
        "there is an answer"
    );
    for client in &mut clients {
        client.call::<UserPing>(&()).await.unwrap();
    }
    let mut last = clients.pop().unwrap();
    last.socket.close(None).await.unwrap();
    let start = Instant::now();
    loop {
        match Client::connect(&url(&server), &request("user")).await {
            Ok(_) => break,
            Err(_) => assert!(start.elapsed() < PATIENCE),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn too_many_sessions_are_refused() {
    let server = start(&["--memory", "--max-sessions", "2"]).await;
    let first = Client::connect(&url(&server), &request("user")).await;
    let second = Client::connect(&url(&server), &request("user")).await;
    let third = Client::connect(&url(&server), &request("user")).await;
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(third.err().unwrap().code, ResponseCode::LicenceExceeded);
    server.stop().await;
}

#[tokio::test]
async fn who_says_nothing_is_cut_off() {
    let server = start(&["--memory", "--io-timeout", "1"]).await;
    let mut stream = TcpStream::connect(server.addresses()[0]).await.unwrap();
    let mut rest = Vec::new();
    let start = Instant::now();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest));
    // A reset is as good as an end.
    let _ = read.await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(900));
    server.stop().await;
}

#[tokio::test]
async fn where_others_can_connect_the_default_passwords_are_refused() {
    let places = ["--listen", "0.0.0.0:0"];
    let refused = common::try_start(&["--memory", places[0], places[1]]).await;
    let error = refused.unwrap_err();
    assert!(
        matches!(&error, StartError::DefaultPrincipals { principals, .. } if principals.len() == 6),
        "{error:?}"
    );
    let text = error.to_string();
    assert!(text.contains("--allow-default-principals"), "{text}");
    let allowed = start(&[
        "--memory",
        places[0],
        places[1],
        "--allow-default-principals",
    ])
    .await;
    assert_eq!(allowed.addresses().len(), 2);
    allowed.stop().await;

    // Once every password is changed, there is nothing to allow.
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let server = start(&["--data", data]).await;
    let mut registrar = Client::connect(&url(&server), &request("auth-handler"))
        .await
        .unwrap();
    let mut script = server
        .default_principals()
        .iter()
        .fold(String::new(), |script, principal| {
            format!("{script}set password '{principal}' 'Tr0ub4dor&3'\n")
        });
    script.push_str("remove principal 'operator'");
    let changed = registrar.call::<UpdateSystemAuthentication>(&script).await;
    assert_eq!(changed.unwrap(), []);
    server.stop().await;
    let server = start(&["--data", data, places[0], places[1]]).await;
    assert_eq!(server.default_principals(), [] as [String; 0]);
    server.stop().await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let server = start(&["--memory"]).await;
    let place = server.addresses()[0].to_string();
    let error = common::try_start(&["--memory", "--listen", &place]).await;
    let text = error.unwrap_err().to_string();
    assert!(text.contains(&place), "{text}");
    server.stop().await;
}
