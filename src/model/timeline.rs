//! What a room shows: messages that the service has, in its order, and below them those still on their way.

use crate::model::fault::Fault;
use crate::model::time::At;
use effusion_chat::{ChatMessage, SYSTEM_NAME};

/// Messages of one author that follow each other this closely are shown under one heading.
const GROUP_MS: i64 = 5 * 60_000;

/// Names a message for as long as the room is open.
pub type Key = usize;

/// Whose message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The reader's own.
    Own,
    /// Somebody else's.
    Other,
    /// A notice by `System`.
    Notice,
}

/// How far a message has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The service has it, and this page did not send it.
    Received,
    /// Sent, but the service has not acknowledged it yet.
    Sending,
    /// The service has acknowledged it.
    Sent,
    /// It did not get there, or nobody can tell whether it did.
    Failed(Fault),
}

/// One message of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name within this timeline.
    pub key: Key,
    /// The message itself.
    pub message: ChatMessage,
    /// When it was written, for the reader.
    pub at: At,
    /// Whose it is.
    pub origin: Origin,
    /// How far it has come.
    pub delivery: Delivery,
    /// Its place in the time series; none in a live room, and none before it is known.
    pub sequence: Option<u64>,
    /// The sequence of the newest edit applied to it.
    pub edited: Option<u64>,
    /// Sent from here, and not seen to come back yet.
    echo_due: bool,
}

/// A message with what its neighbours decide about how it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The message.
    pub entry: Entry,
    /// Whether it needs its own heading with author and time.
    pub heads_group: bool,
    /// The day to announce above it, in days since 1970, if it is the first of that day.
    pub new_day: Option<i64>,
}

/// An event of a time series as the timeline needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the series.
    pub sequence: u64,
    /// For an edit, the sequence of the event that it replaces.
    pub edits: Option<u64>,
    /// The principal that appended it.
    pub author: String,
    /// The value.
    pub message: ChatMessage,
    /// The service's time.
    pub at: At,
}

/// Who is reading, to tell own messages from others'.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reader {
    /// The name that goes into messages.
    pub name: String,
    /// The principal of the session.
    pub principal: String,
}

/// The messages of one room.
#[derive(Debug, Default)]
pub struct Timeline {
    reader: Reader,
    settled: Vec<Entry>,
    outbox: Vec<Entry>,
    /// The highest sequence that the subscription has brought, edits included.
    newest_sequence: Option<u64>,
    next_key: Key,
    touched: Vec<Key>,
    reordered: bool,
}

/// What changed since the last look.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Messages that are new or look different.
    pub touched: Vec<Key>,
    /// Whether messages came, went or moved.
    pub reordered: bool,
}

impl Timeline {
    /// An empty room for a reader.
    #[must_use]
    pub fn new(reader: Reader) -> Self {
        Self {
            reader,
            ..Self::default()
        }
    }

    /// Who is reading.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Somebody else is reading from now on; what is shown stays as it was attributed.
    pub fn set_reader(&mut self, reader: Reader) {
        self.reader = reader;
    }

