//! What is said in a room.

use std::rc::Rc;

use super::element::{El, el};
use super::icon::{button, icon};
use super::message::message;
use crate::live::Live;
use crate::model::timeline::Key;
use crate::state::{Earlier, OpenRoom, RoomState};
use effusion_chat::RoomKind;

/// How far from the newest message, in pixels, a reader still counts as being there.
const NEAR: i32 = 120;

/// The list of messages. It stays with the newest one unless the reader has scrolled away.
pub fn messages(
    room: OpenRoom,
    retry: impl Fn(Key) + Copy + 'static,
    earlier: impl Fn() + Copy + 'static,
) -> El {
    let away = Rc::new(Live::new(false));
    let list = el("ol").each(
        move || room.rows.get(),
        |row| row.key,
        move |row| message(room, row, retry),
    );
    let log = el("div")
        .attr("role", "log")
        .attr("aria-live", "polite")
        .attr("aria-label", "Messages")
        .test("message-list")
        .child(list);
    let page = el("div")
        .class("page")
        .child_of(move || before(room, earlier))
        .child_of(move || empty(room))
        .child(log);
    // The style lays the list out from its end, so that the newest message is at zero and what comes keeps the place.
    let scroll = el("div")
        .class("scroll")
        .attr("tabindex", "0")
        .attr("role", "region")
        .attr("aria-label", "Messages");
    let node = scroll.node().clone();
    let looked = node.clone();
    let scrolled = Rc::clone(&away);
    let scroll = scroll
        .child(page)
        .on("scroll", move |_| scrolled.put(looked.scroll_top() < -NEAR));
    let newest = move || {
        let node = node.clone();
        away.get().then(|| {
            button("newest", "newest-button", move || node.set_scroll_top(0))
                .child(icon("down"))
                .text("Newest messages")
        })
    };
    el("div").class("messages").child(scroll).child_of(newest)
}

fn before(room: OpenRoom, earlier: impl Fn() + Copy + 'static) -> Option<El> {
    let _rows = room.rows.read();
    room.look(|timeline| timeline.oldest_sequence().filter(|oldest| *oldest > 0))?;
    let words = match room.earlier.get() {
        Earlier::Unknown => {
            return Some(
                button("earlier", "earlier-button", earlier).text("Show earlier messages"),
            );
        }
        Earlier::Failed => {
            return Some(
                button("earlier", "earlier-button", earlier)
                    .text("Earlier messages could not be had. Try again"),
            );
        }
        Earlier::Loading => "Looking for earlier messages…",
        Earlier::None => "The service keeps nothing from before this.",
    };
    Some(el("p").class("earlier").text(words))
}

fn empty(room: OpenRoom) -> Option<El> {
    if !room.rows.read().is_empty() {
        return None;
    }
    let words = match (&*room.state.read(), room.room.read().kind) {
        (RoomState::Failed(_), _) => return None,
        (RoomState::Joining, _) => return Some(el("p").class("hint").text("Coming in…")),
        (_, RoomKind::Live) => "What is said from now on appears here.",
        (_, RoomKind::History) => "Nothing was said here so far.",
    };
    Some(
        el("div")
            .class("empty")
            .child(icon("brand"))
            .child(el("h2").text("It is quiet here"))
            .child(el("p").text(words)),
    )
}
