//! Icons: drawn once in `index.html`, used by name.

use super::element::{El, el, svg};

/// The icon of this name. It says nothing that a text beside it does not.
pub fn icon(name: &str) -> El {
    let icon = el("span").class("icon").attr("aria-hidden", "true");
    let drawing = svg("svg").child(svg("use").attr("href", &["#i-", name].concat()));
    icon.child(drawing)
}

/// A button.
pub fn button(class: &str, test: &str, clicked: impl FnMut() + 'static) -> El {
    el("button")
        .attr("type", "button")
        .class(class)
        .test(test)
        .on_click(clicked)
}
