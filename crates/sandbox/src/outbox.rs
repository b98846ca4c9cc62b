//! What waits to be written to one connection: bounded in messages and in bytes.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use effusion_broker::ConnectionEnd;
use tokio::sync::Notify;

/// How much may wait for one connection.
#[derive(Clone, Copy, Debug)]
pub struct OutboxLimits {
    /// Messages.
    pub messages: usize,
    /// Bytes in all of them.
    pub bytes: usize,
}

/// Between the task that owns the broker, which never waits for a connection, and the task of one connection, which
/// writes as fast as its client reads.
#[derive(Debug)]
pub struct Outbox {
    limits: OutboxLimits,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Bytes>,
    /// Bytes in `messages` and in the batch that is being written.
    bytes: usize,
    /// Messages and bytes of the batch that is being written.
    writing: (usize, usize),
    /// Bytes of the largest message that is above the limit by itself, while more waits than the limit.
    spared: usize,
    end: Option<End>,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// What waits is written first, then the connection is closed.
    Flushed(EndCause),
    /// The connection is closed at once; what waits is dropped.
    Now(EndCause),
}

/// Why the service ends a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndCause {
    /// The connection's own task gave it up, and the broker has had its last word.
    Closed,
    /// The broker is done with it.
    Ended(ConnectionEnd),
    /// The client read too slowly.
    TooSlow,
    /// The service stops.
    Stopping,
}

/// More waits for the connection than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow {
    /// Messages that waited.
    pub messages: usize,
    /// Bytes that waited.
    pub bytes: usize,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is the only one that waits: the connection's task is to be woken.
    First,
    /// It goes with those before it, or is dropped because the connection ends.
    Behind,
}

/// What the connection's task is to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Work {
    /// Write what is in the batch.
    Write,
    /// Close the connection.
    End(EndCause),
}

/// Bytes in one batch, about: enough to fill a few packets, little enough that a queue is not doubled.
const BATCH_BYTES: usize = 64 * 1024;
/// Messages for which a batch keeps its room: thousands of connections may be idle.
const IDLE_ROOM: usize = 16;

/// Messages that are being written, and the room for the next ones: it changes places with what waits.
#[derive(Debug, Default)]
pub struct Batch(VecDeque<Bytes>);

impl Batch {
    /// Takes the next message out.
    pub fn pop(&mut self) -> Option<Bytes> {
        let message = self.0.pop_front();
        if self.0.is_empty() && self.0.capacity() > IDLE_ROOM {
            self.0 = VecDeque::new();
        }
        message
    }
}

