//! Prints what happens to the topics that a selector names, whatever they hold.
//!
//! ```text
//! cargo run --example monitor -- ws://localhost:8080 '?.*//'
//! ```

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use effusion_client::{
    Bytes, ConnectOptions, Json, Session, StreamEvent, StreamValue, TopicSpecification, TopicType,
    ValueError,
};
use futures_util::StreamExt as _;

mod support;

/// A value as text.
struct Shown(String);

impl StreamValue for Shown {
    fn reads(_: &TopicSpecification) -> bool {
        true
    }

    fn read(bytes: Bytes, topic: TopicType) -> Result<Self, ValueError> {
        Ok(Self(match topic {
            TopicType::Binary | TopicType::RecordV2 => format!("{} bytes", bytes.len()),
            _ => Json::read(bytes, topic)?.to_text()?,
        }))
    }
}

/// Prints until the session is closed, or so many lines.
pub async fn run(
    session: &Session,
    selector: &str,
    lines: usize,
    mut output: impl Write,
) -> Result<(), Box<dyn Error>> {
    let mut events = session.add_stream::<Shown>(selector)?;
    session.topics().select(selector).await?;
    let mut left = lines;
    while left > 0
        && let Some(event) = events.next().await
    {
        match event {
            StreamEvent::Subscribed { topic } => {
                writeln!(
                    output,
                    "+ {} ({:?})",
                    topic.path, topic.specification.topic_type
                )?;
            }
            StreamEvent::Value { topic, new, .. } => {
                writeln!(output, "  {} = {}", topic.path, new.0)?;
            }
            StreamEvent::Unsubscribed { topic, .. } => writeln!(output, "- {}", topic.path)?,
            StreamEvent::Unreadable { topic, error } => {
                writeln!(output, "? {}: {error}", topic.path)?;
            }
            StreamEvent::Missed { events } => writeln!(output, "… {events} events missed")?,
            StreamEvent::Closed(reason) => return Err(reason.into()),
            other => writeln!(output, "{other:?}")?,
        }
        left -= 1;
    }
    Ok(())
}

impl core::fmt::Debug for Shown {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.0)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    support::exit(example().await)
}

async fn example() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let service = words.next().unwrap_or("ws://localhost:8080".into());
    let selector = words.next().unwrap_or("?.*//".into());
    let session = ConnectOptions::new()
        .principal("control")
        .password("password")
        .connect(service)
        .await?;
    run(&session, &selector, usize::MAX, std::io::stdout()).await
}
