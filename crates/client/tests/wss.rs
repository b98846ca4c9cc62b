//! Encrypted connections, with a certificate of the test's own making.
#![cfg(feature = "rustls")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use core::error::Error as _;
use std::sync::Arc;

use effusion_client::{ConnectError, ConnectOptions, TransportError, TransportErrorKind};
use effusion_protocol::{ConnectResponse, ResponseCode};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_tungstenite::tungstenite::Message;

/// What proves to be `localhost`, and its certificate.
fn service() -> (TlsAcceptor, CertificateDer<'static>) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let certificate = own.cert.der().clone();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), certificate)
}

async fn connect(address: &str, trusted: RootCertStore) -> Option<ConnectError> {
    let config = ClientConfig::builder()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    let options = ConnectOptions::new().tls(Arc::new(config));
    options.connect(address).await.err()
}

#[tokio::test]
async fn a_service_is_reached_if_its_certificate_is_trusted() {
    let (acceptor, certificate) = service();
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

#[tokio::test]
async fn with_and_without_tls_is_not_mixed_up_in_silence() {
    let (acceptor, _) = service();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (plain, encrypted) = (
        format!("ws://localhost:{port}"),
        format!("wss://localhost:{port}"),
    );
    let with_tls = async {
        let (stream, _) = listener.accept().await.unwrap();
        assert!(acceptor.accept(stream).await.is_err());
    };
    let (error, ()) = tokio::join!(connect(&plain, RootCertStore::empty()), with_tls);
    let expected = TransportError::new(TransportErrorKind::TlsExpected);
    assert_eq!(error, Some(ConnectError::Unreachable(expected)));

    let without_tls = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        // What the client says is read, so that the connection is not reset before the answer has come.
        while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {}
    };
    let (error, ()) = tokio::join!(connect(&encrypted, RootCertStore::empty()), without_tls);
    let expected = TransportError::new(TransportErrorKind::NoTls);
    assert_eq!(error, Some(ConnectError::Unreachable(expected)));
}
