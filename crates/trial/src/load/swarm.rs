//! Many sessions in rooms: each receives what is said in its room, one in each room also says something.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use futures_util::StreamExt as _;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, sleep_until, timeout};

use super::dialect::Dialect;
use super::histogram::Histogram;
use super::websocket::{Receiver, Sender, open};

/// Connections that are opened at a time.
const OPENING: usize = 50;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes that are read at a time.
const BUFFER: usize = 64 * 1024;
/// What comes before the time in a message: a sign that is in no protocol's own words.
const MARK: u8 = b'@';
/// Digits of the time.
const DIGITS: usize = 16;

/// What all sessions of a swarm share.
struct Shared {
    start: Instant,
    delivered: Cell<u64>,
    /// Sessions that have ended before they were to.
    ended: Cell<usize>,
    /// How long messages took, while it is measured.
    latencies: RefCell<Option<Histogram>>,
    buffer: RefCell<Vec<u8>>,
}

impl Shared {
    fn microseconds(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Counts what is in a message of the service. How many texts there are.
    fn take(&self, message: &[u8]) -> usize {
        let mut found = 0;
        let mut rest = message;
        while let Some(at) = rest.iter().position(|byte| *byte == MARK) {
            let (_, after) = rest.split_at(at + 1);
            rest = after;
            let Some((digits, after)) = after.split_first_chunk::<DIGITS>() else {
                break;
            };
            let Some(sent) = read_digits(digits) else {
                continue;
            };
            rest = after;
            found += 1;
            if let Some(latencies) = self.latencies.borrow_mut().as_mut() {
                latencies.add(self.microseconds().saturating_sub(sent));
            }
        }
        self.delivered.set(self.delivered.get() + found as u64);
        found
    }
}

fn read_digits(digits: &[u8; DIGITS]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(number * 10 + digit)
    })
}

/// A text of this length, with the time in it.
fn text(microseconds: u64, length: usize) -> String {
    let mut text = format!("@{microseconds:016} ");
    while text.len() < length {
        text.push_str("the quick brown fox jumps over the lazy dog ");
    }
    text.truncate(length.max(DIGITS + 2));
    text
}

/// One that says something in a room.
struct Publisher {
    room: usize,
    sender: Sender,
    /// Counts what it receives of its own room, so that it can wait for what it has said.
    heard: Rc<Semaphore>,
}

/// Open sessions.
pub struct Swarm {
    dialect: Dialect,
    shared: Rc<Shared>,
    publishers: Vec<Publisher>,
    tasks: Vec<JoinHandle<()>>,
    length: usize,
}

/// How many there are of what.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub sessions: usize,
    pub rooms: usize,
    /// Characters in a message.
    pub length: usize,
}

/// What came of a measurement.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// Messages that sessions received, in a second.
    pub delivered: f64,
    pub latencies: Histogram,
    pub ended: usize,
}

impl Swarm {
    /// Opens all sessions. Must be called in a `LocalSet`.
    pub async fn open(dialect: Dialect, address: SocketAddr, size: Size) -> Result<Self> {
        let shared = Rc::new(Shared {
            start: Instant::now(),
            delivered: Cell::new(0),
            ended: Cell::new(0),
            latencies: RefCell::new(None),
            buffer: RefCell::new(vec![0; BUFFER]),
        });
        let mut swarm = Self {
            dialect,
            shared,
            publishers: Vec::new(),
            tasks: Vec::new(),
            length: size.length,
        };
        let rooms = size.rooms.max(1);
        let mut opening = futures_util::stream::iter(0..size.sessions)
            .map(|number| async move {
                // The first session of each room is the one that speaks.
                let (room, publishes) = (number % rooms, number < rooms);
                let opened = timeout(PATIENCE, one(dialect, address, number, room, publishes));
                let opened = opened.await.context("a session took too long to open")?;
                Ok::<_, anyhow::Error>((room, publishes, opened?))
            })
            .buffer_unordered(OPENING);
        while let Some(opened) = opening.next().await {
            let (room, publishes, (sender, receiver)) = opened?;
            let heard = publishes.then(|| Rc::new(Semaphore::new(0)));
            let task = listen(
                dialect,
                Rc::clone(&swarm.shared),
                sender.clone(),
                receiver,
                heard.clone(),
            );
            swarm.tasks.push(tokio::task::spawn_local(task));
            if let Some(heard) = heard {
                swarm.publishers.push(Publisher {
                    room,
                    sender,
                    heard,
                });
            }
        }
        Ok(swarm)
    }

    /// Says so many messages a second, over all rooms, for so long.
    pub async fn at_rate(&self, rate: f64, length: Duration) -> Result<Measured> {
        let period = self.publishers.len() as f64 / rate;
        let speak = |publisher: &Publisher, index: usize| {
            let (room, sender) = (publisher.room, publisher.sender.clone());
            // Not all at the same moment.
            let first = period * index as f64 / self.publishers.len() as f64;
            let shared = Rc::clone(&self.shared);
            let (dialect, text_length) = (self.dialect, self.length);
            async move {
                let begin = Instant::now() + Duration::from_secs_f64(first);
                for number in 0_u64.. {
                    // What is late counts from when it was due.
                    let due = begin + Duration::from_secs_f64(period * number as f64);
                    sleep_until(due.into()).await;
                    let at = due.saturating_duration_since(shared.start).as_micros();
                    let text = text(u64::try_from(at)?, text_length);
                    let (kind, bytes) = dialect.publication(room, number, &text)?;
                    sender.send(kind, &bytes).await?;
                }
                Ok(())
            }
        };
        self.measure(length, speak).await
    }

