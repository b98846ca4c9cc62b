//! The sandbox killed in the middle of traffic, and started again.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by a panic"
)]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{Client, Failure, Random, request, time_series};
use effusion_protocol::body::call::{RangeQuery, TimeSeriesAppend};
use effusion_protocol::time_series::{EventMetadata, RangeQueryRequest};
use effusion_protocol::{ErrorReason, ProtocolVersion, decode};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const PATH: &str = "Chat/history";
const ROUNDS: u64 = 6;
const WRITERS: u64 = 4;
/// Appends of one writer that wait for their answer at a time.
const WINDOW: usize = 16;

struct Sandbox {
    child: Child,
    url: String,
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_effusion-sandbox");

impl Sandbox {
    async fn start(data: &Path) -> Self {
        Self::start_by(Command::new(PROGRAM), data).await
    }

    async fn start_by(mut command: Command, data: &Path) -> Self {
        let mut child = command
            .args(["--listen", "127.0.0.1:0", "--log", "warn", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = tokio::time::timeout(common::PATIENCE, lines.next_line())
            .await
            .unwrap()
            .unwrap()
            .expect("it says where it listens");
        let url = line.strip_prefix("listening on ").unwrap().to_owned();
        Self { child, url }
    }
}

/// What a writer was told: sequence of each value that was acknowledged.
type Acknowledged = BTreeMap<u64, Bytes>;

/// Appends until the service is gone. Each value says who wrote it and as which of theirs.
async fn write(
    mut client: Client,
    round: u64,
    writer: u64,
    acknowledged: Arc<AtomicU64>,
) -> Acknowledged {
    let mut told = Acknowledged::new();
    let mut waiting = BTreeMap::new();
    for number in 0_u64.. {
        let value = Bytes::from(format!("{round}/{writer}/{number}"));
        let append = common::append_request(PATH, value.clone());
        match client.send::<TimeSeriesAppend>(&append).await {
            Ok(conversation) => waiting.insert(conversation, value),
            Err(_) => break,
        };
        while waiting.len() >= WINDOW {
            match client.answer().await {
                Ok((conversation, answer)) => {
                    let metadata: EventMetadata =
                        decode(answer.unwrap(), ProtocolVersion::NEWEST).unwrap();
                    let value = waiting.remove(&conversation).unwrap();
                    assert_eq!(told.insert(metadata.sequence, value), None);
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                Err(Failure::Closed(_)) => return told,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    told
}

/// All that is in the time series.
async fn read(url: &str) -> BTreeMap<u64, Bytes> {
    let mut client = Client::connect(url, &request("client")).await.unwrap();
    let query = RangeQueryRequest::new(PATH);
    let answer = client.call::<RangeQuery>(&query).await.unwrap();
    assert_eq!(answer.selected as usize, answer.events.len());
    let mut found = BTreeMap::new();
    for event in answer.events {
        let last = found.last_key_value().map(|(sequence, _)| *sequence);
        assert!(last < Some(event.metadata.sequence), "in order");
        found.insert(event.metadata.sequence, event.value);
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_once_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = Acknowledged::new();
    let start = Instant::now();
    let mut sandbox = Sandbox::start(folder.path()).await;
    let mut client = Client::connect(&sandbox.url, &request("user"))
        .await
        .unwrap();
    client.add_topic(PATH, time_series(90_000)).await.unwrap();
    drop(client);
    for round in 0..ROUNDS {
        let mut random = Random::new(round);
        let count = Arc::new(AtomicU64::new(0));
        let mut writers = Vec::new();
        for _ in 0..WRITERS {
            let client = Client::connect(&sandbox.url, &request("user")).await;
            writers.push(client.unwrap());
        }
        let writers: Vec<_> = (0..)
            .zip(writers)
            .map(|(writer, client)| tokio::spawn(write(client, round, writer, Arc::clone(&count))))
            .collect();
        // In the middle of traffic: after some acknowledgements, and then at a moment that nobody chose.
        let enough = 20 + random.below(200);
        while count.load(Ordering::Relaxed) < enough {
            assert!(start.elapsed() < Duration::from_secs(60), "no progress");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(random.below(20_000))).await;
        sandbox.child.start_kill().unwrap();
        sandbox.child.wait().await.unwrap();
        for writer in writers {
            for (sequence, value) in writer.await.unwrap() {
                let twice = acknowledged.insert(sequence, value);
                assert_eq!(twice, None, "sequence {sequence} was given twice");
            }
        }

        sandbox = Sandbox::start(folder.path()).await;
        let found = read(&sandbox.url).await;
        for (sequence, value) in &acknowledged {
            assert_eq!(
                found.get(sequence),
                Some(value),
                "round {round}: event {sequence} was acknowledged"
            );
        }
        // What was not acknowledged may be there, but nothing is there twice, and a writer's own come in order.
        let mut last = BTreeMap::new();
        for value in found.values() {
            let text = std::str::from_utf8(value).unwrap();
            let (writer, number) = text.rsplit_once('/').unwrap();
            let number: u64 = number.parse().unwrap();
            let before = last.insert(writer.to_owned(), number);
            assert!(before < Some(number), "{text} after {before:?}");
        }
        let sequences: Vec<_> = found.keys().copied().collect();
        let contiguous: Vec<_> = (0..sequences.len() as u64).collect();
        assert_eq!(sequences, contiguous, "no sequence is missing");
    }
    println!(
        "{ROUNDS} kills, {} events acknowledged, none lost, {:?}",
        acknowledged.len(),
        start.elapsed()
    );
}

#[tokio::test]
async fn a_first_start_that_was_killed_is_followed_by_one_that_works() {
    for milliseconds in [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(PROGRAM)
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        child.kill().await.unwrap();
        let sandbox = Sandbox::start(folder.path()).await;
        assert!(
            Client::connect(&sandbox.url, &request("admin"))
                .await
                .is_ok()
        );
    }
}

async fn backup(data: &Path, file: &Path) -> std::process::Output {
    let mut command = Command::new(PROGRAM);
    command.arg("backup").arg(file).arg("--data").arg(data);
    command.output().await.unwrap()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_of_a_sandbox_under_load_can_be_opened_and_have_what_was_acknowledged() {
    let (folder, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let sandbox = Sandbox::start(folder.path()).await;
    let mut client = Client::connect(&sandbox.url, &request("user"))
        .await
        .unwrap();
    client.add_topic(PATH, time_series(90_000)).await.unwrap();
    let count = Arc::new(AtomicU64::new(0));
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let client = Client::connect(&sandbox.url, &request("user"))
            .await
            .unwrap();
        writers.push(tokio::spawn(write(client, 0, writer, Arc::clone(&count))));
    }
    let mut made = Vec::new();
    for number in 0..10 {
        let before = count.load(Ordering::Relaxed);
        while count.load(Ordering::Relaxed) < before + 20 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let acknowledged = count.load(Ordering::Relaxed);
        let copy = copies.path().join(number.to_string());
        std::fs::create_dir(&copy).unwrap();
        let output = backup(folder.path(), &copy.join("sandbox.redb")).await;
        assert!(output.status.success(), "{output:?}");
        made.push((copy, acknowledged));
    }
    let (copy, _) = &made[0];
    let again = backup(folder.path(), &copy.join("sandbox.redb")).await;
    let message = String::from_utf8(again.stderr).unwrap();
    assert!(message.contains("exists already"), "{message}");
    drop(sandbox);
    let mut told = Acknowledged::new();
    for writer in writers {
        told.extend(writer.await.unwrap());
    }
    for (copy, acknowledged) in made {
        let restored = Sandbox::start(&copy).await;
        let found = read(&restored.url).await;
        assert!(found.len() as u64 >= acknowledged, "{}", found.len());
        // The first ones, and no others.
        assert!(
            (0..)
                .zip(&found)
                .all(|(number, (sequence, _))| number == *sequence)
        );
        assert!(
            told.iter().all(|(sequence, value)| {
                found.get(sequence).is_none_or(|copied| copied == value)
            })
        );
    }
    // With no sandbox there, the command makes the copy itself.
    let last = copies.path().join("last");
    assert!(backup(folder.path(), &last).await.status.success());
    assert!(last.is_file());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_refuses_a_topic_as_the_sdks_expect_and_the_service_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = Command::new("sh");
    // A file that may not grow is to be an error, and not the end of the process.
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", PROGRAM]);
    let sandbox = Sandbox::start_by(shell, folder.path()).await;
    let mut client = Client::connect(&sandbox.url, &request("user"))
        .await
        .unwrap();
    let id = i32::try_from(sandbox.child.id().unwrap()).unwrap();
    let limit_files = |bytes: u64| {
        let limit = Some((bytes, rlimit::INFINITY));
        rlimit::prlimit(id, rlimit::Resource::FSIZE, limit, None).unwrap();
    };
    client.add_topic(PATH, time_series(90_000)).await.unwrap();
    let size = std::fs::metadata(folder.path().join("sandbox.redb")).unwrap();
    limit_files(size.len());
    let value = Bytes::from(vec![0x30; 500_000]);
    let mut refused = None;
    for _ in 0..100 {
        let append = common::append_request(PATH, value.clone());
        if let Err(Failure::Error(report)) = client.call::<TimeSeriesAppend>(&append).await {
            refused = Some(report.reason);
            break;
        }
    }
    assert_eq!(refused, Some(ErrorReason::CommunicationFailure));
    let mut full = None;
    for number in 0..1_000 {
        let path = format!("{number}{}", "/a long path".repeat(300));
        if let Err(Failure::Error(report)) = client.add_topic(&path, time_series(1)).await {
            full = Some(report.reason);
            break;
        }
    }
    assert_eq!(full, Some(ErrorReason::UnexpectedTopicError));
    limit_files(rlimit::INFINITY);
    let append = common::append_request(PATH, value);
    client.call::<TimeSeriesAppend>(&append).await.unwrap();
    client.add_topic("b", time_series(1)).await.unwrap();
}
