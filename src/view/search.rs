//! The panel that finds: words in what was said, the messages of a day, and the way out of the page as a file.

use crate::state::SetIfChanged;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use js_sys::{Array, Function, Promise, Reflect};
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, BlobPropertyBag, HtmlElement, KeyboardEvent, Node, Url};

use super::element::{El, el, value_of};
use super::icon::{button, icon_button};
use crate::browser;
use crate::i18n::I18n;
use crate::live::follow;
use crate::model::export::{self, Line};
use crate::model::search::{Needle, excerpt};
use crate::model::time::At;
use crate::session;
use crate::state::{App, Earlier, OpenRoom};
use crate::t;
use crate::words::say;
use leptos::prelude::*;

/// How many messages are looked through before the browser may do something else.
const AT_ONCE: usize = 3_000;

/// How many of the messages found are listed.
const LISTED: usize = 50;

/// The name of what is marked in the messages, for the style.
const MARK: &str = "search";

/// In a window of at least so many pixels the panel stands beside the messages, and not over them.
const BESIDE: f64 = 1024.0;

/// How long after a change the search is made again, in milliseconds.
const SETTLED: u64 = 300;

/// A search in a room.
struct Search {
    i18n: I18n,
    room: OpenRoom,
    needle: ArcRwSignal<Option<Needle>>,
    /// The ranks of the messages found, the newest first.
    found: ArcRwSignal<Vec<u64>>,
    /// Which of them was gone to.
    at: ArcRwSignal<Option<usize>>,
    /// Whether it is still looking.
    looking: ArcRwSignal<bool>,
    /// Tells a search from those before it.
    number: Cell<usize>,
    /// Whether it is to be made again soon.
    due: Cell<bool>,
    /// Whether the panel is gone: what was still to be marked is not, then.
    closed: Cell<bool>,
}

/// The panel.
pub fn search(app: App, room: OpenRoom) -> El {
    let search = Rc::new(Search {
        i18n: app.i18n,
        room,
        needle: ArcRwSignal::default(),
        found: ArcRwSignal::default(),
        at: ArcRwSignal::default(),
        looking: ArcRwSignal::default(),
        number: Cell::new(0),
        due: Cell::new(false),
        closed: Cell::new(false),
    });
    search.keep_up();
    let close = move || {
        app.panel.set(None);
        browser::focus("search-button");
    };
    browser::focus("search");
    el("aside")
        .class("panel search")
        .attr("id", "search-panel")
        .test("search-panel")
        .attr("aria-label", say("Search in this room"))
        .on("keydown", move |event| {
            if event.unchecked_ref::<KeyboardEvent>().key() == "Escape" {
                close();
            }
        })
        .child(
            el("header")
                .child(el("h2").text(say("Search")))
                .child(icon_button("close", say("Close"), "close-panel", close)),
        )
        .child(words(&search))
        .child(results(app, &search))
        .child(day(room))
        .child(files(room))
}

/// What to look for, and the way from one place to the next.
fn words(search: &Rc<Search>) -> El {
    let (typed, keys, shown) = (Rc::clone(search), Rc::clone(search), Rc::clone(search));
    let input = el("input")
        .id("search")
        .attr("type", "search")
        .attr("dir", "auto")
        .attr("autocomplete", "off")
        .attr("aria-label", say("Words to look for"))
        .attr("placeholder", say("Words to look for"))
        .on("input", move |event| {
            typed.needle.set(Needle::new(&value_of(&event)));
            typed.look();
        })
        .on("keydown", move |event| {
            let key: &KeyboardEvent = event.unchecked_ref();
            if key.key() == "Enter" && !key.is_composing() {
                event.prevent_default();
                keys.step(key.shift_key());
            }
        });
    let (older, newer) = (Rc::clone(search), Rc::clone(search));
    let none = |search: &Rc<Search>| {
        let search = Rc::clone(search);
        move || search.found.read().is_empty()
    };
    el("div").class("words").child(input).child(
        el("div")
            .class("steps")
            .child(
                el("p")
                    .class("hint")
                    .attr("role", "status")
                    .test("search-count")
                    .text_of(move || shown.count()),
            )
            .child(
                button("", "search-previous", move || older.step(false))
                    .flag_of("disabled", none(search))
                    .text(say("Older")),
            )
            .child(
                button("", "search-next", move || newer.step(true))
                    .flag_of("disabled", none(search))
                    .text(say("Newer")),
            ),
    )
}