    /// Each publisher says the next message as soon as all but `window` of those before came back, for so long.
    pub async fn at_once(&self, window: usize, length: Duration) -> Result<Measured> {
        let speak = |publisher: &Publisher, _: usize| {
            let (room, sender) = (publisher.room, publisher.sender.clone());
            let heard = Rc::clone(&publisher.heard);
            let shared = Rc::clone(&self.shared);
            let (dialect, text_length) = (self.dialect, self.length);
            // What came back before does not count.
            heard.forget_permits(heard.available_permits());
            heard.add_permits(window);
            async move {
                for number in 0_u64.. {
                    heard.acquire().await?.forget();
                    let text = text(shared.microseconds(), text_length);
                    let (kind, bytes) = dialect.publication(room, number, &text)?;
                    sender.send(kind, &bytes).await?;
                }
                Ok(())
            }
        };
        self.measure(length, speak).await
    }

    /// Lets every publisher speak, and counts what comes between a while after the beginning and the end.
    async fn measure<F: Future<Output = Result<()>> + 'static>(
        &self,
        length: Duration,
        speak: impl Fn(&Publisher, usize) -> F,
    ) -> Result<Measured> {
        let speaking: Vec<_> = self
            .publishers
            .iter()
            .enumerate()
            .map(|(index, publisher)| tokio::task::spawn_local(speak(publisher, index)))
            .collect();
        sleep(length / 4).await;
        let begin = Instant::now();
        let before = self.shared.delivered.get();
        self.shared.latencies.replace(Some(Histogram::default()));
        sleep(length).await;
        let seconds = begin.elapsed().as_secs_f64();
        let delivered = self.shared.delivered.get() - before;
        let latencies = self.shared.latencies.take().unwrap_or_default();
        for task in speaking {
            if task.is_finished() {
                // It ends only by an error.
                task.await??;
                bail!("a publisher has stopped");
            }
            task.abort();
        }
        // What is still on its way belongs to no other measurement.
        sleep(Duration::from_millis(500)).await;
        Ok(Measured {
            delivered: delivered as f64 / seconds,
            latencies,
            ended: self.shared.ended.get(),
        })
    }

    /// Sessions that have ended, though nobody asked them to.
    pub fn ended(&self) -> usize {
        self.shared.ended.get()
    }

    /// Drops all connections.
    pub async fn close(self) {
        for task in &self.tasks {
            task.abort();
        }
        for task in self.tasks {
            // It was aborted.
            let _ = task.await;
        }
    }
}

async fn one(
    dialect: Dialect,
    address: SocketAddr,
    number: usize,
    room: usize,
    publishes: bool,
) -> Result<(Sender, Receiver)> {
    let (target, protocol) = dialect.target(room, publishes);
    let (sender, mut receiver) = open(address, number, &target, protocol).await?;
    let buffer = RefCell::new(vec![0; 4096]);
    dialect
        .join(&sender, &mut receiver, &buffer, room, number)
        .await?;
    Ok((sender, receiver))
}

/// Receives until the connection ends.
async fn listen(
    dialect: Dialect,
    shared: Rc<Shared>,
    sender: Sender,
    mut receiver: Receiver,
    heard: Option<Rc<Semaphore>>,
) {
    let mut answers = Vec::new();
    loop {
        let received = receiver
            .receive(&shared.buffer, |message| {
                let found = shared.take(message);
                if found > 0 {
                    if let Some(heard) = &heard {
                        heard.add_permits(found);
                    }
                } else if let Some(answer) = dialect.answer(message) {
                    answers.push(answer);
                }
            })
            .await;
        for (kind, bytes) in answers.drain(..) {
            if sender.send(kind, &bytes).await.is_err() {
                break;
            }
        }
        if !matches!(received, Ok(true)) {
            break;
        }
    }
    shared.ended.set(shared.ended.get() + 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_in_whatever_is_around_them() {
        let shared = Shared {
            start: Instant::now(),
            delivered: Cell::new(0),
            ended: Cell::new(0),
            latencies: RefCell::new(Some(Histogram::default())),
            buffer: RefCell::default(),
        };
        let text = text(42, 100);
        assert_eq!(text.len(), 100);
        let message = format!("42[\"m\",\"{text}\"] @ @12 {text}");
        assert_eq!(shared.take(message.as_bytes()), 2);
        assert_eq!(shared.take(b"@000"), 0);
        assert_eq!(shared.delivered.get(), 2);
        let latencies = shared.latencies.take().unwrap();
        assert!(latencies.permille(1000).is_some());
    }
}
