//! What stands above and beside the box in which messages are written: what the text is for, what may come next of it, emoji.

use crate::state::SetIfChanged;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{ClipboardEvent, Element, Event, HtmlTextAreaElement, KeyboardEvent};

use super::element::{El, el};
use super::emoji_picker::{self, emoji_picker};
use super::glyph::{self, glyph, glyph_button};
use super::icon::button;
use super::markdown::known_names;
use super::message_tools::{end_edit, last_own, start_edit};
use crate::browser;
use crate::i18n::{I18n, Message, use_i18n};
use crate::model::command::COMMANDS;
use crate::model::completion::{self, Kind, Token};
use crate::model::composing::{Note, Picking, Purpose, is_long, snippet};
use crate::model::emoji::search;
use crate::state::OpenRoom;
use crate::words::{say, say_with};
use leptos::prelude::*;

/// How many ways to go on are offered.
const MOST: usize = 8;

/// One way to go on.
#[derive(Clone, PartialEq, Eq)]
struct Item {
    /// What is put in the place of what was begun.
    put: String,
    /// What stands first in the line.
    sign: String,
    words: String,
    more: Option<&'static Message>,
}

/// Ways to go on, and which of them is chosen.
#[derive(Clone, PartialEq, Eq)]
struct Offer {
    from: usize,
    items: Vec<Item>,
    chosen: usize,
}

struct Tools {
    room: OpenRoom,
    area: HtmlTextAreaElement,
    offer: ArcRwSignal<Option<Offer>>,
    /// A long text that was pasted.
    pasted: ArcRwSignal<Option<String>>,
}

/// Puts the tools beside the box; what this answers stands above it.
pub fn composer_tools(room: OpenRoom, form: &Element) -> Option<El> {
    let area = form.query_selector("textarea").ok()??;
    let tools = Rc::new(Tools {
        room,
        area: area.unchecked_into(),
        offer: ArcRwSignal::default(),
        pasted: ArcRwSignal::default(),
    });
    listen(&tools, form);
    let smile = glyph_button(glyph::SMILE, say("Emoji"), "emoji-button", move || {
        room.picking.set(Some(Picking::Text));
    });
    if let Ok(Some(send)) = form.query_selector("[type=submit]") {
        // The button that sends is in the form.
        let _ = form.insert_before(smile.node(), Some(&send));
    }
    let area = El::of(&tools.area);
    let (open, chosen) = (Rc::clone(&tools), Rc::clone(&tools));
    drop(
        area.attr("aria-autocomplete", "list")
            .attr_of("aria-controls", move || {
                open.offer.read().is_some().then(|| "completion".to_owned())
            })
            .attr_of("aria-activedescendant", move || {
                let offer = chosen.offer.read();
                offer.as_ref().map(|offer| option_id(offer.chosen))
            }),
    );
    let (offer, pasted, picked) = (Rc::clone(&tools), Rc::clone(&tools), Rc::clone(&tools));
    Some(
        el("div")
            .class("composer-tools")
            .child_of(move || note(room))
            .child_of(move || purpose(room))
            .child_of(move || long_text(&pasted))
            .child_of(move || offers(&offer))
            .child_of(move || {
                let picking = room.picking.get()?;
                let picked = Rc::clone(&picked);
                Some(emoji_picker(room, picking, move |emoji| {
                    picked.insert(emoji);
                }))
            }),
    )
}

/// Listens before the box itself does.
fn listen(tools: &Rc<Tools>, form: &Element) {
    let before = |event: &str, heard: Box<dyn FnMut(Event)>| {
        // The browser keeps the closure for as long as it keeps the form.
        let heard = Closure::wrap(heard).into_js_value();
        // Adding a listener fails only for one that is no function.
        let _ = form.add_event_listener_with_callback_and_bool(event, heard.unchecked_ref(), true);
    };
    let keys = Rc::clone(tools);
    before("keydown", Box::new(move |event| keys.key(&event)));
    let pasting = Rc::clone(tools);
    before("paste", Box::new(move |event| pasting.paste(&event)));
    let typed = Rc::clone(tools);
    // The box itself, which is in the form, has heard of it before.
    let typed = move |_| typed.look();
    let clicked = typed.clone();
    drop(El::of(form).on("input", typed.clone()).on("keyup", {
        let typed = typed.clone();
        move |event| {
            let key = event.unchecked_ref::<KeyboardEvent>().key();
            if matches!(key.as_str(), "ArrowLeft" | "ArrowRight" | "Home" | "End") {
                typed(event);
            }
        }
    }));
    drop(El::of(&tools.area).on("click", clicked));
    let left = Rc::clone(tools);
    drop(El::of(form).on("focusout", move |_| left.offer.set_if_changed(None)));
}

