//! The page that leads into a chat.

use super::brand::with_story;
use super::element::{El, el};
use super::fault::form_fault;
use super::field::{actions, complain, field, form, group, link, pair, service_fields, tick};
use super::room_choice::room_choice;
use crate::model::form::Field;
use crate::session;
use crate::state::App;
use crate::words::say;
use leptos::prelude::*;

/// Name, account, service and room.
pub fn join(app: App) -> El {
    let submit = move || {
        let read = app.form.read_untracked().join();
        match read {
            Ok((sign_in, room)) => session::join(app, sign_in, room),
            Err(problems) => complain(app, problems),
        }
    };
    let account = el("p").text(say("No account yet?")).text(" ").child(
        el("a")
            .attr("href", "#account")
            .test("create-account-link")
            .text(say("Create one")),
    );
    with_story(
        form("join-form", submit)
            .class("card")
            .child(el("h1").text(say("Join a room")))
            .child(you(app))
            .child(room_choice(app))
            .child(service_fields(app))
            .child_of(move || form_fault(app))
            .child(actions(app, "join-button", say("Join"), say("Joining…")).child(account)),
    )
}

/// Who the reader is, for others and for the service.
pub fn you(app: App) -> El {
    let hint = move || {
        let form = app.form.read();
        let hint = el("p").class("hint");
        Some(if form.is_shared() {
            hint.text(say(
                "The sandbox’s shared account. Type a password to use your own.",
            ))
        } else if form.may_share() {
            hint.child(link(
                "use-shared",
                say("Use the sandbox’s shared account"),
                move || {
                    app.form.update(|form| form.share());
                },
            ))
        } else {
            hint.text(say(
                "Leave the account empty if it is the same as your name.",
            ))
        })
    };
    group(say("You"))
        .child(field(
            app,
            Field::Name,
            say("Name"),
            "nickname",
            say("As others will see it"),
        ))
        .child(pair(
            field(
                app,
                Field::Account,
                say("Account"),
                "username",
                say("Same as name"),
            ),
            field(
                app,
                Field::Password,
                say("Password"),
                "current-password",
                "",
            ),
        ))
        .child_of(hint)
        .child(tick(
            "remember",
            say("Keep this password on this device"),
            move || app.form.read().remember,
            move |remember| app.form.update(|form| form.remember = remember),
        ))
}
