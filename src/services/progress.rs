//! Which steps of the lessons were done in this browser, in any of its windows.

use std::collections::BTreeSet;

use leptos::prelude::*;

use super::preferences::For;
use crate::platform::page;
use crate::state::SetIfChanged;

const KEY: &str = "effusion.lessons";

/// Whether a step was done, and so somebody has opened the lessons.
pub fn lessons_are_begun() -> bool {
    crate::platform::storage::load(KEY).is_some()
}

/// The names of the steps that were done, which follow the browser's other windows until the current owner is done with.
pub fn lesson_progress() -> RwSignal<BTreeSet<String>> {
    let load = || For::Device.load(KEY).unwrap_or_default();
    let done = RwSignal::new(load());
    page::listen(&window(), "storage", move |_| done.set_if_changed(load()));
    done
}

/// Keeps that a step was done.
pub fn note_lesson_step(done: RwSignal<BTreeSet<String>>, name: &str) {
    if !done.with_untracked(|done| done.contains(name)) {
        // Another window may have noted others.
        let mut all: BTreeSet<String> = For::Device.load(KEY).unwrap_or_default();
        all.insert(name.to_owned());
        For::Device.store(KEY, Some(&all));
        done.set(all);
    }
}

/// Forgets which steps were done.
pub fn clear_lesson_progress(done: RwSignal<BTreeSet<String>>) {
    For::Device.store::<BTreeSet<String>>(KEY, None);
    done.set(BTreeSet::new());
}