impl Outbox {
    /// An empty one.
    #[must_use]
    pub fn new(limits: OutboxLimits) -> Self {
        Self {
            limits,
            state: Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// Adds a message for the client. After the end, it is dropped.
    ///
    /// # Errors
    /// If the client is too slow: the connection then ends, and all that waits is dropped.
    pub fn push(&self, message: Bytes) -> Result<Pushed, Overflow> {
        let mut state = self.lock();
        if state.end.is_some() {
            return Ok(Pushed::Behind);
        }
        let messages = state.messages.len() + state.writing.0 + 1;
        let bytes = state.bytes + message.len();
        // One message may be larger than the limit, such as the answer to a query for a whole series: it has to get through,
        // with what goes before and after it.
        if state.bytes <= self.limits.bytes {
            state.spared = 0;
        }
        if message.len() > self.limits.bytes {
            state.spared = state.spared.max(message.len());
        }
        let is_too_much = bytes.saturating_sub(state.spared) > self.limits.bytes;
        if messages > self.limits.messages || is_too_much {
            state.end = Some(End::Now(EndCause::TooSlow));
            state.bytes = state.writing.1;
            state.messages = VecDeque::new();
            drop(state);
            self.changed.notify_one();
            return Err(Overflow { messages, bytes });
        }
        state.bytes = bytes;
        state.messages.push_back(message);
        Ok(if state.messages.len() == 1 {
            Pushed::First
        } else {
            Pushed::Behind
        })
    }

    /// Tells the connection's task that something waits: to be called some time after the first message was added.
    pub fn wake(&self) {
        self.changed.notify_one();
    }

    /// Ends the connection, unless it ends already. An end at once overtakes one that waits for the client.
    pub fn end(&self, end: End) {
        let mut state = self.lock();
        match (state.end, end) {
            (None | Some(End::Flushed(_)), End::Now(_)) => {
                state.messages = VecDeque::new();
                state.end = Some(end);
            }
            (None, End::Flushed(_)) => state.end = Some(end),
            _ => return,
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Waits for work. What is put into the batch counts as waiting until [`Self::written`] is called.
    pub async fn work(&self, batch: &mut Batch) -> Work {
        loop {
            if let Some(work) = self.try_work(batch) {
                return work;
            }
            self.changed.notified().await;
        }
    }

    /// Waits until the connection is to end at once, whatever still waits: to run beside a write that is stuck.
    pub async fn ended_now(&self) -> EndCause {
        loop {
            if let Some(End::Now(cause)) = self.lock().end {
                return cause;
            }
            self.changed.notified().await;
        }
    }

    /// The batch that [`Self::work`] gave has been written.
    pub fn written(&self) {
        let mut state = self.lock();
        state.bytes = state.bytes.saturating_sub(state.writing.1);
        state.writing = (0, 0);
    }

    fn try_work(&self, batch: &mut Batch) -> Option<Work> {
        let mut state = self.lock();
        if let Some(End::Now(cause)) = state.end {
            return Some(Work::End(cause));
        }
        if state.messages.is_empty() {
            return match state.end {
                Some(End::Flushed(cause)) => Some(Work::End(cause)),
                _ => None,
            };
        }
        // Nothing is being written: all of these bytes wait.
        if state.bytes <= BATCH_BYTES {
            batch.0.clear();
            std::mem::swap(&mut batch.0, &mut state.messages);
            state.writing = (batch.0.len(), state.bytes);
        } else {
            let mut bytes = 0;
            while bytes < BATCH_BYTES
                && let Some(message) = state.messages.pop_front()
            {
                bytes += message.len();
                batch.0.push_back(message);
            }
            state.writing = (batch.0.len(), bytes);
        }
        Some(Work::Write)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(messages: usize, bytes: usize) -> Outbox {
        Outbox::new(OutboxLimits { messages, bytes })
    }

    /// What the outbox gives next, and the messages in it.
    async fn work(outbox: &Outbox) -> (Work, Vec<Bytes>) {
        let mut batch = Batch::default();
        let work = outbox.work(&mut batch).await;
        (work, std::iter::from_fn(|| batch.pop()).collect())
    }

    #[tokio::test]
    async fn messages_come_out_in_order_and_in_batches() {
        let outbox = outbox(10, 1 << 20);
        for text in ["a", "b", "c"] {
            outbox.push(Bytes::from(text)).unwrap();
        }
        outbox.end(End::Flushed(EndCause::Closed));
        assert_eq!(
            outbox.push(Bytes::from("late")),
            Ok(Pushed::Behind),
            "dropped after the end"
        );
        assert_eq!(
            work(&outbox).await,
            (Work::Write, vec!["a".into(), "b".into(), "c".into()])
        );
        outbox.written();
        assert_eq!(work(&outbox).await, (Work::End(EndCause::Closed), vec![]));
    }

    #[tokio::test]
    async fn large_messages_go_in_batches_of_their_own() {
        let outbox = outbox(10, 1 << 20);
        let large = Bytes::from(vec![0; BATCH_BYTES]);
        outbox.push(large.clone()).unwrap();
        outbox.push(large.clone()).unwrap();
        for _ in 0..2 {
            assert_eq!(work(&outbox).await, (Work::Write, vec![large.clone()]));
            outbox.written();
        }
    }

    #[tokio::test]
    async fn too_many_messages_end_the_connection() {
        let outbox = outbox(3, 1 << 20);
        for _ in 0..3 {
            outbox.push(Bytes::from("x")).unwrap();
        }
        assert_eq!(work(&outbox).await.0, Work::Write);
        assert_eq!(
            outbox.push(Bytes::from("x")),
            Err(Overflow {
                messages: 4,
                bytes: 4
            }),
            "what is being written still counts"
        );
        assert_eq!(work(&outbox).await, (Work::End(EndCause::TooSlow), vec![]));
        assert_eq!(outbox.ended_now().await, EndCause::TooSlow);
    }

    #[tokio::test]
    async fn too_many_bytes_end_the_connection() {
        let outbox = outbox(10, 100);
        outbox.push(Bytes::from(vec![0; 99])).unwrap();
        assert_eq!(work(&outbox).await.0, Work::Write);
        outbox.written();
        outbox.push(Bytes::from(vec![0; 60])).unwrap();
        assert!(outbox.push(Bytes::from(vec![0; 60])).is_err());
        assert_eq!(work(&outbox).await, (Work::End(EndCause::TooSlow), vec![]));
    }

    #[tokio::test]
    async fn one_large_message_passes() {
        let outbox = outbox(10, 100);
        outbox.push(Bytes::from(vec![0; 1000])).unwrap();
        assert_eq!(work(&outbox).await.1.len(), 1);
    }

    #[tokio::test]
    async fn what_waits_with_a_large_message_is_as_much_as_ever() {
        let outbox = outbox(10, 100);
        let message = |length| Bytes::from(vec![0; length]);
        outbox.push(message(10)).unwrap();
        outbox.push(message(1000)).unwrap();
        outbox.push(message(80)).unwrap();
        let full = Overflow {
            messages: 4,
            bytes: 1111,
        };
        assert_eq!(outbox.push(message(21)), Err(full));

        // A second one is one too many; once the first is gone, it is not.
        let outbox = super::tests::outbox(10, 100);
        outbox.push(message(1000)).unwrap();
        assert_eq!(work(&outbox).await.0, Work::Write);
        outbox.written();
        outbox.push(message(1000)).unwrap();
        assert!(outbox.push(message(1000)).is_err());
    }

    #[tokio::test]
    async fn an_end_at_once_drops_what_waits() {
        let outbox = outbox(10, 100);
        outbox.push(Bytes::from("x")).unwrap();
        outbox.end(End::Flushed(EndCause::Closed));
        outbox.end(End::Now(EndCause::Stopping));
        outbox.end(End::Flushed(EndCause::Closed));
        assert_eq!(work(&outbox).await, (Work::End(EndCause::Stopping), vec![]));
    }
}
