use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::room_list::RoomList;
use crate::features::join::Brand;
use crate::features::join::form::{Field, SignIn};
use crate::features::people::roster::Person;
use crate::features::shell::toggle;
use crate::i18n::messages;
use crate::platform::focus;
use crate::state::{App, Dialog, OpenRoom, Panel, Screen, use_app};
use crate::ui::identity::isolate;
use crate::ui::{Avatar, Glyph, Icon, IconButton, glyph};
use crate::{lazy, text};

lazy! { room, pub fn sidebar() => view! { <Sidebar /> } }

/// The list of rooms, and below it the reader and the settings. Where the page is narrow it is a drawer.
#[component]
fn Sidebar() -> impl IntoView {
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
        <header>
            <Brand />
            <IconButton
                icon=glyph::CLOSE
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
                icon=glyph::SETTINGS
                label=&messages::common_settings
                test="settings-button"
                on_click=settings
            />
        </footer>
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
                <Icon path=glyph::PLUS />
                {&messages::common_join_another_room}
            </button>
            <button type="button" class="another" data-testid="directory-button" on:click=browse>
                <Icon path=glyph::FIND />
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
    let rooms = app.rooms.get().into_iter();
    let (last, mut first): (Vec<_>, Vec<_>) = rooms.partition(OpenRoom::is_archived);
    first.extend(last);
    first
}

/// The way to the lessons, to the diagnostics, and for moderators to their board.
#[component]
fn Learn() -> impl IntoView {
    let app = use_app();
    let open_board = move |_| {
        app.drawer.set(false);
        app.screen.set(Screen::Board);
    };
    let board = move || {
        view! {
            <button type="button" class="learn" data-testid="board-button" on:click=open_board>
                <Icon path=glyph::SHIELD />
                {&messages::common_moderation}
            </button>
        }
        .into_any()
    };
    view! {
        <div class="learning">
            <PanelButton
                panel=Panel::Lessons
                icon=glyph::LESSONS
                test="lessons-button"
                label=&messages::lesson_title
            />
            <PanelButton
                panel=Panel::Diagnostics
                icon=glyph::DIAGNOSTICS
                test="diagnostics-button"
                label=&messages::common_diagnostics
            />
            {move || app.moderator.get().then(board)}
        </div>
    }
}

/// Opens a panel, or closes it.
#[component]
fn PanelButton(
    /// The panel.
    panel: Panel,
    /// What stands before the label.
    icon: Glyph,
    /// Its `id`, and its name for tests.
    test: &'static str,
    /// What the panel shows.
    #[prop(into)]
    label: TextProp,
) -> impl IntoView {
    let app = use_app();
    let press = move |_| {
        app.drawer.set(false);
        toggle(app.panel, panel);
    };
    view! {
        <button
            type="button"
            class="learn"
            id=test
            data-testid=test
            aria-expanded=move || (*app.panel.read() == Some(panel)).to_string()
            on:click=press
        >
            <Icon path=icon />
            {move || label.get()}
        </button>
    }
}

/// Who the reader is, and where; it opens the reader's profile.
#[component]
fn Me() -> impl IntoView {
    let app = use_app();
    let button = move |me: SignIn| {
        let (name, credentials, service) = (me.name, me.credentials, me.service);
        let person = Person {
            name: name.clone(),
            principal: credentials.principal.clone(),
            away: false,
        };
        let account = isolate(&credentials.principal);
        let signed_in = if service.in_browser {
            text!(sidebar_signed_in_here, account = account)
        } else {
            let service = isolate(&service.address());
            text!(sidebar_signed_in, account = account, service = service)
        };
        let open = move |_| {
            app.drawer.set(false);
            app.profile_of.set(Some(person.clone()));
            app.dialog.set(Some(Dialog::Profile));
        };
        view! {
            <button
                type="button"
                class="who"
                data-testid="my-profile"
                title=&messages::sidebar_profile
                on:click=open
            >
                <Avatar name=name.clone() />
                <span class="me">
                    <bdi>{name}</bdi>
                    <small data-testid="signed-in-as">{signed_in}</small>
                </span>
            </button>
        }
        .into_any()
    };
    move || app.me.get().map(button)
}
