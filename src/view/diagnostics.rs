//! The session from inside: numbers, subscriptions, and the last messages that went over the connection.

use crate::state::SetIfChanged;
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

use super::element::{El, el};
use super::field::link;
use super::icon::icon_button;
use crate::browser;
use crate::i18n::use_i18n;
use crate::model::inside::{Recorded, Teller, Told, hex};
use crate::session::{self, Inside};
use crate::state::App;
use crate::t;
use crate::words::{say, say_with};
use leptos::prelude::*;

/// How many messages are shown.
const SHOWN: usize = 100;
/// How often to look, in milliseconds.
const EVERY: u64 = 500;

/// A message, told.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) recorded: Recorded,
    pub(super) told: Told,
}

/// The panel.
pub fn diagnostics(app: App) -> El {
    let inside = ArcRwSignal::new(session::look_inside());
    let round_trip = ArcRwSignal::new(None);
    session::measure(round_trip.clone());
    let looked = inside.clone();
    let messages = watch(SHOWN, move || looked.set_if_changed(session::look_inside()));
    let numbers = inside.clone();
    panel(app, "diagnostics", say("Diagnostics"))
        .child_of(move || Some(session_numbers(app, numbers.read().as_ref()?, &round_trip)))
        .child_of(move || Some(subscriptions(inside.read().as_ref()?)))
        .child(el("h3").text(say("Messages")))
        .child(
            el("p")
                .class("hint")
                .text(say("The newest comes first. Credentials are never shown.")),
        )
        .child(el("ol").class("protocol").test("protocol-messages").each(
            move || messages.read().iter().rev().cloned().collect(),
            |shown| shown.recorded.number,
            message,
        ))
}

/// A panel beside the room, with its title and a button to close it.
pub(super) fn panel(app: App, id: &'static str, title: &str) -> El {
    let close = move || {
        app.panel.set(None);
        browser::focus(match id {
            "lessons" => "lessons-button",
            _ => "diagnostics-button",
        });
    };
    browser::focus(id);
    el("aside")
        .class("panel inside")
        .id(id)
        .attr("tabindex", "-1")
        .attr("aria-label", title)
        .on("keydown", move |event| {
            if event.unchecked_ref::<KeyboardEvent>().key() == "Escape" {
                close();
            }
        })
        .child(el("header").child(el("h2").text(title)).child(icon_button(
            "close",
            say("Close"),
            "close-panel",
            close,
        )))
}

/// The last messages, so many at most, told as they come, for as long as what asks for them is on the screen.
pub(super) fn watch(most: usize, mut also: impl FnMut() + 'static) -> ArcRwSignal<VecDeque<Shown>> {
    let shown = ArcRwSignal::new(VecDeque::new());
    let wanted = Rc::new(Cell::new(true));
    let mut teller = Teller::default();
    let mut from = 0;
    let into = shown.clone();
    let look = Box::new(move || {
        also();
        if session::next_number() == from {
            return;
        }
        let version = session::version();
        let news = session::recorded(from);
        from = session::next_number();
        into.update(|shown: &mut VecDeque<Shown>| {
            for recorded in news {
                let told = teller.tell(&recorded, version);
                if shown.len() == most {
                    shown.pop_front();
                }
                shown.push_back(Shown { recorded, told });
            }
        });
    });
    on_cleanup({
        let wanted = send_wrapper::SendWrapper::new(Rc::clone(&wanted));
        move || wanted.set(false)
    });
    keep_looking(wanted, look);
    shown
}

fn keep_looking(wanted: Rc<Cell<bool>>, mut look: Box<dyn FnMut()>) {
    if wanted.get() {
        look();
        set_timeout(
            move || keep_looking(wanted, look),
            Duration::from_millis(EVERY),
        );
    }
}

