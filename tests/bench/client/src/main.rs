//! What effusion-client does in a second: the counterpart of `sdk.mjs` and `sdk.py`, by the same rules.
//!
//! `client-bench TASK PORT COUNT` prints a line of JSON. It uses one thread, as the others do.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use effusion_client::{
    ConnectOptions, Session, StreamEvent, StreamOptions, TimeSeriesEvent, TopicSpecification,
    TopicType, ValueStream, property,
};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Requests that are on their way at a time.
const AT_ONCE: usize = 64;

#[derive(Serialize, Deserialize)]
struct Message {
    text: String,
    name: String,
    timestamp: u64,
}

impl Message {
    fn new(number: usize) -> Self {
        Self {
            text: format!(
                "message {number} of those that are sent here, about as long as people write in a chat"
            ),
            name: "Ann".to_owned(),
            timestamp: 1_700_000_000_000 + number as u64,
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [task, port, count] = arguments.as_slice() else {
        bail!("client-bench TASK PORT COUNT");
    };
    let address = format!("ws://127.0.0.1:{port}");
    let count: usize = count.parse()?;
    let result = match task.as_str() {
        "prepare-series" => prepare_series(&open(&address).await?, count).await?,
        "prepare-topics" => prepare_topics(&open(&address).await?, count).await?,
        "connect" => connect(&address, count).await?,
        "receive" => receive(&open(&address).await?, count).await?,
        "send" => send(&open(&address).await?, count).await?,
        "latency" => latency(&open(&address).await?, count).await?,
        "memory" => memory(&open(&address).await?, count).await?,
        other => bail!("there is no task `{other}`"),
    };
    println!("{result}");
    Ok(())
}

async fn open(address: &str) -> Result<Session> {
    // Nothing is to be dropped, however slow this is.
    let streams = StreamOptions::new()
        .max_events(usize::MAX)
        .max_bytes(usize::MAX);
    let options = ConnectOptions::new()
        .principal("control")
        .password("password");
    Ok(options.streams(streams).connect(address).await?)
}

/// A time series whose subscribers get all of these events.
async fn prepare_series(session: &Session, count: usize) -> Result<Value> {
    let limit = format!("limit {count}");
    let specification = TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, &limit)
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, &limit);
    session.topics().add("bench/series", specification).await?;
    let series = session.time_series();
    let appends = (0..count).map(|number| series.append("bench/series", &Message::new(number)));
    for outcome in futures_util::stream::iter(appends)
        .buffered(AT_ONCE)
        .collect::<Vec<_>>()
        .await
    {
        outcome?;
    }
    Ok(json!({}))
}

async fn prepare_topics(session: &Session, count: usize) -> Result<Value> {
    let adds = (0..count).map(|number| {
        let specification = TopicSpecification::new(TopicType::Json);
        let path = format!("bench/many/{number}");
        session
            .topic_update()
            .add_and_set(&path, specification, &json!({ "number": number }))
    });
    for outcome in futures_util::stream::iter(adds)
        .buffered(AT_ONCE)
        .collect::<Vec<_>>()
        .await
    {
        outcome?;
    }
    Ok(json!({}))
}

/// Opens sessions one after the other.
async fn connect(address: &str, count: usize) -> Result<Value> {
    let mut milliseconds = Vec::new();
    for _ in 0..count {
        let begin = Instant::now();
        let session = effusion_client::connect(address).await?;
        milliseconds.push(in_milliseconds(begin.elapsed()));
        session.close().await;
    }
    Ok(json!({ "milliseconds": milliseconds }))
}

/// Subscribes to a time series, and reads the text of every event.
async fn receive(session: &Session, count: usize) -> Result<Value> {
    let mut events = session.add_stream::<TimeSeriesEvent<Message>>(">bench/series")?;
    let (begin, cpu) = (Instant::now(), cpu()?);
    session.topics().select(">bench/series").await?;
    let mut letters = 0;
    for _ in 0..count {
        letters += value(&mut events).await?.value.text.len();
    }
    rate(count, begin, cpu, json!({ "letters": letters }))
}

/// Sets a topic, many times, with some requests on their way.
async fn send(session: &Session, count: usize) -> Result<Value> {
    let specification = TopicSpecification::new(TopicType::Json);
    session.topics().add("bench/sent", specification).await?;
    let (begin, cpu) = (Instant::now(), cpu()?);
    let mut under_way = FuturesUnordered::new();
    for number in 0..count {
        if under_way.len() == AT_ONCE {
            under_way.next().await.transpose()?;
        }
        let update = session.topic_update();
        under_way.push(update.set("bench/sent", &Message::new(number)));
    }
    while let Some(outcome) = under_way.next().await {
        outcome?;
    }
    rate(count, begin, cpu, json!({}))
}

/// From setting a topic to its new value, one after the other.
async fn latency(session: &Session, count: usize) -> Result<Value> {
    let specification = TopicSpecification::new(TopicType::Json);
    session.topics().add("bench/latency", specification).await?;
    let mut events = session.add_stream::<Message>(">bench/latency")?;
    session.topics().select(">bench/latency").await?;
    let mut milliseconds = Vec::new();
    for number in 0..count {
        let message = Message::new(number);
        let begin = Instant::now();
        let set = session.topic_update().set("bench/latency", &message);
        let seen = value(&mut events).await?;
        milliseconds.push(in_milliseconds(begin.elapsed()));
        ensure!(seen.text == message.text, "another value came");
        set.await?;
    }
    Ok(json!({ "milliseconds": milliseconds }))
}

/// Subscribes to many topics, and keeps the session.
async fn memory(session: &Session, count: usize) -> Result<Value> {
    let before = resident()?;
    let begin = Instant::now();
    let mut events = session.add_stream::<effusion_client::Json>("?bench/many/")?;
    session.topics().select("?bench/many/").await?;
    for _ in 0..count {
        value(&mut events).await?;
    }
    let seconds = begin.elapsed().as_secs_f64();
    Ok(json!({ "bytes": resident()?.saturating_sub(before), "seconds": seconds }))
}

/// The next value.
async fn value<T: effusion_client::StreamValue>(events: &mut ValueStream<T>) -> Result<T> {
    loop {
        match events.next().await.context("the session is closed")? {
            StreamEvent::Value { new, .. } => return Ok(new),
            StreamEvent::Subscribed { .. } => {}
            _ => bail!("something else than values came"),
        }
    }
}

fn rate(count: usize, begin: Instant, cpu_before: Duration, mut more: Value) -> Result<Value> {
    let seconds = begin.elapsed().as_secs_f64();
    more["rate"] = (count as f64 / seconds).into();
    let used = cpu()?.saturating_sub(cpu_before);
    more["cpu_us_each"] = (used.as_secs_f64() * 1e6 / count as f64).into();
    Ok(more)
}

fn in_milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// The processor time of this program's one thread.
fn cpu() -> Result<Duration> {
    let text = std::fs::read_to_string("/proc/self/schedstat")?;
    let nanoseconds = text.split_whitespace().next().context("no time")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

/// The bytes of memory that this program has.
fn resident() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.context("no memory")?.parse::<u64>()? * 1024)
}
