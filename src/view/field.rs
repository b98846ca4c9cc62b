//! One labelled field of the form.

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use super::element::{El, el, ticked, value_of};
use super::icon::button;
use crate::browser;
use crate::model::form::{Field, Problem, version_text};
use crate::state::App;
use crate::words::{say, say_with};

/// A labelled text field. `autocomplete` says what a browser or a password manager may fill in.
pub fn field(app: App, field: Field, label: &str, autocomplete: &str, placeholder: &str) -> El {
    let id = id_of(field);
    let problem_id = [id, "-problem"].concat();
    let kind = match field {
        Field::Password | Field::NewPassword | Field::Again | Field::RegistrarPassword => {
            "password"
        }
        _ => "text",
    };
    let input = el("input")
        .id(id)
        .attr("type", kind)
        .attr(
            "inputmode",
            if field == Field::Port {
                "numeric"
            } else {
                "text"
            },
        )
        .attr("autocomplete", autocomplete)
        .attr("autocapitalize", "off")
        .attr("spellcheck", "false")
        .attr("dir", "auto")
        .attr("placeholder", placeholder)
        .attr("aria-describedby", &problem_id)
        .attr_of("aria-invalid", move || {
            app.problem(field).map(|_| "true".to_owned())
        })
        .prop_of("value", move || {
            JsValue::from_str(app.form.read().text(field))
        })
        .on("input", move |event| {
            app.form.update(|form| form.set(field, value_of(&event)));
            app.problems
                .update(|problems| problems.retain(|(wrong, _)| *wrong != field));
        });
    labelled(id, label, input).child(el("p").class("problem").attr("id", &problem_id).text_of(
        move || {
            app.problem(field)
                .map_or_else(String::new, |problem| app.i18n.text(problem, &[]))
        },
    ))
}

/// An input of another kind, below its label.
pub fn labelled(id: &str, label: &str, input: El) -> El {
    el("div")
        .class("field")
        .child(el("label").attr("for", id).text(label))
        .child(input)
}

/// A labelled box to tick.
pub fn tick(
    test: &str,
    label: &str,
    is_ticked: impl Fn() -> bool + 'static,
    mut set: impl FnMut(bool) + 'static,
) -> El {
    let input = el("input")
        .attr("type", "checkbox")
        .test(test)
        .prop_of("checked", move || JsValue::from_bool(is_ticked()))
        .on("change", move |event| set(ticked(&event)));
    el("label")
        .class("tick")
        .child(input)
        .child(el("span").text(label))
}

/// Fields that belong together.
pub fn group(title: &str) -> El {
    el("fieldset").child(el("legend").text(title))
}

/// Two things side by side.
pub fn pair(one: El, other: El) -> El {
    el("div").class("pair").child(one).child(other)
}

/// Host, port and security of the service.
pub fn service_fields(app: App) -> El {
    let secure = tick(
        "secure",
        say("Secure"),
        move || app.form.read().secure,
        move |secure| app.form.update(|form| form.secure = secure),
    );
    let pinned = move || {
        let version = version_text(app.form.read().version);
        let newest = move || app.form.update(|form| form.version = None);
        (!version.is_empty()).then(|| {
            let words = say_with(
                "Only protocol version {version} will do.",
                &[("version", &version)],
            );
            el("p").class("hint").text(&words).text(" ").child(link(
                "any-version",
                say("Use the newest"),
                newest,
            ))
        })
    };
    group(say("Service"))
        .child_of(move || saved_services(app))
        .child(
            el("div")
                .class("service")
                .child(field(
                    app,
                    Field::Host,
                    say("Host"),
                    "off",
                    "chat.example.com",
                ))
                .child(field(app, Field::Port, say("Port"), "off", "443"))
                .child(secure),
        )
        .child_of(pinned)
}

/// Offers the services that were kept, if there are any.
fn saved_services(app: App) -> Option<El> {
    let services = app.services.read();
    if services.list().is_empty() {
        return None;
    }
    let mut select = el("select")
        .id("saved-service")
        .child(el("option").attr("value", "").text(say("Another one")));
    for (place, saved) in services.list().iter().enumerate() {
        let option = el("option").attr("value", &place.to_string());
        select = select.child(option.text(&saved.name));
    }
    let chosen = move || {
        let form = app.form.read();
        let services = app.services.read_untracked();
        let place = services
            .list()
            .iter()
            .position(|saved| form.is_at(&saved.service));
        JsValue::from_str(&place.map(|place| place.to_string()).unwrap_or_default())
    };
    let select = select.prop_of("value", chosen).on("change", move |event| {
        let place = value_of(&event).parse::<usize>().ok();
        let saved =
            place.and_then(|place| app.services.read_untracked().list().get(place).cloned());
        if let Some(saved) = saved {
            app.form.update(|form| form.choose(&saved));
        }
    });
    Some(labelled("saved-service", say("Kept"), select))
}

/// A form whose submission is handled here.
pub fn form(test: &str, mut submit: impl FnMut() + 'static) -> El {
    el("form")
        .test(test)
        .attr("novalidate", "")
        .on("submit", move |event| {
            event.prevent_default();
            submit();
        })
}

/// The button that submits, and what stands beside it.
pub fn actions(app: App, test: &str, label: &'static str, busy: &'static str) -> El {
    let submit = el("button")
        .attr("type", "submit")
        .class("primary")
        .test(test)
        .flag_of("disabled", move || app.busy.get())
        .text_of(move || (if app.busy.get() { busy } else { label }).to_owned());
    el("div").class("actions").child(submit)
}

/// A button that looks like a link.
pub fn link(test: &str, label: &str, clicked: impl FnMut() + 'static) -> El {
    button("link", test, clicked).text(label)
}

/// Says what is wrong with the form, and goes to the first such field.
pub fn complain(app: App, problems: Vec<Problem>) {
    let first = problems.first().map(|(field, _)| *field);
    app.problems.set(problems);
    if let Some(field) = first {
        browser::focus(id_of(field));
    }
}

/// The name in the document that each field has on every page that shows it.
fn id_of(field: Field) -> &'static str {
    match field {
        Field::Name => "name",
        Field::Account => "account",
        Field::Password => "password",
        Field::Host => "host",
        Field::Port => "port",
        Field::Room => "room",
        Field::NewAccount => "account-name",
        Field::NewPassword => "account-password",
        Field::Again => "account-password-again",
        Field::Registrar => "account-registrar",
        Field::RegistrarPassword => "account-registrar-password",
    }
}
