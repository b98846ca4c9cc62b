//! What is on its way to a client: one queue, bounded by one rule.
//!
//! A message is first in flight: sent and counted, and kept until the client has confirmed it, so that a reconnected client gets
//! what it missed. Only so much is in flight at a time (the window). The rest waits in a [`Backlog`], unnumbered, so that it can
//! be conflated. What is in flight and what waits together are bounded in messages and bytes: a client for which there is more is
//! disconnected. What need not be made into messages yet does not count: a subscription, of which the client has not been told
//! all, is a place in a list ([`CatchUp`]) that is asked for more once nothing waits.
//!
//! The protocol has no acknowledgement of its own, but a client answers pings, in order: an answer confirms everything up
//! to the ping. So whenever much was sent, a ping follows ([`Outbound::needs_ping`]), and what is kept is what is in flight, not a
//! guess at it.
//!
//! Source: `docs/protocol.md`, "Reconnect". Every message after the connect response counts, from 1 on.

use bytes::Bytes;
use effusion_protocol::{ConversationId, TopicId};
use std::collections::VecDeque;

use super::backlog::{Backlog, Item};
use super::catch_up::CatchUp;
use crate::Limits;

/// The messages of one session, in the order in which they were sent.
#[derive(Debug, Default)]
pub(super) struct Outbound {
    /// How many messages were sent.
    sent: u64,
    /// The last of them.
    kept: VecDeque<Bytes>,
    kept_bytes: usize,
    /// Messages and bytes since the client was last asked to confirm.
    unasked: (usize, usize),
    /// The last ping, and the number of the message before it.
    ping: Option<(ConversationId, u64)>,
    /// Whether the client has not answered it.
    ping_outstanding: bool,
    /// Subscriptions of which the client is to be told.
    catch_up: CatchUp,
    /// What was not sent yet.
    backlog: Backlog,
    /// Bytes of the largest message that is above the limit by itself, while there is more than the limit.
    spared: usize,
    /// More waits than may: the client cannot go on.
    overflowed: bool,
    /// Nothing is sent: it is not known what the client may see.
    is_held: bool,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// It is to be sent now.
    Sent,
    /// It waits until the client has confirmed more, or is back.
    Waits,
    /// There is no room for it: the session cannot go on.
    Overflow,
}

/// What a client that reconnects says and what is kept do not fit: messages are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost;

impl Outbound {
    /// Takes a message for the client.
    pub(super) fn push(&mut self, item: Item, is_connected: bool, limits: &Limits) -> Pushed {
        if self.overflowed {
            return Pushed::Overflow;
        }
        self.spare(item.message.len(), limits);
        if is_connected
            && !self.is_held
            && self.backlog.is_empty()
            && self.has_room(item.message.len(), limits)
        {
            self.keep(item.message, limits);
            return Pushed::Sent;
        }
        self.backlog.push(item);
        let messages = self.kept.len() + self.backlog.len();
        let bytes = self.bytes().saturating_sub(self.spared);
        if messages > limits.recovery_messages || bytes > limits.recovery_bytes {
            self.overflowed = true;
            self.backlog = Backlog::default();
            self.kept = VecDeque::new();
            self.kept_bytes = 0;
            return Pushed::Overflow;
        }
        Pushed::Waits
    }

    /// Keeps everything back, or does so no longer; whether it did.
    pub(super) const fn set_held(&mut self, is_held: bool) -> bool {
        core::mem::replace(&mut self.is_held, is_held)
    }

    /// Bytes that wait, and those on their way.
    pub(super) fn bytes(&self) -> usize {
        self.kept_bytes + self.backlog.bytes()
    }

    /// One message may be larger than the limit, such as the answer to a query for a whole series: it has to get through, with
    /// what goes before and after it.
    fn spare(&mut self, length: usize, limits: &Limits) {
        if self.bytes() <= limits.recovery_bytes {
            self.spared = 0;
        }
        if length > limits.recovery_bytes {
            self.spared = self.spared.max(length);
        }
    }

    /// Counts and keeps a message that overtakes what waits: the question whether the client is there.
    pub(super) fn keep(&mut self, message: Bytes, limits: &Limits) {
        self.sent += 1;
        self.unasked.0 += 1;
        self.unasked.1 += message.len();
        self.kept_bytes += message.len();
        self.kept.push_back(message);
        // The connection may be well all the same; if it is not, the loss is noticed. A message that is above the limit by itself
        // stays, since it counts as long as the client has not read it.
        while self.kept.len() > limits.recovery_messages
            || (self.kept_bytes.saturating_sub(self.spared) > limits.recovery_bytes
                && self.kept.len() > 1)
        {
            self.forget_oldest();
        }
    }

