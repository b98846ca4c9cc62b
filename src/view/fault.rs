//! What went wrong, in words, with what to do next.

use leptos::prelude::*;

use super::element::{El, el};
use super::icon::button;
use crate::model::fault::Fault;
use crate::state::App;
use crate::words::say;
use effusion_chat::RoomKind;

/// A fault as an alert, with whatever helps to get over it beside the words.
pub fn alert(app: App, fault: &Fault, help: Option<El>) -> El {
    el("div")
        .class("fault")
        .attr("role", "alert")
        .test("fault")
        .child(
            el("p")
                .child(el("strong").text(&app.i18n.show(&fault.what())))
                .text(" ")
                .text(&app.i18n.show(&fault.next())),
        )
        .maybe(help)
}

/// Why what a form asked for did not work, if it did not.
pub fn form_fault(app: App) -> Option<El> {
    let alert = alert(app, app.fault.read().as_ref()?, None);
    let node = alert.node().clone();
    // It stands above the button, and the button may have been the last thing on the screen.
    request_animation_frame(move || node.scroll_into_view_with_bool(false));
    Some(alert)
}

/// Offers to join a room as what it is.
pub fn join_as(kind: RoomKind, join: impl FnMut() + 'static) -> El {
    button("", "join-as-other", join).text(say(match kind {
        RoomKind::Live => "Join as a live room",
        RoomKind::History => "Join as a history room",
    }))
}