/// The newest of the messages that were found.
fn results(app: App, search: &Rc<Search>) -> El {
    let (listed, made) = (Rc::clone(search), Rc::clone(search));
    let list = el("ol").class("results").each(
        move || listed.found.read().iter().take(LISTED).copied().collect(),
        |rank| *rank as usize,
        move |rank| result(app, &made, rank),
    );
    let room = search.room;
    let more = move || {
        let _ = room.extent.read();
        let may_be_more = *room.earlier.read() == Earlier::Unknown
            && room
                .look(|timeline| timeline.oldest_sequence())
                .is_some_and(|oldest| oldest > 0);
        may_be_more.then(|| {
            button("earlier", "search-more", move || session::earlier(room))
                .text(say("Load earlier messages to search in"))
        })
    };
    el("div").class("found").child(list).child_of(more)
}

fn result(app: App, search: &Rc<Search>, rank: u64) -> El {
    let entry = search.room.look(|timeline| {
        let place = timeline.place_of_rank(rank);
        timeline.row_at(place).map(|row| row.entry)
    });
    let Some(entry) = entry else {
        return el("li");
    };
    let text = &entry.message.text;
    let place = search
        .needle
        .read_untracked()
        .as_ref()
        .and_then(|needle| needle.places(text).into_iter().next());
    let (before, found, after) = excerpt(text, &place.unwrap_or(0..0));
    let when = match &entry.at {
        At::Instant { ms, day } => {
            [&browser::day(*ms, *day), ", ", &browser::time_of_day(*ms)].concat()
        }
        At::Written(text) => text.clone(),
    };
    let gone = Rc::clone(search);
    el("li").child(
        button("result", "search-result", move || {
            gone.go(rank);
            let width = window().inner_width().ok().and_then(|it| it.as_f64());
            if width.is_some_and(|width| width < BESIDE) {
                app.panel.set(None);
            }
        })
        .child(el("bdi").class("author").text(&entry.message.name))
        .child(el("small").text(&when))
        .child(
            el("span")
                .attr("dir", "auto")
                .text(&before)
                .child(el("mark").text(&found))
                .text(&after),
        ),
    )
}

/// Goes to the messages of a day.
fn day(room: OpenRoom) -> El {
    let input = el("input")
        .id("jump-date")
        .attr("type", "date")
        .on("change", move |event| {
            if let Some(ms) = browser::start_of_day(&value_of(&event)) {
                session::jump_to_time(room, ms);
            }
        });
    el("div")
        .class("field")
        .child(
            el("label")
                .attr("for", "jump-date")
                .text(say("Go to a day")),
        )
        .child(input)
}

/// Takes the room along as a file.
fn files(room: OpenRoom) -> El {
    let busy = ArcRwSignal::new(false);
    let file = |test: &'static str, words: &'static str, json: bool| {
        let (begun, shown) = (busy.clone(), busy.clone());
        button("", test, move || {
            begun.set(true);
            let busy = begun.clone();
            spawn_local(async move {
                save(room, json).await;
                busy.set(false);
            });
        })
        .flag_of("disabled", move || shown.get())
        .text(words)
    };
    el("fieldset")
        .class("files")
        .child(el("legend").text(say("Save this room as a file")))
        .child(file("export-text", say("Plain text"), false))
        .child(file("export-json", "JSON", true))
}

