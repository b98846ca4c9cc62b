//! Says that there is a new version of the page.

use leptos::prelude::*;

use super::element::{El, el};
use super::icon::button;
use crate::state::App;
use crate::words::say;

/// The notice, once the host has another page than this one.
pub fn update_notice(app: App) -> Option<El> {
    app.outdated.get().then(|| {
        let reload = || {
            // A page that is shown can be loaded again.
            let _ = window().location().reload();
        };
        el("div")
            .class("update")
            .attr("role", "status")
            .test("update-notice")
            .child(el("p").text(say("A new version is ready.")))
            .child(button("primary", "update-reload", reload).text(say("Reload")))
            .child(button("", "update-later", move || app.outdated.set(false)).text(say("Later")))
    })
}
