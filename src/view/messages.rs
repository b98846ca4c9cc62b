//! What is said in a room.

use crate::state::SetIfChanged;
use std::rc::Rc;

use super::element::{El, el};
use super::icon::{button, icon};
use super::message::message;
use super::scroll::{Elements, KEY, Scroll};
use crate::browser;
use crate::features::timeline::{Key, Origin};
use crate::live::follow;
use crate::session;
use crate::state::{Earlier, LiveRow, OpenRoom, RoomState};
use crate::words::say;
use effusion_chat::RoomKind;
use leptos::prelude::*;

/// Whether a screen reader is not to say what comes in.
const QUIET: &str = "effusion.quiet";

/// The list of messages. It stays with the newest one unless the reader has scrolled away.
pub fn messages(
    room: OpenRoom,
    retry: impl Fn(Key) + Copy + 'static,
    earlier: impl Fn() + Copy + 'static,
) -> El {
    let away = ArcRwSignal::new(false);
    let list = el("ol").each(
        move || room.rows.get(),
        |row| row.key,
        move |row| framed(room, row, retry),
    );
    let (above, below) = (el("div"), el("div"));
    // What comes into the document is not always new, so what is new is said elsewhere.
    let log = el("div")
        .attr("role", "log")
        .attr("aria-live", "off")
        .attr("aria-label", say("Messages"))
        .test("message-list")
        .child(above.clone())
        .child(list.clone())
        .child(below.clone());
    let page = el("div")
        .class("page")
        .child_of(move || before(room, earlier))
        .child_of(move || empty(room))
        .child(log.clone());
    let scroll = el("div")
        .class("scroll")
        .test("scroll")
        .attr("tabindex", "0")
        .attr("role", "region")
        .attr("aria-label", say("Messages"))
        .child(page);
    let elements = Elements {
        scroll: &scroll,
        log: &log,
        list: &list,
        above: &above,
        below: &below,
    };
    let keeper = Scroll::new(
        room,
        &elements,
        away.clone(),
        Box::new(move || {
            let may_be_more = *room.earlier.read_untracked() == Earlier::Unknown;
            if may_be_more && offers_earlier(room) {
                earlier();
            }
        }),
        Box::new(move |rank, from_above| session::fill_gap(room, rank, from_above)),
    );
    let kept = Rc::clone(&keeper);
    let scroll = scroll.on("scroll", move |_| kept.scrolled());
    let kept = Rc::clone(&keeper);
    follow(Box::new(move || {
        let _ = (room.rows.read(), room.extent.read());
        kept.settle();
    }));
    let kept = Rc::clone(&keeper);
    follow(Box::new(move || {
        let goal = room.goal.get();
        if let Some(rank) = goal {
            room.goal.set_if_changed(None);
            kept.to(rank);
        }
    }));
    let newest = move || {
        let keeper = Rc::clone(&keeper);
        away.get().then(|| {
            button("newest", "newest-button", move || keeper.to_end())
                .child(icon("down"))
                .text(say("Newest messages"))
        })
    };
    el("div")
        .class("messages")
        .child_of(move || copy(room))
        .child(announcer(room))
        .child(scroll)
        .child_of(newest)
}

/// A message, below what is to be said before it.
fn framed(room: OpenRoom, row: LiveRow, retry: impl Fn(Key) + Copy + 'static) -> El {
    let (key, live) = (row.key, row.row.clone());
    let mut item = message(room, row, retry).attr(KEY, &key.to_string());
    if live.read_untracked().entry.origin == Origin::Own {
        let live = live.clone();
        item = item.flag_of("data-last-sent", move || live.read().last_sent);
    }
    let before = el("div").class("before").child_of(move || {
        let (gap, line, rank) = {
            let row = live.read();
            (row.gap, row.unread_from_here, row.entry.rank)
        };
        if gap {
            return Some(
                button("earlier", "gap-button", move || {
                    session::fill_gap(room, rank, false);
                })
                .text(say("Show the messages in between")),
            );
        }
        line.then(|| {
            el("p")
                .class("unread-line")
                .test("unread-line")
                .text(say("New since you were here"))
        })
    });
    // It is a child of the item, where there is one.
    let _ = item
        .node()
        .insert_before(before.node(), item.node().first_child().as_ref());
    item
}

thread_local! {
    static QUIET_NOW: ArcRwSignal<bool> = ArcRwSignal::new(browser::recall(QUIET).is_some());
}

/// Whether new messages are not read out.
pub(crate) fn quiet() -> ArcRwSignal<bool> {
    QUIET_NOW.with(ArcRwSignal::clone)
}

/// Reads new messages out, or no longer.
pub(crate) fn set_quiet(now: bool) {
    quiet().set(now);
    browser::remember(QUIET, now.then_some("true"));
}

/// Says what comes in, for who cannot see it, unless that was stopped.
fn announcer(room: OpenRoom) -> El {
    let quiet = quiet();
    let (known, shown) = (quiet.clone(), quiet.clone());
    let pause = button("pause", "pause-announcements", move || {
        let now = !*known.read_untracked();
        set_quiet(now);
    })
    .attr_of("aria-pressed", move || Some(shown.read().to_string()))
    .text(say("Do not read new messages out"));
    el("div").class("announcer").child(pause).child(
        el("p")
            .class("unseen")
            .attr("aria-live", "polite")
            .test("announcer")
            .text_of(move || {
                if *quiet.read() {
                    String::new()
                } else {
                    room.heard.get()
                }
            }),
    )
}

/// What is shown is what was kept.
fn copy(room: OpenRoom) -> Option<El> {
    room.copied.get().then(|| {
        el("p")
            .class("copy")
            .attr("role", "status")
            .test("offline-copy")
            .text(say(
                "Offline copy: this is what was here when you were last connected.",
            ))
    })
}

/// Whether there may be messages from before the oldest one.
fn offers_earlier(room: OpenRoom) -> bool {
    let oldest = room.look(|timeline| timeline.oldest_sequence());
    oldest.is_some_and(|oldest| oldest > 0) && !*room.copied.read_untracked()
}

fn before(room: OpenRoom, earlier: impl Fn() + Copy + 'static) -> Option<El> {
    let _ = (room.extent.read(), room.copied.read());
    offers_earlier(room).then_some(())?;
    let words = match room.earlier.get() {
        Earlier::Unknown => {
            return Some(
                button("earlier", "earlier-button", earlier).text(say("Show earlier messages")),
            );
        }
        Earlier::Failed => {
            return Some(
                button("earlier", "earlier-button", earlier)
                    .text(say("Earlier messages could not be had. Try again")),
            );
        }
        Earlier::Loading => say("Looking for earlier messages…"),
        Earlier::None => say("The service keeps nothing from before this."),
    };
    Some(el("p").class("earlier").text(words))
}

fn empty(room: OpenRoom) -> Option<El> {
    if room.extent.read().len > 0 {
        return None;
    }
    let words = match (&*room.state.read(), room.room.read().kind) {
        (RoomState::Failed(_), _) => return None,
        (RoomState::Joining, _) => return Some(el("p").class("hint").text(say("Coming in…"))),
        (_, RoomKind::Live) => say("What is said from now on appears here."),
        (_, RoomKind::History) => say("Nothing was said here so far."),
    };
    Some(
        el("div")
            .class("empty")
            .child(icon("brand"))
            .child(el("h2").text(say("It is quiet here")))
            .child(el("p").text(words)),
    )
}
