//! Components: what is on the screen. They read signals and say what people did; none talks to the network.

pub(crate) mod account;
pub(crate) mod board;
mod brand;
mod chat;
mod composer;
pub(crate) mod composer_tools;
mod connection;
pub(crate) mod diagnostics;
mod dialog;
pub(crate) mod directory;
mod element;
mod emoji_picker;
mod fault;
mod field;
mod glyph;
mod icon;
mod join;
pub(crate) mod keyboard;
mod last_line;
mod learn;
pub(crate) mod lessons;
pub(crate) mod markdown;
mod message;
mod message_text;
pub(crate) mod message_tools;
mod messages;
pub(crate) mod new_room;
mod part;
pub(crate) mod reactions;
mod room_choice;
pub(crate) mod room_info;
mod scroll;
pub(crate) mod seen;
pub(crate) mod settings;
mod sidebar;
pub(crate) mod submit;
pub(crate) mod switcher;
mod update;

use crate::state::{App, Screen};
use leptos::prelude::*;

pub use composer::composer;
pub use connection::connection_badge;
pub use element::{El, ElView, el};
pub use join::join;
pub use messages::messages;

/// The whole page.
pub fn page(app: App) -> El {
    keyboard::listen(app);
    el("div")
        .attr("id", "page")
        .child_of(move || {
            let _language = app.spoken.read();
            Some(match app.screen.get() {
                Screen::Join => join::join(app),
                Screen::Account => part::part(crate::parts::account(app)),
                Screen::Chat => chat::chat(app),
                Screen::Board => part::part(crate::parts::board(app)),
            })
        })
        .child_of(move || update::update_notice(app))
}
