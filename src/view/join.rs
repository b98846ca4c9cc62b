//! The page that leads into a chat.

use super::brand::with_story;
use super::element::{El, el};
use super::fault::form_fault;
use super::field::{actions, complain, field, form, group, link, pair, service_fields, tick};
use super::room_choice::room_choice;
use crate::model::form::Field;
use crate::session;
use crate::state::App;

/// Name, account, service and room.
pub fn join(app: App) -> El {
    let submit = move || {
        let read = app.form.peek().join();
        match read {
            Ok((sign_in, room)) => session::join(app, sign_in, room),
            Err(problems) => complain(app, problems),
        }
    };
    let account = el("p").text("No account yet? ").child(
        el("a")
            .attr("href", "#account")
            .test("create-account-link")
            .text("Create one"),
    );
    with_story(
        form("join-form", submit)
            .class("card")
            .child(el("h1").text("Join a room"))
            .child(you(app))
            .child(room_choice(app))
            .child(service_fields(app))
            .child_of(move || form_fault(app))
            .child(actions(app, "join-button", "Join", "Joining…").child(account)),
    )
}

/// Who the reader is, for others and for the service.
pub fn you(app: App) -> El {
    let hint = move || {
        let form = app.form.read();
        let hint = el("p").class("hint");
        Some(if form.is_shared() {
            hint.text("The sandbox’s shared account. Type a password to use your own.")
        } else if form.may_share() {
            hint.child(link(
                "use-shared",
                "Use the sandbox’s shared account",
                move || {
                    app.form.update(|form| form.share());
                },
            ))
        } else {
            hint.text("Leave the account empty if it is the same as your name.")
        })
    };
    group("You")
        .child(field(
            app,
            Field::Name,
            "Name",
            "nickname",
            "As others will see it",
        ))
        .child(pair(
            field(app, Field::Account, "Account", "username", "Same as name"),
            field(app, Field::Password, "Password", "current-password", ""),
        ))
        .child_of(hint)
        .child(tick(
            "remember",
            "Keep this password on this device",
            move || app.form.read().remember,
            move |remember| app.form.update(|form| form.remember = remember),
        ))
}
