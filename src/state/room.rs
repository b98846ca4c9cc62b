//! A room that the reader is in, as values that the page follows.

use crate::state::{Fault, SetIfChanged};
use std::cell::{Cell, RefCell};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use send_wrapper::SendWrapper;

use crate::features::composer::composing::{KeptDraft, Note, Picking, Purpose, UnsavedEdit};
use crate::features::join::form::Room;
use crate::features::people::roster::People;
use crate::features::timeline::prose::plain_text;
use crate::features::timeline::reactions::{Chip, Reactions};
use crate::features::timeline::viewport::{self, Drawn, Extent};
use crate::features::timeline::{Key, Reader, Row, Timeline, known_names};
use crate::i18n::I18n;
use crate::platform::page;
use crate::platform::tasks::Tasks;
use crate::t;
use effusion_chat::{RoomCard, Target};
use leptos::prelude::*;

/// How long what a screen reader is to say is collected, in milliseconds.
const ANNOUNCE_DELAY: u64 = 700;

/// So many changes in each of so many frames in a row are a flood, which nobody can follow one by one.
const FLOOD_CHANGES: usize = 4;
const FLOOD_FRAMES: usize = 10;

/// How long a flood is collected before it is drawn, in milliseconds.
const FLOOD_DELAY: u64 = 100;

/// The room that the components here show, from context.
///
/// # Panics
/// Outside of a room.
pub fn use_room() -> OpenRoom {
    expect_context()
}

/// How a room stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RoomState {
    /// Its topic is being made or looked for.
    #[default]
    Joining,
    /// Messages come and go.
    Open,
    /// It can be read, but this is why nothing can be written.
    ReadOnly(ReadOnly),
    /// It cannot be used, and why.
    Failed(Fault),
}

/// Why nothing can be written in a room that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnly {
    /// The account lacks the right.
    NotPermitted,
    /// A moderator has withdrawn it, until this time in milliseconds since 1970 if there is one.
    Muted(Option<i64>),
}

impl RoomState {
    /// The word for it in `data-state`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Open => "open",
            Self::ReadOnly(_) => "readonly",
            Self::Failed(_) => "failed",
        }
    }
}

/// What is known about messages from before those shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Earlier {
    /// There may be some.
    #[default]
    Unknown,
    /// They are being asked for.
    Loading,
    /// There are none, or the service keeps them no longer.
    None,
    /// They could not be had.
    Failed,
    /// The reader has cleared the window of them: they come when they are asked for.
    Cleared,
}

/// A message on the screen: it changes in place, so that nothing is read out or drawn twice.
#[derive(Clone)]
pub struct RowSignal {
    /// Names the message.
    pub key: Key,
    /// What it looks like now.
    pub row: ArcRwSignal<Row>,
}

impl RowSignal {
    /// The rank of the message.
    pub fn rank(&self) -> u64 {
        self.row.read_untracked().entry.rank
    }
}

/// The reactions to one message on the screen: counted, to forget those of messages that have left it.
pub type MessageReactions = Arc<ArcRwSignal<Vec<Chip>>>;

/// One room that the reader is in.
///
/// A handle that is cheap to clone. The room is freed with the last of them.
#[derive(Clone)]
pub struct OpenRoom(Arc<RoomFields>);

/// What [`OpenRoom`] refers to.
pub struct RoomFields {
    /// Names the room for as long as the page is open; a room left and joined again is another one.
    pub id: usize,
    /// Name and kind. The kind changes if the room turns out to be of the other one.
    pub info: ArcRwSignal<Room>,
    /// The principal that the reader talks to, if this is no room but what two people say to each other.
    pub peer: Option<String>,
    signals: RoomSignals,
    inner: SendWrapper<Inner>,
}

