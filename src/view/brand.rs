//! The page's name and mark, and what stands beside its forms.

use super::element::{El, el};
use super::icon::icon;
use crate::words::say;

/// Mark and name.
pub fn brand() -> El {
    el("p")
        .class("brand")
        .child(icon("brand"))
        .child(el("span").text("Effusion"))
}

/// A page of forms: the story on one side, the form on the other.
pub fn with_story(form: El) -> El {
    let lesson = |title: &str, words: &str| {
        el("li")
            .child(el("strong").text(title))
            .text(" ")
            .text(words)
    };
    let lessons = el("ol")
        .class("lessons")
        .child(lesson(
            say("Live rooms"),
            say("One topic, one value. You see what is said while you are here."),
        ))
        .child(lesson(
            say("History rooms"),
            say("A time series. The last hundred messages wait for you."),
        ))
        .child(lesson(
            say("Accounts"),
            say("A principal of your own, with the roles you choose."),
        ));
    let story = el("aside")
        .class("story")
        .child(brand())
        .child(
            el("p")
                .class("claim")
                .text(say("Say it once. Everyone has it.")),
        )
        .child(lessons);
    el("div")
        .class("front")
        .child(story)
        .child(el("main").child(form))
}
