//! The page's name and mark, and what stands beside its forms.

use super::element::{El, el};
use super::icon::icon;

/// Mark and name.
pub fn brand() -> El {
    el("p")
        .class("brand")
        .child(icon("brand"))
        .child(el("span").text("Effusion"))
}

/// A page of forms: the story on one side, the form on the other.
pub fn with_story(form: El) -> El {
    let lessons = el("ol").class("lessons").markup(
        "<li><strong>Live rooms</strong> One topic, one value. You see what is said while you are here.\
         <li><strong>History rooms</strong> A time series. The last hundred messages wait for you.\
         <li><strong>Accounts</strong> A principal of your own, with the roles you choose.",
    );
    let story = el("aside")
        .class("story")
        .child(brand())
        .child(el("p").class("claim").text("Say it once. Everyone has it."))
        .child(lessons);
    el("div")
        .class("front")
        .child(story)
        .child(el("main").child(form))
}
