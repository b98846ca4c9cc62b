//! Sending messages to clients, and asking them to confirm those.

use bytes::Bytes;
use effusion_protocol::body::ResponseBody;
use effusion_protocol::{ConversationId, ErrorReport, ProtocolVersion, ServiceId, Wire};
use std::collections::VecDeque;

use crate::caller::{Caller, Registration, SessionKey};
use crate::topics::{Conflation, Delivery, Progress};
use crate::{ConnectionId, Limits, Output, Time, wire};

use super::{Due, Item, Kind, Pushed, Session, Sessions, Traffic};

impl Sessions {
    /// Sends a message to a session, now or when its client is back.
    pub(crate) fn send(&mut self, key: SessionKey, message: Bytes) {
        self.send_item(key, Item::other(message));
    }

    /// Sends a message that a registration asked for.
    pub(crate) fn send_registered(
        &mut self,
        key: SessionKey,
        message: Bytes,
        registration: ConversationId,
    ) {
        self.send_item(key, Item::registered(message, registration, None));
    }

    /// Drops what waits for a session because of a registration that has ended; returns the numbers of the questions among it.
    pub(crate) fn drop_registered(
        &mut self,
        key: SessionKey,
        registration: ConversationId,
    ) -> Vec<ConversationId> {
        let Some(session) = self.get_mut(key) else {
            return Vec::new();
        };
        let questions = session.outbound.drop_registered(|it, _| it == registration);
        self.recount(key);
        questions
    }

    /// Drops what waits for a session because of listeners for topics, and is about topics that it may not see any more. Those
    /// may be gone, so that `sees` is asked about paths. Returns how many messages were looked at.
    pub(crate) fn drop_hidden(
        &mut self,
        key: SessionKey,
        sees: impl Fn(&Session, &str) -> bool,
    ) -> usize {
        let Some(session) = self.sessions.get_mut(&key) else {
            return 0;
        };
        let mut outbound = core::mem::take(&mut session.outbound);
        outbound.drop_registered(|_, message| {
            wire::notified_path(message).is_some_and(|path| !sees(session, &path))
        });
        let waiting = outbound.waiting();
        session.outbound = outbound;
        self.recount(key);
        waiting
    }

    /// Tells a session that what it registered is there no longer. What waits for it because of that is dropped.
    pub(crate) fn end_registration(
        &mut self,
        key: SessionKey,
        (service, conversation): Registration,
        report: &ErrorReport,
    ) {
        self.drop_registered(key, conversation);
        if let Some(session) = self.get(key) {
            let code = u64::from(service.code());
            let message = wire::error(code, conversation, report, session.version);
            self.send(key, message);
        }
    }

    /// Sends a session a request; returns the number that its answer will have.
    pub(crate) fn ask<B: Wire>(
        &mut self,
        key: SessionKey,
        service: ServiceId,
        body: &B,
        registration: Option<ConversationId>,
    ) -> Option<ConversationId> {
        let session = self.get_mut(key)?;
        let conversation = session.new_conversation();
        let message = wire::request(service, conversation, body, session.version);
        self.send_item(
            key,
            match registration {
                Some(registration) => Item::registered(message, registration, Some(conversation)),
                None => Item::other(message),
            },
        );
        Some(conversation)
    }

    /// Sends a session a request whose answer nobody waits for.
    pub(crate) fn notify<B: Wire>(&mut self, key: SessionKey, service: ServiceId, body: &B) {
        if let Some(session) = self.get(key) {
            let message = wire::request(service, wire::UNANSWERED, body, session.version);
            self.send(key, message);
        }
    }

    /// Answers a request.
    pub(crate) fn answer(&mut self, caller: &Caller, result: Result<ResponseBody, ErrorReport>) {
        let Caller {
            session: key,
            service,
            conversation,
            ..
        } = *caller;
        let Some(session) = self.get(key) else {
            return;
        };
        let version = session.version;
        let message = match result {
            Ok(response) => {
                let body = response.as_of(version).encode(version);
                wire::response(service, conversation, body, version)
            }
            Err(report) => wire::error(u64::from(service.code()), conversation, &report, version),
        };
        self.answer_with(caller, message);
    }

    /// Answers a request with a whole message.
    pub(crate) fn answer_with(&mut self, caller: &Caller, message: Bytes) {
        self.settle(caller);
        self.send(caller.session, message);
    }

    /// A message came from a session's client; returns its version.
    pub(crate) fn received(
        &mut self,
        key: SessionKey,
        bytes: usize,
        now: Time,
    ) -> Option<ProtocolVersion> {
        let session = self.sessions.get_mut(&key)?;
        session.received += 1;
        session.heard = now.monotonic_ms;
        self.inbound.count(bytes);
        Some(session.version)
    }

    /// Whether a client's answer is that to a ping: what it confirms makes room for more.
    pub(crate) fn pong(&mut self, key: SessionKey, conversation: ConversationId) -> bool {
        let session = self.get_mut(key);
        let is_pong = session.is_some_and(|it| it.outbound.answered(conversation));
        if is_pong {
            self.release(key);
        }
        is_pong
    }

    /// Whether a session can be asked something of so many bytes, or has much to read. What other sessions ask is not to take up
    /// the room for what a client subscribes to.
    pub(crate) fn takes_requests(&self, key: SessionKey, bytes: usize) -> bool {
        self.get(key).is_some_and(|it| {
            !it.outbound.is_under_pressure(&self.limits)
                && (self.waiting + bytes <= self.limits.waiting_bytes / 2
                    || it.outbound.bytes() + bytes <= self.share())
        })
    }

