//! A look inside the session: its numbers, and the last messages that went over the connection.

use std::cell::RefCell;
use std::collections::VecDeque;

use effusion_client::{Direction, ProtocolVersion, Session, TappedMessage};
use leptos::task::spawn_local;

use super::link;
use crate::browser;
use crate::model::inside::{Recorded, type_name};
use leptos::prelude::*;

/// How many messages are kept.
const KEPT: usize = 400;
/// How many subscriptions are kept beyond those: values do not say themselves what their topic is.
const SUBSCRIPTIONS: usize = 100;
/// How a message begins that tells of a subscription: a request, and the number of its service.
const SUBSCRIBED: [u8; 2] = [0x00, 0x57];

thread_local! {
    static LOG: RefCell<Log> = const { RefCell::new(Log::new()) };
}

struct Log {
    next: usize,
    session: usize,
    messages: VecDeque<Recorded>,
    subscriptions: VecDeque<Recorded>,
}

impl Log {
    const fn new() -> Self {
        Self {
            next: 0,
            session: 0,
            messages: VecDeque::new(),
            subscriptions: VecDeque::new(),
        }
    }

    fn record(&mut self, session: usize, message: TappedMessage) {
        let recorded = Recorded {
            number: self.next,
            at: browser::now(),
            session,
            sent: message.direction == Direction::Sent,
            bytes: message.bytes,
            hidden: message.hidden,
        };
        self.next += 1;
        if self.messages.len() == KEPT
            && let Some(old) = self.messages.pop_front()
            && old.bytes.starts_with(&SUBSCRIBED)
        {
            if self.subscriptions.len() == SUBSCRIPTIONS {
                self.subscriptions.pop_front();
            }
            self.subscriptions.push_back(old);
        }
        self.messages.push_back(recorded);
    }
}

/// The session from inside, as plain data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inside {
    /// The session's id.
    pub id: String,
    /// The protocol version that both sides speak.
    pub version: u8,
    /// The largest message that the service reads, in bytes.
    pub largest: Option<usize>,
    /// Messages and bytes from the service.
    pub received: (u64, u64),
    /// Messages and bytes to the service.
    pub sent: (u64, u64),
    /// How many requests have no answer yet.
    pub open_requests: usize,
    /// Selectors that were used, in order: `true` selects.
    pub selections: Vec<(String, bool)>,
    /// Topics: path, type, size of the newest value in bytes.
    pub topics: Vec<(String, String, Option<usize>)>,
}

/// Keeps the last messages of a session from now on.
pub(super) fn record(session: &Session) {
    let number = LOG.with_borrow_mut(|log| {
        log.session += 1;
        log.session
    });
    session.set_tap(Some(Box::new(move |message| {
        LOG.with_borrow_mut(|log| log.record(number, message));
    })));
}

/// The messages that are kept, the oldest first, from this number on; all subscriptions come along.
#[must_use]
pub fn recorded(from: usize) -> Vec<Recorded> {
    LOG.with_borrow(|log| {
        let kept = log.subscriptions.iter().chain(&log.messages);
        kept.filter(|it| it.number >= from).cloned().collect()
    })
}

/// The number of the next message: as long as it is the same, nothing new is there.
#[must_use]
pub fn next_number() -> usize {
    LOG.with_borrow(|log| log.next)
}

/// The session as it is now; none without one.
#[must_use]
pub fn look_inside() -> Option<Inside> {
    let session = link::session()?;
    let info = session.info()?;
    let inside = session.diagnostics();
    let traffic = inside.traffic;
    Some(Inside {
        id: info.id.to_string(),
        version: info.version.number(),
        largest: info.maximum_message_size,
        received: (traffic.messages_received, traffic.bytes_received),
        sent: (traffic.messages_sent, traffic.bytes_sent),
        open_requests: inside.open_requests,
        selections: inside.selections,
        topics: inside
            .topics
            .into_iter()
            .map(|known| {
                let kind = type_name(known.topic.specification.topic_type);
                (known.topic.path.clone(), kind, known.value_size)
            })
            .collect(),
    })
}

/// The version that messages are to be read by.
#[must_use]
pub fn version() -> ProtocolVersion {
    let info = link::session().and_then(|session| session.info());
    info.map_or(ProtocolVersion::NEWEST, |info| info.version)
}

/// Measures the time that a message takes to the service and back, in milliseconds.
pub fn measure(round_trip: ArcRwSignal<Option<u64>>) {
    if let Some(session) = link::session() {
        spawn_local(async move {
            let measured = session.ping().await.ok();
            round_trip.set(measured);
        });
    }
}
