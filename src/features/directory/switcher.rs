//! Goes to a room or a person by the first letters of a name.

use effusion_chat::RoomKind;
use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::features::directory::listing::rank;
use crate::features::join::form::Room;
use crate::features::people::roster::Person;
use crate::i18n::messages;
use crate::lazy;
use crate::platform::{focus, keyboard};
use crate::services::{Services, use_services};
use crate::state::{App, OpenRoom, use_app};
use crate::ui::identity::{isolate, revealed};
use crate::ui::{Avatar, Dialog, Icon, List, kind_glyph};

/// How many are offered at once.
const MAX_OFFERED: usize = 12;

lazy! { more, pub fn switcher() => view! { <Switcher /> } }

/// Where one can go.
#[derive(Clone)]
enum Destination {
    Open(OpenRoom),
    Other(Room),
    Somebody(Person),
}

impl Destination {
    fn name(&self) -> String {
        match self {
            Self::Open(room) => room.info.read_untracked().name.to_string(),
            Self::Other(room) => room.name.to_string(),
            Self::Somebody(person) => person.name.clone(),
        }
    }

    fn go(self, app: App, services: &Services) {
        app.dialog.set(None);
        match self {
            Self::Open(room) => app.show_room(room),
            Self::Other(room) => services.rooms.open_and_show(room),
            Self::Somebody(person) => services.direct.open_conversation(person),
        }
        focus::move_to("composer");
    }
}

/// A destination at its place among those that are offered.
type Offer = (usize, Destination);

/// The box and what is found.
#[component]
fn Switcher() -> impl IntoView {
    let (app, services) = (use_app(), use_services());
    let known = RwSignal::new(destinations(app, &services));
    let typed = RwSignal::new(String::new());
    let chosen = RwSignal::new(0_usize);
    let loading = services.clone();
    spawn_local(async move {
        // Without the other rooms there are still those that are open.
        if loading.directory.load().await.is_ok() {
            // The dialog may have been closed meanwhile.
            known.try_set(destinations(app, &loading));
        }
    });
    let offers = Signal::derive(move || best(&known.read(), &typed.read()));
    let press = move |event: KeyboardEvent| {
        if keyboard::is_composing(&event) {
            return;
        }
        let offers = offers.get_untracked();
        let count = offers.len().max(1);
        let at = chosen.get_untracked();
        match event.key().as_str() {
            "ArrowDown" => chosen.set((at + 1) % count),
            "ArrowUp" => chosen.set((at + count - 1) % count),
            "Enter" => {
                if let Some((_, to)) = offers.into_iter().nth(at) {
                    to.go(app, &services);
                }
            }
            _ => return,
        }
        event.prevent_default();
    };
    view! {
        <Dialog title=&messages::switcher_title test="switcher" focus="switcher-search">
            <div class="directory">
                <input
                    id="switcher-search"
                    data-testid="switcher-search"
                    type="text"
                    role="combobox"
                    autocomplete="off"
                    dir="auto"
                    aria-expanded="true"
                    aria-controls="switcher-list"
                    aria-label=&messages::switcher_search
                    placeholder=&messages::switcher_search
                    aria-activedescendant=move || option_id(chosen.get())
                    on:input=move |event| {
                        chosen.set(0);
                        typed.set(event_target_value(&event));
                    }
                    on:keydown=press
                />
                <Offers offers chosen />
            </div>
        </Dialog>
    }
}

/// What is found, or that nothing is.
#[component]
fn Offers(
    /// What is found, the best first.
    offers: Signal<Vec<Offer>>,
    /// The place of the one that the keys have chosen.
    chosen: RwSignal<usize>,
) -> impl IntoView {
    let any = Memo::new(move |_| !offers.read().is_empty());
    move || {
        if !any.get() {
            return view! {
                <p class="hint" id="switcher-list">
                    {&messages::switcher_no_matches}
                </p>
            }
            .into_any();
        }
        view! {
            <ul
                class="choices"
                id="switcher-list"
                role="listbox"
                aria-label=&messages::switcher_results
            >
                <List each=move || offers.get() key let:offer>
                    <Row offer chosen />
                </List>
            </ul>
        }
        .into_any()
    }
}

