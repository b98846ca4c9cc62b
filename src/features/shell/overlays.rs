//! What stands beside a room, and what lies over it.

use leptos::prelude::*;

use super::{ActiveRoom, shortcuts_dialog};
use crate::features::diagnostics::diagnostics;
use crate::features::directory::{directory_dialog, new_room_dialog, room_info_dialog, switcher};
use crate::features::lessons::lessons;
use crate::features::people::{members, profile};
use crate::features::search::search_panel;
use crate::features::settings::{another_room_dialog, settings_dialog};
use crate::lazy;
use crate::state::{Dialog, Panel, SetIfChanged, use_app};
use crate::ui::lazy::{LoadFailed, Loading};
use crate::ui::{Keyed, Lazy};

lazy! { room, pub fn overlays() => view! { <Panels /> <Dialogs /> } }

/// The panel that is open.
#[component]
fn Panels() -> impl IntoView {
    let panel = use_app().panel;
    let (on_error, missing) = report_missing(panel);
    let content = move |panel| match panel {
        Panel::Members => about_room(members, on_error),
        Panel::Search => about_room(search_panel, on_error),
        Panel::Diagnostics => view! { <Lazy load=diagnostics() quiet=true on_error /> }.into_any(),
        Panel::Lessons => view! { <Lazy load=lessons() quiet=true on_error /> }.into_any(),
    };
    let key = Signal::derive(move || Some(panel.get()? as usize));
    view! {
        <Keyed key>{panel.get_untracked().map(content)}</Keyed>
        {missing}
    }
}

/// The dialog that is open.
#[component]
fn Dialogs() -> impl IntoView {
    let dialog = use_app().dialog;
    let (on_error, missing) = report_missing(dialog);
    let content = move |dialog| {
        let load = match dialog {
            Dialog::AnotherRoom => another_room_dialog(),
            Dialog::Settings => settings_dialog(),
            Dialog::Directory => directory_dialog(),
            Dialog::NewRoom => new_room_dialog(),
            Dialog::Switcher => switcher(),
            Dialog::Profile => profile(),
            Dialog::RoomInfo => return about_room(room_info_dialog, on_error),
            Dialog::Keyboard => shortcuts_dialog(),
        };
        view! { <Lazy load quiet=true on_error /> }.into_any()
    };
    let key = Signal::derive(move || Some(dialog.get()? as usize));
    view! {
        <Keyed key>{dialog.get_untracked().map(content)}</Keyed>
        {missing}
    }
}

/// What is about the room that is shown: made anew for another one.
fn about_room(load: fn() -> Loading, on_error: UnsyncCallback<()>) -> AnyView {
    view! {
        <ActiveRoom>
            <Lazy load=load() quiet=true on_error />
        </ActiveRoom>
    }
    .into_any()
}

/// What to do where what is opened cannot be fetched: it is closed, so that who opens it again tries again, and said until then.
fn report_missing<T: Send + Sync + 'static>(
    opened: RwSignal<Option<T>>,
) -> (UnsyncCallback<()>, impl IntoView) {
    let missing = RwSignal::new(false);
    Effect::new(move |_| {
        if opened.read().is_some() {
            missing.set_if_changed(false);
        }
    });
    let on_error = UnsyncCallback::new(move |()| {
        opened.set(None);
        missing.set(true);
    });
    let notice = move || {
        let on_close = move |()| missing.set(false);
        let shown = missing.get();
        shown.then(|| view! { <LoadFailed on_close /> }.into_any())
    };
    (on_error, notice)
}
