//! What can be done with a message: a row of buttons that comes with the pointer, with the focus, or with a long touch.

use crate::state::SetIfChanged;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use leptos::task::spawn_local;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, HtmlElement, KeyboardEvent};

use super::element::{El, el};
use super::glyph::{self, glyph_button};
use super::icon::button;
use super::reactions::{frequent, react};
use crate::browser;
use crate::features::timeline::{Delivery, Entry, Key, Origin, Row, Timeline};
use crate::i18n::{Message, Text, messages};
use crate::model::composing::{Note, Picking, Purpose};
use crate::model::fault::Fault;
use crate::session;
use crate::state::{App, OpenRoom};
use crate::text;
use crate::words::{say, say_with};
use effusion_chat::{Reply, RoomKind, Target};
use leptos::prelude::*;

/// How long a touch has to last, in milliseconds.
const LONG: u64 = 500;

/// How far a finger may stray meanwhile, in pixels.
const STRAY: f64 = 12.0;

/// How long it is told that something was done, in milliseconds.
const FOR_A_WHILE: u64 = 5_000;

const MESSAGE: &str = "[data-testid=message]";

/// Offers the buttons for whatever message of the list somebody points to.
pub fn attach(app: App, room: OpenRoom, list: &Element) {
    let shown = Rc::new(Tools {
        app,
        room,
        list: list.clone(),
        shown: RefCell::default(),
        touched: Cell::default(),
        press: Cell::default(),
        place: Cell::default(),
        just_opened: Cell::default(),
    });
    let on = |event: &str, heard: fn(&Rc<Tools>, &Event)| {
        let tools = Rc::clone(&shown);
        drop(El::of(list).on(event, move |event| heard(&tools, &event)));
    };
    on("pointerover", |tools, event| {
        if !is_touch(event) {
            tools.touched.set(false);
            match message_of(event) {
                Some(message) => tools.show(&message, false),
                None if !tools.has_focus() => tools.hide(),
                None => {}
            }
        }
    });
    on("pointerleave", |tools, event| {
        if !is_touch(event) && !tools.has_focus() {
            tools.hide();
        }
    });
    on("focusin", |tools, event| {
        // A finger that touches a message does not ask for this.
        if !tools.touched.get()
            && let Some(message) = message_of(event)
        {
            tools.show(&message, false);
        }
    });
    on("pointerdown", |tools, event| {
        tools.touched.set(is_touch(event));
        tools.just_opened.set(false);
        if is_touch(event) {
            tools.pressed(event);
        }
    });
    on("pointermove", |tools, event| {
        // After something was done with it, the pointer may still be on the message.
        if !is_touch(event) && tools.shown.borrow().is_none() {
            if let Some(message) = message_of(event) {
                tools.show(&message, false);
            }
            return;
        }
        let (x, y) = tools.place.get();
        let (to_x, to_y) = place_of(event);
        if (to_x - x).hypot(to_y - y) > STRAY {
            tools.release();
        }
    });
    for over in ["pointerup", "pointercancel", "scroll"] {
        on(over, |tools, _| tools.release());
    }
    // What opens under the finger is not what it meant.
    let opened = Rc::clone(&shown);
    let heard = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
        if opened.just_opened.get() {
            event.prevent_default();
            event.stop_propagation();
        }
    });
    // Adding a listener fails only for one that is no function.
    let _ = list.add_event_listener_with_callback_and_bool(
        "click",
        heard.into_js_value().unchecked_ref(),
        true,
    );
    on("contextmenu", |tools, event| {
        // The long touch is ours.
        if tools.touched.get() && message_of(event).is_some() {
            event.prevent_default();
        }
    });
    on("keydown", |tools, event| {
        tools.touched.set(false);
        tools.just_opened.set(false);
        tools.key(event);
    });
}

struct Tools {
    app: App,
    room: OpenRoom,
    list: Element,
    shown: RefCell<Option<Shown>>,
    /// Whether it is a finger that points.
    touched: Cell<bool>,
    /// Tells a touch from those before it.
    press: Cell<usize>,
    /// Where it began.
    place: Cell<(f64, f64)>,
    /// Whether the finger that opened the menu has not been lifted and put down again.
    just_opened: Cell<bool>,
}

struct Shown {
    message: Element,
    tools: Element,
    owner: Owner,
}

