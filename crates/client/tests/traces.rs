//! What a session logs: at no level, and from no crate beneath, credentials.
#![cfg(all(feature = "native", feature = "tracing"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::sync::{Arc, Mutex};

use effusion_client::{ConnectOptions, Credentials};
use effusion_protocol::{ResponseCode, ServiceId};
use tracing_subscriber::filter::LevelFilter;

mod by_hand;

use by_hand::Service;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn credentials_are_in_no_trace() {
    let log = Log::default();
    let written = log.clone();
    // Also what crates write with `log`.
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || written.clone())
        .init();
    let service = Service::new().await;
    let serving = async {
        let (mut connection, request) = service.accept().await;
        assert_eq!(
            request.credentials,
            Credentials::Password("hunter-2".to_owned())
        );
        connection.answer(ResponseCode::Connected, 1 << 20).await;
        connection.respond(ServiceId::Reauthenticate, b"\x01").await;
        connection.receive().await
    };
    let using = async {
        let options = ConnectOptions::new()
            .principal("ann")
            .password("hunter-2")
            .header("X-Key", "hunter-3");
        let session = options.connect(service.address()).await.unwrap();
        let other = Credentials::Password("hunter-4".to_owned());
        let security = session.security();
        assert!(security.change_principal("bob", other).await.unwrap());
        session.close().await;
    };
    tokio::join!(serving, using);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("diffusion_session"), "{log}");
    assert!(log.contains("connected"), "{log}");
    for secret in ["hunter", "tm+Q2GwK", "ty=WB"] {
        // The service by hand is written with a crate that logs what it gets.
        let of_client = log.lines().filter(|line| !line.contains("tungstenite::"));
        for line in of_client {
            assert!(!line.contains(secret), "{line}");
        }
    }
}
