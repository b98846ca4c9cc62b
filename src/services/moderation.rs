//! The moderator's desk in the page.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use effusion_chat::moderation::{Deed, Rules};
use effusion_chat::{ChatMessage, RoomName};
use effusion_client::{
    ErrorReason, EventMetadata, GlobalPermission, RangeAnchor, RangeSpan, Session, SessionLock,
    SessionLockScope,
};
use effusion_moderator::{DUTY, Desk, Failure, Happening, Inbox, Report};
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::future::{Either, select};
use futures_util::stream::{Stream, StreamExt as _, once, select_all};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::connection::Connection;
use crate::features::composer::composing::Note;
use crate::features::moderation::records::{Activity, Flag, LogRow, MAX_FLAGS, sentence};
use crate::features::people::roster::Person;
use crate::platform::clock;
use crate::state::{App, OpenRoom, SetIfChanged};
use crate::text;

/// How long after a restriction could not be ended in time that is tried again, in milliseconds.
const RETRY_DELAY: i64 = 2_000;

/// How many messages from before the desk was opened are counted in a room.
const MAX_COUNTED: u64 = 10_000;

/// Whether this window keeps watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duty {
    /// There is no desk.
    #[default]
    Closed,
    /// Another moderator keeps watch; this window does when that one stops.
    LookingOn,
    /// This window keeps watch.
    Watching,
}

/// What the board shows.
#[derive(Clone, Copy, Default)]
pub struct Board {
    /// Whether this window keeps watch.
    pub duty: RwSignal<Duty>,
    /// The rules in force.
    pub rules: RwSignal<Rules>,
    /// Flagged messages, the newest first.
    pub flags: RwSignal<Vec<Flag>>,
    /// The log, the newest first.
    pub log: RwSignal<Vec<LogRow>>,
    /// How much is said where.
    pub activity: RwSignal<Activity>,
    /// What did not work, or what did.
    pub note: RwSignal<Option<Note>>,
}

/// What a moderator wants done.
#[derive(Clone, Debug)]
pub enum Order {
    /// Put other rules in force.
    Publish(Rules),
    /// Undo an entry of the log.
    Undo(u64),
    /// Withdraw rights.
    Withdraw {
        /// Which: writing in a room, writing and reading there, or all.
        deed: Deed,
        /// Whose.
        principal: String,
        /// Where.
        room: Option<RoomName>,
        /// For how many minutes; until it is undone, if zero.
        minutes: u32,
        /// Why.
        why: String,
    },
    /// Give back the right to write in a room.
    Unmute {
        /// Whose.
        principal: String,
        /// Where.
        room: RoomName,
    },
}

enum Turn {
    Happened(Happening),
    Ordered(Order),
    Due,
    Held(Option<SessionLock>),
    Lost,
}

/// The moderator's desk, which keeps watch for as long as the session lasts, whatever is shown.
pub struct Moderation {
    app: App,
    connection: Rc<Connection>,
    /// What the board shows.
    pub board: Board,
    orders: RefCell<Option<UnboundedSender<Order>>>,
    /// Where the answer to an order goes besides the board.
    ordered_in: RefCell<Option<OpenRoom>>,
    /// Who wrote the entries of the log, and when, by their sequence.
    written: RefCell<BTreeMap<u64, (String, i64)>>,
}

impl Moderation {
    pub(super) fn new(app: App, connection: &Rc<Connection>) -> Self {
        Self {
            app,
            connection: Rc::clone(connection),
            board: Board::default(),
            orders: RefCell::default(),
            ordered_in: RefCell::default(),
            written: RefCell::default(),
        }
    }

    /// Finds out whether the reader may moderate: who may change rights may.
    pub fn find_rights(&self) {
        let Some(session) = self.connection.session() else {
            return;
        };
        let asked = session.security().global_permissions();
        drop(session);
        let app = self.app;
        spawn_local(async move {
            // A service that does not say so lets nobody moderate from here.
            let granted = asked.await.unwrap_or_default();
            app.moderator
                .set_if_changed(granted.contains(&GlobalPermission::ModifySecurity));
        });
    }

    /// Opens a desk, if there is none, and gives it an order. [`Board::note`] says what came of it.
    pub fn order(self: &Rc<Self>, order: Order) {
        self.board.note.set(None);
        let orders = self.orders.borrow().clone();
        if orders.is_none_or(|orders| orders.unbounded_send(order.clone()).is_err()) {
            self.open(Some(order));
        }
    }

