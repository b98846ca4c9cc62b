//! Icons. They say nothing that a text beside them does not.

use effusion_chat::RoomKind;
use leptos::prelude::*;

/// An icon's drawing, as an SVG path of a 24 by 24 grid.
pub type Glyph = &'static str;

/// An icon, which is in the chunk that shows it.
#[component]
pub fn Icon(
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

/// The mark of the page, which `index.html` shows already while it loads.
#[component]
pub fn BrandIcon() -> impl IntoView {
    // Of literals alone, Leptos would make a text of HTML, which the page's policy forbids.
    const HREF: &str = "#i-brand";
    view! {
        <span class="icon" aria-hidden="true">
            <svg>
                <use href=HREF></use>
            </svg>
        </span>
    }
}

/// What stands for a kind of room.
pub fn kind_glyph(kind: RoomKind) -> Glyph {
    match kind {
        RoomKind::Live => glyph::LIVE,
        RoomKind::History => glyph::HISTORY,
    }
}

/// The drawings of [`Icon`]s.
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
    pub const LIVE: Glyph = "M10.7 12a1.3 1.3 0 1 0 2.6 0 1.3 1.3 0 1 0-2.6 0M7.8 16.2a6 6 0 0 1 0-8.4M16.2 7.8a6 6 0 0 1 0 8.4M5 19a10 10 0 0 1 0-14M19 5a10 10 0 0 1 0 14";
    pub const HISTORY: Glyph = "M4 12a8 8 0 1 0 2.6-5.9L4 8.5M4 4v4.5h4.5M12 8v4.5l3 2";
    pub const SETTINGS: Glyph = "M4 7h9M17 7h3M4 17h3M11 17h9M13 7a2 2 0 1 0 4 0 2 2 0 1 0-4 0M7 17a2 2 0 1 0 4 0 2 2 0 1 0-4 0";
    pub const PLUS: Glyph = "M12 5v14M5 12h14";
    pub const MENU: Glyph = "M4 7h16M4 12h16M4 17h10";
    pub const LEAVE: Glyph = "M14 4H7a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h7M11 12h9M17 9l3 3-3 3";
    pub const INFO: Glyph = "M4 12a8 8 0 1 0 16 0 8 8 0 1 0-16 0M12 11v5M12 8v.1";
    pub const PEOPLE: Glyph = "M5.8 8.5a3.2 3.2 0 1 0 6.4 0 3.2 3.2 0 1 0-6.4 0M3 19c.6-3.4 2.9-5.2 6-5.2s5.4 1.8 6 5.2M15.5 5.6a3.2 3.2 0 0 1 0 5.8M17.5 14.2c2 .6 3.2 2.2 3.6 4.8";
    pub const FIND: Glyph = "M4.7 10.5a5.8 5.8 0 1 0 11.6 0 5.8 5.8 0 1 0-11.6 0M15 15l5 5";
    pub const DIRECT: Glyph = "M4 6h16v11H11l-4 3v-3H4z";
    pub const ARCHIVE: Glyph = "M4 5h16v4H4zM5.5 9v10h13V9M10 13h4";
    pub const SEND: Glyph = "M12 19V6M6 11.5L12 5.5l6 6";
    pub const SHIELD: Glyph =
        "M12 3.5l7 2.5v5.5c0 4.5-3 7.5-7 9-4-1.5-7-4.5-7-9V6zM9 12l2.2 2.2L15.2 10";
    pub const LESSONS: Glyph =
        "M12 6.5C10 5 7 4.5 4 5v13c3-.5 6 0 8 1.5 2-1.5 5-2 8-1.5V5c-3-.5-6 0-8 1.5zM12 6.5v13";
    pub const DIAGNOSTICS: Glyph = "M3 12h4l2.5-7 5 14 2.5-7h4";
    pub const DOWN: Glyph = "M12 5v13M6 12.5l6 6 6-6";
    pub const BACK: Glyph = "M19 12H5M11 6l-6 6 6 6";
    pub const WINDOW: Glyph = "M4 5h16v14H4zM4 9.5h16M7 7.3h.01";
}
