//! Lesson 1: a room is a JSON topic, and who is subscribed to it sees what is said while there.
//!
//! ```text
//! cargo run --example lesson1 -- ws://localhost:8080 tea "hello, everybody"
//! ```

use std::error::Error;
use std::process::ExitCode;

use effusion_client::{ConnectOptions, StreamEvent, TopicSpecification, TopicType};
use futures_util::StreamExt as _;
use serde::{Deserialize, Serialize};

mod support;

/// A message as the tutorial's pages write it.
#[derive(Serialize, Deserialize)]
struct ChatMessage {
    text: String,
    name: String,
    timestamp: String,
}

/// Says something in a room, and returns what was heard there.
pub async fn run(service: &str, room: &str, text: &str) -> Result<String, Box<dyn Error>> {
    let options = ConnectOptions::new()
        .principal("control")
        .password("password");
    let session = options.connect(service).await?;
    let path = format!("Chat/{room}");
    session
        .topics()
        .add(&path, TopicSpecification::new(TopicType::Json))
        .await?;

    let mut messages = session.add_stream_at::<ChatMessage>(&path)?;
    session.topics().select(&format!(">{path}")).await?;
    let message = ChatMessage {
        text: text.to_owned(),
        name: "Ann".to_owned(),
        timestamp: "3:04:05 PM".to_owned(),
    };
    session.topic_update().set(&path, &message).await?;

    while let Some(event) = messages.next().await {
        if let StreamEvent::Value { new, .. } = event
            && new.text == text
        {
            session.close().await;
            return Ok(format!("{} {}: {}", new.timestamp, new.name, new.text));
        }
    }
    Err("the session was closed".into())
}

#[tokio::main]
async fn main() -> ExitCode {
    support::exit(example().await)
}

async fn example() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let service = words.next().unwrap_or("ws://localhost:8080".into());
    let room = words.next().unwrap_or("tea".into());
    let text = words.next().unwrap_or("hello, everybody".into());
    println!("{}", run(&service, &room, &text).await?);
    Ok(())
}
