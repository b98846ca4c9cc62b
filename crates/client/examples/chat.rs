//! A chat in the terminal, in the rooms of the page: what is typed is said, and what others say is printed.
//!
//! ```text
//! cargo run --example chat -- ws://localhost:8080 library Ann
//! ```

use std::error::Error;
use std::process::ExitCode;

use effusion_chat::{ChatMessage, HISTORY_LIMIT, RoomName, Timestamp};
use effusion_client::{
    ConnectOptions, Renew, Session, StreamEvent, TimeSeriesEvent, TopicSpecification, TopicType,
    property,
};
use futures_util::StreamExt as _;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWrite, AsyncWriteExt as _};

mod support;

/// Chats in a room with a history until the input ends.
pub async fn run(
    session: Session,
    room: &RoomName,
    name: &str,
    input: impl AsyncBufRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
) -> Result<(), Box<dyn Error>> {
    let path = room.topic_path();
    let history = TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, HISTORY_LIMIT)
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, HISTORY_LIMIT);
    session.topics().add(&path, history).await?;
    let mut events = session.add_stream_at::<TimeSeriesEvent<ChatMessage>>(&path)?;
    session.topics().select(&format!(">{path}")).await?;

    let mut lines = input.lines();
    loop {
        tokio::select! {
            line = lines.next_line() => {
                let Some(text) = line? else { break };
                let message = ChatMessage {
                    text,
                    name: name.to_owned(),
                    timestamp: Timestamp::Missing,
                    ..ChatMessage::default()
                };
                session.time_series().append(&path, &message).await?;
            }
            event = events.next() => match event {
                Some(StreamEvent::Value { new, .. }) => {
                    let said = format!("{}: {}\n", new.value.name, new.value.text);
                    output.write_all(said.as_bytes()).await?;
                    output.flush().await?;
                }
                Some(StreamEvent::Closed(reason)) => return Err(reason.into()),
                Some(_) => {}
                None => break,
            }
        }
    }
    session.close().await;
    Ok(())
}

#[tokio::main]
async fn main() -> ExitCode {
    support::exit(example().await)
}

async fn example() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let service = words.next().unwrap_or("ws://localhost:8080".into());
    let room = words.next().unwrap_or("library".into());
    let name = words.next().unwrap_or("Ann".into());
    let session = ConnectOptions::new()
        .principal("control")
        .password("password")
        .renew(Renew::WhenLost)
        .connect(service)
        .await?;
    let room = RoomName::parse(&room)?;
    let input = tokio::io::BufReader::new(tokio::io::stdin());
    run(session, &room, &name, input, tokio::io::stdout()).await
}
