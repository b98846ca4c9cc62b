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
