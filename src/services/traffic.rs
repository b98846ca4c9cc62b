//! The last messages that went over the connection, for the diagnostics and the lessons.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use effusion_client::{Direction, Session, TappedMessage};
use leptos::prelude::*;
use send_wrapper::SendWrapper;

use crate::features::diagnostics::capture::{self, RecordedSession};
use crate::features::diagnostics::decoder::Recorded;
use crate::platform::clock;

/// How many messages are kept.
const MAX_MESSAGES: usize = 400;
/// How many subscriptions are kept beyond those: a value does not say itself what its topic is.
const MAX_SUBSCRIPTIONS: usize = 100;
/// How a message begins that tells of a subscription: a request, and the number of its service.
const SUBSCRIBED: [u8; 2] = [0x00, 0x57];

/// A log of the messages of every session, the oldest first.
#[derive(Default)]
pub struct Traffic {
    log: Rc<RefCell<Log>>,
}

#[derive(Default)]
struct Log {
    next: ArcRwSignal<usize>,
    session: usize,
    sessions: VecDeque<(usize, RecordedSession)>,
    messages: VecDeque<Recorded>,
    subscriptions: VecDeque<Recorded>,
}

impl Log {
    fn session(&self, number: usize) -> Option<&RecordedSession> {
        let mut sessions = self.sessions.iter();
        sessions
            .find(|(it, _)| *it == number)
            .map(|(_, session)| session)
    }

    fn record(&mut self, session: usize, message: TappedMessage) {
        let recorded = Recorded {
            number: self.next.get_untracked(),
            at: clock::now(),
            session,
            sent: message.direction == Direction::Sent,
            bytes: message.bytes,
            hidden: message.hidden,
        };
        if self.messages.len() == MAX_MESSAGES
            && let Some(old) = self.messages.pop_front()
            && old.bytes.starts_with(&SUBSCRIBED)
        {
            if self.subscriptions.len() == MAX_SUBSCRIPTIONS {
                self.subscriptions.pop_front();
            }
            self.subscriptions.push_back(old);
        }
        self.messages.push_back(recorded);
        self.next.update(|next| *next += 1);
    }
}

impl Traffic {
    /// Records the messages of a principal's session from now on.
    pub(super) fn record(&self, session: &Session, principal: &str) {
        // The page has one thread.
        let log = SendWrapper::new(Rc::clone(&self.log));
        log.borrow_mut().session += 1;
        let number = log.borrow().session;
        if let Some(info) = session.info() {
            let recorded = RecordedSession {
                id: info.id,
                version: info.version,
                principal: principal.to_owned(),
            };
            let mut log = log.borrow_mut();
            log.sessions.push_back((number, recorded));
            if log.sessions.len() > MAX_MESSAGES {
                log.sessions.pop_front();
            }
        }
        session.set_tap(Some(Box::new(move |message| {
            log.borrow_mut().record(number, message);
        })));
    }

    /// The messages that are kept from this number on, the oldest first; all subscriptions come along.
    pub fn recorded(&self, from: usize) -> Vec<Recorded> {
        let log = self.log.borrow();
        let kept = log.subscriptions.iter().chain(&log.messages);
        kept.filter(|it| it.number >= from).cloned().collect()
    }

    /// Whether so many messages have come since this number that the first of them will be dropped soon.
    pub fn is_filling(&self, from: usize) -> bool {
        let next = self.log.borrow().next.get_untracked();
        next.saturating_sub(from) >= MAX_MESSAGES / 2
    }

    /// The session of messages by its number.
    pub fn session(&self, number: usize) -> Option<RecordedSession> {
        self.log.borrow().session(number).cloned()
    }

    /// The messages that are kept, as a capture.
    pub fn capture(&self) -> String {
        let messages = self.recorded(0);
        let log = self.log.borrow();
        capture::write(&messages, |number| log.session(number))
    }

    /// Has an effect run again whenever a message is recorded.
    pub fn track(&self) {
        self.log.borrow().next.track();
    }
}
