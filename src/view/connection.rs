//! How the connection stands, always in sight.

use super::element::{El, el};
use super::field::link;
use crate::session;
use crate::state::{App, Connection};
use crate::words::{say, say_with};
use leptos::prelude::*;

/// A dot and a word; while the connection is being made again, the seconds until the next attempt.
pub fn connection_badge(app: App) -> El {
    let word = move || {
        say(match *app.connection.read() {
            Connection::Idle => "Not connected",
            Connection::Connecting => "Connecting…",
            Connection::Connected => "Connected",
            Connection::Recovering { .. } => "Reconnecting",
            Connection::Lost(_) => "Disconnected",
        })
    };
    let countdown = move || match *app.connection.read() {
        Connection::Recovering { seconds: 0 } => say("now").to_owned(),
        Connection::Recovering { seconds } => {
            say_with("in {seconds} s", &[("seconds", &seconds.to_string())])
        }
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
            link("reconnect", say("Try now"), move || session::reconnect(app))
                .flag_of("hidden", move || !waiting()),
        )
}
