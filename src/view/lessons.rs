//! The tutorial as a living page: what to do, and which call of Diffusion's each step made here.

use std::collections::VecDeque;

use super::diagnostics::{Shown, bytes, code, panel, watch};
use super::element::{El, el};
use crate::i18n::use_i18n;
use crate::state::App;
use crate::t;
use crate::words::{key, say};
use leptos::prelude::*;

/// In how many messages to look for what was done: all that are kept.
const LOOKED_AT: usize = 1_000;

/// One thing to do, and how its call begins.
struct Step {
    words: &'static str,
    call: &'static str,
    /// What the call also has in it.
    with: &'static str,
}

struct Lesson {
    title: &'static str,
    words: &'static str,
    steps: &'static [Step],
    /// The manual's page, and its title.
    manual: (&'static str, &'static str),
}

const LESSONS: [Lesson; 3] = [
    Lesson {
        title: key("Lesson 1: live rooms"),
        words: key(
            "A live room is one topic with one JSON value. Whoever is subscribed gets each value as it is set; who comes later gets the last one.",
        ),
        steps: &[
            Step {
                words: key("Join a live room: its topic is added, if it is not there."),
                call: "topics.add(\"Chat/",
                with: ", JSON",
            },
            Step {
                words: key("The page selects the topic, and the service subscribes it."),
                call: "select(\">Chat/",
                with: "",
            },
            Step {
                words: key(
                    "Say something: it becomes the topic’s value, and goes to all who are subscribed.",
                ),
                call: "topicUpdate.set(\"Chat/",
                with: "",
            },
        ],
        manual: (
            "https://docs.diffusiondata.com/docs/latest/manual/html/introduction/overview/topics_data.html",
            key("Topics and data"),
        ),
    },
    Lesson {
        title: key("Lesson 2: history rooms"),
        words: key(
            "A history room is a time series: each message is an event with a sequence, a time and an author. Who comes later gets the last hundred.",
        ),
        steps: &[
            Step {
                words: key(
                    "Join a history room: its topic is a time series that says how much is kept.",
                ),
                call: "topics.add(\"Chat/",
                with: "TIME_SERIES",
            },
            Step {
                words: key("Say something: it is appended as an event."),
                call: "timeseries.append(\"Chat/",
                with: "",
            },
            Step {
                words: key("Edit a message: an event is appended that names the original."),
                call: "timeseries.edit(\"Chat/",
                with: "",
            },
            Step {
                words: key("Scroll back: earlier events are asked for by a range query."),
                call: "timeseries.rangeQuery()",
                with: "",
            },
        ],
        manual: (
            "https://docs.diffusiondata.com/docs/latest/manual/html/designguide/data/topics/timeseries_topics.html",
            key("Time series topics"),
        ),
    },
    Lesson {
        title: key("Lesson 3: accounts"),
        words: key(
            "An account is a principal in the service’s authentication store. Its roles say what its sessions may do.",
        ),
        steps: &[Step {
            words: key(
                "Create an account on the join page: another session, the registrar’s, changes the store by a script.",
            ),
            call: "security.updateAuthenticationStore(",
            with: "",
        }],
        manual: (
            "https://docs.diffusiondata.com/docs/latest/manual/html/developerguide/client/basics/uci_session_properties.html",
            key("Session properties"),
        ),
    },
];

/// The panel.
pub fn lessons(app: App) -> El {
    let messages = watch(LOOKED_AT, || {});
    let mut panel = panel(app, "lessons", say("Lessons")).child(el("p").class("hint").text(say(
        "What you do here, and what the page asks of the service for it. Each call is the one that was really made.",
    )));
    for lesson in &LESSONS {
        panel = panel.child(shown(lesson, &messages));
    }
    let all = messages.clone();
    panel
        .child(el("h3").text(say("Everything this session asked for")))
        .child(el("ol").class("protocol").test("calls").each(
            move || {
                let messages = all.read();
                let calls = messages.iter().rev().filter(|it| it.told.call.is_some());
                calls.cloned().collect()
            },
            |shown| shown.recorded.number,
            |shown| el("li").child(call(&shown)),
        ))
}

fn shown(lesson: &'static Lesson, messages: &ArcRwSignal<VecDeque<Shown>>) -> El {
    let mut steps = el("ol").class("steps");
    for step in lesson.steps {
        let found = ArcRwSignal::new(None);
        let messages = messages.clone();
        let into = found.clone();
        crate::live::follow(Box::new(move || {
            let messages = messages.read();
            let made = messages.iter().rev().find(|shown| {
                shown
                    .told
                    .call
                    .as_deref()
                    .is_some_and(|call| is_made_by(step, call))
            });
            // Once made, it stays made.
            if let Some(made) = made
                && into
                    .read_untracked()
                    .as_ref()
                    .is_none_or(|old: &Shown| old.recorded.number != made.recorded.number)
            {
                into.set(Some(made.clone()));
            }
        }));
        let done = found.clone();
        steps = steps.child(
            el("li")
                .test("step")
                .attr_of("data-done", move || Some(done.read().is_some().to_string()))
                .child(el("span").text(say(step.words)))
                .child_of(move || found.read().as_ref().map(call)),
        );
    }
    let (address, title) = lesson.manual;
    el("section")
        .test("lesson")
        .child(el("h3").text(say(lesson.title)))
        .child(el("p").text(say(lesson.words)))
        .child(steps)
        .child(
            el("p").class("hint").child(
                el("a")
                    .attr("href", address)
                    .attr("target", "_blank")
                    .attr("rel", "noopener noreferrer")
                    .text(&t!(use_i18n(), lesson_manual, page = say(title))),
            ),
        )
}

fn is_made_by(step: &Step, call: &str) -> bool {
    call.starts_with(step.call) && call.contains(step.with)
}

fn call(shown: &Shown) -> El {
    let words = shown.told.call.as_deref().unwrap_or_default();
    el("div")
        .class("call")
        .test("made-call")
        .child(code(words))
        .child(bytes(&shown.recorded))
}
