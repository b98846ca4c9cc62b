//! Colours, space and language.

use super::choice;
use crate::model::language::LANGUAGES;
use crate::session;
use crate::state::App;
use crate::view::element::{El, el};
use crate::words::say;
use leptos::prelude::*;

/// Language, theme and density.
pub(super) fn looks(app: App) -> El {
    let languages = LANGUAGES
        .into_iter()
        .map(|language| (language.code, language.name));
    el("div")
        .class("leaf")
        .child(choice(
            "language",
            say("Language"),
            [("system", say("As the browser"))]
                .into_iter()
                .chain(languages),
            move || app.language.get(),
            move |chosen| session::set_language(app, chosen),
        ))
        .child(choice(
            "theme",
            say("Theme"),
            [
                ("system", say("As the system")),
                ("light", say("Light")),
                ("dark", say("Dark")),
                ("contrast", say("High contrast")),
            ],
            move || app.theme.get(),
            move |chosen| session::set_theme(app, chosen),
        ))
        .child(choice(
            "density",
            say("Density"),
            [
                ("comfortable", say("Comfortable")),
                ("compact", say("Compact")),
            ],
            move || app.density.get(),
            move |chosen| session::set_density(app, chosen),
        ))
        .child(el("p").class("hint").text(say(
            "Movement and contrast follow the system’s settings as well.",
        )))
}
