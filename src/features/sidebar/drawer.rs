use leptos::prelude::*;

use super::footer::Me;
use super::learn::Learn;
use super::room_list::RoomList;
use crate::features::join::Brand;
use crate::features::join::form::Field;
use crate::i18n::messages;
use crate::platform::focus;
use crate::state::{App, Dialog, OpenRoom, use_app};
use crate::ui::{Icon, IconButton};

/// The list of rooms, and below it the reader and the settings. Where the page is narrow it is a drawer.
#[component]
pub fn Sidebar() -> impl IntoView {
    let app = use_app();
    let close = move |_| {
        app.drawer.set(false);
        focus::move_to("menu-button");
    };
    let settings = move |_| {
        app.drawer.set(false);
        app.open_settings();
    };
    view! {
        <aside class="sidebar" id="sidebar" aria-label=&messages::sidebar_title tabindex="-1">
            <header>
                <Brand />
                <IconButton
                    icon="close"
                    label=&messages::sidebar_close
                    test="close-drawer"
                    on_click=close
                />
            </header>
            <Rooms />
            <Learn />
            <footer>
                <Me />
                <IconButton
                    icon="settings"
                    label=&messages::common_settings
                    test="settings-button"
                    on_click=settings
                />
            </footer>
        </aside>
    }
}

/// The rooms, the ways to others, and the direct messages.
#[component]
fn Rooms() -> impl IntoView {
    let app = use_app();
    let browse = move |_| {
        app.drawer.set(false);
        app.dialog.set(Some(Dialog::Directory));
    };
    let direct = move || {
        view! {
            <section class="direct" aria-label=&messages::sidebar_direct>
                <h2>{&messages::sidebar_direct}</h2>
                <RoomList rooms=app.direct />
            </section>
        }
        .into_any()
    };
    let any_direct = Memo::new(move |_| !app.direct.read().is_empty());
    view! {
        <nav aria-label=&messages::common_rooms>
            <RoomList rooms=Signal::derive(move || in_order(app)) movable=true />
            <button
                type="button"
                class="another"
                data-testid="another-room-button"
                on:click=move |_| ask_for_room(app, Dialog::AnotherRoom)
            >
                <Icon name="plus" />
                {&messages::common_join_another_room}
            </button>
            <button type="button" class="another" data-testid="directory-button" on:click=browse>
                <Icon name="find" />
                {&messages::sidebar_browse}
            </button>
            {move || any_direct.get().then(direct)}
        </nav>
    }
}

/// Opens a dialog that asks for a room.
pub fn ask_for_room(app: App, dialog: Dialog) {
    app.problems.set(Vec::new());
    app.fault.set(None);
    app.form.update(|form| form.set(Field::Room, String::new()));
    app.drawer.set(false);
    app.dialog.set(Some(dialog));
}

/// The rooms as they are listed: those that are archived last.
fn in_order(app: App) -> Vec<OpenRoom> {
    let archived = |room: &OpenRoom| room.card.read().as_ref().is_some_and(|card| card.archived);
    let (last, mut first): (Vec<_>, Vec<_>) = app.rooms.get().into_iter().partition(archived);
    first.extend(last);
    first
}