impl Tools {
    /// The caret, in bytes of the draft.
    fn caret(&self) -> usize {
        let units = self.area.selection_start().ok().flatten();
        units.map_or(0, |units| {
            completion::byte_of(&self.room.draft.read_untracked(), units as usize)
        })
    }

    /// Another text, with the caret where it is said to be.
    fn write(&self, text: String, caret: usize) {
        let units = completion::units_of(&text, caret) as u32;
        // At once: what somebody types in the same moment comes after it, and not at the end of the text.
        self.area.set_value(&text);
        // The box is on the page, and holds that text.
        let _ = self.area.focus();
        let _ = self.area.set_selection_range(units, units);
        self.room.draft.set(text);
    }

    fn insert(&self, text: &str) {
        let caret = self.caret();
        let (text, caret) = completion::complete(
            &self.room.draft.read_untracked().clone(),
            caret,
            caret,
            text,
        );
        self.write(text, caret);
    }

    /// Sees what is being typed.
    fn look(self: &Rc<Self>) {
        let text = self.room.draft.read_untracked().clone();
        let caret = self.caret();
        if let Some(named) = completion::named_emoji(&text, caret) {
            let (tools, from) = (Rc::clone(self), named.from);
            emoji_picker::with_table(move |table| {
                let Some(found) = crate::model::emoji::named(table, &named.query) else {
                    return;
                };
                let (now, at) = (tools.room.draft.read_untracked().clone(), tools.caret());
                let then = text.get(..caret).unwrap_or_default();
                let late = completion::complete_late(then, from, &now, at, &found.emoji);
                if let Some((text, caret)) = late {
                    tools.write(text, caret);
                }
            });
            self.offer.set_if_changed(None);
            return;
        }
        match completion::token(&text, caret) {
            None => self.offer.set_if_changed(None),
            Some(token) if token.kind == Kind::Emoji => {
                let tools = Rc::clone(self);
                emoji_picker::with_table(move |table| {
                    let found = search(table, &token.query, MOST);
                    let items = found.into_iter().map(|emoji| Item {
                        put: emoji.emoji.clone(),
                        sign: emoji.emoji.clone(),
                        words: [":", &emoji.name, ":"].concat(),
                        more: None,
                    });
                    let items = items.collect();
                    // More may have been typed meanwhile.
                    if *tools.room.draft.read_untracked() == text {
                        tools.offer(token.from, items);
                    }
                });
            }
            Some(token) => self.offer(token.from, items(self.room, &token)),
        }
    }

    fn offer(&self, from: usize, items: Vec<Item>) {
        self.offer
            .set_if_changed((!items.is_empty()).then_some(Offer {
                from,
                items,
                chosen: 0,
            }));
    }

    fn accept(&self, place: usize) {
        let offer = self.offer.read_untracked().clone();
        let item = offer.and_then(|offer| Some((offer.from, offer.items.get(place)?.put.clone())));
        if let Some((from, put)) = item {
            let text = self.room.draft.read_untracked().clone();
            let (text, caret) = completion::complete(&text, from, self.caret(), &put);
            self.offer.set(None);
            self.write(text, caret);
        }
    }

