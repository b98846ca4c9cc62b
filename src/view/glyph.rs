//! Small drawings of those parts that are fetched on demand: they come along with the part.

use super::element::{El, el, svg};
use super::icon::button;

/// What is drawn.
#[derive(Clone, Copy)]
pub struct Glyph(&'static str);

pub const REPLY: Glyph = Glyph("M10 6L4 12l6 6M4 12h9a7 7 0 0 1 7 7");
pub const REACT: Glyph = Glyph(
    "M20 11a8 8 0 1 1-7-7.9M8.5 14s1.2 2 3.5 2 3.5-2 3.5-2M9 9.5h.01M14.5 9.5h.01M19 2v6M16 5h6",
);
pub const EDIT: Glyph = Glyph("M5 19l1-4L16 5l3 3L9 18l-4 1zM14 7l3 3");
pub const DELETE: Glyph = Glyph("M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7M10.5 10.5v6M13.5 10.5v6");
pub const COPY: Glyph = Glyph("M9 9h10v11H9zM15 9V4H5v11h4");
pub const LINK: Glyph = Glyph(
    "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
);
pub const CLOSE: Glyph = Glyph("M6 6l12 12M18 6L6 18");

/// A drawing that says nothing which a text beside it does not.
pub fn glyph(drawing: Glyph) -> El {
    let lines = svg("path").attr("d", drawing.0);
    let drawing = svg("svg").attr("viewBox", "0 0 24 24").child(lines);
    el("span")
        .class("icon")
        .attr("aria-hidden", "true")
        .child(drawing)
}

/// A button with a drawing, and its words, which may be hidden from sight.
pub fn glyph_button(
    drawing: Glyph,
    words: &str,
    test: &str,
    clicked: impl FnMut() + 'static,
) -> El {
    button("tool", test, clicked)
        .attr("title", words)
        .child(glyph(drawing))
        .child(el("span").class("label").text(words))
}
