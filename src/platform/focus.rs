//! Where the keyboard's focus is.

use leptos::prelude::{document, request_animation_frame};

use super::page;

/// Moves the focus to an element once what has changed is on the screen, if it is there then.
pub fn move_to(id: &'static str) {
    request_animation_frame(move || {
        move_now(id);
    });
}

/// Moves the focus to an element, if it is on the screen already. Returns whether the element has it now.
pub fn move_now(id: &str) -> bool {
    let Some(element) = page::element(id) else {
        return false;
    };
    // Focusing an element that is not shown does nothing, which is right.
    let _ = element.focus();
    document().active_element().as_ref() == Some(element.as_ref())
}

/// Whether the focus is where somebody writes.
pub fn is_writing() -> bool {
    let focused = document().active_element();
    focused.is_some_and(|it| matches!(it.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT"))
}

/// Moves the focus to an element once it is on the screen, if nothing else has it, and if no keyboard would open for it that lies
/// over what there is to read.
pub fn offer(id: &'static str) {
    request_animation_frame(move || {
        let focused = document().active_element();
        if focused.is_none_or(|it| it.tag_name() == "BODY") && !page::is_touch() {
            move_now(id);
        }
    });
}