/// What changes in a room, and is followed.
#[derive(Default)]
pub struct RoomSignals {
    /// How it stands.
    pub state: ArcRwSignal<RoomState>,
    /// Grows whenever what is said in it has changed.
    pub version: ArcRwSignal<u64>,
    /// Its messages on the screen.
    pub rows: ArcRwSignal<Vec<RowSignal>>,
    /// Messages from others that came while the reader looked elsewhere.
    pub unread: ArcRwSignal<usize>,
    /// How many of them name the reader.
    pub mentions: ArcRwSignal<usize>,
    /// Those who are in the room.
    pub people: ArcRwSignal<People>,
    /// Whether it is known who is in the room, or that it cannot be known.
    pub attended: ArcRwSignal<bool>,
    /// What is known of the room beyond its messages, if somebody has written it down.
    pub card: ArcRwSignal<Option<RoomCard>>,
    /// What is in the composer.
    pub draft: ArcRwSignal<String>,
    /// What becomes of what is in the composer.
    pub purpose: ArcRwSignal<Purpose>,
    /// The draft that is back in the composer once what was typed after an edit is sent.
    pub set_aside: ArcRwSignal<Option<KeptDraft>>,
    /// Edits that have left the composer and are not saved.
    pub unsaved: ArcRwSignal<Vec<UnsavedEdit>>,
    /// What is told above the composer.
    pub note: ArcRwSignal<Option<Note>>,
    /// What an emoji is being picked for.
    pub picking: ArcRwSignal<Option<Picking>>,
    /// Whether to offer earlier messages.
    pub earlier: ArcRwSignal<Earlier>,
    /// Whether a gap is being filled.
    pub filling: ArcRwSignal<bool>,
    /// Which part of the messages is in the document, and how much room the rest takes.
    pub extent: ArcRwSignal<Extent>,
    /// The message that is to be brought into sight.
    pub scroll_target: ArcRwSignal<Option<ScrollTarget>>,
    /// Whether what is shown is a copy, kept for when there is no connection.
    pub copied: ArcRwSignal<bool>,
    /// What a screen reader is to say of the messages that came last.
    pub announcement: ArcRwSignal<String>,
    /// The rank of the newest message up to which the reader has seen all.
    pub read: ArcRwSignal<Option<u64>>,
    /// What can be seen of the list; none while it is not on the screen.
    pub sight: ArcRwSignal<Option<Sight>>,
    /// The oldest place of the series that is here.
    pub oldest: ArcRwSignal<Option<u64>>,
    /// What the reader wants to see, for the history service to bring.
    pub wanted: ArcRwSignal<Vec<Wanted>>,
    /// Counts how often the reader wanted to be at the end of the list.
    pub to_end: ArcRwSignal<usize>,
    /// Set each time the room has been joined and its first messages can be seen.
    pub entered: ArcRwSignal<Option<Entered>>,
    /// Counts how often its topic was subscribed to: each time, what waits to be sent can go out.
    pub subscribed: ArcRwSignal<usize>,
    /// Counts the accounts that the reader has been in it with: what the device keeps of it is each one's own.
    pub accounts: ArcRwSignal<usize>,
}

/// What of a room nothing follows.
#[derive(Default)]
struct Inner {
    timeline: RefCell<Timeline>,
    reactions: RefCell<Reactions>,
    /// The reactions to the messages on the screen.
    reacted: RefCell<Vec<(Target, MessageReactions)>>,
    /// The rank of the message that the document is built around; none for the end.
    around: Cell<Option<u64>>,
    /// How high the list is on the screen.
    view: Cell<u32>,
    /// How far the list has been drawn, and whether that goes on.
    reach: Cell<Drawn>,
    reaching: Cell<bool>,
    /// Whether the messages were drawn just now, and how often they have changed since.
    drawn: Cell<bool>,
    changes: Cell<usize>,
    /// In how many frames in a row there were many changes.
    busy_frames: Cell<usize>,
    /// Up to which rank messages came at the end of the list while the reader saw it, however many did at once.
    seen: Cell<Option<u64>>,
    /// How many messages have come since the last announcement.
    unannounced: Cell<usize>,
    visit: Cell<usize>,
    /// What this visit keeps going.
    tasks: RefCell<Tasks>,
}

