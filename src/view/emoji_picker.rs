//! Emoji to choose from.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::Array;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Event, HtmlDialogElement, HtmlElement, KeyboardEvent};

use super::dialog;
use super::element::{El, el, value_of};
use super::glyph::{self, glyph_button};
use super::icon::button;
use super::reactions::{frequent, react, remember};
use crate::browser;
use crate::model::composing::Picking;
use crate::model::emoji::{Emoji, Group, search};
use crate::state::OpenRoom;
use crate::words::{key, say};
use leptos::prelude::*;

/// The file with the emoji, beside the page.
const FILE: &str = "emoji.json";

/// How many found ones are shown.
const MOST: usize = 64;

/// What the groups of the file are called.
const GROUPS: [&str; 8] = [
    key("Smileys"),
    key("Gestures and people"),
    key("Hearts and feelings"),
    key("Animals and nature"),
    key("Food and drink"),
    key("Activities and travel"),
    key("Objects"),
    key("Signs"),
];

/// All emoji, in their groups.
type Table = Rc<Vec<Group>>;

/// What there is to choose from.
enum Choice {
    /// It is being fetched. `wanted`: the best of it was asked for already.
    Coming {
        wanted: bool,
    },
    Here(Table),
    Missing,
}

thread_local! {
    static KNOWN: RefCell<Option<Table>> = const { RefCell::new(None) };
}

/// Does something with the table, which is fetched first if need be. Where it cannot be had, nothing is done.
pub fn with_table(look: impl FnOnce(&[Group]) + 'static) {
    fetch_table(Box::new(move |table| {
        if let Some(table) = table {
            look(&table);
        }
    }));
}

/// Does something with the table, or without it where it cannot be had.
fn fetch_table(look: Box<dyn FnOnce(Option<Table>)>) {
    if let Some(table) = KNOWN.with_borrow(Clone::clone) {
        look(Some(table));
        return;
    }
    spawn_local(async move {
        let file = browser::fetch_json(FILE).await;
        let table = file.map(|file| Rc::new(read(&file)));
        if table.is_some() {
            KNOWN.set(table.clone());
        }
        look(table);
    });
}

/// Reads the file: groups with `name` and `emoji`, each of these its characters, its name and more words.
fn read(file: &JsValue) -> Vec<Group> {
    let array = |value: &JsValue| value.dyn_ref::<Array>().cloned().unwrap_or_default();
    let member = |value: &JsValue, name: &str| {
        js_sys::Reflect::get(value, &JsValue::from_str(name)).unwrap_or_default()
    };
    let text = |value: JsValue| value.as_string().unwrap_or_default();
    array(file)
        .iter()
        .map(|group| Group {
            name: text(member(&group, "name")),
            emoji: array(&member(&group, "emoji"))
                .iter()
                .map(|one| {
                    let one = array(&one);
                    Emoji {
                        emoji: text(one.get(0)),
                        name: text(one.get(1)),
                        words: text(one.get(2)),
                    }
                })
                .collect(),
        })
        .collect()
}

