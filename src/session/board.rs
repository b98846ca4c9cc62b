//! The moderator's desk in the page: it keeps watch for as long as the page is open, whatever is shown.

use crate::state::SetIfChanged;
use std::cell::{Cell, RefCell};
use std::time::Duration;

use effusion_chat::RoomName;
use effusion_chat::moderation::{Deed, Rules};
use effusion_client::{GlobalPermission, Session, SessionLock, SessionLockScope};
use effusion_moderator::{DUTY, Desk, Failure, Happening, Inbox, Report};
use futures_util::stream::{Stream, StreamExt as _, once, select_all};
use leptos::task::spawn_local;
use std::pin::Pin;

use super::link;
use crate::browser;
use crate::model::board::{Activity, FLAGS, Flag, LogRow};
use crate::model::composing::Note;
use crate::state::{App, OpenRoom};
use crate::text;
use leptos::prelude::*;

/// How often to look whether something has come to its end, in milliseconds.
const EVERY: u64 = 2_000;

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
#[derive(Default)]
pub struct Board {
    /// Whether this window keeps watch.
    pub duty: ArcRwSignal<Duty>,
    /// The rules in force.
    pub rules: ArcRwSignal<Rules>,
    /// Flagged messages, the newest first.
    pub flags: ArcRwSignal<Vec<Flag>>,
    /// The log, the newest first.
    pub log: ArcRwSignal<Vec<LogRow>>,
    /// How much is said where.
    pub activity: ArcRwSignal<Activity>,
    /// What did not work, or what did.
    pub note: ArcRwSignal<Option<Note>>,
    orders: RefCell<Option<futures_channel::mpsc::UnboundedSender<Order>>>,
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
    Looked,
    Held(Option<SessionLock>),
}

thread_local! {
    /// Where the answer to an order goes besides the board.
    static HERE: Cell<Option<OpenRoom>> = const { Cell::new(None) };
    static BOARD: &'static Board = Box::leak(Box::default());
}

/// The board.
pub fn board() -> &'static Board {
    BOARD.with(|board| *board)
}

/// Finds out whether the reader may moderate: who may change rights may.
pub fn look_up_rights(app: App) {
    let Some(session) = link::session() else {
        return;
    };
    let asked = session.security().global_permissions();
    drop(session);
    spawn_local(async move {
        // A service that does not say so lets nobody moderate from here.
        let granted = asked.await.unwrap_or_default();
        app.moderator
            .set_if_changed(granted.contains(&GlobalPermission::ModifySecurity));
    });
}

/// Opens a desk, if there is none, and gives it an order. Answers by [`Board::note`].
pub fn order(app: App, order: Order) {
    let board = board();
    board.note.set(None);
    let taken = board
        .orders
        .borrow()
        .as_ref()
        .is_some_and(|orders| orders.unbounded_send(order.clone()).is_ok());
    if !taken {
        open(app, Some(order));
    }
}

/// As [`order`], with the answer in the room's composer.
pub fn order_here(app: App, open: OpenRoom, what: Order) {
    HERE.set(Some(open));
    order(app, what);
}

/// Opens a desk, if there is none.
pub fn keep_watch(app: App) {
    let open_already = board()
        .orders
        .borrow()
        .as_ref()
        .is_some_and(|orders| !orders.is_closed());
    if !open_already {
        open(app, None);
    }
}

fn open(app: App, first: Option<Order>) {
    let board = board();
    let me = app
        .me
        .read_untracked()
        .as_ref()
        .map(|me| me.credentials.principal.clone());
    let (Some(session), Some(principal)) = (link::session(), me) else {
        tell(Note::Alert(text!(common_not_connected)));
        return;
    };
    let (orders, ordered) = futures_channel::mpsc::unbounded();
    if let Some(first) = first {
        // The other end is just here.
        let _ = orders.unbounded_send(first);
    }
    board.orders.replace(Some(orders));
    spawn_local(async move {
        let opened = Desk::open(session.clone(), &principal, browser::now()).await;
        match opened {
            Ok((desk, inbox)) => work(desk, inbox, session, ordered).await,
            Err(failure) => tell(not_done(&failure)),
        }
        board.orders.replace(None);
        board.duty.set_if_changed(Duty::Closed);
    });
}