/// What can be seen of the list of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sight {
    /// The rank of the first message that can be seen.
    pub first: u64,
    /// The rank of the last one that can be seen as a whole.
    pub last: u64,
    /// Whether the list stays at its end, and will show what comes.
    pub at_end: bool,
}

/// A message that is to be brought into sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScrollTarget {
    /// Its rank.
    pub rank: u64,
    /// What becomes of the keyboard's focus.
    pub focus: Focus,
}

/// What becomes of the keyboard's focus when a message is brought into sight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// It stays where it is.
    Stays,
    /// It moves to the message.
    Moves,
}

/// What the reader wants to see of a room, and what may not be here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Messages from before the oldest one.
    Earlier,
    /// Those that are missing right before a message.
    Gap {
        /// The rank of the message.
        rank: u64,
        /// Whether the reader comes from above, and wants the oldest of them.
        from_above: bool,
    },
    /// This message, and what becomes of the keyboard's focus.
    Message(Target, Focus),
}

/// The reader has come into a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entered {
    /// Tells this visit from others.
    pub visit: usize,
    /// Whether the room was made by it.
    pub made: bool,
    /// Whether those who are there are to be told.
    pub announce: bool,
}

impl Deref for OpenRoom {
    type Target = RoomFields;

    fn deref(&self) -> &RoomFields {
        &self.0
    }
}

impl Deref for RoomFields {
    type Target = RoomSignals;

    fn deref(&self) -> &RoomSignals {
        &self.signals
    }
}

impl OpenRoom {
    /// A room that shows nothing yet, or what the reader and a `peer`, another principal, say to each other.
    pub fn new(id: usize, room: Room, reader: Reader, peer: Option<String>) -> Self {
        let timeline = match peer {
            None => Timeline::new(reader),
            Some(_) => Timeline::between_two(reader),
        };
        Self(Arc::new(RoomFields {
            id,
            info: ArcRwSignal::new(room),
            peer,
            signals: RoomSignals::default(),
            inner: SendWrapper::new(Inner {
                timeline: RefCell::new(timeline),
                ..Inner::default()
            }),
        }))
    }

    /// Looks at the messages without following them.
    pub fn look<T>(&self, look: impl FnOnce(&Timeline) -> T) -> T {
        look(&self.inner.timeline.borrow())
    }

    /// Changes the messages, and what is on the screen with them: at once, but no more than once a frame, and more rarely in a
    /// flood.
    pub fn change<T>(&self, change: impl FnOnce(&mut Timeline) -> T) -> T {
        let result = change(&mut self.inner.timeline.borrow_mut());
        self.draw_changes();
        result
    }

    /// Not generic: all changes share this code.
    fn draw_changes(&self) {
        if self.inner.timeline.borrow_mut().take_changed() {
            self.draw();
        }
    }

    fn draw(&self) {
        if self.inner.drawn.replace(true) {
            self.inner.changes.set(self.inner.changes.get() + 1);
            return;
        }
        self.show();
        let room = self.clone();
        let draw_again = move || {
            room.inner.drawn.set(false);
            if room.inner.changes.replace(0) > 0 {
                room.draw();
            }
        };
        let room = self.clone();
        request_animation_frame(move || {
            let is_busy = room.inner.changes.get() >= FLOOD_CHANGES;
            let busy_frames = if is_busy {
                room.inner.busy_frames.get() + 1
            } else {
                0
            };
            room.inner.busy_frames.set(busy_frames);
            if busy_frames < FLOOD_FRAMES {
                draw_again();
            } else {
                // Rows that are gone with the next frame would take the time in which the page can answer its reader.
                set_timeout(draw_again, Duration::from_millis(FLOOD_DELAY));
            }
        });
    }

    /// Whether messages come and go, whatever the reader may do.
    pub fn is_open(&self) -> bool {
        let state = self.state.read_untracked();
        matches!(*state, RoomState::Open | RoomState::ReadOnly(_))
    }