/// A dialog of emoji: those used most first, then by group; or those that fit what is typed.
pub fn emoji_picker(room: OpenRoom, picking: Picking, insert: impl Fn(&str) + 'static) -> El {
    let choice = ArcRwSignal::new(Choice::Coming { wanted: false });
    let query: ArcRwSignal<String> = ArcRwSignal::default();
    let dialog = el("dialog")
        .class("emoji-picker")
        .test("emoji-picker")
        .attr("aria-label", say("Emoji"));
    let node: HtmlDialogElement = dialog.node().clone().unchecked_into();
    let (shown, closed, outside) = (node.clone(), node.clone(), node.clone());
    let still = node.clone();
    let gone = node.clone();
    let pick: Rc<dyn Fn(&str)> = Rc::new(move |emoji| {
        match picking {
            Picking::Reaction(target) => react(room, target, emoji),
            Picking::Text => {
                remember(emoji);
                insert(emoji);
            }
        }
        node.close();
    });
    dialog::open(shown, "emoji-search");
    let (first, looked) = (Rc::clone(&pick), query.clone());
    let pick_best = move |table: &[Group]| {
        let best = search(table, &looked.read_untracked(), 1);
        let best = best.first().map(|emoji| emoji.emoji.clone());
        if let Some(best) = best {
            first(&best);
        }
    };
    let pick_best = Rc::new(pick_best);
    let (filled, best) = (choice.clone(), Rc::clone(&pick_best));
    fetch_table(Box::new(move |table| {
        let wanted = matches!(*filled.read_untracked(), Choice::Coming { wanted: true });
        let known = table.clone();
        filled.set(table.map_or(Choice::Missing, Choice::Here));
        if let Some(table) = known.filter(|_| wanted && still.open()) {
            best(&table);
        }
    }));
    let (typed, renewed) = (query.clone(), choice.clone());
    let found = choice.clone();
    let input = el("input")
        .attr("type", "search")
        .id("emoji-search")
        .attr("placeholder", say("Find an emoji"))
        .attr("aria-label", say("Find an emoji"))
        .attr("autocomplete", "off")
        .on("input", move |event| {
            if matches!(*renewed.read_untracked(), Choice::Coming { wanted: true }) {
                renewed.set(Choice::Coming { wanted: false });
            }
            typed.set(value_of(&event));
        })
        .on("keydown", move |event| {
            let key = event.unchecked_ref::<KeyboardEvent>().key();
            if key == "Enter" {
                event.prevent_default();
                let known = match &*found.read_untracked() {
                    Choice::Here(table) => Some(Rc::clone(table)),
                    _ => None,
                };
                match known {
                    Some(table) => pick_best(&table),
                    // It is picked as soon as there is something to pick from.
                    None => {
                        found.maybe_update(|choice| match choice {
                            Choice::Coming { wanted } => !std::mem::replace(wanted, true),
                            _ => false,
                        });
                    }
                }
            } else if key == "ArrowDown" {
                event.prevent_default();
                step(&event, 1);
            }
        });
    let list = el("div").class("list").on("keydown", |event| {
        let by = match event.unchecked_ref::<KeyboardEvent>().key().as_str() {
            "ArrowRight" => 1,
            "ArrowLeft" => -1,
            "ArrowDown" => 8,
            "ArrowUp" => -8,
            _ => return,
        };
        event.prevent_default();
        step(&event, by);
    });
    let list = list.child_of(move || {
        let choice = choice.read();
        let table = match &*choice {
            Choice::Coming { .. } => return None,
            Choice::Missing => {
                let why = "This part of the page could not be fetched. Check the network, then try again; if the page was updated, reload it.";
                return Some(el("p").class("hint").attr("role", "alert").text(say(why)));
            }
            Choice::Here(table) => table,
        };
        let query = query.get();
        Some(if query.trim().is_empty() {
            all(table, &pick)
        } else {
            let found: Vec<_> = search(table, &query, MOST)
                .into_iter()
                .map(|emoji| (emoji.emoji.clone(), emoji.name.clone()))
                .collect();
            if found.is_empty() {
                el("p").class("hint").text(say("No emoji is called that."))
            } else {
                grid(found, &pick)
            }
        })
    });
    dialog
        .on("close", move |_| {
            // It is told late, and another one may have been asked for by then.
            if gone.is_connected() {
                room.picking.set(None);
                browser::focus("composer");
            }
        })
        // Beside the dialog: its own box is what is clicked then.
        .on("click", move |event| {
            let on_it = event
                .target()
                .is_some_and(|target| target == *outside.unchecked_ref::<web_sys::EventTarget>());
            if on_it {
                outside.close();
            }
        })
        .child(
            el("div")
                .class("picker")
                .child(el("div").class("top").child(input).child(glyph_button(
                    glyph::CLOSE,
                    say("Close"),
                    "emoji-close",
                    move || closed.close(),
                )))
                .child(list),
        )
}

fn all(table: &[Group], pick: &Rc<dyn Fn(&str)>) -> El {
    let name_of = |emoji: &str| {
        let mut all = table.iter().flat_map(|group| &group.emoji);
        all.find(|known| known.emoji == emoji)
            .map_or_else(|| emoji.to_owned(), |known| known.name.clone())
    };
    let used = frequent().top(16).into_iter();
    let used = used.map(|emoji| {
        let name = name_of(&emoji);
        (emoji, name)
    });
    let place = el("div")
        .child(el("h3").text(say("Used most")))
        .child(grid(used.collect(), pick));
    table.iter().fold(place, |place, group| {
        let known = GROUPS.iter().find(|name| **name == group.name);
        let emoji = group
            .emoji
            .iter()
            .map(|emoji| (emoji.emoji.clone(), emoji.name.clone()));
        place
            .child(el("h3").text(known.map_or(group.name.as_str(), |name| say(name))))
            .child(grid(emoji.collect(), pick))
    })
}

fn grid(emoji: Vec<(String, String)>, pick: &Rc<dyn Fn(&str)>) -> El {
    let grid = el("div").class("grid");
    emoji.into_iter().fold(grid, |grid, (emoji, name)| {
        let pick = Rc::clone(pick);
        let words = name.replace('_', " ");
        let picked = emoji.clone();
        grid.child(
            button("emoji", "emoji", move || pick(&picked))
                .attr("data-emoji", &emoji)
                .attr("title", &words)
                .attr("aria-label", &words)
                .text(&emoji),
        )
    })
}

/// Moves the focus among the emoji, of which there are eight in a line.
fn step(event: &Event, by: i32) {
    let dialog = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .and_then(|target| target.closest("dialog").ok()?);
    let Some(all) = dialog.and_then(|dialog| dialog.query_selector_all("button.emoji").ok()) else {
        return;
    };
    let focus = document().active_element();
    let at = |place: u32| {
        all.get(place)
            .and_then(|node| node.dyn_into::<HtmlElement>().ok())
    };
    let count = all.length();
    let now = (0..count)
        .find(|&place| at(place).is_some_and(|one| focus.as_ref() == Some(one.unchecked_ref())));
    let next = match now {
        Some(now) => i64::from(now) + i64::from(by),
        None => 0,
    };
    let next = u32::try_from(next).ok().and_then(at);
    match next {
        // It is shown, and can have the focus.
        Some(next) => {
            let _ = next.focus();
        }
        None if by < 0 => browser::focus("emoji-search"),
        None => {}
    }
}
