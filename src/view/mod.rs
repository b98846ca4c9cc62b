//! Components: what is on the screen. They read signals and say what people did; none talks to the network.

pub(crate) mod account;
mod brand;
mod chat;
mod composer;
mod connection;
pub(crate) mod diagnostics;
mod dialog;
mod element;
mod fault;
mod field;
mod icon;
mod join;
pub(crate) mod keyboard;
mod learn;
pub(crate) mod lessons;
pub(crate) mod members;
mod message;
mod messages;
mod part;
mod room_choice;
mod scroll;
pub(crate) mod settings;
mod sidebar;
pub(crate) mod typing;

use crate::state::{App, Screen};

pub use composer::composer;
pub use connection::connection_badge;
pub use element::{El, ElView, el};
pub use join::join;
pub use messages::messages;

/// The whole page.
pub fn page(app: App) -> El {
    keyboard::listen(app);
    el("div").attr("id", "page").child_of(move || {
        let _language = app.spoken.read();
        Some(match app.screen.get() {
            Screen::Join => join::join(app),
            Screen::Account => part::part(crate::parts::account(app)),
            Screen::Chat => chat::chat(app),
        })
    })
}