    /// Whether it is archived: nobody is to change anything in it. Follows changes.
    pub fn is_archived(&self) -> bool {
        self.card.read().as_ref().is_some_and(|card| card.archived)
    }

    /// Whether there may be messages from before the oldest one.
    pub fn offers_earlier(&self) -> bool {
        let oldest = self.oldest.get_untracked();
        oldest.is_some_and(|oldest| oldest > 0) && !*self.copied.read_untracked()
    }

    /// Builds the document around a message, or up to the end, for a list that is so high on the screen.
    pub fn show_around(&self, rank: Option<u64>, view: u32) {
        self.inner.around.set(rank);
        self.inner.view.set(view);
        self.show();
    }

    /// Up to which rank the reader has read.
    pub fn read(&self) -> Option<u64> {
        *self.read.read_untracked()
    }

    /// The reader has read up to here, in this window or another one.
    pub fn set_read(&self, rank: Option<u64>) {
        if rank.is_none() {
            self.inner.seen.set(None);
        }
        if self.read() != rank {
            self.read.set(rank);
            self.count_unread();
        }
    }

    /// Whether what comes at the end will be seen: so it is, too, where there is no list yet, which begins there.
    pub fn is_end_in_sight(&self) -> bool {
        self.sight.get_untracked().is_none_or(|sight| sight.at_end)
    }

    /// The reader looks at the room. What can be seen has been read, unless there is something unread before it.
    pub fn read_in_sight(&self) {
        // A copy is no news, and the room may not be here yet.
        let is_copy = *self.copied.read_untracked();
        let Some(sight) = self.sight.get_untracked().filter(|_| !is_copy) else {
            return;
        };
        let before = self.read();
        let read = before.max(self.inner.seen.take());
        let (first, newest) =
            self.look(|timeline| (timeline.first_unread(read), timeline.newest_rank()));
        let is_reached = first.is_none_or(|first| first >= sight.first);
        let last = newest.min(Some(sight.last)).filter(|_| is_reached);
        if read.max(last) > before {
            self.set_read(read.max(last));
        }
    }

    /// The reader wants to be told of nothing that there is.
    pub fn mark_read(&self) {
        let newest = self.look(Timeline::newest_rank);
        self.set_read(newest.max(self.read()));
        self.count_unread();
    }

    /// Counts what is unread.
    pub fn count_unread(&self) {
        let (unread, mentions) =
            self.look(|timeline| timeline.unread(self.read(), || known_names(self.clone())));
        self.unread.set_if_changed(unread);
        self.mentions.set_if_changed(mentions);
    }

    /// The reader looks elsewhere: what comes next is new.
    pub fn look_away(&self) {
        if *self.unread.read_untracked() == 0 {
            self.change(|timeline| timeline.set_line(None));
        }
    }

    /// A message has come from somebody else. If the reader did not see it, a line marks where the new ones begin.
    pub fn receive(&self, seen: bool) {
        let (line, newest) = self.look(|timeline| (timeline.line(), timeline.newest_rank()));
        let read = self.read();
        if seen {
            // The line is of use only while it stands between messages.
            if line.is_some() && line == read {
                self.change(|timeline| timeline.set_line(None));
            }
            // A list that is there says what is in sight of it once it is drawn: many messages are read at once then.
            if self.sight.get_untracked().is_none() {
                self.set_read(newest.max(read));
            } else {
                self.inner.seen.set(newest.max(read));
            }
        } else if line.is_none() || line < read {
            self.change(|timeline| timeline.set_line(read));
        }
    }

    /// Keeps an edit that is not saved, in the place of an earlier one of the same message.
    pub fn set_unsaved(&self, edit: UnsavedEdit) {
        self.unsaved.update(|unsaved| {
            unsaved.retain(|known| known.sequence != edit.sequence);
            unsaved.push(edit);
        });
    }

