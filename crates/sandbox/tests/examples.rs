//! The client's examples, run against a sandbox.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]
#![allow(
    dead_code,
    reason = "the examples' own beginnings are for the terminal"
)]
#![allow(
    clippy::duplicate_mod,
    reason = "each example has what they have in common"
)]

mod common;

#[path = "../../client/examples/chat.rs"]
mod chat;
#[path = "../../client/examples/lesson1.rs"]
mod lesson1;
#[path = "../../client/examples/lesson2.rs"]
mod lesson2;
#[path = "../../client/examples/lesson3.rs"]
mod lesson3;
#[path = "../../client/examples/monitor.rs"]
mod monitor;

use effusion_chat::RoomName;
use effusion_client::{ConnectOptions, Session};
use effusion_sandbox::server::Server;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines, ReadHalf, WriteHalf};
use tokio::io::{DuplexStream, duplex, split};
use tokio::time::timeout;

async fn sandbox() -> (Server, String) {
    let server = common::start(&["--memory"]).await;
    let url = common::url(&server);
    (server, url)
}

async fn control(service: &str) -> Session {
    let options = ConnectOptions::new()
        .principal("control")
        .password("password");
    options.connect(service).await.unwrap()
}

#[tokio::test]
async fn lesson_1_a_message_is_heard_in_its_room() {
    let (_server, service) = sandbox().await;
    let heard = lesson1::run(&service, "tea", "hello").await.unwrap();
    assert_eq!(heard, "3:04:05 PM Ann: hello");
}

#[tokio::test]
async fn lesson_2_who_comes_later_is_told_what_was_said() {
    let (_server, service) = sandbox().await;
    let (told, found) = lesson2::run(&service, "library").await.unwrap();
    assert_eq!(told, ["first", "second", "third"]);
    assert_eq!(found, 2);
}

#[tokio::test]
async fn lesson_3_an_account_is_made_and_used() {
    let (_server, service) = sandbox().await;
    let roles = lesson3::run(&service, "ann", "sesame").await.unwrap();
    assert_eq!(roles, ["CLIENT"]);
    assert!(lesson3::run(&service, "ann", "sesame").await.is_err());
}

/// Somebody at a terminal.
struct Person {
    types: WriteHalf<DuplexStream>,
    sees: Lines<BufReader<ReadHalf<DuplexStream>>>,
    chat: tokio::task::JoinHandle<()>,
}

impl Person {
    async fn new(service: &str, name: &'static str) -> Self {
        let session = control(service).await;
        let (terminal, program) = duplex(4096);
        let (sees, types) = split(terminal);
        let (input, output) = split(program);
        let chat = tokio::spawn(async move {
            let room = RoomName::parse("library").unwrap();
            let input = BufReader::new(input);
            chat::run(session, &room, name, input, output)
                .await
                .unwrap();
        });
        Self {
            types,
            sees: BufReader::new(sees).lines(),
            chat,
        }
    }

    async fn says(&mut self, text: &str) {
        self.types.write_all(text.as_bytes()).await.unwrap();
    }

    async fn sees(&mut self, wanted: &str) {
        let line = timeout(common::PATIENCE, self.sees.next_line()).await;
        assert_eq!(line.unwrap().unwrap().as_deref(), Some(wanted));
    }
}

#[tokio::test]
async fn people_chat_from_terminals() {
    let (_server, service) = sandbox().await;
    let mut ann = Person::new(&service, "Ann").await;
    ann.says("hello\n").await;
    ann.sees("Ann: hello").await;
    let mut bob = Person::new(&service, "Bob").await;
    bob.sees("Ann: hello").await;
    bob.says("hi, Ann\n").await;
    ann.sees("Bob: hi, Ann").await;
    bob.sees("Bob: hi, Ann").await;
    for person in [ann, bob] {
        let Person { types, sees, chat } = person;
        // A terminal ends with both of its halves.
        drop((types, sees));
        timeout(common::PATIENCE, chat).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_monitor_prints_what_happens() {
    let (_server, service) = sandbox().await;
    lesson1::run(&service, "tea", "hello").await.unwrap();
    let session = control(&service).await;
    let text = effusion_client::TopicSpecification::new(effusion_client::TopicType::String);
    session
        .topic_update()
        .add_and_set("motd", text, "welcome")
        .await
        .unwrap();
    let mut printed = Vec::new();
    let watching = monitor::run(&session, "#>Chat/tea////>motd", 4, &mut printed);
    timeout(common::PATIENCE, watching).await.unwrap().unwrap();
    let printed = String::from_utf8(printed).unwrap();
    for line in [
        "+ Chat/tea (Json)",
        "+ motd (String)",
        "  motd = \"welcome\"",
    ] {
        assert!(printed.lines().any(|it| it == line), "{line}: {printed}");
    }
    let said = printed
        .lines()
        .find(|line| line.starts_with("  Chat/tea = {"));
    assert!(said.unwrap().contains(r#""text":"hello""#), "{printed}");
}
