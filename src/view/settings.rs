//! Name, account, service and looks, changed without leaving the page.

use wasm_bindgen::JsValue;

use super::dialog::dialog;
use super::element::{El, el, value_of};
use super::fault::form_fault;
use super::field::{actions, complain, form, labelled, pair, service_fields};
use super::icon::button;
use super::join::you;
use super::room_choice::room_choice;
use crate::model::form::version_text;
use crate::model::service::VERSIONS;
use crate::session;
use crate::state::App;

/// The settings.
pub fn settings(app: App) -> El {
    let submit = move || {
        let read = app.form.peek().sign_in();
        match read {
            Ok(sign_in) => session::switch(app, sign_in),
            Err(problems) => complain(app, problems),
        }
    };
    let mut themes = el("select").id("theme");
    for (value, label) in [
        ("system", "As the system"),
        ("light", "Light"),
        ("dark", "Dark"),
    ] {
        themes = themes.child(el("option").attr("value", value).text(label));
    }
    let themes = themes
        .prop_of("value", move || JsValue::from_str(&app.theme.read()))
        .on("change", move |event| {
            session::set_theme(app, value_of(&event))
        });
    let version = move || version_text(app.form.read().version);
    let mut versions = el("select")
        .id("version")
        .child(el("option").attr("value", "").text("The newest both speak"));
    for (number, release) in VERSIONS {
        let number = number.to_string();
        let words = ["Version ", &number, ", of Diffusion ", release].concat();
        versions = versions.child(el("option").attr("value", &number).text(&words));
    }
    let versions = versions
        .prop_of("value", move || JsValue::from_str(&version()))
        .on("change", move |event| {
            app.form
                .update(|form| form.version = value_of(&event).parse().ok())
        });
    let looks = pair(
        labelled("version", "Protocol", versions),
        labelled("theme", "Theme", themes),
    );
    let body = form("settings-form", submit)
        .child_of(move || form_fault(app))
        .child(you(app))
        .child(service_fields(app))
        .child(looks)
        .child(
            actions(app, "apply-button", "Apply and reconnect", "Connecting…")
                .child(button("", "sign-out", move || session::sign_out(app)).text("Sign out")),
        );
    dialog(app, "settings", "Settings", "name", body)
}

/// Asks for another room.
pub fn another_room(app: App) -> El {
    let submit = move || {
        let read = app.form.peek().room();
        match read {
            Ok(room) => {
                app.dialog.set(None);
                session::open_room(app, room);
            }
            Err(problem) => complain(app, vec![problem]),
        }
    };
    let body = form("room-form", submit)
        .child(room_choice(app))
        .child(actions(app, "room-button", "Join", "Joining…"));
    dialog(app, "another-room", "Join another room", "room", body)
}
