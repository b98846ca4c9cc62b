//! Icons. They say nothing that a text beside them does not.

use leptos::prelude::*;

/// An icon that is drawn once in `index.html`.
#[component]
pub fn Icon(
    /// Its name there, without `i-`.
    #[prop(into)]
    name: String,
) -> impl IntoView {
    view! {
        <span class="icon" aria-hidden="true">
            <svg>
                <use href=["#i-", name.as_str()].concat()></use>
            </svg>
        </span>
    }
}

/// An icon's drawing, as an SVG path of a 24 by 24 grid.
pub type Glyph = &'static str;

/// An icon that comes along with the chunk which shows it.
#[component]
pub fn PathIcon(
    /// What it draws.
    path: Glyph,
) -> impl IntoView {
    view! {
        <span class="icon" aria-hidden="true">
            <svg viewBox="0 0 24 24">
                <path d=path></path>
            </svg>
        </span>
    }
}

/// The drawings of [`PathIcon`]s.
#[allow(missing_docs)]
pub mod glyph {
    use super::Glyph;

    pub const REPLY: Glyph = "M10 6L4 12l6 6M4 12h9a7 7 0 0 1 7 7";
    pub const REACT: Glyph = "M20 11a8 8 0 1 1-7-7.9M8.5 14s1.2 2 3.5 2 3.5-2 3.5-2M9 9.5h.01M14.5 9.5h.01M19 2v6M16 5h6";
    pub const SMILE: Glyph = "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM8.3 14s1.3 2.2 3.7 2.2 3.7-2.2 3.7-2.2M9 9.5h.01M15 9.5h.01";
    pub const EDIT: Glyph = "M5 19l1-4L16 5l3 3L9 18l-4 1zM14 7l3 3";
    pub const DELETE: Glyph = "M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7M10.5 10.5v6M13.5 10.5v6";
    pub const COPY: Glyph = "M9 9h10v11H9zM15 9V4H5v11h4";
    pub const LINK: Glyph = "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1";
    pub const UP: Glyph = "M12 19V5M6 11l6-6 6 6";
    pub const CLOSE: Glyph = "M6 6l12 12M18 6L6 18";
}