    fn key(&self, event: &Event) {
        let key: &KeyboardEvent = event.unchecked_ref();
        let in_box = event
            .target()
            .is_some_and(|target| target == *self.area.unchecked_ref::<web_sys::EventTarget>());
        if key.is_composing() || !in_box {
            return;
        }
        let offer = self.offer.read_untracked().clone();
        match (key.key().as_str(), offer) {
            ("ArrowDown" | "ArrowUp", Some(offer)) => {
                let count = offer.items.len();
                let step = if key.key() == "ArrowDown" {
                    1
                } else {
                    count - 1
                };
                self.offer.set(Some(Offer {
                    chosen: (offer.chosen + step) % count,
                    ..offer
                }));
            }
            ("Tab", Some(offer)) if !key.shift_key() => self.accept(offer.chosen),
            ("Enter", Some(offer)) if !key.shift_key() => {
                // What is already there in full is sent.
                let text = self.room.draft.read_untracked().clone();
                let typed = text.get(offer.from..self.caret()).unwrap_or_default();
                let whole = offer
                    .items
                    .get(offer.chosen)
                    .map(|item| item.put.trim_end());
                self.offer.set(None);
                if whole == Some(typed.trim_end()) {
                    return;
                }
                self.offer.set(Some(offer.clone()));
                self.accept(offer.chosen);
            }
            ("Escape", Some(_)) => self.offer.set(None),
            ("Escape", None) if *self.room.purpose.read_untracked() != Purpose::Say => {
                end_edit(self.room)
            }
            ("Escape", None) if self.room.note.read_untracked().is_some() => {
                self.room.note.set(None)
            }
            ("ArrowUp", None)
                if self.room.draft.read_untracked().is_empty()
                    && *self.room.purpose.read_untracked() == Purpose::Say
                    && !key.shift_key() =>
            {
                let Some(last) = last_own(self.room) else {
                    return;
                };
                start_edit(self.room, last);
                let text = self.room.draft.read_untracked().clone();
                let end = text.len();
                self.write(text, end);
            }
            _ => return,
        }
        event.prevent_default();
        event.stop_propagation();
    }

    fn paste(&self, event: &Event) {
        let event: &ClipboardEvent = event.unchecked_ref();
        let text = event
            .clipboard_data()
            .and_then(|data| data.get_data("text/plain").ok());
        // Where a text has a line that ends as on Windows, the box will have the plain end of a line.
        let text = text.map(|text| text.replace("\r\n", "\n"));
        self.pasted
            .set_if_changed(text.filter(|text| is_long(text)));
    }
}

/// How names and commands can go on.
fn items(room: OpenRoom, token: &Token) -> Vec<Item> {
    match token.kind {
        Kind::Name => {
            let mut names = known_names(room);
            // Nobody mentions themselves.
            if !names.is_empty() {
                names.remove(0);
            }
            let found = completion::names_like(&names, &token.query, MOST);
            let item = |name: String| Item {
                put: ["@", &name, " "].concat(),
                sign: "@".to_owned(),
                words: name,
                more: None,
            };
            found.into_iter().map(item).collect()
        }
        _ => COMMANDS
            .iter()
            .filter(|usage| usage.name.starts_with(&token.query.to_ascii_lowercase()))
            .map(|usage| Item {
                put: [
                    "/",
                    usage.name,
                    if usage.argument.is_some() { " " } else { "" },
                ]
                .concat(),
                sign: "/".to_owned(),
                words: usage.name.to_owned(),
                more: Some(usage.effect),
            })
            .collect(),
    }
}

fn option_id(place: usize) -> String {
    ["completion-", &place.to_string()].concat()
}

fn offers(tools: &Rc<Tools>) -> Option<El> {
    let i18n = use_i18n();
    let offer = tools.offer.get()?;
    let list = el("ul")
        .class("completion")
        .id("completion")
        .attr("role", "listbox")
        // It may be longer than there is room for.
        .attr("tabindex", "0")
        .attr("aria-label", say("Ways to go on"));
    let list = offer
        .items
        .iter()
        .enumerate()
        .fold(list, |list, (place, item)| {
            let chosen = place == offer.chosen;
            let accept = Rc::clone(tools);
            list.child(
                el("li")
                    .attr("role", "option")
                    .attr("id", &option_id(place))
                    .test("completion-item")
                    .attr("aria-selected", if chosen { "true" } else { "false" })
                    // The box keeps the focus.
                    .on("mousedown", |event| event.prevent_default())
                    .on_click(move || accept.accept(place))
                    .child(
                        el("span")
                            .class("sign")
                            .attr("aria-hidden", "true")
                            .text(&item.sign),
                    )
                    .child(el("bdi").text(&item.words))
                    .child(
                        el("small").text(
                            &item
                                .more
                                .map_or_else(String::new, |more| i18n.text(more, &[])),
                        ),
                    ),
            )
        });
    Some(list)
}