/// Saves all that the service keeps of a room, or, where it cannot be asked, all that is here.
async fn save(room: OpenRoom, json: bool) {
    let lines: Vec<Line> = match session::travel::whole(room).await {
        Some(events) => events.into_iter().map(Line::from).collect(),
        None => room.look(|timeline| timeline.entries().map(Line::from).collect()),
    };
    let name = room.room.read_untracked().name.to_string();
    let (text, kind, ending) = if json {
        (export::to_json(&name, &lines), "application/json", "json")
    } else {
        (export::to_text(&lines), "text/plain;charset=utf-8", "txt")
    };
    download(&export::file_name(&name, ending), kind, &text);
}

fn download(name: &str, kind: &str, text: &str) {
    let options = BlobPropertyBag::new();
    options.set_type(kind);
    let parts = Array::of1(&JsValue::from_str(text));
    let Ok(blob) = Blob::new_with_str_sequence_and_options(&parts, &options) else {
        return;
    };
    let Ok(address) = Url::create_object_url_with_blob(&blob) else {
        return;
    };
    let link = el("a").attr("href", &address).attr("download", name);
    link.node().unchecked_ref::<HtmlElement>().click();
    // By then the browser has begun to save it, and keeps what it needs.
    let done = move || {
        let _ = Url::revoke_object_url(&address);
    };
    set_timeout(done, Duration::from_secs(10));
}

impl Search {
    /// What is said while the search is open is looked through, too, and what comes on the screen is marked.
    fn keep_up(self: &Rc<Self>) {
        let search = Rc::clone(self);
        let mut known = self.room.extent.read_untracked().len;
        follow(Box::new(move || {
            let len = search.room.extent.read().len;
            let _ = (search.room.rows.read(), search.found.read());
            let grown = std::mem::replace(&mut known, len) != len;
            search.soon(grown);
        }));
        let closed = SendWrapper::new(Rc::clone(self));
        on_cleanup(move || {
            closed.closed.set(true);
            mark(Array::new());
        });
    }

    /// Marks, and looks again if need be, once things have settled.
    fn soon(self: &Rc<Self>, again: bool) {
        self.mark();
        if self.due.replace(true) && !again {
            return;
        }
        let search = Rc::downgrade(self);
        set_timeout(
            move || {
                if let Some(search) = search.upgrade() {
                    search.due.set(false);
                    search.mark();
                    if again {
                        search.look();
                    }
                }
            },
            Duration::from_millis(SETTLED),
        );
    }

    /// Looks through everything that is here, from the newest message back, bit by bit.
    fn look(self: &Rc<Self>) {
        let number = self.number.get() + 1;
        self.number.set(number);
        let Some(needle) = self.needle.read_untracked().clone() else {
            self.found.set(Vec::new());
            self.at.set(None);
            self.looking.set_if_changed(false);
            return;
        };
        self.looking.set_if_changed(true);
        let kept = Rc::downgrade(self);
        let room = self.room;
        spawn_local(async move {
            let mut found = Vec::new();
            let mut place = room.look(|timeline| timeline.len());
            while place > 0 {
                room.look(|timeline| {
                    for _ in 0..AT_ONCE.min(place) {
                        place -= 1;
                        if let Some((text, rank)) = timeline.text_at(place)
                            && needle.is_in(text)
                        {
                            found.push(rank);
                        }
                    }
                });
                breathe().await;
                if kept.upgrade().is_none_or(|it| it.number.get() != number) {
                    return; // Something else is looked for by now.
                }
            }
            if let Some(search) = kept.upgrade() {
                search.show(found);
            }
        });
    }

    fn show(self: &Rc<Self>, found: Vec<u64>) {
        let here = {
            let (at, before) = (*self.at.read_untracked(), self.found.read_untracked());
            let rank = at.and_then(|at| before.get(at).copied());
            rank.and_then(|rank| found.iter().position(|it| *it == rank))
        };
        self.looking.set_if_changed(false);
        self.at.set(here);
        self.found.set_if_changed(found);
    }

