//! What a room shows: messages that the service has, in its order, and below them those still on their way.
//!
//! All are in one list in the order of their ranks. In a history room a rank is the event's sequence; what has none gets
//! a rank above all sequences, and what is not acknowledged one above those.

mod entry;
mod names;
mod quote;
mod seen;
mod senders;
mod stored;
mod unsent;

use std::collections::BTreeMap;

use crate::features::timeline::At;
use crate::features::timeline::items::{Item, ItemList};
use crate::features::timeline::mention::is_mentioned;
use crate::state::Fault;
use crate::ui::identity::{hue, revealed};
use effusion_chat::{ChatMessage, MessageId, SYSTEM_NAME, Target, who_joined};
pub use entry::{Delivery, Entry, Event, Gap, Key, Origin, Reader, Row};
use names::Names;
pub use quote::{Quote, Quoted};
use seen::Seen;
pub use senders::Sender;
use senders::{Senders, is_claimed};
use stored::{COPY, ECHO_DUE, GAP, Stored};

/// Messages of one author that follow each other this closely are shown under one heading.
const GROUP_MS: i64 = 5 * 60_000;

/// How many notices that follow each other are told as one.
const MAX_FOLDED: usize = 100;

/// What a notice tells.
enum NoticeKind<'a> {
    /// Somebody has come in.
    Joined(&'a str),
    /// There is a value that is no chat message.
    Unreadable,
}

/// From here on ranks are no sequences: those of messages in a live room.
const LIVE: u64 = 1 << 60;

/// From here on messages are not acknowledged.
const UNSENT: u64 = 1 << 61;

/// The messages of one room.
#[derive(Debug, Default)]
pub struct Timeline {
    reader: Reader,
    items: ItemList<Stored>,
    names: Names,
    senders: Senders,
    seen: Vec<Seen>,
    /// The ranks of messages by the bits of their ids and the numbers of their authors, so that none is shown twice.
    ids: BTreeMap<(u64, u32), u64>,
    /// The messages at the end that are not acknowledged, and why those that failed did.
    unsent: Vec<(Key, Option<Fault>)>,
    /// Events that hold a message once more, in their order, and the rank of the one that is shown.
    twins: Vec<(u64, u64)>,
    /// The highest sequence that the subscription has brought, edits included.
    newest_sequence: Option<u64>,
    /// The lowest sequence of an edit of a message that is not here.
    oldest_edit: Option<u64>,
    /// What queries have not found.
    missing: Vec<Target>,
    /// Nothing is missing before the first message.
    is_from_start: bool,
    /// Two people talk here: each page names them otherwise.
    between_two: bool,
    /// The next event is the first one of a subscription.
    subscribed: bool,
    /// Events were missed before the next message.
    gap_due: bool,
    /// How often another series was found in the place of the one before.
    series: usize,
    /// The rank of the last message that was read, if a line is to be drawn below it.
    line: Option<u64>,
    last_sent: Option<u64>,
    next_key: Key,
    next_rank: u64,
    changed: bool,
    version: u64,
}

impl Timeline {
    /// An empty room for a reader.
    pub fn new(reader: Reader) -> Self {
        Self {
            reader,
            ..Self::default()
        }
    }

    /// What the reader and one other person say to each other.
    pub fn between_two(reader: Reader) -> Self {
        Self {
            between_two: true,
            ..Self::new(reader)
        }
    }

    /// Who is reading.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Somebody else is reading from now on; what is shown stays as it was attributed.
    pub fn set_reader(&mut self, reader: Reader) {
        self.reader = reader;
    }