fn note(room: OpenRoom) -> Option<El> {
    let i18n = use_i18n();
    let note = room.note.get()?;
    let alert = note.is_alert();
    let close = move || {
        room.note.set(None);
        browser::focus("composer");
    };
    Some(
        el("div")
            .class(if alert { "above alert" } else { "above" })
            .attr("role", if alert { "alert" } else { "status" })
            .test("note")
            .child(
                el("p")
                    .class("words")
                    .attr("dir", "auto")
                    .text(&shown(i18n, &note)),
            )
            .child(glyph_button(
                glyph::CLOSE,
                say("Close"),
                "note-close",
                close,
            )),
    )
}

fn shown(i18n: I18n, note: &Note) -> String {
    match note {
        Note::Info(text) | Note::Alert(text) => i18n.show(text),
        Note::Failure { what, fault } => [
            i18n.text(what, &[]),
            i18n.show(&fault.what()),
            i18n.show(&fault.next()),
        ]
        .join(" "),
        Note::Commands => COMMANDS
            .iter()
            .map(|usage| {
                let argument = usage.argument.map_or_else(String::new, |argument| {
                    [" ‹", &i18n.text(argument, &[]), "›"].concat()
                });
                let effect = i18n.text(usage.effect, &[]);
                ["/", usage.name, &argument, " — ", &effect].concat()
            })
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

/// What becomes of the text, if it is not simply said.
fn purpose(room: OpenRoom) -> Option<El> {
    let (drawing, words, excerpt) = match &*room.purpose.read() {
        Purpose::Say => return None,
        Purpose::Answer(reply) => (
            glyph::REPLY,
            say_with(
                "Reply to {name}",
                &[("name", &["\u{2068}", &reply.name, "\u{2069}"].concat())],
            ),
            reply.text.clone(),
        ),
        Purpose::Edit { saving, .. } => {
            let words = if *saving {
                say("Saving the change…")
            } else {
                say("Change your message: Enter saves it, Esc leaves it as it was.")
            };
            (glyph::EDIT, words.to_owned(), String::new())
        }
    };
    let cancel = move || {
        end_edit(room);
        browser::focus("composer");
    };
    Some(
        el("div")
            .class("above")
            .test("purpose")
            .child(glyph(drawing))
            .child(
                el("p")
                    .class("words")
                    .child(el("span").text(&words))
                    .text(" ")
                    .child(el("bdi").class("excerpt").text(&excerpt)),
            )
            .child(glyph_button(
                glyph::CLOSE,
                say("Cancel"),
                "purpose-cancel",
                cancel,
            )),
    )
}

/// Offers to make a snippet of a long text that was pasted.
fn long_text(tools: &Rc<Tools>) -> Option<El> {
    let text = tools.pasted.get()?;
    let room = tools.room;
    // It may have been changed or deleted since.
    let there = room.draft.read().contains(&text);
    if !there {
        return None;
    }
    let (make, leave) = (Rc::clone(tools), Rc::clone(tools));
    let make = move || {
        let Some(text) = make.pasted.read_untracked().clone() else {
            return;
        };
        let draft = room.draft.read_untracked().clone();
        if let Some((before, after)) = draft.split_once(&text) {
            let line = if before.is_empty() || before.ends_with('\n') {
                ""
            } else {
                "\n"
            };
            let end = if after.is_empty() { "" } else { "\n" };
            let draft = [
                before,
                line,
                &snippet(&text),
                end,
                after.trim_start_matches('\n'),
            ]
            .concat();
            make.pasted.set(None);
            let caret = draft.len();
            make.write(draft, caret);
        }
    };
    Some(
        el("div")
            .class("above")
            .attr("role", "status")
            .test("snippet-offer")
            .child(el("p").class("words").text(say(
                "That is a long text. As a snippet it takes less room, and keeps its form.",
            )))
            .child(button("", "snippet-make", make).text(say("Make it a snippet")))
            .child(glyph_button(
                glyph::CLOSE,
                say("Leave it as it is"),
                "snippet-leave",
                move || leave.pasted.set(None),
            )),
    )
}