    /// Messages in the order they are shown.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.settled.iter().chain(&self.outbox)
    }

    /// The keys of [`Timeline::entries`].
    #[must_use]
    pub fn order(&self) -> Vec<Key> {
        self.entries().map(|entry| entry.key).collect()
    }

    /// How many messages there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.settled.len() + self.outbox.len()
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One message, ready to be shown.
    #[must_use]
    pub fn row(&self, key: Key) -> Option<Row> {
        // Nearly always one of the newest.
        let place = (0..self.len())
            .rev()
            .find(|&place| self.at(place).is_some_and(|e| e.key == key))?;
        let entry = self.at(place)?.clone();
        let before = place.checked_sub(1).and_then(|place| self.at(place));
        let day_before = (0..place).rev().find_map(|place| self.at(place)?.at.day());
        let new_day = entry.at.day().filter(|&day| day_before != Some(day));
        let heads_group = before.is_none_or(|before| {
            before.origin != entry.origin
                || before.message.name != entry.message.name
                || !entry.at.follows_within(&before.at, GROUP_MS)
        });
        Some(Row {
            entry,
            heads_group,
            new_day,
        })
    }

    /// What changed since the last call.
    pub fn take_changes(&mut self) -> Changes {
        Changes {
            touched: std::mem::take(&mut self.touched),
            reordered: std::mem::take(&mut self.reordered),
        }
    }

    /// The oldest place of the series that is shown, to ask for what was before it.
    #[must_use]
    pub fn oldest_sequence(&self) -> Option<u64> {
        self.settled.iter().find_map(|entry| entry.sequence)
    }

    /// A value of a live room. `retained` says that it was there before the reader came, which after a lost connection
    /// may mean that it is already shown. True if it adds a message by somebody else.
    pub fn receive_value(&mut self, message: ChatMessage, at: At, retained: bool) -> bool {
        if let Some(echo) = self.take_echo(&message) {
            self.settle(echo, None);
            return false;
        }
        let newest = self.settled.last();
        if retained && newest.is_some_and(|newest| newest.message == message) {
            return false;
        }
        let entry = self.entry(message, at, None, None);
        let news = entry.origin == Origin::Other;
        self.insert_settled(self.settled.len(), entry);
        news
    }

    /// An event that the subscription to a history room brings. True if it adds a message by somebody else.
    ///
    /// A new subscription brings its range of newest events again. Those already shown are recognised by their place in
    /// the series; if some in between were missed, what is older goes, so that no gap is hidden (it can be asked for).
    pub fn receive_event(&mut self, event: Event) -> bool {
        let sequence = event.sequence;
        match self.find(sequence).map(|place| &self.settled[place]) {
            // The echo of what was sent from here.
            Some(known) if known.echo_due && known.message == event.message => {}
            Some(known) if known.at == event.at => return false,
            // The series is another one: the same place holds another event, or places below all known ones are used.
            Some(_) => self.start_anew(),
            None if self.newest_sequence.is_some_and(|newest| sequence < newest)
                && self
                    .oldest_sequence()
                    .is_some_and(|oldest| sequence < oldest) =>
            {
                self.start_anew();
            }
            None => {}
        }
        if self
            .newest_sequence
            .is_some_and(|newest| sequence > newest.saturating_add(1))
        {
            self.forget_before(sequence);
        }
        self.newest_sequence = self.newest_sequence.max(Some(sequence));
        self.add_event(event)
    }

    /// Events from before the oldest one shown, as a range query finds them.
    pub fn add_older(&mut self, events: Vec<Event>) {
        for event in events {
            if event.edits.is_some() || self.find(event.sequence).is_none() {
                self.add_event(event);
            }
        }
    }

    /// The room holds nothing any more: it was removed, or another series is in its place.
    pub fn start_anew(&mut self) {
        self.settled.clear();
        self.newest_sequence = None;
        self.reordered = true;
        self.touch_from(0);
    }

    /// Puts a message on its way and says how it is called from now on.
    pub fn send(&mut self, message: ChatMessage, at: At) -> Key {
        let mut entry = self.entry(message, at, None, None);
        entry.origin = Origin::Own;
        entry.delivery = Delivery::Sending;
        entry.echo_due = true;
        let key = entry.key;
        self.outbox.push(entry);
        self.reordered = true;
        self.touch(key);
        key
    }

    /// The service has acknowledged a message; in a history room it says the place in the series, too.
    pub fn acknowledge(&mut self, key: Key, sequence: Option<u64>) {
        let Some(place) = self.outbox.iter().position(|entry| entry.key == key) else {
            return; // Its echo came first.
        };
        let mut entry = self.outbox.remove(place);
        if let Some(known) = sequence.and_then(|sequence| self.find(sequence)) {
            // The event came first, and did not look like an echo. The service knows better.
            let echo = self.settled.remove(known);
            entry.at = echo.at;
            entry.echo_due = false;
            self.reordered = true;
        }
        self.settle(entry, sequence);
    }

    /// A message did not get there.
    pub fn fail(&mut self, key: Key, fault: Fault) {
        self.set_delivery(key, Delivery::Failed(fault));
    }

    /// Takes a failed message up again, for the caller to send.
    pub fn retry(&mut self, key: Key) -> Option<ChatMessage> {
        let entry = self.outbox.iter().find(|entry| entry.key == key)?;
        if !matches!(entry.delivery, Delivery::Failed(_)) {
            return None;
        }
        let message = entry.message.clone();
        self.set_delivery(key, Delivery::Sending);
        Some(message)
    }

    /// Gives a failed message up.
    pub fn cancel(&mut self, key: Key) {
        self.outbox
            .retain(|entry| entry.key != key || entry.delivery == Delivery::Sending);
        self.reordered = true;
        self.touch_from(self.settled.len());
    }

    fn at(&self, place: usize) -> Option<&Entry> {
        match place.checked_sub(self.settled.len()) {
            None => self.settled.get(place),
            Some(place) => self.outbox.get(place),
        }
    }

    fn entry(
        &mut self,
        message: ChatMessage,
        at: At,
        sequence: Option<u64>,
        author: Option<&str>,
    ) -> Entry {
        let key = self.next_key;
        self.next_key += 1;
        // A live room does not say who sent a value, so the name has to do.
        let mine = message.name == self.reader.name
            && author.is_none_or(|author| author == self.reader.principal);
        let origin = if message.name == SYSTEM_NAME {
            Origin::Notice
        } else if mine {
            Origin::Own
        } else {
            Origin::Other
        };
        Entry {
            key,
            message,
            at,
            origin,
            delivery: Delivery::Received,
            sequence,
            edited: None,
            echo_due: false,
        }
    }

    fn add_event(&mut self, event: Event) -> bool {
        if let Some(original) = event.edits {
            self.edit(original, event);
            return false;
        }
        if let Some(place) = self.find(event.sequence) {
            let known = &mut self.settled[place];
            known.at = event.at;
            known.echo_due = false;
            self.touch_from(place);
            return false;
        }
        if let Some(mut echo) = self.take_echo(&event.message) {
            echo.at = event.at;
            self.settle(echo, Some(event.sequence));
            return false;
        }
        let entry = self.entry(
            event.message,
            event.at,
            Some(event.sequence),
            Some(&event.author),
        );
        let news = entry.origin == Origin::Other;
        let place = self.place_of(event.sequence);
        self.insert_settled(place, entry);
        news
    }

    fn forget_before(&mut self, sequence: u64) {
        self.settled
            .retain(|entry| entry.sequence.is_none_or(|known| known >= sequence));
        self.reordered = true;
        self.touch_from(0);
    }

    fn find(&self, sequence: u64) -> Option<usize> {
        let place = self.place_of(sequence).checked_sub(1)?;
        (self.settled[place].sequence == Some(sequence)).then_some(place)
    }

    /// Where an event of this sequence goes: after all with a lower or equal one.
    fn place_of(&self, sequence: u64) -> usize {
        let before = |entry: &Entry| entry.sequence.is_none_or(|known| known <= sequence);
        self.settled
            .iter()
            .rposition(before)
            .map_or(0, |place| place + 1)
    }

    /// A message sent from here that has come back, wherever it stands. Failed ones count: it was unknown whether they
    /// had got there.
    fn take_echo(&mut self, message: &ChatMessage) -> Option<Entry> {
        let is_echo = |entry: &Entry| entry.echo_due && entry.message == *message;
        if let Some(place) = self.outbox.iter().position(is_echo) {
            self.reordered = true;
            let entry = self.outbox.remove(place);
            return Some(Entry {
                echo_due: false,
                ..entry
            });
        }
        // Acknowledged already. It came back in a live room; in a history room it is found by its sequence.
        let place = self
            .settled
            .iter()
            .rposition(|entry| entry.sequence.is_none() && is_echo(entry))?;
        let entry = self.settled.remove(place);
        self.touch_from(place);
        Some(Entry {
            echo_due: false,
            ..entry
        })
    }

    fn settle(&mut self, mut entry: Entry, sequence: Option<u64>) {
        entry.delivery = Delivery::Sent;
        entry.sequence = sequence;
        let place = sequence.map_or(self.settled.len(), |sequence| self.place_of(sequence));
        self.insert_settled(place, entry);
    }

    fn insert_settled(&mut self, place: usize, entry: Entry) {
        self.settled.insert(place, entry);
        self.reordered = true;
        self.touch_from(place);
    }

    fn edit(&mut self, original: u64, event: Event) {
        let Some(place) = self.find(original) else {
            return; // Older than what is shown.
        };
        let entry = &mut self.settled[place];
        if entry.edited.is_none_or(|known| known < event.sequence) {
            entry.message = event.message;
            entry.edited = Some(event.sequence);
            self.touch_from(place);
        }
    }

    fn set_delivery(&mut self, key: Key, delivery: Delivery) {
        if let Some(entry) = self.outbox.iter_mut().find(|entry| entry.key == key) {
            entry.delivery = delivery;
            self.touch(key);
        }
    }

    fn touch(&mut self, key: Key) {
        if !self.touched.contains(&key) {
            self.touched.push(key);
        }
    }

    /// The message at this place changed, and how the one after it looks may have.
    fn touch_from(&mut self, place: usize) {
        for place in [place, place + 1] {
            if let Some(key) = self.at(place).map(|entry| entry.key) {
                self.touch(key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