    /// Goes to the next place, older or newer, and around at the ends.
    fn step(self: &Rc<Self>, newer: bool) {
        let count = self.found.read_untracked().len();
        if count == 0 {
            return;
        }
        let next = match (*self.at.read_untracked(), newer) {
            (None, false) => 0,
            (None, true) => count - 1,
            (Some(at), false) => (at + 1) % count,
            (Some(at), true) => (at + count - 1) % count,
        };
        let rank = self.found.read_untracked().get(next).copied();
        if let Some(rank) = rank {
            self.go(rank);
        }
    }

    fn go(self: &Rc<Self>, rank: u64) {
        let at = self
            .found
            .read_untracked()
            .iter()
            .position(|it| *it == rank);
        self.at.set(at);
        self.room.goal.set(Some(rank));
        self.soon(false);
    }

    fn count(&self) -> String {
        let (found, at) = (self.found.read().len(), *self.at.read());
        match (&*self.needle.read(), at) {
            (None, _) => String::new(),
            (Some(_), _) if *self.looking.read() && found == 0 => say("Searching…").to_owned(),
            (Some(_), _) if found == 0 => say("Nothing found").to_owned(),
            (Some(_), None) => t!(self.i18n, common_message_count, count = found),
            (Some(_), Some(at)) => t!(self.i18n, search_position, place = at + 1, count = found),
        }
    }

    /// Marks the words wherever they are on the screen.
    fn mark(&self) {
        if self.closed.get() {
            return;
        }
        let ranges = Array::new();
        if let Some(needle) = &*self.needle.read_untracked()
            && let Ok(texts) = document().query_selector_all("[data-testid=message-list] .text")
        {
            for place in 0..texts.length() {
                if let Some(text) = texts.get(place) {
                    add_ranges(&text, needle, &ranges);
                }
            }
        }
        mark(ranges);
    }
}

/// Adds where the words are in the texts of an element.
fn add_ranges(node: &Node, needle: &Needle, ranges: &Array) {
    if node.node_type() != Node::TEXT_NODE {
        let mut child = node.first_child();
        while let Some(node) = child {
            add_ranges(&node, needle, ranges);
            child = node.next_sibling();
        }
        return;
    }
    let text = node.node_value().unwrap_or_default();
    for place in needle.places_in_utf16(&text) {
        let Ok(range) = document().create_range() else {
            return;
        };
        if range.set_start(node, place.start).is_ok() && range.set_end(node, place.end).is_ok() {
            ranges.push(&range);
        }
    }
}

/// Has the browser paint these ranges as marked, where it can: nothing in the document changes.
fn mark(ranges: Array) {
    let get = |of: &JsValue, name: &str| Reflect::get(of, &JsValue::from_str(name)).ok();
    let window: JsValue = window().into();
    let highlights = get(&window, "CSS").and_then(|css| get(&css, "highlights"));
    let highlight = get(&window, "Highlight").and_then(|it| it.dyn_into::<Function>().ok());
    if let (Some(highlights), Some(highlight)) = (highlights, highlight)
        && let Ok(made) = Reflect::construct(&highlight, &ranges)
        && let Some(set) = get(&highlights, "set").and_then(|it| it.dyn_into::<Function>().ok())
    {
        // A browser that has these objects takes them.
        let _ = set.call2(&highlights, &JsValue::from_str(MARK), &made);
    }
}

/// Lets the browser do something else.
async fn breathe() {
    let turn = Promise::new(&mut |resolve, _| {
        let resolve = SendWrapper::new(resolve);
        let go_on = move || {
            // It is a function of the promise.
            let _ = resolve.call0(&JsValue::UNDEFINED);
        };
        set_timeout(go_on, Duration::ZERO);
    });
    let _ = JsFuture::from(turn).await;
}
