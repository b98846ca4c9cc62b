//! Labelled inputs, for views that are no components yet.

use super::element::{El, el};
use super::icon::button;

/// An input of another kind, below its label.
pub fn labelled(id: &str, label: &str, input: El) -> El {
    el("div")
        .class("field")
        .child(el("label").attr("for", id).text(label))
        .child(input)
}

/// A button that looks like a link.
pub fn link(test: &str, label: &str, clicked: impl FnMut() + 'static) -> El {
    button("link", test, clicked).text(label)
}
