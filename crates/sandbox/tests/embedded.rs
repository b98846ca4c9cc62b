//! The page that is built in, file by file.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by a panic"
)]

mod common;

use std::path::{Path, PathBuf};

use common::{Client, request, start};
use effusion_protocol::body::call::UserPing;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What was built in.
const PAGE: &str = env!("EFFUSION_PAGE");

async fn get(address: std::net::SocketAddr, path: &str) -> (Vec<String>, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let head = String::from_utf8(answer[..end.unwrap()].to_vec()).unwrap();
    // One knows the seconds of a change, the other its nanoseconds.
    let differs = ["date: ", "etag: "];
    let head = head.lines().map(str::to_lowercase);
    let head = head.filter(|line| !differs.iter().any(|start| line.starts_with(start)));
    (head.collect(), answer[end.unwrap() + 4..].to_vec())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[tokio::test]
async fn every_file_is_served_as_from_a_folder() {
    let built_in = start(&["--memory"]).await;
    let folder = start(&["--memory", "--static", PAGE]).await;
    let mut paths = vec!["/".to_owned(), "/nothing".to_owned()];
    paths.extend(files(Path::new(PAGE)).iter().map(|file| {
        let file = file.strip_prefix(PAGE).unwrap();
        format!("/{}", file.to_str().unwrap())
    }));
    assert!(
        paths.iter().any(|path| path.ends_with("_bg.wasm")),
        "{paths:?}"
    );
    for path in paths {
        let one = get(built_in.addresses()[0], &path).await;
        let other = get(folder.addresses()[0], &path).await;
        assert!(one == other, "{path}: {:?} {:?}", one.0, other.0);
    }
    let mut client = Client::connect(&common::url(&built_in), &request("user"))
        .await
        .unwrap();
    client.call::<UserPing>(&()).await.unwrap();
    built_in.stop().await;
    folder.stop().await;
}