    /// Keeps somebody from writing in a room, or lets them again; the room's composer says what came of it, too. A name stands
    /// for the principal of the one member who bears it, or else for the principal itself.
    pub fn set_muted(self: &Rc<Self>, open: &OpenRoom, name: &str, muted: bool) {
        let people = open.people.read_untracked().persons();
        let named = |it: &Person| it.name == name && !it.principal.is_empty();
        let accounts = people.into_iter().filter(named).map(|it| it.principal);
        let mut accounts: Vec<String> = accounts.collect();
        accounts.dedup();
        if accounts.len() > 1 {
            // Anybody can go by the name of somebody else.
            let accounts = accounts.join(", ");
            let several = text!(command_mute_several, name = name, accounts = accounts);
            open.note.set(Some(Note::Alert(several)));
            return;
        }
        let principal = accounts.pop().unwrap_or_else(|| name.to_owned());
        let room = open.info.read_untracked().name.clone();
        self.ordered_in.replace(Some(open.clone()));
        self.order(if muted {
            Order::Withdraw {
                deed: Deed::Muted,
                principal,
                room: Some(room),
                minutes: 0,
                why: String::new(),
            }
        } else {
            Order::Unmute { principal, room }
        });
    }

    /// Opens a desk, if there is none.
    pub fn open_desk(self: &Rc<Self>) {
        let orders = self.orders.borrow().clone();
        if orders.is_none_or(|orders| orders.is_closed()) {
            self.open(None);
        }
    }

    fn open(self: &Rc<Self>, first: Option<Order>) {
        let me = self.app.me.get_untracked();
        let (Some(session), Some(me)) = (self.connection.session(), me) else {
            self.report(Note::Alert(text!(common_not_connected)));
            return;
        };
        // What was counted for another session may have been in other rooms.
        self.board.activity.set(Activity::default());
        let (orders, ordered) = unbounded();
        if let Some(first) = first {
            // The other end is just here.
            let _ = orders.unbounded_send(first);
        }
        self.orders.replace(Some(orders));
        let this = Rc::clone(self);
        spawn_local(async move {
            let principal = me.credentials.principal;
            match Desk::open(session.clone(), &principal, clock::now()).await {
                Ok((desk, inbox)) => this.work(desk, inbox, session, ordered).await,
                Err(failure) => this.report(not_done(&failure)),
            }
            this.orders.replace(None);
            this.board.duty.set_if_changed(Duty::Closed);
        });
    }

    /// Works at the desk until the session is over.
    async fn work(
        &self,
        mut desk: Desk,
        inbox: Inbox,
        session: Session,
        ordered: UnboundedReceiver<Order>,
    ) {
        self.board.duty.set_if_changed(Duty::LookingOn);
        let request = session.lock(DUTY, SessionLockScope::UnlockOnSessionLoss);
        // Only the handle that the page keeps may keep the session open.
        drop(session);
        let turns: Vec<Pin<Box<dyn Stream<Item = Turn>>>> = vec![
            Box::pin(inbox.map(Turn::Happened)),
            Box::pin(ordered.map(Turn::Ordered)),
            // Without the right to locks it keeps watch all the same.
            Box::pin(once(async move { Turn::Held(request.await.ok()) })),
        ];
        let mut turns = select_all(turns);
        let mut not_before = i64::MIN;
        loop {
            let due = desk.next_due().map(|due| due.max(not_before));
            let turn = match select(turns.next(), pin!(clock::until(due))).await {
                Either::Left((Some(turn), _)) => turn,
                Either::Left((None, _)) => return,
                Either::Right(_) => Turn::Due,
            };
            let reports = match turn {
                Turn::Happened(Happening::Closed) => return,
                Turn::Happened(happening) => {
                    self.note(&happening);
                    desk.take(happening, clock::now()).await
                }
                Turn::Ordered(order) => self.carry_out(&mut desk, order).await,
                Turn::Due => {
                    not_before = clock::now() + RETRY_DELAY;
                    desk.tick(clock::now()).await
                }
                Turn::Held(lock) => {
                    if let Some(lock) = lock {
                        turns.push(Box::pin(once(async move {
                            lock.lost().await;
                            Turn::Lost
                        })));
                    }
                    desk.begin_duty().await
                }
                // The session was renewed, and somebody else may have the lock now.
                Turn::Lost => return,
            };
            self.show(&desk, reports);
        }
    }

    /// Takes down what the board shows beyond what the desk keeps.
    fn note(&self, happening: &Happening) {
        let activity = self.board.activity;
        match happening {
            Happening::Event { room, event } if !event.is_edit() => {
                let sequence = event.metadata.sequence;
                let at = time(&event.metadata);
                let message = ChatMessage::from_json(&event.value);
                let missing = activity.try_update(|activity| {
                    activity.count_event(room, sequence, at, message.as_ref())
                });
                if let Some(Some((since, last))) = missing {
                    self.count_earlier(room.clone(), since, last);
                }
            }
            Happening::Value {
                room,
                value,
                retained: false,
            } => {
                if let Some(message) = ChatMessage::from_json(value) {
                    activity.update(|it| it.count_value(room, clock::now(), &message));
                }
            }
            Happening::Logged {
                sequence,
                author,
                at,
                ..
            } => {
                let mut written = self.written.borrow_mut();
                written.insert(*sequence, (author.clone(), *at));
            }
            Happening::LogRestarted => self.written.borrow_mut().clear(),
            _ => {}
        }
    }

