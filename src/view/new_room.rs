//! Asks what a new room is to be.

use std::rc::Rc;

use leptos::task::spawn_local;
use wasm_bindgen::JsValue;

use super::dialog::dialog;
use super::element::{El, el, value_of};
use super::fault::form_fault;
use super::field::{actions, complain, form, labelled, pair};
use super::room_choice::room_choice;
use crate::session;
use crate::session::directory::{Access, NewRoom};
use crate::state::App;
use crate::words::say;
use effusion_chat::RoomKind;
use leptos::prelude::*;

/// How many messages a room may keep, for those who are asked.
const KEEP: [&str; 4] = ["100", "1000", "10000", "100000"];

/// What is filled in beside the room's name and kind.
struct Choice {
    topic: ArcRwSignal<String>,
    keep: ArcRwSignal<u32>,
    access: ArcRwSignal<String>,
    role: ArcRwSignal<String>,
    /// The roles to choose from: none if the session may not give rights, `None` before that is known.
    roles: ArcRwSignal<Option<Vec<String>>>,
}

/// Name, kind, subject, how much is kept, and who may do what.
pub fn new_room(app: App) -> El {
    let choice = Rc::new(Choice {
        topic: ArcRwSignal::default(),
        keep: ArcRwSignal::new(100),
        access: ArcRwSignal::new("everyone".to_owned()),
        role: ArcRwSignal::default(),
        roles: ArcRwSignal::default(),
    });
    let asking = Rc::clone(&choice);
    spawn_local(async move {
        let roles = session::directory::roles().await.unwrap_or_default();
        let first = ["TOPIC_CONTROL", "CLIENT"]
            .into_iter()
            .find(|usual| roles.iter().any(|role| role == usual));
        asking.role.set(first.unwrap_or_default().to_owned());
        asking.roles.set(Some(roles));
    });
    let submitted = Rc::clone(&choice);
    let submit = move || {
        let read = app.form.read_untracked().room();
        let room = match read {
            Ok(room) => room,
            Err(problem) => return complain(app, vec![problem]),
        };
        let role = submitted.role.read_untracked().clone();
        let access = match submitted.access.read_untracked().as_str() {
            "writers" => Access::WritersOnly(role),
            "role" => Access::RoleOnly(role),
            _ => Access::Everyone,
        };
        let new = NewRoom {
            room,
            topic: submitted.topic.read_untracked().trim().to_owned(),
            keep: *submitted.keep.read_untracked(),
            access,
        };
        app.busy.set(true);
        app.fault.set(None);
        spawn_local(async move {
            match session::directory::create(app, new).await {
                Ok(()) => app.dialog.set(None),
                Err(fault) => app.fault.set(Some(fault)),
            }
            app.busy.set(false);
        });
    };
    let body = form("new-room-form", submit)
        .child_of(move || form_fault(app))
        .child(room_choice(app))
        .child(about(&choice))
        .child(pair(keep(app, &choice), access(&choice)))
        .child_of(move || role(&choice))
        .child(actions(
            app,
            "create-room-button",
            say("Create room"),
            say("Creating…"),
        ));
    dialog(app, "new-room", say("New room"), "room", body)
}

fn about(choice: &Rc<Choice>) -> El {
    let choice = Rc::clone(choice);
    let input = el("input")
        .id("room-about")
        .attr("type", "text")
        .attr("maxlength", "200")
        .attr("autocomplete", "off")
        .attr("dir", "auto")
        .on("input", move |event| choice.topic.set(value_of(&event)));
    labelled("room-about", say("What it is about"), input)
}

fn keep(app: App, choice: &Rc<Choice>) -> El {
    let choice = Rc::clone(choice);
    let mut select = el("select")
        .id("room-keep")
        // A live room keeps one message, whatever is chosen.
        .flag_of("disabled", move || app.form.read().kind == RoomKind::Live);
    for count in KEEP {
        select = select.child(el("option").attr("value", count).text(count));
    }
    let select = select.on("change", move |event| {
        choice.keep.set(value_of(&event).parse().unwrap_or(100));
    });
    labelled("room-keep", say("Messages kept"), select)
}

fn access(choice: &Rc<Choice>) -> El {
    let set = Rc::clone(choice);
    let choice = Rc::clone(choice);
    let may = move || {
        choice
            .roles
            .read()
            .as_ref()
            .is_some_and(|roles| !roles.is_empty())
    };
    let mut select = el("select")
        .id("room-access")
        .flag_of("disabled", move || !may());
    for (value, words) in [
        ("everyone", say("Everyone reads and writes")),
        ("writers", say("Everyone reads, a role writes")),
        ("role", say("Only a role reads and writes")),
    ] {
        select = select.child(el("option").attr("value", value).text(words));
    }
    let select = select.on("change", move |event| set.access.set(value_of(&event)));
    labelled("room-access", say("Who may do what"), select)
}

/// Which role, or why there is no choice.
fn role(choice: &Rc<Choice>) -> Option<El> {
    let roles = choice.roles.read();
    let roles = roles.as_ref()?;
    if roles.is_empty() {
        let words = say(
            "Your account may not change who has which rights, so the room is open to everyone whom the service lets in. It takes the permission “modify security”.",
        );
        return Some(el("p").class("hint").test("access-hint").text(words));
    }
    if choice.access.read().as_str() == "everyone" {
        return None;
    }
    let mut select = el("select").id("room-role");
    for role in roles {
        select = select.child(el("option").attr("value", role).text(role));
    }
    let (shown, set) = (Rc::clone(choice), Rc::clone(choice));
    let select = select
        .prop_of("value", move || JsValue::from_str(&shown.role.read()))
        .on("change", move |event| set.role.set(value_of(&event)));
    Some(labelled("room-role", say("Role"), select))
}
