//! What went wrong, in words, with what to do next.

use super::element::{El, el};
use super::icon::button;
use crate::chat::RoomKind;
use crate::model::fault::Fault;

/// A fault as an alert, with whatever helps to get over it beside the words.
pub fn alert(fault: &Fault, help: Option<El>) -> El {
    el("div")
        .class("fault")
        .attr("role", "alert")
        .test("fault")
        .child(
            el("p")
                .child(el("strong").text(&fault.what()))
                .text(" ")
                .text(fault.next()),
        )
        .maybe(help)
}

/// Offers to join a room as what it is.
pub fn join_as(kind: RoomKind, join: impl FnMut() + 'static) -> El {
    button("", "join-as-other", join).text(match kind {
        RoomKind::Live => "Join as a live room",
        RoomKind::History => "Join as a history room",
    })
}
