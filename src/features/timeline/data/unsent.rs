//! Messages on their way: sent from here, and not acknowledged yet.

use super::stored::{ECHO_DUE, SENT};
use super::{Event, Key, Origin, Timeline, UNSENT};
use crate::features::timeline::At;
use crate::state::Fault;
use effusion_chat::{ChatMessage, MessageId};

impl Timeline {
    /// Puts a message on its way and says how it is called from now on.
    pub fn send(&mut self, message: ChatMessage, at: At) -> Key {
        let rank = UNSENT + self.step();
        let author = self.reader.principal.clone();
        let key = self.next_key;
        self.unsent.push((key, None));
        self.add(rank, message, &at, &author);
        let last = self.items.len().saturating_sub(1);
        self.items.update(last, |it| {
            it.set_origin(Origin::Own);
            it.set(ECHO_DUE, true);
        });
        key
    }

    /// The oldest message that waits to be sent, and has not failed.
    pub fn next_unsent(&self) -> Option<(Key, ChatMessage)> {
        let waiting = self.unsent.iter().position(|(_, fault)| fault.is_none())?;
        let stored = self.items.get(self.settled() + waiting)?;
        Some((stored.key, stored.message(&self.names)))
    }

    /// Whether the message with this id waits to be acknowledged.
    pub fn has_unsent(&self, id: MessageId) -> bool {
        self.unsent_with(id).is_some()
    }

    /// Whether the reader's message with this id is there, as the service has it.
    pub fn has_own(&self, id: MessageId) -> bool {
        [&self.reader.principal, &self.reader.name]
            .into_iter()
            .filter_map(|author| self.find_id(id, self.names.find(author)?))
            .filter_map(|place| self.items.get(place))
            .any(|stored| stored.origin() == Origin::Own)
    }

    /// Whether any message waits to be acknowledged.
    pub fn has_any_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// Takes all messages out that are not acknowledged.
    pub fn take_unsent(&mut self) {
        let settled = self.settled();
        while self.items.remove(settled).is_some() {}
        self.unsent.clear();
        self.changed = true;
    }

    /// The service has acknowledged a message; in a history room it says the place in the series, too.
    pub fn acknowledge(&mut self, key: Key, sequence: Option<u64>) {
        let Some(place) = self.unsent_place(key) else {
            return; // Its echo came first.
        };
        match sequence {
            Some(sequence) => self.become_event(place, sequence),
            None => self.settle(place, None, true),
        }
    }

    /// An event that a query has found holds a message that was sent from here, without anyone knowing whether it got there.
    pub fn recognise(&mut self, event: &Event) {
        if let Some(place) = self.find_unsent(&event.message) {
            self.items.update(place, |it| it.set_at(&event.at));
            self.become_event(place, event.sequence);
        }
    }

    /// A message that was sent from here is the event of this sequence.
    fn become_event(&mut self, place: usize, sequence: u64) {
        let Some((rank, known)) = self.find_sequence(sequence) else {
            self.settle(place, Some(sequence), true);
            return;
        };
        // The event came first, and did not look like an echo. The service knows better.
        if let Some(echo) = self.items.remove(known) {
            let place = place - 1;
            self.items.update(place, |it| {
                it.set_at(&echo.at());
                it.author = echo.author;
            });
            self.settle(place, Some(rank), false);
        }
    }

    /// A message was not taken.
    pub fn fail(&mut self, key: Key, fault: Fault) {
        self.set_fault(key, Some(fault));
    }

    /// Takes a failed message up again, for the caller to send.
    pub fn retry(&mut self, key: Key) -> Option<ChatMessage> {
        let place = self.unsent_place(key)?;
        self.unsent.get(place - self.settled())?.1.as_ref()?;
        self.set_fault(key, None);
        self.items.get(place).map(|it| it.message(&self.names))
    }

    /// Gives a failed message up. Answers which it was.
    pub fn cancel(&mut self, key: Key) -> Option<ChatMessage> {
        let place = self.unsent_place(key)?;
        let waiting = place - self.settled();
        self.unsent.get(waiting)?.1.as_ref()?;
        self.unsent.remove(waiting);
        self.changed = true;
        let stored = self.items.remove(place);
        stored.map(|it| it.message(&self.names))
    }

    /// Takes a message out that waits, and that somebody else has sent or given up.
    pub fn withdraw(&mut self, id: MessageId) {
        if let Some(place) = self.unsent_with(id) {
            self.unsent.remove(place - self.settled());
            self.items.remove(place);
            self.changed = true;
        }
    }

    pub(super) fn unsent_place(&self, key: Key) -> Option<usize> {
        let waiting = self.unsent.iter().position(|(it, _)| *it == key)?;
        Some(self.settled() + waiting)
    }

    /// A message that is still on its way, and has come back. Failed ones count: what the service said of them may have
    /// been about a second time.
    pub(super) fn find_unsent(&self, message: &ChatMessage) -> Option<usize> {
        self.unsent_with(message.id?)
    }

    pub(super) fn unsent_with(&self, id: MessageId) -> Option<usize> {
        (self.settled()..self.items.len())
            .find(|&place| self.items.get(place).is_some_and(|it| it.id() == Some(id)))
    }

    pub(super) fn settle(&mut self, place: usize, sequence: Option<u64>, echo_due: bool) {
        let waiting = place - self.settled();
        self.unsent.remove(waiting);
        let Some(mut stored) = self.items.remove(place) else {
            return;
        };
        stored.rank = sequence.unwrap_or_else(|| self.live_rank());
        stored.set(SENT, true);
        stored.set(ECHO_DUE, echo_due);
        self.last_sent = self.last_sent.max(Some(stored.rank));
        self.insert(stored);
    }

    fn set_fault(&mut self, key: Key, fault: Option<Fault>) {
        if let Some(it) = self.unsent.iter_mut().find(|(it, _)| *it == key) {
            it.1 = fault;
            self.changed = true;
        }
    }
}
