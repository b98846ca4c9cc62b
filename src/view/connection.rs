//! How the connection stands, always in sight.

use super::element::{El, el};
use super::field::link;
use crate::session;
use crate::state::{App, Connection};

/// A dot and a word; while the connection is being made again, the seconds until the next attempt.
pub fn connection_badge(app: App) -> El {
    let word = move || match *app.connection.read() {
        Connection::Idle => "Not connected",
        Connection::Connecting => "Connecting…",
        Connection::Connected => "Connected",
        Connection::Recovering { .. } => "Reconnecting",
        Connection::Lost(_) => "Disconnected",
    };
    let countdown = move || match *app.connection.read() {
        Connection::Recovering { seconds: 0 } => "now".to_owned(),
        Connection::Recovering { seconds } => ["in ", &seconds.to_string(), " s"].concat(),
        _ => String::new(),
    };
    let waiting = move || {
        matches!(
            *app.connection.read(),
            Connection::Recovering { seconds: 1.. }
        )
    };
    el("div")
        .class("connection")
        .test("connection-state")
        .attr_of("data-state", move || {
            Some(app.connection.read().word().to_owned())
        })
        .child(
            el("span")
                .attr("role", "status")
                .text_of(move || word().to_owned()),
        )
        .child(el("span").attr("aria-hidden", "true").text_of(countdown))
        .child(
            link("reconnect", "Try now", move || session::reconnect(app))
                .flag_of("hidden", move || !waiting()),
        )
}
