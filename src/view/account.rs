//! The page that makes an account: Lesson 3.

use super::brand::with_story;
use super::element::{El, el};
use super::fault::form_fault;
use super::field::{actions, complain, field, form, group, pair, service_fields, tick};
use crate::model::form::{Field, ROLES};
use crate::session;
use crate::state::App;
use crate::words::say;
use leptos::prelude::*;

/// User name, password, registrar and roles.
pub fn account(app: App) -> El {
    let submit = move || {
        let read = app.form.read_untracked().new_account();
        match read {
            Ok(account) => session::create_account(app, account),
            Err(problems) => complain(app, problems),
        }
    };
    let mut roles = el("div").class("roles");
    for (place, (role, _)) in ROLES.iter().enumerate() {
        roles = roles.child(tick(
            &["account-role-", role].concat(),
            role,
            move || app.form.read().roles[place],
            move |granted| app.form.update(|form| form.roles[place] = granted),
        ));
    }
    let back = el("p").child(
        el("a")
            .attr("href", "#")
            .test("account-back")
            .text(say("Back")),
    );
    with_story(
        form("account-form", submit)
            .class("card")
            .child(el("h1").text(say("Create an account")))
            .child(
                group(say("Account"))
                    .child(field(app, Field::NewAccount, say("User name"), "username", ""))
                    .child(pair(
                        field(app, Field::NewPassword, say("Password"), "new-password", ""),
                        field(app, Field::Again, say("Password again"), "new-password", ""),
                    )),
            )
            .child(group(say("Roles")).child(roles))
            .child(
                group(say("Registrar"))
                    .child(el("p").class("hint").text(
                        say("The account that adds yours. It needs the right to modify the authentication store."),
                    ))
                    .child(pair(
                        field(app, Field::Registrar, say("Account"), "off", "auth-handler"),
                        field(app, Field::RegistrarPassword, say("Password"), "off", ""),
                    )),
            )
            .child(service_fields(app))
            .child_of(move || form_fault(app))
            .child(actions(app, "account-button", say("Create and join"), say("Creating…")).child(back)),
    )
}
