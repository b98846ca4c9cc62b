//! Those who are in a room.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

use super::element::{El, el};
use super::icon::{button, icon_button};
use super::sidebar::avatar;
use crate::browser;
use crate::model::people::{Listing, Person};
use crate::state::{App, Dialog, OpenRoom};
use crate::words::say;

/// The panel with everybody who is in a room.
pub fn members(app: App, room: OpenRoom) -> El {
    let close = move || {
        app.panel.set(None);
        browser::focus("members-button");
    };
    let list = el("ul").each(
        move || room.people.read().persons(),
        key,
        move |person| member(app, person),
    );
    browser::focus("members");
    el("aside")
        .class("panel")
        .id("members")
        .attr("tabindex", "-1")
        .attr("aria-label", say("People in this room"))
        .on("keydown", move |event| {
            if event.unchecked_ref::<KeyboardEvent>().key() == "Escape" {
                close();
            }
        })
        .child(
            el("header")
                .child(el("h2").text(say("People")))
                .child(icon_button("close", say("Close"), "close-panel", close)),
        )
        .child_of(move || {
            let words = why_not(room)?;
            Some(el("p").class("hint").test("listing").text(words))
        })
        .child(list)
}

/// Why somebody may be missing.
fn why_not(room: OpenRoom) -> Option<&'static str> {
    let people = room.people.read();
    let hidden = say("The service does not say who is in this room. You can talk all the same.");
    match people.listing {
        Listing::Hidden => Some(hidden),
        Listing::Unlisted => Some(say(
            "Your account may not be shown on this list: others do not see that you are here.",
        )),
        Listing::Listed if people.count() == 0 => Some(hidden),
        Listing::Listed | Listing::Unknown => None,
    }
}

/// Tells a person who is shown in one way from all others.
fn key(person: &Person) -> usize {
    let Person {
        name,
        principal,
        away,
        windows,
    } = person;
    let parts = [
        name.as_bytes(),
        &[0],
        principal.as_bytes(),
        &[u8::from(*away), *windows as u8],
    ];
    // FNV-1a.
    let hash = parts
        .concat()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
    (hash ^ (hash >> 32)) as usize
}

fn member(app: App, person: Person) -> El {
    let me = app.me.read_untracked();
    let own = me
        .as_ref()
        .is_some_and(|me| me.name == person.name && me.credentials.principal == person.principal);
    let (state, word) = if person.away {
        ("away", say("away"))
    } else {
        ("online", say("online"))
    };
    let mut words = el("span")
        .class("words")
        .child(el("bdi").test("member-name").text(&person.name));
    let mut more = el("small");
    if own {
        more = more.text(say("you")).text(" · ");
    }
    if person.principal != person.name && !person.principal.is_empty() {
        more = more
            .child(el("bdi").test("member-principal").text(&person.principal))
            .text(" · ");
    }
    words = words.child(more.text(word));
    let shown = person.clone();
    let open = move || {
        app.whom.set(Some(shown.clone()));
        app.dialog.set(Some(Dialog::Profile));
    };
    el("li").child(
        button("member", "member", open)
            .attr("data-name", &person.name)
            .attr("data-state", state)
            .child(avatar(&person.name))
            .child(words),
    )
}