    /// Sends a message, and has the client confirm it if it is time to.
    pub(super) fn send_item(&mut self, key: SessionKey, item: Item) {
        if let Some(session) = self.sessions.get_mut(&key) {
            let pushed = push(
                session,
                item,
                &self.limits,
                (&mut self.outputs, &mut self.outbound),
            );
            self.pushed(key, pushed);
        }
    }

    /// Has a session wait for whatever comes until [`Sessions::release_held`]: it is not known yet what it may be sent.
    pub(crate) fn hold(&mut self, key: SessionKey) {
        if let Some(session) = self.get_mut(key) {
            session.outbound.set_held(true);
        }
    }

    /// Sends a session what came meanwhile.
    pub(crate) fn release_held(&mut self, key: SessionKey) {
        if let Some(session) = self.get_mut(key)
            && session.outbound.set_held(false)
        {
            self.release(key);
        }
    }

    /// Sends what waits, as far as it may be sent: the client has confirmed something, or is back.
    pub(super) fn release(&mut self, key: SessionKey) {
        loop {
            let Some(session) = self.sessions.get_mut(&key) else {
                return;
            };
            let Some(connection) = session.connection() else {
                return;
            };
            if let Some(message) = session.outbound.release(&self.limits) {
                self.send_uncounted(connection, message);
                continue;
            }
            self.recount(key);
            let Some(session) = self.sessions.get(&key) else {
                return;
            };
            if session.outbound.needs_ping(&self.limits) {
                self.ping(key);
            }
            return;
        }
    }

    /// Sends an update of a topic. `false` if the client is too slow for the topic's policy, and is to be unsubscribed.
    pub(crate) fn deliver(&mut self, key: SessionKey, update: &mut Delivery) -> bool {
        let Some(session) = self.sessions.get_mut(&key) else {
            return true;
        };
        // It gets the value, or the event, when it is told of what came before.
        if session.outbound.catch_up().due(update.topic).is_some() {
            return true;
        }
        if let Some(sequence) = update.event
            && update.conflation == Conflation::Off
            && session.outbound.is_under_pressure(&self.limits)
        {
            session.outbound.catch_up_mut().push(
                update.topic,
                update.priority,
                Due::Updates(Progress::Next(sequence)),
            );
            return true;
        }
        let outbound = &mut session.outbound;
        let replaces = if !session.conflates || outbound.has_sent_all() {
            false
        } else {
            match update.conflation {
                Conflation::Off => false,
                Conflation::Always => outbound.has_waiting(update.topic),
                Conflation::Conflate => {
                    outbound.has_waiting(update.topic) && outbound.is_under_pressure(&self.limits)
                }
                Conflation::Unsubscribe if outbound.is_under_pressure(&self.limits) => {
                    return false;
                }
                Conflation::Unsubscribe => false,
            }
        };
        if replaces {
            outbound.drop_waiting(update.topic);
        }
        let item = Item {
            message: update.bytes(session.inflates, replaces),
            priority: update.priority,
            kind: Kind::Update(update.topic),
        };
        let pushed = push(
            session,
            item,
            &self.limits,
            (&mut self.outputs, &mut self.outbound),
        );
        self.pushed(key, pushed);
        true
    }

    /// A message was handed to a session's client, or waits for it.
    fn pushed(&mut self, key: SessionKey, pushed: Consequences) {
        if pushed.overflows {
            self.overflowed.insert(key);
        }
        self.count_waiting(pushed.waiting);
        if pushed.asks {
            self.ping(key);
        }
    }

    /// Asks a client whether it is there, and so to confirm what was sent to it: everything up to the question itself.
    pub(super) fn ping(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        // Whoever comes back is asked then.
        let Some(connection) = session.connection() else {
            return;
        };
        let conversation = session.new_conversation();
        let ping = wire::request(ServiceId::SystemPing, conversation, &(), session.version);
        // It overtakes what waits: that waits for the answer.
        session.outbound.keep(ping.clone(), &self.limits);
        session.outbound.pinged(conversation);
        self.send_uncounted(connection, ping);
    }

    /// Sends what is not one of a session's counted messages: a connect response, or what is sent again.
    pub(super) fn send_uncounted(&mut self, connection: ConnectionId, message: Bytes) {
        self.outbound.count(message.len());
        self.outputs.push_back(Output::Send {
            connection,
            message,
        });
    }
}

/// What follows from a message for a session.
struct Consequences {
    /// How many bytes wait for the client now, and how many did before.
    waiting: (usize, usize),
    /// There is no room for it.
    overflows: bool,
    /// The client is to be asked to confirm what it was sent.
    asks: bool,
}

/// Hands a message to a session's client, or keeps it until that can be done.
fn push(
    session: &mut Session,
    item: Item,
    limits: &Limits,
    (outputs, outbound): (&mut VecDeque<Output>, &mut Traffic),
) -> Consequences {
    let connection = session.connection();
    let message = item.message.clone();
    let pushed = session.outbound.push(item, connection.is_some(), limits);
    if let Some(connection) = connection
        && pushed == Pushed::Sent
    {
        outbound.count(message.len());
        outputs.push_back(Output::Send {
            connection,
            message,
        });
    }
    let now = session.waiting_bytes();
    Consequences {
        waiting: (now, core::mem::replace(&mut session.counted, now)),
        overflows: connection.is_some() && pushed == Pushed::Overflow,
        asks: connection.is_some()
            && pushed != Pushed::Overflow
            && session.outbound.needs_ping(limits),
    }
}
