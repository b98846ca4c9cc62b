//! The program as a user meets it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by a panic"
)]

mod common;

use std::process::Stdio;

use common::{Client, PATIENCE, request};
use effusion_protocol::body::call::{UpdateSystemAuthentication, UserPing};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::Command;

fn sandbox(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_effusion-sandbox"));
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn it_says_where_it_listens_and_nothing_that_is_secret() {
    let arguments = ["--memory", "--listen", "127.0.0.1:0", "--log", "trace"];
    let mut child = sandbox(&arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let url = line.strip_prefix("listening on ").unwrap();
    assert!(url.starts_with("ws://127.0.0.1:") && url.ends_with("/diffusion"));

    let mut registrar = Client::connect(url, &request("auth-handler"))
        .await
        .unwrap();
    let script = "add principal 'alice' 'Tr0ub4dor&3' ['CLIENT']".to_owned();
    let added = registrar.call::<UpdateSystemAuthentication>(&script).await;
    assert_eq!(added.unwrap(), []);
    let mut alice = request("alice");
    alice.credentials = effusion_protocol::Credentials::Password("Tr0ub4dor&3".to_owned());
    let mut client = Client::connect(url, &alice).await.unwrap();
    client.call::<UserPing>(&()).await.unwrap();
    let refused = Client::connect(url, &request("alice")).await;
    assert!(refused.is_err());
    assert!(
        common::try_open(&format!("{url}?v=x&{}", alice.to_query()))
            .await
            .is_ok()
    );

    let pid = child.id().unwrap().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status().await;
    assert!(killed.unwrap().success());
    let output = tokio::time::timeout(PATIENCE, child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert!(output.status.success(), "{:?}", output.status);
    let log = String::from_utf8(output.stderr).unwrap();
    assert!(log.contains("WARNING: the principals"), "{log}");
    assert!(
        log.contains("connected"),
        "there is something to look at: {log}"
    );
    let base64 = "VHIwdWI0ZG9yJjM";
    for secret in ["Tr0ub4dor", base64, "username=", "password=", "argon2id"] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_a_sentence() {
    for (arguments, sentence) in [
        (
            &["--memory", "--listen", "nowhere"][..],
            "cannot listen on nowhere",
        ),
        (
            &["--memory", "--listen", "0.0.0.0:0"],
            "can be reached by others",
        ),
        (
            &["--data", "/dev/null/data"],
            "the data folder /dev/null/data cannot be used",
        ),
        (&["--memory", "--static", "/dev/null"], "index.html"),
        (&["--listen", "127.0.0.1:0"], "--data"),
    ] {
        let mut child = sandbox(arguments).spawn().unwrap();
        let status = tokio::time::timeout(PATIENCE, child.wait()).await;
        let mut text = String::new();
        let mut stderr = child.stderr.take().unwrap();
        stderr.read_to_string(&mut text).await.unwrap();
        assert!(!status.unwrap().unwrap().success());
        assert!(text.contains(sentence), "{arguments:?}: {text}");
        assert!(!text.contains("panicked"), "{arguments:?}: {text}");
    }
}

/// Starts a sandbox and waits until it listens: the process, its address, and what it writes.
async fn listening(arguments: &[&str]) -> (tokio::process::Child, String) {
    let arguments = [&["--memory", "--listen", "127.0.0.1:0"], arguments].concat();
    let mut child = sandbox(&arguments).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().unwrap();
    let (_, address) = line.split_once("://").unwrap();
    (child, address.trim_end_matches("/diffusion").to_owned())
}

/// Whether a sandbox says that it works, and the words otherwise.
async fn health(arguments: &[&str]) -> Result<(), String> {
    let output = sandbox(&[&["health"], arguments].concat()).output().await;
    let output = output.unwrap();
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8(output.stderr).unwrap())
}

#[tokio::test]
async fn who_supervises_asks_for_health() {
    let (mut child, address) = listening(&[]).await;
    assert_eq!(health(&[&address]).await, Ok(()));
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = folder.path().join("cert.pem");
    std::fs::write(&file, made.cert.pem()).unwrap();
    let file = file.to_str().unwrap();
    let without_tls = health(&[&address, "--tls-cert", file]).await;
    assert!(without_tls.unwrap_err().contains("does not answer"));
    child.kill().await.unwrap();
    let stopped = health(&[&address]).await.unwrap_err();
    assert!(stopped.contains("does not answer"), "{stopped}");

    // Something else listens.
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap().to_string();
    let answers = async {
        let (mut stream, _) = other.accept().await.unwrap();
        let answer = b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n";
        let mut request = [0; 4];
        stream.read_exact(&mut request).await.unwrap();
        assert_eq!(&request, b"GET ");
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer)
            .await
            .unwrap();
        tokio::io::AsyncWriteExt::shutdown(&mut stream)
            .await
            .unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
    };
    let arguments = [address.as_str()];
    let (unwell, ()) = tokio::join!(health(&arguments), answers);
    assert!(unwell.unwrap_err().contains("404 Not Found"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_certificate_is_loaded_again_upon_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let make = |certificate: &str, key: &str| {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(certificate, made.cert.pem()).unwrap();
        std::fs::write(key, made.signing_key.serialize_pem()).unwrap();
    };
    let (certificate, key, old) = (path("cert.pem"), path("key.pem"), path("old.pem"));
    make(&certificate, &key);
    std::fs::copy(&certificate, &old).unwrap();
    let (child, address) = listening(&["--tls-cert", &certificate, "--tls-key", &key]).await;
    let shows = async |file: &str| health(&[&address, "--tls-cert", file]).await;
    assert_eq!(shows(&old).await, Ok(()));
    make(&certificate, &key);
    assert!(shows(&certificate).await.is_err());
    let pid = child.id().unwrap().to_string();
    let sent = Command::new("kill").args(["-HUP", &pid]).status().await;
    assert!(sent.unwrap().success());
    let renewed = async {
        while shows(&certificate).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PATIENCE, renewed).await.unwrap();
    assert!(shows(&old).await.is_err());
}