/// What tells an offer from others: its place is a part of its element's `id`.
fn key((place, to): &Offer) -> String {
    let (kind, name) = match to {
        Destination::Open(room) => ("open", room.id.to_string()),
        Destination::Other(room) => ("other", room.name.to_string()),
        Destination::Somebody(person) => ("somebody", person.principal.clone()),
    };
    [&place.to_string(), kind, &name].join(" ")
}

fn option_id(place: usize) -> String {
    ["goal-", &place.to_string()].concat()
}

/// A room or a person. The keys are the box's; a pointer can choose, too.
#[component]
fn Row(
    /// Where it leads, and its place.
    offer: Offer,
    /// The place of the one that the keys have chosen.
    chosen: RwSignal<usize>,
) -> impl IntoView {
    let (app, services) = (use_app(), use_services());
    let (place, to) = offer;
    let name = to.name();
    let shown_name = revealed(&name);
    // Names are not all that tells people apart.
    let account = match &to {
        Destination::Somebody(person) if person.principal != person.name => {
            [" · ", &isolate(&person.principal)].concat()
        }
        _ => String::new(),
    };
    let icon = |kind: RoomKind| view! { <Icon path=kind_glyph(kind) /> }.into_any();
    let avatar = || view! { <Avatar name=name.clone() /> }.into_any();
    // And what happens when one goes there, where that is not plain.
    let (picture, action) = match &to {
        Destination::Open(room) if room.peer.is_none() => {
            (icon(room.info.read_untracked().kind), None)
        }
        Destination::Open(_) => (avatar(), Some(&messages::switcher_direct)),
        Destination::Other(room) => (icon(room.kind), Some(&messages::switcher_join)),
        Destination::Somebody(_) => (avatar(), Some(&messages::switcher_message)),
    };
    view! {
        <button
            type="button"
            class="choice"
            data-testid="goal"
            id=option_id(place)
            role="option"
            tabindex="-1"
            data-name=name
            aria-selected=move || (chosen.get() == place).to_string()
            on:click=move |_| to.clone().go(app, &services)
        >
            {picture}
            <span class="words">
                <bdi>{shown_name}</bdi>
                <small>{action.map(IntoRender::into_render)} {account}</small>
            </span>
        </button>
    }
}

/// Everything there is to go to: what is open, the other rooms of the service, and the people in the open rooms.
fn destinations(app: App, services: &Services) -> Vec<Destination> {
    let rooms = app.rooms.get_untracked();
    let direct = app.direct.get_untracked();
    let open = rooms.iter().chain(&direct).cloned();
    let mut all: Vec<Destination> = open.map(Destination::Open).collect();
    let listed = services.directory.latest().into_iter().filter(|listed| {
        let mut open = rooms.iter();
        !open.any(|open| open.info.read_untracked().name == listed.name)
    });
    all.extend(listed.map(|listed| {
        Destination::Other(Room {
            name: listed.name,
            kind: listed.kind,
        })
    }));
    let people = people(app, &rooms, &direct).into_iter();
    all.extend(people.map(Destination::Somebody));
    all
}

/// The people in the open rooms whom the reader has no conversation with yet.
fn people(app: App, rooms: &[OpenRoom], direct: &[OpenRoom]) -> Vec<Person> {
    let me = app.me.get_untracked();
    let my_principal = me.map(|me| me.credentials.principal).unwrap_or_default();
    let mut known: Vec<Person> = Vec::new();
    let there = |room: &OpenRoom| room.people.read_untracked().persons();
    for person in rooms.iter().flat_map(there) {
        let is_known = known.iter().any(|it| it.principal == person.principal);
        let peer = Some(&person.principal);
        let is_met = direct.iter().any(|it| it.peer.as_ref() == peer);
        let is_other = !person.principal.is_empty() && person.principal != my_principal;
        if is_other && !is_known && !is_met {
            known.push(person);
        }
    }
    known
}

/// The destinations that match what is typed, the best first.
fn best(all: &[Destination], typed: &str) -> Vec<Offer> {
    let mut found: Vec<(usize, &Destination)> = all
        .iter()
        .filter_map(|to| Some((rank(&to.name(), typed)?, to)))
        .collect();
    found.sort_by_key(|(rank, _)| *rank);
    let found = found
        .into_iter()
        .take(MAX_OFFERED)
        .map(|(_, to)| to.clone());
    found.enumerate().collect()
}