impl Tools {
    fn show(self: &Rc<Self>, message: &Element, sheet: bool) {
        if !sheet
            && let Some(shown) = &*self.shown.borrow()
            && shown.message == *message
        {
            return;
        }
        self.hide();
        let key = message.get_attribute("data-key");
        let key = key.and_then(|key| key.parse::<Key>().ok());
        let row = key.and_then(|key| {
            let rows = self.room.rows.read_untracked();
            let shown = rows.iter().find(|shown| shown.key == key)?;
            Some(shown.row.clone())
        });
        let Some(row) = row else { return };
        let owner = Owner::new();
        let tools = owner.with(|| buttons(self, row, sheet));
        // The message is on the page.
        let _ = message.append_child(tools.node());
        *self.shown.borrow_mut() = Some(Shown {
            message: message.clone(),
            tools: tools.node().clone(),
            owner,
        });
        if sheet {
            focus_first(tools.node());
        }
    }

    fn hide(&self) {
        if let Some(shown) = self.shown.borrow_mut().take() {
            shown.tools.remove();
            shown.owner.cleanup();
        }
    }

    /// Whether the keyboard is in what is shown.
    fn has_focus(&self) -> bool {
        let focus = document().active_element();
        let shown = self.shown.borrow();
        let message = shown.as_ref().map(|shown| &shown.message);
        message.is_some_and(|message| focus.is_some_and(|focus| message.contains(Some(&focus))))
    }

    fn pressed(self: &Rc<Self>, event: &Event) {
        let within = |selector| closest(event, selector).is_some();
        if within("[data-testid=message-tools]") {
            return;
        }
        self.hide();
        let Some(message) = message_of(event).filter(|_| !within("a, button")) else {
            return;
        };
        self.release();
        self.place.set(place_of(event));
        let (tools, press) = (Rc::clone(self), self.press.get());
        set_timeout(
            move || {
                if tools.press.get() == press {
                    tools.show(&message, true);
                    tools.just_opened.set(true);
                }
            },
            Duration::from_millis(LONG),
        );
    }

    fn release(&self) {
        self.press.set(self.press.get() + 1);
    }

    fn key(self: &Rc<Self>, event: &Event) {
        let key: &KeyboardEvent = event.unchecked_ref();
        let message = message_of(event);
        let in_tools = closest(event, "[data-testid=message-tools]");
        if key.alt_key() || key.ctrl_key() || key.meta_key() {
            return;
        }
        match (key.key().as_str(), message, in_tools) {
            ("Escape", _, Some(_)) => {
                self.hide();
                browser::focus("composer");
            }
            ("Escape", Some(_), None) => browser::focus("composer"),
            ("ArrowLeft" | "ArrowRight", _, Some(tools)) => {
                step(&tools, "button", key.key() == "ArrowRight");
            }
            ("ArrowUp" | "ArrowDown", message, None) => {
                let on_message = closest(event, "a, button, input").is_none();
                if on_message && (message.is_some() || closest(event, ".scroll").is_some()) {
                    step(&self.list, MESSAGE, key.key() == "ArrowDown");
                } else {
                    return;
                }
            }
            ("Enter", Some(message), None) if event_is_on(event, &message) => {
                self.show(&message, false);
                if let Some(shown) = &*self.shown.borrow() {
                    focus_first(&shown.tools);
                }
            }
            _ => return,
        }
        event.prevent_default();
    }

    /// After something was done: the keyboard goes on where messages are written.
    fn done(&self) {
        self.hide();
        browser::focus("composer");
    }
}

