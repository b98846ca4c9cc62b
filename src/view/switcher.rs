//! Goes to a room or a person by the first letters of a name.

use leptos::prelude::Owner;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::KeyboardEvent;

use super::dialog::dialog;
use super::element::{El, el, value_of};
use super::icon::{button, icon};
use super::sidebar::avatar;
use crate::browser;
use crate::model::directory::rank;
use crate::model::form::Room;
use crate::model::people::Person;
use crate::session;
use crate::state::{App, OpenRoom};
use crate::words::say;
use leptos::prelude::*;

/// How many are offered at once.
const MOST: usize = 12;

/// Where one can go.
#[derive(Clone)]
enum Goal {
    Open(OpenRoom),
    Other(Room),
    Somebody(Person),
}

impl Goal {
    fn name(&self) -> String {
        match self {
            Self::Open(room) => room.room.read_untracked().name.to_string(),
            Self::Other(room) => room.name.to_string(),
            Self::Somebody(person) => person.name.clone(),
        }
    }

    fn go(self, app: App) {
        app.dialog.set(None);
        match self {
            Self::Open(room) => app.show_room(room),
            Self::Other(room) => session::open_room(app, room),
            Self::Somebody(person) => session::direct::write_to(app, person),
        }
        browser::focus("composer");
    }
}

/// The box and what is found.
pub fn switcher(app: App) -> El {
    let goals = ArcRwSignal::new(goals(app));
    let typed = ArcRwSignal::new(String::new());
    let chosen = ArcRwSignal::new(0_usize);
    let coming = goals.clone();
    let owner = Owner::current();
    spawn_local(async move {
        // Without the other rooms there are still those that are open.
        if session::directory::load().await.is_ok() {
            let found = owner.map_or_else(Vec::new, |owner| owner.with(|| self::goals(app)));
            coming.set(found);
        }
    });
    let found = {
        let (goals, typed) = (goals.clone(), typed.clone());
        move || best(&goals.read(), &typed.read())
    };
    let keys = {
        let (goals, typed) = (goals.clone(), typed.clone());
        let chosen = chosen.clone();
        move |event: web_sys::Event| {
            let key: &KeyboardEvent = event.unchecked_ref();
            let goals = best(&goals.read_untracked(), &typed.read_untracked());
            let count = goals.len().max(1);
            let at = *chosen.read_untracked();
            match key.key().as_str() {
                "ArrowDown" => chosen.set((at + 1) % count),
                "ArrowUp" => chosen.set((at + count - 1) % count),
                "Enter" if !key.is_composing() => {
                    if let Some(goal) = goals.get(at) {
                        goal.clone().go(app);
                    }
                }
                _ => return,
            }
            event.prevent_default();
        }
    };
    let input = {
        let (typed, chosen, active) = (typed, chosen.clone(), chosen.clone());
        el("input")
            .id("switcher-search")
            .attr("type", "text")
            .attr("role", "combobox")
            .attr("autocomplete", "off")
            .attr("dir", "auto")
            .attr("aria-expanded", "true")
            .attr("aria-controls", "switcher-list")
            .attr("aria-label", say("Room or person"))
            .attr("placeholder", say("Room or person"))
            .attr_of("aria-activedescendant", move || {
                Some(["goal-", &active.get().to_string()].concat())
            })
            .on("input", move |event| {
                chosen.set(0);
                typed.set(value_of(&event));
            })
            .on("keydown", keys)
    };
    let list = move || {
        let goals = found();
        if goals.is_empty() {
            let words = say("Nobody and nothing of this name.");
            return Some(
                el("p")
                    .class("hint")
                    .attr("id", "switcher-list")
                    .text(words),
            );
        }
        let mut list = el("ul")
            .class("choices")
            .attr("id", "switcher-list")
            .attr("role", "listbox")
            .attr("aria-label", say("Rooms and people"));
        for (place, goal) in goals.into_iter().enumerate() {
            let chosen = chosen.clone();
            list = list.child(row(app, goal, place, move || chosen.get() == place));
        }
        Some(list)
    };
    let body = el("div").class("directory").child(input).child_of(list);
    dialog(app, "switcher", say("Go to"), "switcher-search", body)
}

fn row(app: App, goal: Goal, place: usize, is_chosen: impl Fn() -> bool + 'static) -> El {
    let (picture, more) = match &goal {
        Goal::Open(room) if room.peer.is_some() => (avatar(&goal.name()), say("direct messages")),
        Goal::Open(room) => (icon(room.room.read_untracked().kind.word()), ""),
        Goal::Other(room) => (icon(room.kind.word()), say("join")),
        Goal::Somebody(person) => (avatar(&person.name), say("write to")),
    };
    let name = goal.name();
    // The keys are the box's; a pointer can choose, too.
    button("choice", "goal", move || goal.clone().go(app))
        .attr("id", &["goal-", &place.to_string()].concat())
        .attr("role", "option")
        .attr("tabindex", "-1")
        .attr("data-name", &name)
        .attr_of("aria-selected", move || Some(is_chosen().to_string()))
        .child(picture)
        .child(
            el("span")
                .class("words")
                .child(el("bdi").text(&name))
                .child(el("small").text(more)),
        )
}

/// Everything there is to go to: what is open, the other rooms of the service, and the people in the open rooms.
fn goals(app: App) -> Vec<Goal> {
    let rooms = app.rooms.read_untracked();
    let direct = app.direct.read_untracked();
    let mut goals: Vec<Goal> = rooms
        .iter()
        .chain(direct.iter())
        .map(|room| Goal::Open(*room))
        .collect();
    for listed in session::directory::latest() {
        if !rooms
            .iter()
            .any(|open| open.room.read_untracked().name == listed.name)
        {
            goals.push(Goal::Other(Room {
                name: listed.name,
                kind: listed.kind,
            }));
        }
    }
    let me = app.me.read_untracked();
    let my_principal = me.as_ref().map_or("", |me| &me.credentials.principal);
    let mut known: Vec<Person> = Vec::new();
    for person in rooms
        .iter()
        .flat_map(|room| room.people.read_untracked().persons())
    {
        let met = known.iter().any(|it| it.principal == person.principal)
            || direct
                .iter()
                .any(|it| it.peer.as_ref() == Some(&person.principal));
        if !met && !person.principal.is_empty() && person.principal != my_principal {
            known.push(person);
        }
    }
    goals.extend(known.into_iter().map(Goal::Somebody));
    goals
}

/// Those that answer to what is typed, the best first.
fn best(goals: &[Goal], typed: &str) -> Vec<Goal> {
    let mut found: Vec<(usize, usize)> = goals
        .iter()
        .enumerate()
        .filter_map(|(place, goal)| Some((rank(&goal.name(), typed)?, place)))
        .collect();
    found.sort_unstable();
    let found = found.into_iter().take(MOST);
    found
        .filter_map(|(_, place)| goals.get(place).cloned())
        .collect()
}