/// Works at the desk until the session is over.
async fn work(
    mut desk: Desk,
    inbox: Inbox,
    session: Session,
    ordered: futures_channel::mpsc::UnboundedReceiver<Order>,
) {
    let board = board();
    board.duty.set_if_changed(Duty::LookingOn);
    let request = session.lock(DUTY, SessionLockScope::UnlockOnSessionLoss);
    // Only the handle that the page keeps may keep the session open.
    drop(session);
    let turns: Vec<Pin<Box<dyn Stream<Item = Turn>>>> = vec![
        Box::pin(inbox.map(Turn::Happened)),
        Box::pin(ordered.map(Turn::Ordered)),
        Box::pin(clock()),
        // Without the right to locks it keeps watch all the same.
        Box::pin(once(async move { Turn::Held(request.await.ok()) })),
    ];
    let mut turns = select_all(turns);
    let mut lock = None;
    while let Some(turn) = turns.next().await {
        let reports = match turn {
            Turn::Happened(Happening::Closed) => return,
            Turn::Happened(happening) => {
                count(&happening);
                desk.take(happening, browser::now()).await
            }
            Turn::Ordered(order) => carry_out(&mut desk, order).await,
            Turn::Looked => desk.tick(browser::now()).await,
            Turn::Held(held) => {
                lock = held;
                desk.begin_duty().await
            }
        };
        if lock.as_ref().is_some_and(|lock| !lock.is_owned()) {
            // The session was renewed, and somebody else may have the lock now.
            desk.end_duty();
            return;
        }
        show(&desk, reports);
    }
}

fn clock() -> impl Stream<Item = Turn> {
    futures_util::stream::unfold((), async |()| {
        let (tell, told) = futures_channel::oneshot::channel();
        set_timeout(
            move || {
                // Who asked may be gone.
                let _ = tell.send(());
            },
            Duration::from_millis(EVERY),
        );
        told.await.ok().map(|()| (Turn::Looked, ()))
    })
}

fn count(happening: &Happening) {
    let (room, at) = match happening {
        Happening::Event { room, event } if !event.is_edit() => {
            let at = i64::try_from(event.metadata.timestamp).unwrap_or(i64::MAX);
            (room, at)
        }
        Happening::Value {
            room,
            retained: false,
            ..
        } => (room, browser::now()),
        _ => return,
    };
    board().activity.update(|activity| activity.count(room, at));
}

async fn carry_out(desk: &mut Desk, order: Order) -> Vec<Report> {
    let done = match order {
        Order::Publish(rules) => match desk.publish(rules).await {
            Ok(()) => {
                tell(Note::Info(text!(moderation_rules_applied)));
                return Vec::new();
            }
            Err(failure) => Err(failure),
        },
        Order::Undo(sequence) => desk.undo(sequence, "").await,
        Order::Withdraw {
            deed,
            principal,
            room,
            minutes,
            why,
        } => {
            let until = (minutes > 0).then(|| browser::now() + i64::from(minutes) * 60_000);
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
                    tell(Note::Alert(text!(moderation_not_muted, who = principal)));
                    return Vec::new();
                }
            }
        }
    };
    vec![match done {
        Ok((sequence, entry)) => {
            let undone = false;
            let row = LogRow {
                sequence,
                entry: entry.clone(),
                undone,
            };
            tell(Note::Info(row.sentence()));
            Report::Done(sequence, entry)
        }
        Err(failure) => Report::NotDone(failure),
    }]
}

fn show(desk: &Desk, reports: Vec<Report>) {
    let board = board();
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
                text,
                found,
            } => board.flags.update(|flags| {
                let number = flags.first().map_or(0, |flag| flag.number + 1);
                flags.truncate(FLAGS - 1);
                flags.insert(
                    0,
                    Flag {
                        number,
                        room,
                        principal,
                        text,
                        found: found.join(", "),
                    },
                );
            }),
            Report::NotDone(failure) => tell(not_done(&failure)),
            Report::Done(..) | Report::Rules(_) => {}
        }
    }
    board.rules.set_if_changed(desk.rules().clone());
    let ledger = desk.ledger();
    let rows = ledger
        .entries()
        .rev()
        .take(500)
        .map(|(sequence, entry)| LogRow {
            sequence,
            entry: entry.clone(),
            undone: ledger.is_undone(sequence),
        });
    board.log.set_if_changed(rows.collect());
}

fn not_done(failure: &Failure) -> Note {
    Note::Alert(text!(moderation_failed, reason = failure.to_string()))
}

/// Shows what came of an order: on the board, and where it was given if that was somewhere else.
fn tell(note: Note) {
    if let Some(open) = HERE.take() {
        open.note.set(Some(note.clone()));
    }
    board().note.set(Some(note));
}
