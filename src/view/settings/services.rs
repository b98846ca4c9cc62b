//! The services that the reader keeps.

use leptos::prelude::*;
use wasm_bindgen::JsValue;

use crate::browser;
use crate::model::saved::SavedService;
use crate::session;
use crate::state::App;
use crate::view::element::{El, el, ticked, value_of};
use crate::view::icon::{button, icon, icon_button};
use crate::words::{key, say, say_with};

/// All of them, and a way to keep the one in use.
pub(super) fn services(app: App) -> El {
    let list = move || {
        let services = app.services.read();
        let mut list = el("ul").class("services");
        for (place, saved) in services.list().iter().enumerate() {
            let is_default = services.default_place() == Some(place);
            list = list.child(kept(app, place, saved, is_default));
        }
        Some(if services.list().is_empty() {
            el("p").class("hint").test("no-services").text(say(
                "Keep the services that you use: they are offered wherever you choose one. Passwords are not kept with them.",
            ))
        } else {
            list
        })
    };
    el("div").class("leaf").child_of(list).child(
        button("", "keep-service", move || keep(app))
            .flag_of("disabled", move || app.me.read().is_none())
            .child(icon("plus"))
            .text(say("Keep the service in use")),
    )
}

fn keep(app: App) {
    let me = app.me.read_untracked().clone();
    if let Some(me) = me {
        let account = if me.credentials.principal == me.name {
            String::new()
        } else {
            me.credentials.principal.clone()
        };
        let saved = SavedService {
            name: me.service.address(),
            service: me.service,
            account,
        };
        session::change_services(app, |services| {
            services.keep(saved);
        });
    }
}

fn kept(app: App, place: usize, saved: &SavedService, is_default: bool) -> El {
    let name = saved.name.clone();
    let named = |words: &'static str| say_with(words, &[("name", &saved.name)]);
    let chosen = saved.clone();
    let choose = move || {
        app.form.update(|form| form.choose(&chosen));
        browser::click("settings-tab-connection");
        browser::focus("password");
    };
    let remove = move || {
        session::change_services(app, |services| services.remove(place));
        browser::focus("settings-tab-services");
    };
    let input = el("input")
        .test("service-name")
        .attr("type", "text")
        .attr("dir", "auto")
        .attr("aria-label", &named(key("Name of {name}")))
        .prop_of("value", move || JsValue::from_str(&name))
        .on("change", move |event| {
            session::change_services(app, |services| services.rename(place, &value_of(&event)));
        });
    let begin = el("input")
        .attr("type", "checkbox")
        .test("service-default")
        .prop_of("checked", move || JsValue::from_bool(is_default))
        .on("change", move |event| {
            let default = ticked(&event).then_some(place);
            session::change_services(app, |services| services.set_default(default));
        });
    let mut where_ = vec![saved.service.address()];
    if !saved.account.is_empty() {
        where_.push(saved.account.clone());
    }
    if saved.service.secure {
        where_.push(say("secure").to_owned());
    }
    el("li")
        .class("service-kept")
        .test("service-kept")
        .child(input)
        .child(
            button("", "service-choose", choose)
                .attr("aria-label", &named(key("Use {name}")))
                .text(say("Use")),
        )
        .child(icon_button(
            "close",
            &named(key("Remove {name}")),
            "service-remove",
            remove,
        ))
        .child(el("small").attr("dir", "auto").text(&where_.join(" · ")))
        .child(
            el("label")
                .class("tick")
                .child(begin)
                .child(el("span").text(say("Begin with this one"))),
        )
}
