//! HTTP: the files of a page, and TLS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by a panic"
)]

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{Client, request, start};
use effusion_protocol::body::call::UserPing;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// The head, in lower case, and the body of the answer to a request.
async fn get(address: std::net::SocketAddr, path: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    (head.to_lowercase(), answer[end + 4..].to_vec())
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
}

/// Both are enforced, so what one of them forgets to allow would be forbidden.
#[tokio::test]
async fn the_header_says_what_the_pages_own_policy_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = std::fs::read_to_string(root.join("index.html")).unwrap();
    let (_, policy) = page
        .split_once("http-equiv=\"Content-Security-Policy\" content=\"")
        .unwrap();
    let (policy, _) = policy.split_once('"').unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("index.html", &page)]);
    let server = start(&["--memory", "--static", folder.path().to_str().unwrap()]).await;
    let (head, _) = get(server.addresses()[0], "/").await;
    let header = format!("content-security-policy: {policy}; frame-ancestors 'none'\r\n");
    assert!(head.contains(&header.to_lowercase()), "{header}\n{head}");
}

#[tokio::test]
async fn a_page_is_served_beside_the_service() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &[("secret.txt", "not to be served")]);
    let page = folder.path().join("page");
    write(
        &page,
        &[
            ("index.html", "<!doctype html>"),
            ("app-1.wasm", "\0asm"),
            ("app-1.js", "export {}"),
            ("app-1.js.gz", "not asked for"),
            ("style/app.css", "a {}"),
        ],
    );
    let server = start(&["--memory", "--static", page.to_str().unwrap()]).await;
    let address = server.addresses()[0];
    for (path, content_type, body) in [
        ("/", "text/html", "<!doctype html>"),
        ("/index.html?room=a", "text/html", "<!doctype html>"),
        ("/app-1.wasm", "application/wasm", "\0asm"),
        ("/app-1.js", "text/javascript", "export {}"),
        ("/style/app.css", "text/css", "a {}"),
    ] {
        let (head, found) = get(address, path).await;
        assert!(head.starts_with("http/1.1 200"), "{path} {head}");
        let expected = format!("content-type: {content_type}");
        assert!(head.contains(&expected), "{path} {head}");
        for header in [
            "x-content-type-options: nosniff",
            "referrer-policy: no-referrer",
            "content-security-policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval';",
            "frame-ancestors 'none'",
            "cache-control: no-cache",
        ] {
            assert!(head.contains(header), "{path} {head}");
        }
        assert_eq!(found, body.as_bytes(), "{path}");
    }
    for path in [
        "/nothing",
        "/../secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/style/../../secret.txt",
        "//etc/passwd",
        "/%00",
    ] {
        let (head, body) = get(address, path).await;
        assert!(head.starts_with("http/1.1 4"), "{path} {head}");
        assert!(!body.starts_with(b"not to be"), "{path}");
    }
    let mut client = Client::connect(&common::url(&server), &request("user"))
        .await
        .unwrap();
    client.call::<UserPing>(&()).await.unwrap();
    server.stop().await;
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_outside_of_the_folder_is_served() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    write(
        outside.path(),
        &[
            ("secret.txt", "secret"),
            ("secret.br", "secret"),
            ("index.html", "secret"),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let (page, out) = (folder.path(), outside.path());
    write(
        page,
        &[
            ("index.html", "page"),
            ("a.txt", "text"),
            ("languages/de.json", "{}"),
        ],
    );
    symlink(out.join("secret.txt"), page.join("link.txt")).unwrap();
    symlink(out, page.join("folder")).unwrap();
    symlink(out.join("secret.br"), page.join("a.txt.br")).unwrap();
    symlink(page.join("a.txt"), page.join("inside.txt")).unwrap();
    let server = start(&["--memory", "--static", page.to_str().unwrap()]).await;
    let address = server.addresses()[0];
    for path in [
        "/link.txt",
        "/link%2etxt",
        "/folder",
        "/folder/",
        "/folder/secret.txt",
        "/languages/../folder/secret.txt",
        "/a.txt",
        // To a browser, these would be other hosts, were it sent there with a slash at the end.
        "//languages",
        "//evil.example/%2e%2e/languages",
        "/\\languages",
    ] {
        let (head, body) = get(address, path).await;
        assert!(head.starts_with("http/1.1 404"), "{path}: {head}");
        assert!(!head.contains("\r\nlocation:"), "{path}: {head}");
        let text = String::from_utf8_lossy(&body);
        assert!(!text.contains("secret"), "{path}: {text}");
    }
    for (path, expected) in [
        ("/", "page"),
        ("/inside.txt", "text"),
        ("/languages/de.json", "{}"),
    ] {
        let (head, body) = get(address, path).await;
        assert!(head.starts_with("http/1.1 200"), "{path}: {head}");
        assert_eq!(body, expected.as_bytes(), "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn without_a_page_there_is_only_the_service() {
    let server = start(&["--memory"]).await;
    let (head, _) = get(server.addresses()[0], "/").await;
    let expected = if effusion_sandbox::page::IS_EMBEDDED {
        "http/1.1 200"
    } else {
        "http/1.1 404"
    };
    assert!(head.starts_with(expected), "{head}");
    let (head, body) = get(server.addresses()[0], "/health").await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("cache-control: no-store"), "{head}");
    assert_eq!(body, b"The service works.\n");
    // The service is for WebSocket.
    let (head, _) = get(server.addresses()[0], "/diffusion").await;
    assert!(head.starts_with("http/1.1 4"), "{head}");
    server.stop().await;
}

#[tokio::test]
async fn a_page_needs_an_index() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let error = common::try_start(&["--memory", "--static", path]).await;
    let text = error.unwrap_err().to_string();
    assert!(text.contains("index.html"), "{text}");
}

#[tokio::test]
async fn sessions_are_opened_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate_pem, key_pem) = (key.cert.pem(), key.signing_key.serialize_pem());
    write(
        folder.path(),
        &[("cert.pem", &certificate_pem), ("key.pem", &key_pem)],
    );
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, private) = (path("cert.pem"), path("key.pem"));
    let arguments = [
        "--memory",
        "--tls-cert",
        &certificate,
        "--tls-key",
        &private,
    ];
    let server = start(&arguments).await;
    assert!(common::url(&server).starts_with("wss://"));

    let mut roots = RootCertStore::empty();
    roots.add(key.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.addresses()[0]).await.unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect("localhost".try_into().unwrap(), stream)
        .await
        .unwrap();
    let url = format!("ws://localhost/diffusion?{}", request("user").to_query());
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
    let first = futures_util::StreamExt::next(&mut socket).await.unwrap();
    let response = effusion_protocol::ConnectResponse::decode(first.unwrap().into_data());
    assert!(response.unwrap().code.is_success());

    // Without TLS there is nothing to be had.
    let plain = common::url(&server).replace("wss://", "ws://");
    assert!(common::try_open(&plain).await.is_err());
    server.stop().await;
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let one = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    write(
        folder.path(),
        &[
            ("cert.pem", &one.cert.pem()),
            ("other-key.pem", &other.signing_key.serialize_pem()),
            ("empty.pem", ""),
        ],
    );
    for (certificate, key, word) in [
        ("none.pem", "other-key.pem", "none.pem"),
        ("empty.pem", "other-key.pem", "no certificate"),
        ("cert.pem", "empty.pem", "empty.pem"),
        ("cert.pem", "other-key.pem", "cannot be used"),
    ] {
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (certificate, key) = (path(certificate), path(key));
        let arguments = ["--memory", "--tls-cert", &certificate, "--tls-key", &key];
        let error = common::try_start(&arguments).await.unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
}
