//! Sending messages to clients, and asking them to confirm those.

use bytes::Bytes;
use effusion_protocol::ServiceId;
use std::collections::{BTreeSet, VecDeque};

use crate::caller::SessionKey;
use crate::messaging::requests::Outgoing;
use crate::services::metrics::Traffic;
use crate::topics::{Conflation, Delivery, Progress};
use crate::{ConnectionId, Limits, Output, wire};

use super::{Due, Item, Kind, Pushed, Session, Sessions};

impl Sessions {
    /// Sends a message to a session, now or when its client is back.
    pub(crate) fn send(&mut self, key: SessionKey, message: Bytes) {
        self.send_item(key, Item::other(message));
    }

    /// Sends a message of a topic.
    pub(crate) fn send_item(&mut self, key: SessionKey, item: Item) {
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        let asks = push(
            session,
            item,
            &self.limits,
            (&mut self.outputs, &mut self.outbound),
            &mut self.overflowed,
        );
        self.recount(key);
        if asks {
            self.ping(key);
        }
    }

    /// Sends what waits, as far as it may be sent: the client has confirmed something, or is back.
    pub(crate) fn release(&mut self, key: SessionKey) {
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
            if session.outbound.wants_confirmation(&self.limits) {
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
        if session.catch_up.due(update.topic).is_some() {
            return true;
        }
        if let Some(sequence) = update.event
            && update.conflation == Conflation::Off
            && session.outbound.is_under_pressure(&self.limits)
        {
            session.catch_up.push(
                update.topic,
                update.priority,
                Due::Tell(Progress::Next(sequence)),
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
        let asks = push(
            session,
            item,
            &self.limits,
            (&mut self.outputs, &mut self.outbound),
            &mut self.overflowed,
        );
        self.recount(key);
        if asks {
            self.ping(key);
        }
        true
    }

    /// Asks a client whether it is there, and so to confirm what was sent to it: everything up to the question itself.
    pub(crate) fn ping(&mut self, key: SessionKey) {
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
        let sent = session.outbound.ask();
        // This one's answer says all that the answers to older ones would.
        session
            .outgoing
            .retain(|_, it| !matches!(it, Outgoing::Ping { .. }));
        session
            .outgoing
            .insert(conversation, Outgoing::Ping { sent });
        self.send_uncounted(connection, ping);
    }

    /// Sends what is not one of a session's counted messages: a connect response, or what is sent again.
    pub(crate) fn send_uncounted(&mut self, connection: ConnectionId, message: Bytes) {
        self.outbound.count(message.len());
        self.outputs.push_back(Output::Send {
            connection,
            message,
        });
    }
}

/// Hands a message to a session's client, or keeps it until that can be done. Whether the client is to be asked to confirm.
fn push(
    session: &mut Session,
    item: Item,
    limits: &Limits,
    (outputs, outbound): (&mut VecDeque<Output>, &mut Traffic),
    overflowed: &mut BTreeSet<SessionKey>,
) -> bool {
    let connection = session.connection();
    let message = item.message.clone();
    let pushed = session.outbound.push(item, connection.is_some(), limits);
    let Some(connection) = connection else {
        return false;
    };
    match pushed {
        Pushed::Sent => {
            outbound.count(message.len());
            outputs.push_back(Output::Send {
                connection,
                message,
            });
        }
        Pushed::Waits => {}
        Pushed::Overflow => {
            overflowed.insert(session.key);
            return false;
        }
    }
    session.outbound.wants_confirmation(limits)
}