    /// Has a screen reader say what has come: the message, or how many there are.
    pub fn announce(&self, i18n: I18n) {
        let waiting = self.inner.unannounced.get();
        self.inner.unannounced.set(waiting + 1);
        if waiting > 0 {
            return;
        }
        let room = self.clone();
        set_timeout(
            move || {
                let count = room.inner.unannounced.replace(0);
                let mut text = room.look(|timeline| {
                    let mut newest = timeline.entries().rev();
                    let newest = newest.find(|entry| !entry.message.text.is_empty());
                    match newest.filter(|_| count == 1) {
                        Some(entry) => {
                            let name = timeline.label(&entry.message.name, &entry.author);
                            [&name, ": ", &plain_text(&entry.message.text)].concat()
                        }
                        None => t!(i18n, timeline_new_messages, count = count),
                    }
                });
                if *room.announcement.read_untracked() == text {
                    // A screen reader does not say the same text again.
                    text.push('\u{a0}');
                }
                room.announcement.set(text);
            },
            Duration::from_millis(ANNOUNCE_DELAY),
        );
    }

    /// Whether the document goes on with what comes at the end.
    pub fn is_at_end(&self) -> bool {
        self.inner.around.get().is_none()
    }

    /// Records how high messages in the document are.
    ///
    /// The space above and below does not depend on these heights. It is told anew only when the document is: in between, the
    /// timeline may hold messages that are drawn with the next frame, and the end of the document is still the end of the list.
    pub fn measure(&self, heights: &[(u64, u32)]) {
        let mut timeline = self.inner.timeline.borrow_mut();
        for (rank, height) in heights {
            timeline.measure(*rank, *height);
        }
    }

    /// Brings a message into sight.
    pub fn scroll_to(&self, rank: u64, focus: Focus) {
        self.scroll_target.set(Some(ScrollTarget { rank, focus }));
    }

    /// Has something brought that the reader wants to see.
    pub fn want(&self, wanted: Wanted) {
        self.wanted.maybe_update(|known| {
            let is_new = !known.contains(&wanted);
            if is_new {
                known.push(wanted);
            }
            is_new
        });
    }

    /// Brings the end into sight.
    pub fn scroll_to_end(&self) {
        self.to_end.update(|times| *times += 1);
    }

    /// The reactions to a message, as they change.
    pub fn reactions_of(&self, target: Target) -> MessageReactions {
        let mut reacted = self.inner.reacted.borrow_mut();
        if let Some((_, known)) = reacted.iter().rfind(|(known, _)| *known == target) {
            return Arc::clone(known);
        }
        // Those of messages that have left the screen.
        if reacted.len().is_multiple_of(256) {
            reacted.retain(|(_, reactions)| Arc::strong_count(reactions) > 1);
        }
        let chips = self.inner.reactions.borrow().of(target).to_vec();
        let made = Arc::new(ArcRwSignal::new(chips));
        reacted.push((target, Arc::clone(&made)));
        made
    }

    /// Changes the reactions; `change` answers the message that looks different now, or none for all of them.
    pub fn react(&self, change: impl FnOnce(&mut Reactions) -> Option<Target>) {
        let changed = change(&mut self.inner.reactions.borrow_mut());
        let shown: Vec<_> = self.inner.reacted.borrow().clone();
        let reactions = self.inner.reactions.borrow();
        for (target, message) in shown {
            if changed.is_none_or(|changed| changed == target) {
                message.set_if_changed(reactions.of(target).to_vec());
            }
        }
    }

    /// The series of reactions begins anew.
    pub fn forget_reactions(&self) {
        self.react(|reactions| {
            reactions.start_anew();
            None
        });
    }

    /// The room holds nothing of what was known of it any more: the service has lost it, or it is another service's.
    pub fn start_anew(&self) {
        self.change(Timeline::start_anew);
        self.forget_reactions();
        self.set_read(None);
    }

    /// Comes in once more; the tasks of the visit before end.
    pub fn begin_visit(&self) {
        self.inner.visit.set(self.inner.visit.get() + 1);
        self.inner.tasks.replace(Tasks::default());
    }