/// The buttons for a message.
fn buttons(tools: &Rc<Tools>, shown: ArcRwSignal<Row>, sheet: bool) -> El {
    let room = tools.room;
    let asking = ArcRwSignal::new(false);
    let row = el("div")
        .class(if sheet { "tools sheet" } else { "tools" })
        .attr("role", "toolbar")
        .attr("aria-label", say("What to do with this message"))
        .test("message-tools");
    let asked = asking.clone();
    let tools = Rc::clone(tools);
    row.child_of(move || {
        // It may be deleted while somebody points to it.
        let entry = shown.read().entry.clone();
        // What two people say to each other stands in two series: only its id is the same in both.
        let by_id = entry.message.id.map(Target::Id);
        let direct = room.peer.is_some();
        let target = if direct {
            by_id
        } else {
            Timeline::target(&entry)
        };
        let gone = entry.message.deleted;
        let settled = matches!(entry.delivery, Delivery::Received | Delivery::Sent);
        let own = entry.origin == Origin::Own && settled && !gone;
        let editable = own && entry.sequence.is_some() && changes_events(room);
        let place = el("div").class("row");
        if asked.get() {
            return Some(really(place, &tools, entry.key, &asked));
        }
        let mut place = place;
        if let Some(target) = target.filter(|_| !gone && settled && !direct) {
            let quick = el("div").class("quick");
            let quick = frequent().top(3).into_iter().fold(quick, |quick, emoji| {
                quick.child(quick_reaction(&tools, target, emoji))
            });
            place = place.child(quick);
            let pick = Rc::clone(&tools);
            place = place.child(glyph_button(
                glyph::REACT,
                say("React"),
                "tool-react",
                move || {
                    pick.hide();
                    room.picking.set(Some(Picking::Reaction(target)));
                },
            ));
        }
        if let Some(target) = target.filter(|_| !gone && settled) {
            let (answer, message) = (Rc::clone(&tools), entry.message.clone());
            place = place.child(glyph_button(
                glyph::REPLY,
                say("Reply"),
                "tool-reply",
                move || {
                    end_edit(room);
                    let reply = Reply::to(target, &message);
                    room.purpose.set(Purpose::Answer(reply));
                    answer.done();
                },
            ));
        }
        if editable {
            let (edit, key) = (Rc::clone(&tools), entry.key);
            place = place.child(glyph_button(
                glyph::EDIT,
                say("Edit"),
                "tool-edit",
                move || {
                    start_edit(room, key);
                    edit.done();
                },
            ));
            let asking = asking.clone();
            place = place.child(glyph_button(
                glyph::DELETE,
                say("Delete"),
                "tool-delete",
                move || asking.set(true),
            ));
        }
        if !gone {
            let (copy, text) = (Rc::clone(&tools), entry.message.text.clone());
            place = place.child(glyph_button(
                glyph::COPY,
                say("Copy text"),
                "tool-copy",
                move || {
                    to_clipboard(room, &text, text!(message_text_copied));
                    copy.done();
                },
            ));
        }
        let link = target.and_then(|target| session::link_to(tools.app, room, Some(target)));
        if let Some(link) = link.filter(|_| !direct) {
            let copy = Rc::clone(&tools);
            place = place.child(glyph_button(
                glyph::LINK,
                say("Copy link"),
                "tool-link",
                move || {
                    to_clipboard(room, &link, text!(message_link_copied));
                    copy.done();
                },
            ));
        }
        let close = Rc::clone(&tools);
        Some(place.child(glyph_button(
            glyph::CLOSE,
            say("Close"),
            "tool-close",
            move || close.hide(),
        )))
    })
}

fn quick_reaction(tools: &Rc<Tools>, target: Target, emoji: String) -> El {
    let words = say_with("React with {emoji}", &[("emoji", &emoji)]);
    let (tools, given) = (Rc::clone(tools), emoji.clone());
    button("tool", "tool-quick", move || {
        react(tools.room, target, &given);
        tools.hide();
    })
    .attr("data-emoji", &emoji)
    .attr("aria-label", &words)
    .attr("title", &words)
    .text(&emoji)
}

/// Asks whether a message is to go.
fn really(place: El, tools: &Rc<Tools>, key: Key, asking: &ArcRwSignal<bool>) -> El {
    let (delete, room) = (Rc::clone(tools), tools.room);
    let keep = asking.clone();
    let sure = button("danger", "delete-confirm", move || {
        delete.done();
        spawn_local(async move {
            if let Err(fault) = session::take_back(room, key).await {
                tell(room, &messages::message_delete_failed, fault);
            }
        });
    })
    .text(say("Delete"));
    let node = sure.node().clone();
    request_animation_frame(move || focus(&node));
    place
        .child(el("span").class("ask").text(say("Delete this message?")))
        .child(sure)
        .child(button("", "delete-keep", move || keep.set(false)).text(say("Keep")))
}

/// Says above the composer that something was not done, and why.
pub fn tell(room: OpenRoom, what: &'static Message, fault: Fault) {
    room.note.set(Some(Note::Failure { what, fault }));
}

/// Puts what a message says into the composer, to be changed.
pub fn start_edit(room: OpenRoom, key: Key) {
    end_edit(room);
    let Some(row) = room.look(|timeline| timeline.row(key)) else {
        return;
    };
    let kept = room.draft.read_untracked().clone();
    room.note.set_if_changed(None);
    room.purpose.set(Purpose::Edit {
        key,
        kept,
        saving: false,
    });
    room.draft.set(row.entry.message.text);
}

/// Leaves a message as it is, or a question unanswered; what was in the composer before comes back.
pub fn end_edit(room: OpenRoom) {
    let purpose = room.purpose.read_untracked().clone();
    if let Purpose::Edit { kept, .. } = purpose {
        room.draft.set(kept);
    }
    room.purpose.set_if_changed(Purpose::Say);
}

/// Whether what was said in a room can be changed: not in a live one, which has one value, and not between two people, where
/// each has a copy.
fn changes_events(room: OpenRoom) -> bool {
    room.peer.is_none() && room.room.read_untracked().kind == RoomKind::History
}

