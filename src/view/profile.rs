//! Who somebody is.

use leptos::task::spawn_local;

use super::dialog::dialog;
use super::element::{El, el, value_of};
use super::field::{form, labelled, tick};
use super::icon::{button, icon};
use super::sidebar::avatar;
use crate::model::people::Person;
use crate::session;
use crate::session::people::Insight;
use crate::state::App;
use crate::words::{say, say_with};
use leptos::prelude::*;

/// Name, principal, roles and session; the reader's own with what can be changed.
pub fn profile(app: App) -> El {
    let Some(person) = app.whom.read_untracked().clone() else {
        return el("span");
    };
    let me = app.me.read_untracked();
    let own = me
        .as_ref()
        .is_some_and(|me| me.name == person.name && me.credentials.principal == person.principal);
    let insight = ArcRwSignal::new(None);
    let coming = insight.clone();
    let whom = person.clone();
    spawn_local(async move {
        let insight = session::people::look_into(app, &whom).await;
        coming.set(Some(insight));
    });
    let head = el("div").class("whom").child(avatar(&person.name)).child(
        el("p")
            .child(el("strong").child(el("bdi").test("profile-name").text(&person.name)))
            .child(el("small").text(if person.away {
                say("away")
            } else {
                say("online")
            })),
    );
    let account = fact(say("Account"), "profile-principal", &person.principal);
    let facts = el("div")
        .child(el("dl").class("facts").child(account))
        .child_of(move || Some(known(insight.read().as_ref())));
    let mut body = el("div").class("profile").child(head).child(facts);
    body = if own {
        body.child(rename(app, &person)).child(attention(app))
    } else {
        body.child(write_to(app, person))
    };
    dialog(app, "profile", say("Profile"), "profile-action", body)
}

fn fact(title: &str, test: &str, text: &str) -> El {
    el("div")
        .child(el("dt").text(title))
        .child(el("dd").child(el("bdi").test(test).text(text)))
}

/// What the service tells of the person's sessions.
fn known(insight: Option<&Insight>) -> El {
    let list = el("dl").class("facts");
    let Some(insight) = insight else {
        return list.child(fact(say("Roles"), "profile-roles", "…"));
    };
    let roles = match &insight.roles {
        Some(roles) => roles.as_str(),
        None => say("Your account may not see them."),
    };
    let mut list = list.child(fact(say("Roles"), "profile-roles", roles));
    if !insight.sessions.is_empty() {
        list = list.child(fact(
            say("Sessions"),
            "profile-sessions",
            &insight.sessions.join("\n"),
        ));
    }
    if let Some(since) = &insight.since {
        list = list.child(fact(say("Here since"), "profile-since", since));
    }
    list
}

/// Begins a conversation, or says why it would not be one between two people.
fn write_to(app: App, person: Person) -> El {
    if session::direct::may_write_to(app, &person) {
        return button("primary", "write-to", {
            let person = person.clone();
            move || {
                app.dialog.set(None);
                session::direct::write_to(app, person.clone());
            }
        })
        .attr("id", "profile-action")
        .child(icon("direct"))
        .text(say("Write to this person alone"));
    }
    let me = app.me.read_untracked();
    let mine = me.as_ref().map_or("", |me| &me.credentials.principal);
    let shared = if session::direct::is_shared(app, &person.principal) {
        person.principal.as_str()
    } else {
        mine
    };
    el("p").class("hint").test("not-alone").text(&say_with(
        "There are no direct messages here: everyone who is signed in as “{name}” would read them. Accounts of your own make them possible.",
        &[("name", shared)],
    ))
}

fn rename(app: App, person: &Person) -> El {
    let typed = ArcRwSignal::new(person.name.clone());
    let problem = ArcRwSignal::new(None);
    let (submitted, complaint) = (typed.clone(), problem.clone());
    let submit = move || {
        let name = submitted.read_untracked().trim().to_owned();
        match session::rename(app, &name) {
            Ok(()) => app.dialog.set(None),
            Err(problem) => complaint.set(Some(problem)),
        }
    };
    let input = el("input")
        .attr("id", "profile-action")
        .test("profile-rename")
        .attr("type", "text")
        .attr("autocomplete", "off")
        .attr("dir", "auto")
        .attr("value", &person.name)
        .on("input", move |event| typed.set(value_of(&event)));
    form("rename-form", submit)
        .child(
            labelled("profile-action", say("The name that others see"), input).child(
                el("p").class("problem").text_of(move || {
                    problem
                        .get()
                        .map_or_else(String::new, |problem| app.i18n.text(problem, &[]))
                }),
            ),
        )
        .child(
            el("button")
                .attr("type", "submit")
                .test("rename-button")
                .text(say("Change the name")),
        )
}

/// What the reader is told of.
pub(super) fn attention(app: App) -> El {
    let quiet = tick(
        "do-not-disturb",
        say("Do not disturb"),
        move || app.attention.read().do_not_disturb,
        move |set| session::notify::change(app, |it| it.do_not_disturb = set),
    );
    let sound = tick(
        "sound",
        say("Play a sound when somebody names me or writes to me"),
        move || app.attention.read().sound,
        move |set| {
            session::notify::change(app, |it| it.sound = set);
            if set {
                session::notify::beep();
            }
        },
    );
    let notices = move || {
        let _attention = app.attention.read();
        Some(match session::notify::is_allowed() {
            Some(true) => el("p")
                .class("hint")
                .text(say("This browser shows notifications of this page.")),
            Some(false) => button("", "allow-notifications", move || session::notify::ask(app))
                .text(say("Let this browser show notifications")),
            None => el("p")
                .class("hint")
                .text(say("This browser shows no notifications of pages.")),
        })
    };
    super::field::group(say("Attention"))
        .child(quiet)
        .child(sound)
        .child_of(notices)
}

/// Asks whether the system may show notifications: after the first message that would have been one.
pub fn ask_to_notify(app: App) -> El {
    el("div")
        .class("ask")
        .attr("role", "status")
        .test("ask-to-notify")
        .child(el("p").text(say(
            "Somebody has just named you or written to you. Shall this browser tell you, when you are elsewhere?",
        )))
        .child(
            button("primary", "notify-yes", move || session::notify::ask(app))
                .text(say("Yes, tell me")),
        )
        .child(
            button("", "notify-no", move || session::notify::never_ask(app)).text(say("No")),
        )
}