    /// Whether a message of this length may be on its way beside those that are. One alone always may.
    fn has_room(&self, length: usize, limits: &Limits) -> bool {
        self.kept.is_empty()
            || (self.kept.len() < limits.window_messages
                && self.kept_bytes + length <= limits.window_bytes)
    }

    /// Whether the client may be sent more of what waits elsewhere: half of what may be on its way is left to what cannot wait.
    pub(super) fn takes_more(&self, limits: &Limits) -> bool {
        !self.overflowed
            && !self.is_held
            && self.backlog.is_empty()
            && (self.kept.is_empty()
                || (self.kept.len() < limits.window_messages / 2 && self.room(limits) > 0))
    }

    /// Whether so many messages wait that what can wait elsewhere is to do so.
    pub(super) fn is_crowded(&self, limits: &Limits) -> bool {
        self.backlog.len() > limits.window_messages / 2
    }

    /// Subscriptions of which the client is to be told.
    pub(super) const fn catch_up(&self) -> &CatchUp {
        &self.catch_up
    }

    pub(super) const fn catch_up_mut(&mut self) -> &mut CatchUp {
        &mut self.catch_up
    }

    /// For how many bytes there is room then.
    pub(super) fn room(&self, limits: &Limits) -> usize {
        (limits.window_bytes / 2).saturating_sub(self.kept_bytes)
    }

