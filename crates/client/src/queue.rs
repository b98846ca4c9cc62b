//! Queues between the session and those who read from it: bounded, whoever is slow.

use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::Stream;
use futures_util::task::AtomicWaker;

/// What becomes of a stream whose owner reads more slowly than events come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// The oldest events are dropped, and how many is told in their place:
    /// [`StreamEvent::Missed`](crate::StreamEvent::Missed).
    #[default]
    DropOldest,
    /// The session reads nothing more from its connection until there is room: nothing is lost here, and the service, which
    /// notices, conflates or disconnects by its own rules; a session that it ends for that says
    /// [`SessionCloseReason::TooSlow`](crate::SessionCloseReason::TooSlow).
    ///
    /// All of the session waits, also for answers to requests: who reads the stream must not wait for an answer meanwhile, but
    /// spawn a task for that. A browser reads from its connection in any case, so it is no bound there.
    Wait,
    /// The stream ends, with [`StreamEvent::Overflowed`](crate::StreamEvent::Overflowed) after what is in it.
    Disconnect,
}

/// How much may wait in a stream, and what happens beyond that.
///
/// What a stream is told of topics that the session is subscribed to already comes on top: the session has these values anyway.
///
/// ```no_run
/// # async fn example(session: &effusion_client::Session) -> Result<(), Box<dyn std::error::Error>> {
/// use effusion_client::{Json, Overflow, StreamOptions};
///
/// let newest = StreamOptions::new().max_events(100).overflow(Overflow::DropOldest);
/// let prices = session.add_stream_with::<Json>("?prices/", newest)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamOptions {
    max_events: usize,
    max_bytes: usize,
    overflow: Overflow,
}

/// What an event takes besides its value, in bytes, roughly.
const OVERHEAD: usize = 128;

impl StreamOptions {
    /// 262,144 events of 64 MiB together; beyond that, the oldest are dropped.
    ///
    /// ```
    /// use effusion_client::StreamOptions;
    ///
    /// assert_eq!(StreamOptions::new(), StreamOptions::default());
    /// ```
    #[must_use]
    pub const fn new() -> Self {
        Self {
            max_events: 1 << 18,
            max_bytes: 64 << 20,
            overflow: Overflow::DropOldest,
        }
    }

    /// How many events may wait; at least one may.
    ///
    /// ```
    /// use effusion_client::StreamOptions;
    ///
    /// let options = StreamOptions::new().max_events(1_000);
    /// ```
    #[must_use]
    pub const fn max_events(mut self, events: usize) -> Self {
        self.max_events = events;
        self
    }

    /// How many bytes may wait, each event counted as its value and 128 more; at least one event may.
    ///
    /// ```
    /// use effusion_client::StreamOptions;
    ///
    /// let options = StreamOptions::new().max_bytes(1 << 20);
    /// ```
    #[must_use]
    pub const fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// What happens beyond that.
    ///
    /// ```
    /// use effusion_client::{Overflow, StreamOptions};
    ///
    /// let options = StreamOptions::new().overflow(Overflow::Disconnect);
    /// ```
    #[must_use]
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// How many streams the session waits for, and whom to wake when there are none any more.
#[derive(Debug, Default)]
pub(crate) struct Brake {
    full: AtomicUsize,
    driver: AtomicWaker,
}

impl Brake {
    /// Whether the session is to wait; if so, this task is woken when it need not any more.
    pub(crate) fn poll_held(&self, waker: &Waker) -> bool {
        if self.full.load(Ordering::Acquire) == 0 {
            return false;
        }
        self.driver.register(waker);
        self.full.load(Ordering::Acquire) > 0
    }

    fn release(&self) {
        if self.full.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.driver.wake();
        }
    }
}

struct Inner<E> {
    /// The events, with what each takes.
    events: VecDeque<(E, usize)>,
    bytes: usize,
    options: StreamOptions,
    /// How many events were dropped since the last that was read.
    missed: u64,
    reader: Option<Waker>,
    /// There comes nothing more: because the session is done with it, or because of an overflow.
    is_done: bool,
    has_overflowed: bool,
    /// Nobody reads any more.
    is_abandoned: bool,
    /// Whether the session waits for this queue.
    holds: bool,
    brake: Arc<Brake>,
}

impl<E> Inner<E> {
    fn is_full(&self) -> bool {
        self.events.len() >= self.options.max_events || self.bytes >= self.options.max_bytes
    }

    fn has_room_for(&self, bytes: usize) -> bool {
        self.events.is_empty()
            || (self.events.len() < self.options.max_events
                && self.bytes.saturating_add(bytes) <= self.options.max_bytes)
    }

