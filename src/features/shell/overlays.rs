//! What stands beside a room, and what lies over it.

use leptos::prelude::*;

use super::{ActiveRoom, shortcuts_dialog};
use crate::features::diagnostics::diagnostics;
use crate::features::directory::{directory_dialog, new_room_dialog, room_info_dialog, switcher};
use crate::features::lessons::lessons;
use crate::features::people::{members, profile};
use crate::features::search::search_panel;
use crate::features::settings::{another_room_dialog, settings_dialog};
use crate::state::{Dialog, Panel, use_app, use_room};
use crate::ui::{Keyed, Lazy};

/// The panel that is open.
#[component]
pub fn Panels() -> impl IntoView {
    let app = use_app();
    view! {
        <Keyed key=Signal::derive(move || {
            app.panel.get().map(|panel| panel as usize)
        })>
            {match app.panel.get_untracked() {
                None => ().into_any(),
                Some(Panel::Members) => {
                    view! {
                        <ActiveRoom>
                            <Lazy load=members(use_room()) />
                        </ActiveRoom>
                    }
                        .into_any()
                }
                Some(Panel::Search) => {
                    view! {
                        <ActiveRoom>
                            <Lazy load=search_panel(use_room()) />
                        </ActiveRoom>
                    }
                        .into_any()
                }
                Some(Panel::Diagnostics) => view! { <Lazy load=diagnostics() /> }.into_any(),
                Some(Panel::Lessons) => view! { <Lazy load=lessons() /> }.into_any(),
            }}
        </Keyed>
    }
}

/// The dialog that is open.
#[component]
pub fn Dialogs() -> impl IntoView {
    let app = use_app();
    view! {
        <Keyed key=Signal::derive(move || {
            app.dialog.get().map(|dialog| dialog as usize)
        })>
            {match app.dialog.get_untracked() {
                None => ().into_any(),
                Some(Dialog::AnotherRoom) => {
                    view! { <Lazy load=another_room_dialog() /> }.into_any()
                }
                Some(Dialog::Settings) => view! { <Lazy load=settings_dialog() /> }.into_any(),
                Some(Dialog::Directory) => view! { <Lazy load=directory_dialog() /> }.into_any(),
                Some(Dialog::NewRoom) => view! { <Lazy load=new_room_dialog() /> }.into_any(),
                Some(Dialog::Switcher) => view! { <Lazy load=switcher() /> }.into_any(),
                Some(Dialog::Profile) => view! { <Lazy load=profile() /> }.into_any(),
                Some(Dialog::RoomInfo) => {
                    view! {
                        <ActiveRoom>
                            <Lazy load=room_info_dialog() />
                        </ActiveRoom>
                    }
                        .into_any()
                }
                Some(Dialog::Keyboard) => view! { <Lazy load=shortcuts_dialog() /> }.into_any(),
            }}
        </Keyed>
    }
}
