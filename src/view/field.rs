//! Labelled inputs, for views that are no components yet.

use wasm_bindgen::JsValue;

use super::element::{El, el, ticked};
use super::icon::button;

/// An input of another kind, below its label.
pub fn labelled(id: &str, label: &str, input: El) -> El {
    el("div")
        .class("field")
        .child(el("label").attr("for", id).text(label))
        .child(input)
}

/// A labelled box to tick.
pub fn tick(
    test: &str,
    label: &str,
    is_ticked: impl Fn() -> bool + 'static,
    mut set: impl FnMut(bool) + 'static,
) -> El {
    let input = el("input")
        .attr("type", "checkbox")
        .test(test)
        .prop_of("checked", move || JsValue::from_bool(is_ticked()))
        .on("change", move |event| set(ticked(&event)));
    el("label")
        .class("tick")
        .child(input)
        .child(el("span").text(label))
}

/// Fields that belong together.
pub fn group(title: &str) -> El {
    el("fieldset").child(el("legend").text(title))
}

/// A form whose submission is handled here.
pub fn form(test: &str, mut submit: impl FnMut() + 'static) -> El {
    el("form")
        .test(test)
        .attr("novalidate", "")
        .on("submit", move |event| {
            event.prevent_default();
            submit();
        })
}

/// A button that looks like a link.
pub fn link(test: &str, label: &str, clicked: impl FnMut() + 'static) -> El {
    button("link", test, clicked).text(label)
}