    /// Whether more waits for the client than it should have asked for: its next requests wait until it has read some of it.
    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.bytes() > limits.recovery_bytes / 2
    }

    /// The next message that waits, if it may be sent to a client that is there. It counts as sent.
    pub(super) fn release(&mut self, limits: &Limits) -> Option<Bytes> {
        let length = self.backlog.next_len()?;
        if self.overflowed || self.is_held || !self.has_room(length, limits) {
            return None;
        }
        let message = self.backlog.pop()?;
        self.keep(message.clone(), limits);
        Some(message)
    }

    /// Whether nothing waits.
    pub(super) fn has_sent_all(&self) -> bool {
        self.backlog.is_empty()
    }

    /// Whether updates of a topic wait.
    pub(super) fn has_waiting(&self, topic: TopicId) -> bool {
        self.backlog.has_updates(topic)
    }

    /// Drops the updates of a topic that wait.
    pub(super) fn drop_waiting(&mut self, topic: TopicId) {
        self.backlog.drop_updates(topic);
    }

    /// Drops some of what waits because registrations asked for it; returns the numbers of the questions among it.
    pub(super) fn drop_registered(
        &mut self,
        ends: impl Fn(ConversationId, &Bytes) -> bool,
    ) -> Vec<ConversationId> {
        self.backlog.drop_registered(ends)
    }

    /// How many messages wait.
    pub(super) fn waiting(&self) -> usize {
        self.backlog.len()
    }

    /// Whether so much waits that topics are conflated, or subscriptions to them end: a quarter of what may.
    pub(super) fn is_under_pressure(&self, limits: &Limits) -> bool {
        self.backlog.len() > limits.recovery_messages / 4
            || self.backlog.bytes() > limits.recovery_bytes / 4
    }

    /// Whether so much was sent that the client is to be asked to confirm it, or something waits for it to do so. Whoever
    /// asks, does it now.
    pub(super) fn needs_ping(&self, limits: &Limits) -> bool {
        !self.ping_outstanding
            && !self.is_held
            && (!self.backlog.is_empty()
                || self.unasked.0 >= limits.confirm_messages
                || self.unasked.1 >= limits.confirm_bytes)
    }

    /// A ping was sent. An answer to it says all that the answers to older ones would.
    pub(super) const fn pinged(&mut self, conversation: ConversationId) {
        self.ping = Some((conversation, self.sent));
        self.ping_outstanding = true;
        self.unasked = (0, 0);
    }

    /// Whether the client answered the last ping: it has everything that was sent before.
    pub(super) fn answered(&mut self, conversation: ConversationId) -> bool {
        let ping = self.ping.take_if(|(last, _)| *last == conversation);
        if let Some((_, number)) = ping {
            self.confirmed(number);
        }
        ping.is_some()
    }

    /// The client has everything up to this number.
    fn confirmed(&mut self, number: u64) {
        self.ping_outstanding = false;
        let unconfirmed = self.sent.saturating_sub(number);
        while self.kept.len() as u64 > unconfirmed {
            self.forget_oldest();
        }
        // A burst is over: thousands of sessions may have had one.
        if self.kept.capacity() > 4 * self.kept.len().max(64) {
            self.kept.shrink_to(2 * self.kept.len());
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.kept.pop_front() {
            self.kept_bytes -= oldest.len();
        } else {
            self.kept_bytes = 0;
        }
    }

    /// What comes after the last message that the client received, whose number wraps as the wire's 32 bits do; what came
    /// before is forgotten. What waits is not among it.
    pub(super) fn resume(&mut self, last_received: u32) -> Result<Vec<Bytes>, Lost> {
        let low = u32::try_from(self.sent & u64::from(u32::MAX)).map_err(|_| Lost)?;
        let missed = usize::try_from(low.wrapping_sub(last_received)).map_err(|_| Lost)?;
        if self.overflowed || missed > self.kept.len() {
            return Err(Lost);
        }
        while self.kept.len() > missed {
            self.forget_oldest();
        }
        // What the client says now confirms as much as an answer would, and that may be lost.
        self.ping_outstanding = false;
        Ok(self.kept.iter().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u8) -> Bytes {
        Bytes::copy_from_slice(&[number; 10])
    }

    fn item(number: u8) -> Item {
        Item::other(message(number))
    }

    fn limits() -> Limits {
        Limits {
            recovery_messages: 3,
            recovery_bytes: 1_000,
            confirm_messages: 2,
            confirm_bytes: 100,
            ..Limits::default()
        }
    }

    #[test]
    fn what_was_missed_is_sent_again() {
        let mut outbound = Outbound::default();
        for number in 1..=5 {
            outbound.push(item(number), true, &limits());
        }
        assert_eq!(outbound.resume(1), Err(Lost));
        assert_eq!(outbound.resume(6), Err(Lost));
        assert_eq!(outbound.resume(3), Ok(vec![message(4), message(5)]));
        assert_eq!(outbound.resume(5), Ok(vec![]));
        assert_eq!(outbound.resume(4), Err(Lost), "5 was acknowledged before");
    }

    #[test]
    fn a_client_that_stays_away_too_long_has_lost_messages() {
        let mut outbound = Outbound::default();
        assert_eq!(outbound.push(item(1), true, &limits()), Pushed::Sent);
        for number in 2..=3 {
            let pushed = outbound.push(item(number), false, &limits());
            assert_eq!(pushed, Pushed::Waits);
        }
        assert_eq!(outbound.resume(1), Ok(vec![]));
        assert_eq!(outbound.release(&limits()), Some(message(2)));
        assert_eq!(outbound.release(&limits()), Some(message(3)));
        assert_eq!(outbound.release(&limits()), None);
        assert_eq!(outbound.push(item(4), false, &limits()), Pushed::Waits);
        assert_eq!(outbound.push(item(5), false, &limits()), Pushed::Overflow);
        assert_eq!(outbound.resume(3), Err(Lost));
        assert_eq!(outbound.kept_bytes, 0);
    }

    /// The question that follows it displaced a long answer: it was still on its way, and counted no longer.
    #[test]
    fn a_message_above_the_limit_counts_until_it_is_confirmed() {
        let mut outbound = Outbound::default();
        let long = Item::other(Bytes::from(vec![0; 5_000]));
        assert_eq!(outbound.push(long, true, &limits()), Pushed::Sent);
        outbound.keep(message(1), &limits());
        outbound.pinged(ConversationId(1));
        assert_eq!(outbound.bytes(), 5_010);
        assert_eq!(outbound.resume(0).map(|it| it.len()), Ok(2));
        outbound.keep(message(2), &limits());
        outbound.pinged(ConversationId(2));
        assert!(outbound.answered(ConversationId(2)));
        assert_eq!(outbound.bytes(), 0);
    }

    #[test]
    fn only_so_much_is_on_its_way() {
        let limits = Limits {
            window_messages: 2,
            recovery_messages: 10,
            ..limits()
        };
        let mut outbound = Outbound::default();
        assert_eq!(outbound.push(item(1), true, &limits), Pushed::Sent);
        assert_eq!(outbound.push(item(2), true, &limits), Pushed::Sent);
        assert!(outbound.has_sent_all());
        assert_eq!(outbound.push(item(3), true, &limits), Pushed::Waits);
        assert!(outbound.needs_ping(&limits));
        // The question itself does not wait.
        outbound.keep(message(9), &limits);
        outbound.pinged(ConversationId(1));
        assert_eq!(outbound.release(&limits), None);
        assert!(!outbound.answered(ConversationId(2)));
        assert!(outbound.answered(ConversationId(1)));
        assert_eq!(outbound.release(&limits), Some(message(3)));
        assert!(outbound.has_sent_all());
        assert_eq!(outbound.push(item(4), true, &limits), Pushed::Sent);
        // It is numbered as it was sent.
        assert_eq!(outbound.resume(3), Ok(vec![message(3), message(4)]));
    }

    #[test]
    fn a_quarter_of_what_may_wait_is_pressure() {
        let limits = Limits {
            window_messages: 1,
            recovery_messages: 8,
            ..limits()
        };
        let mut outbound = Outbound::default();
        for number in 1..=3 {
            outbound.push(item(number), true, &limits);
        }
        assert!(!outbound.is_under_pressure(&limits));
        outbound.push(item(4), true, &limits);
        assert!(outbound.is_under_pressure(&limits));
        for number in 5..=8 {
            assert_eq!(outbound.push(item(number), true, &limits), Pushed::Waits);
        }
        assert_eq!(outbound.push(item(9), true, &limits), Pushed::Overflow);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut outbound = Outbound::default();
        let limits = Limits {
            recovery_bytes: 25,
            ..limits()
        };
        for number in 1..=3 {
            outbound.push(item(number), true, &limits);
        }
        assert_eq!(outbound.resume(0), Err(Lost));
        assert_eq!(outbound.resume(1).map(|missed| missed.len()), Ok(2));
        // The largest message that may be sent can be sent again, too.
        outbound.push(Item::other(Bytes::from(vec![0; 100])), true, &limits);
        assert_eq!(outbound.resume(3).map(|missed| missed.len()), Ok(1));
    }

    #[test]
    fn what_waits_with_a_large_message_is_as_much_as_ever() {
        let limits = Limits {
            recovery_messages: 10,
            recovery_bytes: 25,
            window_messages: 1,
            ..limits()
        };
        let large = || Item::other(Bytes::from(vec![0; 100]));
        let mut outbound = Outbound::default();
        assert_eq!(outbound.push(item(1), true, &limits), Pushed::Sent);
        assert_eq!(outbound.push(large(), true, &limits), Pushed::Waits);
        assert_eq!(outbound.push(item(2), true, &limits), Pushed::Waits);
        outbound.confirmed(1);
        assert_eq!(outbound.release(&limits).map(|it| it.len()), Some(100));
        assert_eq!(outbound.push(item(3), true, &limits), Pushed::Waits);
        assert_eq!(outbound.push(item(4), true, &limits), Pushed::Overflow);

        // A second one is one too many.
        let mut outbound = Outbound::default();
        assert_eq!(outbound.push(large(), true, &limits), Pushed::Sent);
        assert_eq!(outbound.push(large(), true, &limits), Pushed::Overflow);
    }

    #[test]
    fn what_is_confirmed_is_not_kept() {
        let mut outbound = Outbound::default();
        outbound.push(item(1), true, &limits());
        assert!(!outbound.needs_ping(&limits()));
        outbound.push(item(2), true, &limits());
        assert!(outbound.needs_ping(&limits()));
        outbound.pinged(ConversationId(1));
        assert!(!outbound.needs_ping(&limits()));
        for later in 3..=5 {
            outbound.push(item(later), true, &limits());
        }
        assert!(!outbound.needs_ping(&limits()), "one question at a time");
        assert!(outbound.answered(ConversationId(1)));
        assert!(outbound.needs_ping(&limits()));
        assert_eq!(outbound.resume(1), Err(Lost));
        assert_eq!(outbound.resume(2).map(|missed| missed.len()), Ok(3));
        outbound.confirmed(5);
        assert_eq!((outbound.kept.len(), outbound.kept_bytes), (0, 0));
    }

    #[test]
    fn counting_goes_on_past_the_largest_number() {
        let mut outbound = Outbound {
            sent: u64::from(u32::MAX) - 1,
            ..Outbound::default()
        };
        for number in 1..=3 {
            outbound.push(item(number), true, &limits());
        }
        assert_eq!(outbound.resume(u32::MAX).map(|missed| missed.len()), Ok(2));
        assert_eq!(outbound.resume(1), Ok(vec![]));
    }
}