    /// Counts what was said in a room up to a sequence: a subscription brings only the newest of it.
    fn count_earlier(&self, room: RoomName, since: i64, last: u64) {
        let Some(session) = self.connection.session() else {
            return;
        };
        let since = u64::try_from(since).unwrap_or_default();
        let query = session.time_series().range_query();
        let query = query
            .from(RangeAnchor::Time(UNIX_EPOCH + Duration::from_millis(since)))
            .to(RangeSpan::ToSequence(last))
            .limit(MAX_COUNTED)
            .select_from::<ChatMessage>(&room.topic_path());
        drop(session);
        let activity = self.board.activity;
        self.connection.spawn(async move {
            // Where it cannot be had, the chart begins with what has come.
            let Ok(earlier) = query.await else { return };
            activity.update(|activity| {
                for event in earlier.events {
                    activity.count_earlier(&room, time(&event.metadata), &event.value);
                }
            });
        });
    }

    async fn carry_out(&self, desk: &mut Desk, order: Order) -> Vec<Report> {
        let done = match order {
            Order::Publish(rules) => {
                let published = desk.publish(rules).await;
                let applied = |()| Note::Info(text!(moderation_rules_applied));
                self.report(published.map_or_else(|failure| not_done(&failure), applied));
                return Vec::new();
            }
            Order::Undo(sequence) => desk.undo(sequence, "").await,
            Order::Withdraw {
                deed,
                principal,
                room,
                minutes,
                why,
            } => {
                let until = (minutes > 0).then(|| clock::now() + i64::from(minutes) * 60_000);
                desk.withdraw(deed, &principal, room, until, &why).await
            }
            Order::Unmute { principal, room } => {
                let muted = desk.ledger().entries().rev().find(|(sequence, entry)| {
                    entry.deed == Deed::Muted
                        && entry.principal == principal
                        && entry.room.as_ref() == Some(&room)
                        && !desk.ledger().is_undone(*sequence)
                });
                match muted.map(|(sequence, _)| sequence) {
                    Some(sequence) => desk.undo(sequence, "").await,
                    None => {
                        self.report(Note::Alert(text!(moderation_not_muted, who = principal)));
                        return Vec::new();
                    }
                }
            }
        };
        vec![match done {
            Ok((sequence, entry)) => {
                self.report(Note::Info(sentence(&entry)));
                Report::Done(sequence, entry)
            }
            Err(failure) => Report::NotDone(failure),
        }]
    }

    fn show(&self, desk: &Desk, reports: Vec<Report>) {
        let board = &self.board;
        board.duty.set_if_changed(if desk.is_on_duty() {
            Duty::Watching
        } else {
            Duty::LookingOn
        });
        for report in reports {
            match report {
                Report::Flagged {
                    room,
                    principal,
                    at,
                    text,
                    found,
                } => board.flags.update(|flags| {
                    let number = flags.first().map_or(0, |flag| flag.number + 1);
                    flags.truncate(MAX_FLAGS - 1);
                    let flag = Flag {
                        number,
                        room,
                        principal,
                        at,
                        text,
                        found: found.join(", "),
                    };
                    flags.insert(0, flag);
                }),
                Report::NotDone(failure) => self.report(not_done(&failure)),
                Report::Done(..) | Report::Rules(_) => {}
            }
        }
        board.rules.set_if_changed(desk.rules().clone());
        let ledger = desk.ledger();
        let written = self.written.borrow();
        let entries = ledger.entries().rev().take(500);
        let rows = entries.map(|(sequence, entry)| LogRow {
            sequence,
            entry: entry.clone(),
            undone: ledger.is_undone(sequence),
            written: written.get(&sequence).cloned(),
        });
        board.log.set_if_changed(rows.collect());
    }

    /// Shows what came of an order: on the board, and where it was given if that was somewhere else.
    fn report(&self, note: Note) {
        if let Some(open) = self.ordered_in.take() {
            open.note.set(Some(note.clone()));
        }
        self.board.note.set(Some(note));
    }
}

/// A time of the service, in milliseconds since 1970.
fn time(event: &EventMetadata) -> i64 {
    i64::try_from(event.timestamp_millis()).unwrap_or(i64::MAX)
}

fn not_done(failure: &Failure) -> Note {
    Note::Alert(match failure {
        Failure::NoPrincipal(account) => text!(moderation_no_account, name = account),
        Failure::NoRoom(room) => text!(moderation_no_room, name = room.as_str()),
        Failure::Request { error, .. } if error.refusal() == Some(ErrorReason::AccessDenied) => {
            text!(moderation_failed)
        }
        _ => text!(moderation_not_done, reason = failure.to_string()),
    })
}