    fn put(&mut self, event: E, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.events.push_back((event, bytes));
    }

    fn take(&mut self) -> Option<E> {
        let (event, bytes) = self.events.pop_front()?;
        self.bytes -= bytes;
        Some(event)
    }

    /// Holds the session, or lets it go.
    fn brake(&mut self) {
        let holds = self.options.overflow == Overflow::Wait && !self.is_abandoned && self.is_full();
        match (core::mem::replace(&mut self.holds, holds), holds) {
            (false, true) => {
                self.brake.full.fetch_add(1, Ordering::AcqRel);
            }
            (true, false) => self.brake.release(),
            _ => {}
        }
    }
}

/// Nothing is done under the lock that could leave the queue in disorder, so it is good even when poisoned.
struct Queue<E>(Mutex<Inner<E>>);

impl<E> Queue<E> {
    fn lock(&self) -> MutexGuard<'_, Inner<E>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session's end of a queue.
pub(crate) struct Sender<E>(Arc<Queue<E>>);

/// The reader's end of a queue.
pub(crate) struct Receiver<E>(Arc<Queue<E>>);

/// What comes out of a queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<E> {
    Event(E),
    /// So many events were dropped here.
    Missed(u64),
    /// The queue has ended because its reader was too slow.
    Overflowed,
}

pub(crate) fn queue<E>(options: StreamOptions, brake: Arc<Brake>) -> (Sender<E>, Receiver<E>) {
    let queue = Arc::new(Queue(Mutex::new(Inner {
        events: VecDeque::new(),
        bytes: 0,
        options,
        missed: 0,
        reader: None,
        is_done: false,
        has_overflowed: false,
        is_abandoned: false,
        holds: false,
        brake,
    })));
    (Sender(Arc::clone(&queue)), Receiver(queue))
}

/// A queue that drops the oldest: for listeners.
pub(crate) fn listener<E>() -> (Sender<E>, Receiver<E>) {
    queue(StreamOptions::new(), Arc::default())
}

/// How many requests of others may wait to be looked at.
const MAX_REQUESTS: usize = 4_096;

/// A queue for what somebody waits for an answer to.
pub(crate) fn requests<E>() -> (Sender<E>, Receiver<E>) {
    queue(
        StreamOptions::new().max_events(MAX_REQUESTS),
        Arc::default(),
    )
}

impl<E> Sender<E> {
    /// Puts an event with a value of so many bytes into the queue, as its options say. Whether somebody still reads.
    pub(crate) fn send(&self, event: E, value: usize) -> bool {
        let bytes = value.saturating_add(OVERHEAD);
        let mut inner = self.0.lock();
        if inner.is_abandoned || inner.is_done {
            return false;
        }
        if !inner.has_room_for(bytes) {
            match inner.options.overflow {
                Overflow::Wait => {}
                Overflow::DropOldest => {
                    while !inner.has_room_for(bytes) && inner.take().is_some() {
                        inner.missed += 1;
                    }
                }
                Overflow::Disconnect => {
                    inner.has_overflowed = true;
                    inner.is_done = true;
                    wake(inner);
                    return false;
                }
            }
        }
        inner.put(event, bytes);
        inner.brake();
        wake(inner);
        true
    }

    /// Puts an event into the queue even if it is full.
    pub(crate) fn send_anyway(&self, event: E, value: usize) {
        let mut inner = self.0.lock();
        if !inner.is_abandoned && !inner.is_done {
            inner.put(event, value.saturating_add(OVERHEAD));
            inner.brake();
            wake(inner);
        }
    }

    /// Puts an event into the queue if there is room; gives it back otherwise.
    pub(crate) fn try_send(&self, event: E, value: usize) -> Result<(), E> {
        let bytes = value.saturating_add(OVERHEAD);
        let mut inner = self.0.lock();
        if inner.is_abandoned || inner.is_done || !inner.has_room_for(bytes) {
            return Err(event);
        }
        inner.put(event, bytes);
        wake(inner);
        Ok(())
    }

    /// Whether somebody reads.
    pub(crate) fn is_open(&self) -> bool {
        let inner = self.0.lock();
        !inner.is_abandoned && !inner.is_done
    }
}

/// Wakes the reader, once the lock is gone.
fn wake<E>(mut inner: MutexGuard<'_, Inner<E>>) {
    let reader = inner.reader.take();
    drop(inner);
    if let Some(reader) = reader {
        reader.wake();
    }
}

impl<E> Drop for Sender<E> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.is_done = true;
        wake(inner);
    }
}

impl<E> Receiver<E> {
    /// How many events wait, and how many bytes they are taken for.
    pub(crate) fn backlog(&self) -> (usize, usize) {
        let inner = self.0.lock();
        (inner.events.len(), inner.bytes)
    }
}

