//! The circle that stands for somebody, for views that are no components yet.

use super::element::{El, el};
use crate::ui::identity::{hue, initials};

/// The circle that stands for somebody.
pub fn avatar(name: &str) -> El {
    hued(el("span").class("avatar"), name)
        .attr("aria-hidden", "true")
        .text(&initials(name))
}

/// Gives an element the colour that stays with a name.
pub fn hued(element: El, name: &str) -> El {
    element
        .css("--hue", &hue(name).to_string())
        .attr("data-hued", "")
}
