//! What stands beside a room, and what lies over it.

use leptos::prelude::*;

use super::{ActiveRoom, shortcuts_dialog};
use crate::features::diagnostics::diagnostics;
use crate::features::directory::{directory_dialog, new_room_dialog, room_info_dialog, switcher};
use crate::features::lessons::lessons;
use crate::features::people::{members, profile};
use crate::features::search::search_panel;
use crate::features::settings::{another_room_dialog, settings_dialog};
use crate::state::{Dialog, Panel, use_app};
use crate::ui::lazy::Loading;
use crate::ui::{Keyed, Lazy};

/// The panel that is open.
#[component]
pub fn Panels() -> impl IntoView {
    let panel = use_app().panel;
    let content = move |panel| match panel {
        Panel::Members => about_room(members),
        Panel::Search => about_room(search_panel),
        Panel::Diagnostics => view! { <Lazy load=diagnostics() /> }.into_any(),
        Panel::Lessons => view! { <Lazy load=lessons() /> }.into_any(),
    };
    let key = Signal::derive(move || Some(panel.get()? as usize));
    view! { <Keyed key>{panel.get_untracked().map(content)}</Keyed> }
}

/// The dialog that is open.
#[component]
pub fn Dialogs() -> impl IntoView {
    let dialog = use_app().dialog;
    let content = move |dialog| {
        let load = match dialog {
            Dialog::AnotherRoom => another_room_dialog(),
            Dialog::Settings => settings_dialog(),
            Dialog::Directory => directory_dialog(),
            Dialog::NewRoom => new_room_dialog(),
            Dialog::Switcher => switcher(),
            Dialog::Profile => profile(),
            Dialog::RoomInfo => return about_room(room_info_dialog),
            Dialog::Keyboard => shortcuts_dialog(),
        };
        view! { <Lazy load /> }.into_any()
    };
    let key = Signal::derive(move || Some(dialog.get()? as usize));
    view! { <Keyed key>{dialog.get_untracked().map(content)}</Keyed> }
}

/// What is about the room that is shown: made anew for another one.
fn about_room(load: fn() -> Loading) -> AnyView {
    view! {
        <ActiveRoom>
            <Lazy load=load() />
        </ActiveRoom>
    }
    .into_any()
}