    /// Tells this visit from others.
    pub fn visit(&self) -> usize {
        self.inner.visit.get()
    }

    /// Runs a task until it is done or this visit ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.inner.tasks.borrow().spawn(task);
    }

    /// What is in the composer, to be brought back later.
    pub fn kept_draft(&self) -> KeptDraft {
        let reply = match self.purpose.get_untracked() {
            Purpose::Reply(reply) => Some(reply),
            _ => None,
        };
        let text = self.draft.get_untracked();
        KeptDraft { text, reply }
    }

    /// Takes the draft out of the composer, for what is typed by somebody who has not seen that it is back.
    pub fn set_draft_aside(&self) {
        self.set_aside.set(Some(self.kept_draft()));
        self.purpose.set_if_changed(Purpose::Send);
        self.draft.set(String::new());
    }

    /// Puts the draft that was set aside back into the composer, if that is empty. True if there was one.
    pub fn bring_draft_back(&self) -> bool {
        let is_free = self.draft.read_untracked().is_empty()
            && *self.purpose.read_untracked() == Purpose::Send;
        let kept = self.set_aside.read_untracked().clone();
        let Some(kept) = kept.filter(|_| is_free) else {
            return false;
        };
        self.set_aside.set(None);
        self.purpose.set_if_changed(kept.purpose());
        self.draft.set(kept.text);
        true
    }

    /// Forgets the messages, and ends what was begun.
    pub fn close(&self) {
        self.begin_visit();
        self.inner.timeline.replace(Timeline::default());
        self.rows.set(Vec::new());
        self.extent.set_if_changed(Extent::default());
        self.people.set(People::default());
        self.attended.set(false);
    }

    /// Puts what is to be in the document there.
    fn show(&self) {
        let timeline = self.inner.timeline.borrow();
        let place = self
            .inner
            .around
            .get()
            .map(|rank| timeline.place_of_rank(rank));
        let range = viewport::around(
            timeline.len(),
            place,
            self.inner.view.get(),
            self.inner.reach.get(),
            |place| timeline.top(place),
            |height| timeline.at_height(height),
        );
        let known = self.rows.read_untracked().clone();
        let mut from = 0;
        let mut same = true;
        let mut rows = Vec::with_capacity(range.len());
        for row in range.clone().filter_map(|place| timeline.row_at(place)) {
            let key = row.entry.key;
            let is_it = |place: &usize| known.get(*place).is_some_and(|known| known.key == key);
            // Nearly everything keeps its order, so the search nearly always ends at once.
            let place = (from..known.len()).chain(0..from).find(is_it);
            same &= place == Some(from);
            match place.and_then(|place| known.get(place)) {
                Some(shown) => {
                    from = place.map_or(from, |place| place + 1);
                    shown.row.set_if_changed(row);
                    rows.push(shown.clone());
                }
                None => rows.push(RowSignal {
                    key,
                    row: ArcRwSignal::new(row),
                }),
            }
        }
        same &= rows.len() == known.len();
        if !same {
            self.rows.set(rows);
        }
        self.version.set_if_changed(timeline.version());
        self.oldest.set_if_changed(timeline.oldest_sequence());
        let len = timeline.len();
        self.extent.set_if_changed(Extent {
            start: range.start,
            end: range.end,
            len,
            above: timeline.top(range.start),
            below: timeline.top(len).saturating_sub(timeline.top(range.end)),
        });
        if place.is_none() {
            self.reach_further(len);
        }
    }

    /// Draws what is still missing once what there is can be seen.
    fn reach_further(&self, len: usize) {
        let Some(next) = self.inner.reach.get().next(len) else {
            return;
        };
        if self.inner.reaching.replace(true) {
            return;
        }
        let room = self.clone();
        page::once_drawn(move || {
            room.inner.reaching.set(false);
            room.inner.reach.set(next);
            room.show();
        });
    }
}