/// The newest of the reader's own messages that can be changed.
pub fn last_own(room: OpenRoom) -> Option<Key> {
    if !changes_events(room) {
        return None;
    }
    let is_one = |entry: &Entry| {
        entry.origin == Origin::Own && entry.sequence.is_some() && !entry.message.deleted
    };
    room.look(|timeline| timeline.entries().rev().take(200).find(is_one))
        .map(|entry| entry.key)
}

fn to_clipboard(room: OpenRoom, text: &str, done: Text) {
    // Pages that came without TLS from another machine have no clipboard.
    let navigator = leptos::prelude::window().navigator();
    let clipboard = js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard"));
    if clipboard.is_ok_and(|clipboard| clipboard.is_undefined()) {
        room.note
            .set(Some(Note::Alert(text!(message_copy_insecure))));
        return;
    }
    let written = navigator.clipboard().write_text(text);
    spawn_local(async move {
        let done = match wasm_bindgen_futures::JsFuture::from(written).await {
            Ok(_) => Note::Info(done),
            Err(_) => Note::Alert(text!(message_copy_denied)),
        };
        room.note.set(Some(done.clone()));
        let leave = move || {
            let same = room.note.read_untracked().as_ref() == Some(&done);
            if same && !done.is_alert() {
                room.note.set(None);
            }
        };
        set_timeout(leave, Duration::from_millis(FOR_A_WHILE));
    });
}

fn is_touch(event: &Event) -> bool {
    let kind = js_sys::Reflect::get(event, &JsValue::from_str("pointerType"));
    kind.is_ok_and(|kind| kind == "touch")
}

fn place_of(event: &Event) -> (f64, f64) {
    let at = |name| {
        let at = js_sys::Reflect::get(event, &JsValue::from_str(name));
        at.ok().and_then(|at| at.as_f64()).unwrap_or_default()
    };
    (at("clientX"), at("clientY"))
}

fn closest(event: &Event, selector: &str) -> Option<Element> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest(selector).ok()?
}

fn message_of(event: &Event) -> Option<Element> {
    closest(event, MESSAGE)
}

fn event_is_on(event: &Event, element: &Element) -> bool {
    event
        .target()
        .is_some_and(|target| target == *element.unchecked_ref::<web_sys::EventTarget>())
}

/// Moves the focus to the next or the one before of what a selector finds; to the last if it is on none of them.
fn step(within: &Element, selector: &str, forward: bool) {
    let Ok(found) = within.query_selector_all(selector) else {
        return;
    };
    let focus_on = document().active_element();
    let at = |place: u32| {
        found
            .get(place)
            .and_then(|node| node.dyn_into::<Element>().ok())
    };
    let count = found.length();
    let now = (0..count).find(|&place| at(place) == focus_on);
    let next = match now {
        Some(now) if forward => now.saturating_add(1).min(count.saturating_sub(1)),
        Some(now) => now.saturating_sub(1),
        None => count.saturating_sub(1),
    };
    if let Some(next) = at(next) {
        focus(&next);
    }
}

fn focus(element: &Element) {
    // Focusing what is not shown does nothing, which is right.
    let _ = element.unchecked_ref::<HtmlElement>().focus();
}

fn focus_first(within: &Element) {
    if let Ok(Some(first)) = within.query_selector("button") {
        focus(&first);
    }
}

/// How often to look whether a message is on the screen, and after how many milliseconds.
const LOOKS: (u32, u64) = (40, 100);

/// Goes to a message that is named by another one, wherever it is.
pub fn jump(room: OpenRoom, target: Target) {
    session::jump_to(room, target);
    point_out(room, target, LOOKS.0);
}

/// Shows which one it is, once it is there.
fn point_out(room: OpenRoom, target: Target, left: u32) {
    let key = room.look(|timeline| {
        let rank = timeline.find(target)?;
        let place = timeline.place_of_rank(rank);
        timeline.row_at(place).map(|row| row.entry.key)
    });
    let selector =
        key.map(|key| ["[data-testid=message][data-key=\"", &key.to_string(), "\"]"].concat());
    let found = selector.and_then(|selector| document().query_selector(&selector).ok()?);
    let Some(found) = found else {
        if left > 0 {
            set_timeout(
                move || point_out(room, target, left - 1),
                Duration::from_millis(LOOKS.1),
            );
        }
        return;
    };
    focus(&found);
    // A plain name for a class.
    let _ = found.class_list().add_1("flash");
    set_timeout(
        move || {
            let _ = found.class_list().remove_1("flash");
        },
        Duration::from_millis(2_000),
    );
}
