//! Encrypted connections, with a certificate of the test's own making.
#![cfg(feature = "rustls")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::error::Error as _;
use std::sync::Arc;

use effusion_client::{ConnectError, ConnectOptions, TransportError, TransportErrorKind};
use effusion_protocol::{ConnectResponse, ResponseCode};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_tungstenite::tungstenite::Message;

async fn connect(address: &str, trusted: RootCertStore) -> Option<ConnectError> {
    let config = ClientConfig::builder()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    let options = ConnectOptions::new().tls(Arc::new(config));
    options.connect(address).await.err()
}

#[tokio::test]
async fn a_service_is_reached_if_its_certificate_is_trusted() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let certificate = own.cert.der().clone();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let address = format!("wss://localhost:{port}");

    let service = async {
        // The first client does not trust the certificate.
        let (stream, _) = listener.accept().await.unwrap();
        assert!(acceptor.accept(stream).await.is_err());
        let (stream, _) = listener.accept().await.unwrap();
        let stream = acceptor.accept(stream).await.unwrap();
        let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        let refusal = ConnectResponse::refusal(29, ResponseCode::Rejected);
        socket
            .send(Message::Binary(refusal.encode()))
            .await
            .unwrap();
        while socket.next().await.is_some_and(|message| message.is_ok()) {}
    };
    let client = async {
        let distrusted = connect(&address, RootCertStore::empty()).await;
        let tls = TransportError::new(TransportErrorKind::Tls);
        assert_eq!(distrusted, Some(ConnectError::Unreachable(tls)));
        let cause = distrusted
            .unwrap()
            .source()
            .unwrap()
            .source()
            .unwrap()
            .to_string();
        assert!(cause.contains("certificate"), "{cause}");
        let mut trusted = RootCertStore::empty();
        trusted.add(certificate).unwrap();
        // That the service's refusal arrives shows that there is a connection.
        let refused = connect(&address, trusted).await;
        assert_eq!(refused, Some(ConnectError::Refused(ResponseCode::Rejected)));
    };
    tokio::join!(service, client);
}
