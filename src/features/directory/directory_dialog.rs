use leptos::prelude::*;
use leptos::task::spawn_local;

use super::alike::{Mark, Marks, marks_of};
use super::listing::{Listed, rank};
use crate::features::join::form::Room;
use crate::features::sidebar::ask_for_room;
use crate::features::timeline::At;
use crate::features::timeline::prose::excerpt;
use crate::i18n::{I18n, messages, use_i18n};
use crate::platform::clock;
use crate::services::use_services;
use crate::state::{Dialog, Fault, use_app};
use crate::ui::identity::revealed;
use crate::ui::{Dialog as DialogFrame, FaultAlert, Icon, List, glyph, kind_glyph};
use crate::{lazy, text};

lazy! { more, pub fn directory_dialog() => view! { <DirectoryDialog /> } }

/// The rooms of the service, with a box to search in them.
#[component]
fn DirectoryDialog() -> impl IntoView {
    let app = use_app();
    // None while they are being fetched.
    let found = RwSignal::new(None::<Result<Vec<Listed>, Fault>>);
    let typed = RwSignal::new(String::new());
    let directory = use_services().directory.clone();
    spawn_local(async move {
        let rooms = directory.load().await;
        // The dialog may have been closed meanwhile.
        found.try_set(Some(rooms));
    });
    view! {
        <DialogFrame title=&messages::common_rooms test="directory" focus="directory-search">
            <div class="directory">
                <div class="find">
                    <input
                        id="directory-search"
                        data-testid="directory-search"
                        type="search"
                        autocomplete="off"
                        dir="auto"
                        placeholder=&messages::directory_search
                        aria-label=&messages::directory_search
                        on:input=move |event| typed.set(event_target_value(&event))
                    />
                    <button
                        type="button"
                        data-testid="new-room-button"
                        on:click=move |_| ask_for_room(app, Dialog::NewRoom)
                    >
                        <Icon path=glyph::PLUS />
                        {&messages::common_new_room}
                    </button>
                </div>
                {move || match found.get() {
                    None => view! { <p class="hint">{&messages::directory_loading}</p> }.into_any(),
                    Some(Err(fault)) => view! { <FaultAlert fault /> }.into_any(),
                    Some(Ok(rooms)) => view! { <RoomChoices rooms typed /> }.into_any(),
                }}
            </div>
        </DialogFrame>
    }
}

/// Those of the rooms that match what is typed.
#[component]
fn RoomChoices(
    /// All rooms.
    rooms: Vec<Listed>,
    /// What is typed.
    #[prop(into)]
    typed: Signal<String>,
) -> impl IntoView {
    let names: Vec<String> = rooms.iter().map(|room| room.name.to_string()).collect();
    let marks = marks_of(Signal::stored(names));
    let matching = Memo::new(move |_| {
        let typed = typed.read();
        let matches = |room: &&Listed| {
            let text = [room.name.as_str(), " ", &room.topic].concat();
            rank(&text, &typed).is_some()
        };
        rooms.iter().filter(matches).cloned().collect::<Vec<_>>()
    });
    let any = Memo::new(move |_| !matching.read().is_empty());
    move || {
        if any.get() {
            view! {
                <ul class="choices" data-testid="directory-list">
                    <List each=move || matching.get() key=|room| room.name.to_string() let:room>
                        <li>
                            <RoomChoice room marks />
                        </li>
                    </List>
                </ul>
            }
            .into_any()
        } else {
            view! {
                <p class="hint" data-testid="no-such-room">
                    {&messages::directory_no_matches}
                </p>
            }
            .into_any()
        }
    }
}

/// A room, to join it.
#[component]
fn RoomChoice(
    /// The room.
    room: Listed,
    /// What tells rooms apart.
    marks: Marks,
) -> impl IntoView {
    let (app, services) = (use_app(), use_services());
    let choice = Room {
        name: room.name.clone(),
        kind: room.kind,
    };
    let join = move |_| {
        app.dialog.set(None);
        services.rooms.open_and_show(choice.clone());
    };
    let name = room.name.to_string();
    let archived = room
        .archived
        .then(|| view! { <span class="chip plain">{&messages::common_archived}</span> }.into_any());
    let topic = (!room.topic.is_empty()).then(|| {
        view! {
            <span class="about" dir="auto">
                {room.topic.clone()}
            </span>
        }
        .into_any()
    });
    let people =
        (room.people > 0).then(|| text!(directory_people, count = room.people).into_render());
    view! {
        <button
            type="button"
            class="choice"
            data-testid="directory-room"
            data-room=name.clone()
            on:click=join
        >
            <Icon path=kind_glyph(room.kind) />
            <span class="words">
                <span class="named">
                    <bdi>{revealed(&name)}</bdi>
                    <Mark name=name.clone() marks />
                    {archived}
                </span>
                {topic}
                <LastMessage room />
            </span>
            <small class="people" data-testid="directory-people">
                {people}
            </small>
        </button>
    }
}

/// How much of a message is shown, in characters.
const MAX_EXCERPT: usize = 80;

/// What was said last in a room, by whom and when, in one line; nothing if nobody said anything.
#[component]
fn LastMessage(
    /// The room.
    room: Listed,
) -> impl IntoView {
    let i18n = use_i18n();
    let (by, text) = room.last;
    if text.is_empty() {
        return None;
    }
    let by = (!by.is_empty()).then(|| {
        view! {
            <bdi>{by}</bdi>
            {": "}
        }
        .into_any()
    });
    let text = excerpt(&text, MAX_EXCERPT);
    let when = match room.at {
        Some(At::Instant { ms, day }) => view! {
            {" · "}
            <time>{move || time_or_day(i18n, ms, day)}</time>
        }
        .into_any(),
        _ => ().into_any(),
    };
    let line = view! {
        <small class="last" data-testid="directory-last" dir="auto">
            {by}
            <bdi>{text}</bdi>
            {when}
        </small>
    };
    Some(line.into_any())
}

/// The time of day, or the day if it is another one.
fn time_or_day(i18n: I18n, ms: i64, day: i64) -> String {
    if At::local(clock::now()).day() == Some(day) {
        i18n.time_of_day(ms)
    } else {
        i18n.day(ms, day)
    }
}
