//! Who the reader is, and at which service.

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::model::form::version_text;
use crate::model::service::VERSIONS;
use crate::session;
use crate::state::App;
use crate::view::element::{El, el, value_of};
use crate::view::fault::form_fault;
use crate::view::field::{actions, complain, form, labelled, service_fields};
use crate::view::icon::button;
use crate::view::join::you;
use crate::words::{say, say_with};

/// Name, account, service and protocol.
pub(super) fn connection(app: App) -> El {
    let submit = move || {
        let read = app.form.read_untracked().sign_in();
        match read {
            Ok(sign_in) => session::switch(app, sign_in),
            Err(problems) => complain(app, problems),
        }
    };
    form("settings-form", submit)
        .child_of(move || form_fault(app))
        .child(you(app))
        .child(service_fields(app))
        .child(labelled("version", say("Protocol"), versions(app)))
        .child(
            actions(
                app,
                "apply-button",
                say("Apply and reconnect"),
                say("Connecting…"),
            )
            .child(button("", "sign-out", move || session::sign_out(app)).text(say("Sign out"))),
        )
}

fn versions(app: App) -> El {
    let version = move || version_text(app.form.read().version);
    let mut versions = el("select").id("version").child(
        el("option")
            .attr("value", "")
            .text(say("The newest both speak")),
    );
    for (number, release) in VERSIONS {
        let number = number.to_string();
        let words = say_with(
            "Version {version}, of Diffusion {release}",
            &[("version", &number), ("release", release)],
        );
        versions = versions.child(el("option").attr("value", &number).text(&words));
    }
    versions
        .prop_of("value", move || JsValue::from_str(&version()))
        .on("change", move |event| {
            app.form
                .update(|form| form.version = value_of(&event).parse().ok())
        })
}
