//! Lesson 2: a room with a history is a time series, and who comes later is told what was said before.
//!
//! ```text
//! cargo run --example lesson2 -- ws://localhost:8080 library
//! ```

use std::error::Error;
use std::process::ExitCode;

use effusion_client::{
    ConnectOptions, RangeAnchor, StreamEvent, TimeSeriesEvent, TopicSpecification, TopicType,
    property,
};
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

/// Says some things in a room; somebody else comes later. Returns what that one is told, and what a query finds.
pub async fn run(service: &str, room: &str) -> Result<(Vec<String>, u64), Box<dyn Error>> {
    const SAID: [&str; 3] = ["first", "second", "third"];
    let options = ConnectOptions::new()
        .principal("control")
        .password("password");
    let writer = options.clone().connect(service).await?;
    let path = format!("Chat/{room}");
    let history = TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, "limit 100")
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, "limit 100");
    writer.topics().add(&path, history).await?;
    for text in SAID {
        let message = ChatMessage {
            text: text.to_owned(),
            name: "Ann".to_owned(),
            timestamp: "3:04:05 PM".to_owned(),
        };
        let event = writer.time_series().append(&path, &message).await?;
        println!("event {} by {}", event.sequence, event.author);
    }

    let reader = options.connect(service).await?;
    let mut events = reader.add_stream_at::<TimeSeriesEvent<ChatMessage>>(&path)?;
    reader.topics().select(&format!(">{path}")).await?;
    let mut told = Vec::new();
    while told.len() < SAID.len()
        && let Some(event) = events.next().await
    {
        if let StreamEvent::Value { new, .. } = event {
            told.push(new.value.text);
        }
    }
    let newest = reader
        .time_series()
        .range_query()
        .from(RangeAnchor::Last(2))
        .select_from::<ChatMessage>(&path)
        .await?;
    reader.close().await;
    writer.close().await;
    Ok((told, newest.selected))
}

#[tokio::main]
async fn main() -> ExitCode {
    support::exit(example().await)
}

async fn example() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let service = words.next().unwrap_or("ws://localhost:8080".into());
    let room = words.next().unwrap_or("library".into());
    let (told, found) = run(&service, &room).await?;
    println!("who came later was told: {}", told.join(", "));
    println!("a query for the newest two found {found}");
    Ok(())
}