fn session_numbers(app: App, inside: &Inside, round_trip: &ArcRwSignal<Option<u64>>) -> El {
    let number = |number: u64| browser::number(number as f64);
    let principal = app
        .me
        .read_untracked()
        .as_ref()
        .map(|me| me.credentials.principal.clone())
        .unwrap_or_default();
    let measured = round_trip.clone();
    let again = round_trip.clone();
    let round_trip = el("dd")
        .test("round-trip")
        .text_of(move || match measured.get() {
            Some(ms) => say_with("{ms} ms", &[("ms", &browser::number(ms as f64))]),
            None => "…".to_owned(),
        })
        .text(" ")
        .child(link("measure", say("Measure"), move || {
            session::measure(again.clone());
        }));
    let fact = |name: &str, test: &str, value: &str| {
        let value = el("dd").test(test).attr("dir", "auto").text(value);
        el("div").child(el("dt").text(name)).child(value)
    };
    let both = |(messages, bytes): (u64, u64)| {
        t!(
            app.i18n,
            diagnostics_traffic,
            messages = t!(app.i18n, common_message_count, count = messages),
            bytes = t!(app.i18n, diagnostics_byte_count, count = bytes)
        )
    };
    let largest = inside
        .largest
        .map(|largest| t!(app.i18n, diagnostics_byte_count, count = largest as u64));
    el("dl")
        .class("facts")
        .child(fact(say("Session"), "session-id", &inside.id))
        .child(fact(say("Principal"), "principal", &principal))
        .child(fact(
            say("Protocol version"),
            "protocol-version",
            &inside.version.to_string(),
        ))
        .child(
            el("div")
                .child(el("dt").text(say("Round trip")))
                .child(round_trip),
        )
        .child(fact(say("Received"), "received", &both(inside.received)))
        .child(fact(say("Sent"), "sent", &both(inside.sent)))
        .child(fact(
            say("Requests without an answer yet"),
            "open-requests",
            &number(inside.open_requests as u64),
        ))
        .maybe(largest.map(|largest| fact(say("Largest message, in bytes"), "largest", &largest)))
}

fn subscriptions(inside: &Inside) -> El {
    let i18n = use_i18n();
    let mut selectors = el("ul").class("paths").test("selections");
    for (selector, selects) in &inside.selections {
        let sign = if *selects { "+ " } else { "− " };
        selectors = selectors.child(el("li").attr("dir", "ltr").text(sign).text(selector));
    }
    let mut topics = el("ul").class("paths").test("topics");
    for (path, kind, size) in &inside.topics {
        let size = match size {
            Some(size) => t!(i18n, diagnostics_byte_count, count = *size),
            None => say("no value").to_owned(),
        };
        topics = topics.child(
            el("li")
                .child(el("bdi").text(path))
                .child(el("small").text(&[kind, " · ", &size].concat())),
        );
    }
    el("div")
        .child(el("h3").text(say("Selections")))
        .child(selectors)
        .child(el("h3").text(say("Topics")))
        .child(topics)
}

fn message(shown: Shown) -> El {
    let Shown { recorded, told } = shown;
    let way = if recorded.sent {
        ("sent", say("sent"))
    } else {
        ("received", say("received"))
    };
    let i18n = use_i18n();
    let size = recorded.bytes.len() + recorded.hidden;
    let summary = el("summary")
        .child(
            el("span")
                .class("way")
                .attr("data-way", way.0)
                .attr("title", way.1)
                .text(if recorded.sent { "↑" } else { "↓" }),
        )
        .child(el("span").class("unseen").text(way.1))
        .child(el("bdi").class("what").text(&told.title))
        .child(el("small").text(&t!(i18n, diagnostics_byte_count, count = size)));
    let mut body = el("div").child(
        el("p")
            .class("hint")
            .text(&browser::date_and_time(recorded.at)),
    );
    if let Some(call) = &told.call {
        body = body.child(code(call).test("call"));
    }
    if recorded.hidden > 0 {
        body = body.child(code(say("Credentials are among it: it is not shown.")).test("detail"));
    } else if !told.detail.is_empty() {
        body = body.child(code(&told.detail).test("detail"));
    }
    el("li").test("protocol-message").child(
        el("details")
            .child(summary)
            .child(body.child(bytes(&recorded))),
    )
}

/// The bytes of a message, once they are asked for.
pub(super) fn bytes(recorded: &Recorded) -> El {
    let (bytes, hidden) = (recorded.bytes.clone(), recorded.hidden);
    let place = el("div");
    let filled = place.clone();
    el("details")
        .class("bytes")
        .on("toggle", move |event| {
            event.stop_propagation();
            let node = filled.node().unchecked_ref::<HtmlElement>();
            if node.child_element_count() == 0 {
                drop(filled.clone().child(code(&hex(&bytes)).test("hex")));
            }
        })
        .child(el("summary").test("show-bytes").text(say("Bytes")))
        .child(place)
        .maybe((hidden > 0).then(|| {
            let hidden = t!(use_i18n(), diagnostics_bytes_hidden, count = hidden);
            el("p").class("hint").text(&hidden)
        }))
}

/// What is written as machines read it, also where the rest is written from the right.
pub(super) fn code(text: &str) -> El {
    el("pre")
        .attr("dir", "ltr")
        .attr("tabindex", "0")
        .text(text)
}