impl<E> Stream for Receiver<E> {
    type Item = Next<E>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Next<E>>> {
        let mut inner = self.0.lock();
        let missed = core::mem::take(&mut inner.missed);
        if missed > 0 {
            return Poll::Ready(Some(Next::Missed(missed)));
        }
        if let Some(event) = inner.take() {
            inner.brake();
            return Poll::Ready(Some(Next::Event(event)));
        }
        if core::mem::take(&mut inner.has_overflowed) {
            return Poll::Ready(Some(Next::Overflowed));
        }
        if inner.is_done {
            return Poll::Ready(None);
        }
        inner.reader = Some(context.waker().clone());
        Poll::Pending
    }
}

impl<E> Drop for Receiver<E> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.is_abandoned = true;
        inner.brake();
        let events = core::mem::take(&mut inner.events);
        drop(inner);
        // To drop an event may be to answer a request, which takes the session's lock.
        drop(events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt as _, StreamExt as _};

    fn limited(overflow: Overflow) -> (Sender<u32>, Receiver<u32>, Arc<Brake>) {
        let options = StreamOptions::new().max_events(3).overflow(overflow);
        let brake = Arc::<Brake>::default();
        let (sender, receiver) = queue(options, Arc::clone(&brake));
        (sender, receiver, brake)
    }

    /// What is in the queue now.
    fn read(receiver: &mut Receiver<u32>) -> Vec<Next<u32>> {
        let mut read = Vec::new();
        while let Some(Some(next)) = receiver.next().now_or_never() {
            read.push(next);
        }
        read
    }

    fn is_held(brake: &Brake) -> bool {
        brake.poll_held(Waker::noop())
    }

    #[test]
    fn the_oldest_are_dropped_and_counted() {
        let (sender, mut receiver, brake) = limited(Overflow::DropOldest);
        for number in 0..10 {
            assert!(sender.send(number, 0));
            assert!(receiver.backlog().0 <= 3);
        }
        use Next::{Event, Missed};
        assert_eq!(
            read(&mut receiver),
            [Missed(7), Event(7), Event(8), Event(9)]
        );
        assert!(sender.send(10, 0));
        assert_eq!(read(&mut receiver), [Event(10)]);
        assert!(!is_held(&brake));
    }

    #[test]
    fn bytes_count_too() {
        let options = StreamOptions::new().max_bytes(1_000);
        let (sender, mut receiver) = queue(options, Arc::default());
        for number in 0..10 {
            sender.send(number, 300);
            assert!(receiver.backlog().1 <= 1_000);
        }
        assert_eq!(receiver.backlog().0, 2);
        // One event may be there, however large.
        sender.send(10, 5_000);
        assert_eq!(receiver.backlog().0, 1);
        assert_eq!(read(&mut receiver), [Next::Missed(10), Next::Event(10)]);
        assert_eq!(receiver.backlog(), (0, 0));
    }

    #[test]
    fn a_session_waits_until_there_is_room() {
        let (sender, mut receiver, brake) = limited(Overflow::Wait);
        for number in 0..4 {
            assert_eq!(is_held(&brake), number == 3);
            assert!(sender.send(number, 0));
        }
        for number in 0..4 {
            assert_eq!(
                receiver.next().now_or_never(),
                Some(Some(Next::Event(number)))
            );
            assert_eq!(is_held(&brake), number == 0);
        }
        for number in 0..3 {
            sender.send(number, 0);
        }
        assert!(is_held(&brake));
        // Who is gone holds nobody up.
        drop(receiver);
        assert!(!is_held(&brake));
        assert!(!sender.send(5, 0));
    }

    #[test]
    fn a_slow_stream_ends_if_it_is_to() {
        let (sender, mut receiver, _) = limited(Overflow::Disconnect);
        for number in 0..3 {
            assert!(sender.send(number, 0));
        }
        assert!(!sender.send(3, 0));
        assert!(!sender.is_open());
        use Next::{Event, Overflowed};
        assert_eq!(
            read(&mut receiver),
            [Event(0), Event(1), Event(2), Overflowed]
        );
        assert_eq!(receiver.next().now_or_never(), Some(None));
    }

    #[test]
    fn requests_are_given_back_when_there_is_no_room() {
        let (sender, receiver, _) = limited(Overflow::DropOldest);
        for number in 0..3 {
            assert_eq!(sender.try_send(number, 0), Ok(()));
        }
        assert_eq!(sender.try_send(3, 0), Err(3));
        drop(receiver);
        assert_eq!(sender.try_send(4, 0), Err(4));
    }
}