    /// Messages in the order they are shown.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = Entry> {
        self.items.iter().map(|stored| self.entry_of(stored))
    }

    /// Name, text and rank of each message, in order, without making copies.
    pub fn texts(&self) -> impl DoubleEndedIterator<Item = (&str, &str, u64)> {
        self.items
            .iter()
            .map(|it| (self.names.get(it.name), &*it.text, it.rank))
    }

    /// Text and rank of the message at a place, without making a copy.
    pub fn text_at(&self, place: usize) -> Option<(&str, u64)> {
        self.items.get(place).map(|it| (&*it.text, it.rank))
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The message at a place, ready to be shown.
    pub fn row_at(&self, place: usize) -> Option<Row> {
        let stored = self.items.get(place)?;
        let entry = self.entry_of(stored);
        let before = place.checked_sub(1).and_then(|place| self.items.get(place));
        // Messages without a known time are few, and no reason to look far.
        let day_before = (place.saturating_sub(8)..place)
            .rev()
            .find_map(|place| self.items.get(place)?.at().day());
        let new_day = entry.at.day().filter(|&day| day_before != Some(day));
        let unread_from_here = self.line.is_some_and(|line| {
            stored.rank > line && before.is_none_or(|before| before.rank <= line)
        });
        let gap = stored.has(GAP) && before.is_some();
        let heads_group = gap
            || unread_from_here
            || before.is_none_or(|before| {
                before.origin() != entry.origin
                    || before.name != stored.name
                    || before.author != stored.author
                    || !entry.at.follows_within(&before.at(), GROUP_MS)
            });
        let folded = self.joins_on(place + 1);
        let (mut joined, mut unreadable) = (Vec::new(), 0);
        match self.notice_at(place).filter(|_| !folded) {
            Some((_, NoticeKind::Joined(_))) => joined = self.joined_up_to(place),
            Some((_, NoticeKind::Unreadable)) => unreadable = self.run_up_to(place).count(),
            None => {}
        }
        Some(Row {
            joined,
            unreadable,
            folded,
            sender: self.sender_of(stored),
            last_sent: self.last_sent == Some(stored.rank),
            quote: self.quote_in(&entry),
            entry,
            heads_group,
            new_day,
            unread_from_here,
            gap,
        })
    }

    /// The notice at a place, if it is one.
    fn notice_at(&self, place: usize) -> Option<(&Stored, NoticeKind<'_>)> {
        let stored = self.items.get(place)?;
        if stored.origin() != Origin::Notice {
            return None;
        }
        let name = self.names.get(stored.name);
        let joined = who_joined(name, &stored.text).map(NoticeKind::Joined);
        Some((stored, joined.unwrap_or(NoticeKind::Unreadable)))
    }

    /// Whether the notice at a place is of the same kind as the one before it, with nothing to be drawn in between.
    fn joins_on(&self, place: usize) -> bool {
        let before = place.checked_sub(1).and_then(|it| self.notice_at(it));
        let (Some((before, one)), Some((stored, other))) = (before, self.notice_at(place)) else {
            return false;
        };
        let has_line = self
            .line
            .is_some_and(|line| before.rank <= line && line < stored.rank);
        let is_same = std::mem::discriminant(&one) == std::mem::discriminant(&other);
        is_same && !stored.has(GAP) && !has_line && stored.at().day() == before.at().day()
    }

    /// The places of the notice at a place and of those of its kind right before it.
    fn run_up_to(&self, place: usize) -> std::ops::RangeInclusive<usize> {
        let first = (place.saturating_sub(MAX_FOLDED)..=place)
            .rev()
            .find(|place| !self.joins_on(*place));
        first.unwrap_or(place)..=place
    }

    /// Who has come in by the notice at a place and those right before it, each once, in the order they came.
    fn joined_up_to(&self, place: usize) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for (stored, kind) in self.run_up_to(place).filter_map(|it| self.notice_at(it)) {
            if let NoticeKind::Joined(name) = kind {
                let label = self.label(&revealed(name), self.names.get(stored.author));
                if !names.contains(&label) {
                    names.push(label);
                }
            }
        }
        names
    }

    /// Somebody was seen in the room.
    pub fn note_person(&mut self, name: &str, account: &str) {
        let (name, account) = (self.names.number(name), self.names.number(account));
        self.changed |= self.senders.note(&self.names, name, account);
    }

    /// How somebody is told from others whose names look the same.
    pub fn sender(&self, name: &str, account: &str) -> Sender {
        let Some(number) = self.names.find(name) else {
            return Sender {
                account: is_claimed(name, account).then(|| account.to_owned()),
                hue: hue(name),
            };
        };
        let account = self.names.find(account);
        self.senders.sender(&self.names, number, account)
    }

    /// A name, with the account where others have one that looks the same.
    pub fn label(&self, name: &str, account: &str) -> String {
        self.sender(name, account).label(name)
    }

    /// Names of which it is to be found out what they look like; each is given away once.
    pub fn take_unjudged(&mut self) -> Vec<String> {
        let names = self.senders.take_unjudged().into_iter();
        names.map(|name| self.names.get(name).to_owned()).collect()
    }

    /// What a name looks like; none where it cannot be found out.
    pub fn judge(&mut self, name: &str, look: Option<String>) {
        if let Some(name) = self.names.find(name) {
            self.senders.judge(name, look);
            self.changed = true;
        }
    }

    fn sender_of(&self, stored: &Stored) -> Sender {
        // Where the service does not say who it was, only the reader's own are known.
        let is_known = sequence_of(stored.rank).is_some() || stored.origin() == Origin::Own;
        let account = is_known.then_some(stored.author);
        self.senders.sender(&self.names, stored.name, account)
    }

    /// One message, ready to be shown: looked for from the newest on.
    pub fn row(&self, key: Key) -> Option<Row> {
        let from_end = self.items.iter().rev().position(|it| it.key == key)?;
        self.row_at(self.len() - 1 - from_end)
    }

    /// Whether anything has changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        self.version += u64::from(self.changed);
        std::mem::take(&mut self.changed)
    }

    /// A number that grows whenever changes are taken.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The oldest place of the series that is here, to ask for what was before it. Where all that has come are edits of older
    /// messages, it is that of the oldest edit.
    pub fn oldest_sequence(&self) -> Option<u64> {
        match self.items.get(0) {
            Some(first) if self.settled() > 0 => sequence_of(first.rank),
            _ => self.oldest_edit,
        }
    }

    /// The rank of the newest message that the service has.
    pub fn newest_rank(&self) -> Option<u64> {
        self.newest().map(|it| it.rank)
    }

    fn newest(&self) -> Option<&Stored> {
        self.items.get(self.settled().checked_sub(1)?)
    }

    /// The rank of the first message by somebody else after what was read.
    pub fn first_unread(&self, read: Option<u64>) -> Option<u64> {
        self.unread_items(read).next().map(|it| it.rank)
    }

    /// How many messages by others there are after what was read, and how many of them name the reader: the first of `names`,
    /// which are all that can be mentioned.
    pub fn unread(&self, read: Option<u64>, names: impl Fn() -> Vec<String>) -> (usize, usize) {
        let mut known = None;
        self.unread_items(read).fold((0, 0), |(all, named), it| {
            let is_named =
                it.text.contains('@') && is_mentioned(known.get_or_insert_with(&names), &it.text);
            (all + 1, named + usize::from(is_named))
        })
    }

    fn unread_items(&self, read: Option<u64>) -> impl Iterator<Item = &Stored> {
        let first = read.map_or(0, |read| self.place_of_rank(read + 1));
        let items = (first..self.settled()).filter_map(|place| self.items.get(place));
        items.filter(|it| it.origin() == Origin::Other)
    }

    /// Where the message of this rank is, or the one that comes after where it would be.
    pub fn place_of_rank(&self, rank: u64) -> usize {
        self.items.partition(|it| it.rank < rank)
    }

    /// The rank of the message at a place.
    pub fn rank_at(&self, place: usize) -> Option<u64> {
        self.items.get(place).map(|it| it.rank)
    }

    /// The rank of a message that others name, if it is here.
    pub fn find(&self, target: Target) -> Option<u64> {
        match target {
            Target::Sequence(sequence) => self.find_sequence(sequence).map(|(rank, _)| rank),
            Target::Id(id) => self.rank_at(self.find_any(id)?),
        }
    }

    /// What a message quotes, as its original says it now.
    pub fn quote_in(&self, entry: &Entry) -> Option<Quote> {
        let reply = entry.message.reply.as_ref()?;
        Some(self.quote(reply, Some(entry.rank)))
    }

    /// How others name a message.
    pub fn target(entry: &Entry) -> Option<Target> {
        let id = entry.message.id.map(Target::Id);
        entry.sequence.map(Target::Sequence).or(id)
    }

    /// How high all is that stands before a place, as far as it was measured.
    pub fn top(&self, place: usize) -> u32 {
        self.items.top(place)
    }

    /// What stands at a height.
    pub fn at_height(&self, height: u32) -> usize {
        self.items.at_height(height)
    }

    /// Says how high a message is on the screen. True if that is news.
    pub fn measure(&mut self, rank: u64, height: u32) -> bool {
        let place = self.place_of_rank(rank);
        match self.items.get(place) {
            Some(it) if it.rank == rank && it.height() != height => {
                self.items.update(place, |it| it.set_height(height));
                true
            }
            _ => false,
        }
    }

    /// Draws the line of what was read below the message of this rank, or nowhere.
    pub fn set_line(&mut self, line: Option<u64>) {
        if self.line != line {
            self.line = line;
            self.changed = true;
        }
    }

    /// Below which message the line is drawn.
    pub fn line(&self) -> Option<u64> {
        self.line
    }

    /// A subscription begins: what it brings first is the newest of what there is.
    pub fn subscribed(&mut self) {
        self.subscribed = true;
        // What was only a copy is dropped.
        if self.has(0, COPY) {
            let line = self.line;
            self.start_anew();
            self.line = line;
        }
    }

    /// A value of a live room. `retained` says that it was there before the reader came, which after a lost connection
    /// may mean that it is already shown. True if it adds a message by somebody else.
    pub fn receive_value(&mut self, message: ChatMessage, at: At, retained: bool) -> bool {
        if let Some(place) = self.find_unsent(&message) {
            self.settle(place, None, false);
            return false;
        }
        let name = self.names.number(&message.name);
        let known = message.id.and_then(|id| self.find_id(id, name));
        if let Some(place) = known {
            self.repeat_value(place, message);
            return false;
        }
        let newest = self.newest();
        if retained && newest.is_some_and(|newest| newest.message(&self.names) == message) {
            return false;
        }
        let rank = self.live_rank();
        self.add(rank, message, &at, "") == Origin::Other
    }

    /// An event that the subscription to a history room brings. True if it adds a message by somebody else.
    ///
    /// A new subscription brings its range of newest events again. Those already shown are recognised by their place in
    /// the series; if some in between were missed, that is marked, so that no gap is hidden.
    pub fn receive_event(&mut self, event: Event) -> bool {
        let sequence = event.sequence;
        let is_first = std::mem::take(&mut self.subscribed);
        match self.find_sequence(sequence) {
            // The echo of what was sent from here.
            Some((_, place)) if self.has(place, ECHO_DUE) => {}
            Some((rank, place)) => {
                let same =
                    rank != sequence || self.items.get(place).is_some_and(|it| it.at() == event.at);
                if same {
                    return false;
                }
                // The series is another one: the same place holds another event.
                self.begin_series();
            }
            // Or places below all known ones are used.
            None if self.newest_sequence.is_some_and(|it| sequence < it)
                && self.oldest_sequence().is_some_and(|it| sequence < it) =>
            {
                self.begin_series();
            }
            None => {}
        }
        let missed = |newest: u64| sequence > newest.saturating_add(1);
        if is_first && self.newest_sequence.is_some_and(missed) {
            self.gap_due = true;
        }
        self.newest_sequence = self.newest_sequence.max(Some(sequence));
        match event.edits {
            Some(original) => {
                self.edit(original, event);
                false
            }
            None => self.add_event(event),
        }
    }

    /// Events that a range query has found. `gap` is what it looked through from its end on, and `complete` whether it
    /// got to the beginning of that.
    pub fn add_older(&mut self, gap: Gap, events: Vec<Event>, complete: bool) {
        let first = events.iter().map(Event::place).min();
        for event in events {
            self.add_found(event);
        }
        // Nothing is missing any more before what comes next; if not all was had, something is before the first one of these.
        self.mark_gap(gap.to + 1, false);
        self.is_from_start |= complete && gap.from == 0;
        if let Some(first) = first.filter(|_| !complete) {
            self.mark_gap(first, true);
        }
        self.changed = true;
    }

    /// Events that a query has found from the beginning of a gap on; `complete` if they go up to its end.
    pub fn add_newer(&mut self, gap: Gap, events: Vec<Event>, complete: bool) {
        for event in events {
            self.add_found(event);
        }
        self.mark_gap(gap.to + 1, !complete);
        self.changed = true;
    }

    /// Events from around a place, which are apart from those that are here.
    pub fn add_around(&mut self, events: Vec<Event>) {
        let place = |event: Option<&Event>| event.map(Event::place);
        let Some((first, last)) = place(events.first()).zip(place(events.last())) else {
            return;
        };
        for event in events {
            self.add_found(event);
        }
        for sequence in [first, last + 1] {
            let place = self.place_of_rank(sequence);
            let before = place.checked_sub(1).and_then(|place| self.rank_at(place));
            if before.is_none_or(|before| before + 1 < sequence) || sequence != first {
                self.mark_gap(sequence, true);
            }
        }
        self.changed = true;
    }

    /// What is missing before the message of this rank.
    pub fn gap_before(&self, rank: u64) -> Option<Gap> {
        let place = self.place_of_rank(rank);
        let to = sequence_of(rank)?.checked_sub(1)?;
        let before = place.checked_sub(1).and_then(|place| self.rank_at(place));
        let from = before.and_then(sequence_of).map_or(0, |it| it + 1);
        (from <= to).then_some(Gap { from, to })
    }

    /// Another series is in the place of the one that was shown.
    fn begin_series(&mut self) {
        self.start_anew();
        self.series += 1;
    }

    /// Counts the series that events have shown to be in the place of the one before.
    pub fn series(&self) -> usize {
        self.series
    }

    /// The room holds nothing any more: it was removed, or another series is in its place.
    pub fn start_anew(&mut self) {
        let settled = self.settled();
        let mut unsent = ItemList::default();
        while let Some(stored) = self.items.remove(settled) {
            unsent.insert(unsent.len(), stored);
        }
        self.items = unsent;
        self.ids.clear();
        self.seen.clear();
        self.missing.clear();
        self.is_from_start = false;
        self.twins.clear();
        self.newest_sequence = None;
        self.oldest_edit = None;
        self.gap_due = false;
        self.line = None;
        self.last_sent = None;
        self.changed = true;
    }

    /// Messages as they were kept for reading without a connection; only into an empty room.
    pub fn add_copy(&mut self, events: Vec<(Option<u64>, Event)>) {
        if self.settled() > 0 {
            return;
        }
        for (sequence, event) in events {
            let rank = sequence.unwrap_or_else(|| self.live_rank());
            self.add(rank, event.message, &event.at, &event.author);
            if event.edits.is_some() {
                self.change_at(rank, |it| it.set_edited(event.sequence));
            }
            self.change_at(rank, |it| it.set(COPY, true));
        }
    }

    /// How many messages are not on their way any more.
    fn settled(&self) -> usize {
        self.items.len() - self.unsent.len()
    }

    fn has(&self, place: usize, flag: u16) -> bool {
        self.items.get(place).is_some_and(|it| it.has(flag))
    }

    fn step(&mut self) -> u64 {
        self.next_rank += 1;
        self.next_rank
    }

    fn live_rank(&mut self) -> u64 {
        LIVE + self.step()
    }

    fn entry_of(&self, stored: &Stored) -> Entry {
        let mut unsent = self.unsent.iter();
        let found = unsent.find(|(key, _)| stored.rank >= UNSENT && *key == stored.key);
        stored.entry(&self.names, found.and_then(|(_, fault)| fault.as_ref()))
    }

    /// The rank under which the event of a sequence is shown, and where.
    fn find_sequence(&self, sequence: u64) -> Option<(u64, usize)> {
        let twin = self
            .twins
            .binary_search_by_key(&sequence, |(twin, _)| *twin);
        let rank = twin.map_or(sequence, |place| self.twins[place].1);
        let place = self.place_of_rank(rank);
        (self.rank_at(place)? == rank).then_some((rank, place))
    }

    /// Where the message with this id is, if this author wrote it.
    fn find_id(&self, id: MessageId, author: u32) -> Option<usize> {
        let rank = *self.ids.get(&(id.bits(), author))?;
        let place = self.place_of_rank(rank);
        let stored = self.items.get(place)?;
        (stored.rank == rank && stored.id() == Some(id)).then_some(place)
    }

    /// Where the newest message with this id is, whoever wrote it.
    fn find_any(&self, id: MessageId) -> Option<usize> {
        let by_anybody = (id.bits(), 0)..=(id.bits(), u32::MAX);
        let newest = self.ids.range(by_anybody).map(|(_, rank)| *rank).max();
        let place = newest.map(|rank| self.place_of_rank(rank));
        let is_it = |place: &usize| self.items.get(*place).is_some_and(|it| it.id() == Some(id));
        place.filter(is_it).or_else(|| self.unsent_with(id))
    }

    /// Who is behind an id: the principal where the service says who it is, or else the name.
    fn index(&mut self, place: usize) {
        if let Some(it) = self.items.get(place)
            && let Some(id) = it.id()
        {
            let author = if sequence_of(it.rank).is_some() {
                it.author
            } else {
                it.name
            };
            self.ids.insert((id.bits(), author), it.rank);
        }
    }

    fn origin(&self, message: &ChatMessage, author: Option<&str>) -> Origin {
        // Whoever calls themselves so and says something else is a person.
        if is_notice(message) {
            return Origin::Notice;
        }
        // A live room does not say who sent a value, so the name has to do.
        let mine = message.name == self.reader.name
            && author.is_none_or(|author| author == self.reader.principal);
        if mine { Origin::Own } else { Origin::Other }
    }

    fn add(&mut self, rank: u64, message: ChatMessage, at: &At, author: &str) -> Origin {
        let of_series = sequence_of(rank).map(|_| author);
        let origin = self.origin(&message, of_series);
        if of_series.is_some() || !author.is_empty() {
            // A notice is of who has come in.
            let joined = who_joined(&message.name, &message.text).map(revealed);
            match (origin, joined) {
                (Origin::Notice, None) => {}
                (Origin::Notice, Some(name)) => self.note_person(&name, author),
                _ => self.note_person(&message.name, author),
            }
        }
        let author = self.names.number(author);
        let key = self.next_key;
        self.next_key += 1;
        let stored = Stored::new(key, rank, message, at, author, origin, &mut self.names);
        self.insert(stored);
        origin
    }

    fn insert(&mut self, mut stored: Stored) {
        let rank = stored.rank;
        if sequence_of(rank).is_some() && std::mem::take(&mut self.gap_due) {
            stored.set(GAP, true);
        }
        let place = self.place_of_rank(rank);
        self.items.insert(place, stored);
        if rank < UNSENT {
            self.index(place);
        }
        self.changed = true;
    }

    fn change_at(&mut self, rank: u64, change: impl FnOnce(&mut Stored)) {
        let place = self.place_of_rank(rank);
        if self.rank_at(place) == Some(rank) {
            self.items.update(place, change);
            self.changed = true;
        }
    }

    fn mark_gap(&mut self, sequence: u64, there: bool) {
        let place = self.place_of_rank(sequence);
        let is_event = self.rank_at(place).and_then(sequence_of).is_some();
        if is_event {
            self.items.update(place, |it| it.set(GAP, there));
        }
    }

    /// A value of a live room that has an id which is known.
    fn repeat_value(&mut self, place: usize, message: ChatMessage) {
        if self.has(place, ECHO_DUE) {
            // It was acknowledged first; where it comes is its place.
            if let Some(mut stored) = self.items.remove(place) {
                stored.rank = self.live_rank();
                stored.set(ECHO_DUE, false);
                if self.last_sent.is_some_and(|last| last < stored.rank) {
                    self.last_sent = Some(stored.rank);
                }
                self.insert(stored);
            }
            return;
        }
        // The topic holds its newest value alone, so nothing else can be put right but what a moderator takes back.
        let may_change = place + 1 == self.settled() || message.deleted || message.bleeped;
        let differs = self
            .items
            .get(place)
            .is_some_and(|it| it.message(&self.names) != message);
        if may_change && differs {
            let names = &mut self.names;
            self.items.update(place, |it| {
                it.set_message(message, names);
                it.set_edited(0);
            });
            self.changed = true;
        }
    }

    fn add_event(&mut self, event: Event) -> bool {
        if let Some((rank, _)) = self.find_sequence(event.sequence) {
            self.change_at(rank, |it| {
                it.set_at(&event.at);
                it.set(ECHO_DUE, false);
            });
            return false;
        }
        if let Some(place) = self.find_unsent(&event.message) {
            let author = self.names.number(&event.author);
            self.items.update(place, |it| {
                it.set_at(&event.at);
                it.author = author;
            });
            self.settle(place, Some(event.sequence), false);
            return false;
        }
        let author = self.names.number(&event.author);
        let known = event.message.id.and_then(|id| self.find_id(id, author));
        if let Some(place) = known {
            self.add_twin(place, event);
            return false;
        }
        self.add(event.sequence, event.message, &event.at, &event.author) == Origin::Other
    }

    /// The same message once more: the first of them counts, for everyone alike.
    fn add_twin(&mut self, place: usize, event: Event) {
        let Some(shown) = self.rank_at(place) else {
            return;
        };
        if shown <= event.sequence {
            self.set_twin(event.sequence, shown);
            return;
        }
        if let Some(mut stored) = self.items.remove(place) {
            stored.rank = event.sequence;
            stored.set_at(&event.at);
            for (_, rank) in &mut self.twins {
                if *rank == shown {
                    *rank = event.sequence;
                }
            }
            self.set_twin(shown, event.sequence);
            self.insert(stored);
        }
    }

    fn set_twin(&mut self, twin: u64, rank: u64) {
        match self.twins.binary_search_by_key(&twin, |(twin, _)| *twin) {
            Ok(place) => self.twins[place].1 = rank,
            Err(place) => self.twins.insert(place, (twin, rank)),
        }
    }

    fn add_found(&mut self, event: Event) {
        let Some(original) = event.edits else {
            if self.find_sequence(event.sequence).is_none() {
                self.add_event(event);
            }
            return;
        };
        // A query of values gives the newest edit in the place of the event.
        let edit = event.sequence;
        if self.find_sequence(original).is_some() {
            self.edit(original, event);
        } else {
            self.add_event(Event {
                sequence: original,
                edits: None,
                ..event
            });
            self.change_at(original, |it| it.set_edited(edit));
        }
    }

    fn edit(&mut self, original: u64, event: Event) {
        let Some((_, place)) = self.find_sequence(original) else {
            // Older than what is shown.
            let oldest = self.oldest_edit.unwrap_or(event.sequence);
            self.oldest_edit = Some(oldest.min(event.sequence));
            self.changed = true;
            return;
        };
        let origin = self.origin(&event.message, Some(&event.author));
        let (names, next_key) = (&mut self.names, &mut self.next_key);
        let changed = self.items.update(place, |it| {
            let is_newer = it.edited().is_none_or(|known| known < event.sequence);
            if is_newer {
                it.set_message(event.message, names);
                it.set_edited(event.sequence);
                // A notice that has become somebody's words, or the other way round, is drawn anew.
                if (origin == Origin::Notice) != (it.origin() == Origin::Notice) {
                    it.set_origin(origin);
                    it.key = *next_key;
                    *next_key += 1;
                }
            }
            is_newer
        });
        if changed == Some(true) {
            self.index(place);
            self.changed = true;
        }
    }
}

/// Whether a message is none of anybody's: it says that somebody has come in, and is like those that say so, or stands for a value that
/// is no message.
fn is_notice(message: &ChatMessage) -> bool {
    let is_joined = who_joined(&message.name, &message.text).is_some();
    let is_plain = message.reply.is_none() && !message.act && !message.bleeped && !message.deleted;
    let is_unreadable = message.name == SYSTEM_NAME && message.text.is_empty() && !message.deleted;
    is_joined && is_plain || is_unreadable
}

/// The place in the series that a rank says, if it says one.
fn sequence_of(rank: u64) -> Option<u64> {
    (rank < LIVE).then_some(rank)
}

#[cfg(test)]
pub(super) mod tests;
