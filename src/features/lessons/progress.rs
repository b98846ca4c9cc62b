//! Follows what is done of the lessons, for as long as the page is open.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use leptos::prelude::*;

use super::lesson::{Goal, LESSONS, Step, Watcher};
use crate::features::diagnostics::{ShownMessage, watch_messages};
use crate::lazy;
use crate::services::{Services, lesson_progress, note_lesson_step, use_services};

/// How many messages are kept to be shown.
const MAX_MESSAGES: usize = 500;

/// What was done of the lessons.
#[derive(Clone, Copy)]
pub struct Progress {
    /// The names of the steps that were done in this browser.
    pub done: RwSignal<BTreeSet<String>>,
    /// The messages by which steps were done in this window.
    pub made: RwSignal<BTreeMap<Goal, Arc<ShownMessage>>>,
    /// The last messages that went over the connection.
    pub messages: RwSignal<VecDeque<Arc<ShownMessage>>>,
}

/// The progress. It is followed from the first call on, beginning with the messages that are kept, whatever the page shows.
pub fn follow_progress(services: Services) -> Progress {
    let page = services.page.upgrade().unwrap_or_default();
    page.with(|| {
        use_context().unwrap_or_else(|| {
            let progress = Progress {
                done: lesson_progress(),
                made: RwSignal::default(),
                messages: watch_messages(services, MAX_MESSAGES, || {}),
            };
            progress.watch();
            provide_context(progress);
            progress
        })
    })
}

impl Progress {
    /// Notes the steps that messages show to be done, as they come.
    fn watch(self) {
        let watcher = StoredValue::new(Watcher::default());
        let next = StoredValue::new(0);
        Effect::new(move |_| {
            let messages = self.messages.read();
            let from = next.get_value();
            let new = messages.iter().filter(|it| it.recorded.number >= from);
            let mut made = Vec::new();
            for message in new {
                next.set_value(message.recorded.number + 1);
                for happening in &message.decoded.happened {
                    let goals = watcher.try_update_value(|watcher| {
                        watcher.goals(happening, message.recorded.session, &message.principal)
                    });
                    for (goal, by) in goals.unwrap_or_default() {
                        let by =
                            by.and_then(|by| messages.iter().find(|it| it.recorded.number == by));
                        made.push((goal, Arc::clone(by.unwrap_or(message))));
                    }
                }
            }
            if made.is_empty() {
                return;
            }
            let steps = LESSONS.iter().flat_map(|lesson| lesson.steps);
            let is_made = |step: &&Step| made.iter().any(|(goal, _)| *goal == step.goal);
            for step in steps.filter(is_made) {
                note_lesson_step(self.done, step.name);
            }
            self.made.update(|all| all.extend(made));
        });
    }
}

lazy! {
    more,
    /// Follows the progress where lessons were begun before the page was loaded. There is nothing to see.
    pub fn follow_lessons() => { follow_progress(use_services()); }
}
