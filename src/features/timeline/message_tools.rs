//! What can be done with a message: a row of buttons that comes with the pointer, with the focus, or with a long touch.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use gloo_events::{EventListener, EventListenerOptions, EventListenerPhase};
use leptos::html;
use leptos::mount::{UnmountHandle, mount_to};
use leptos::prelude::*;
use leptos::tachys::view::any_view::AnyViewState;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlElement, KeyboardEvent, PointerEvent};

use super::message_toolbar::MessageToolbar;
use super::selection::copy_selection;
use super::{Key, Row};
use crate::i18n::use_i18n;
use crate::lazy;
use crate::platform::keyboard::is_composing;
use crate::platform::{focus, page};
use crate::state::{OpenRoom, use_room};

/// How long a touch has to last.
const LONG_TOUCH: Duration = Duration::from_millis(500);

/// How far a finger may stray meanwhile, in pixels.
const MAX_TOUCH_MOVE: f64 = 12.0;

const MESSAGE: &str = "[data-testid=message]";
/// What the arrow keys lead to in a message.
const CONTROLS: &str = "a, button, pre";
const TOOLBAR: &str = "[data-testid=message-tools]";

lazy! { room, pub fn message_tools(list: NodeRef<html::Div>) => view! { <MessageTools list /> } }

/// Offers the toolbar for whatever message of the list somebody points to. It has no view of its own.
#[component]
fn MessageTools(
    /// The list of messages, with what scrolls it.
    list: NodeRef<html::Div>,
) -> impl IntoView {
    Effect::new(move |_| {
        if let Some(list) = list.get() {
            offer_tools(&list);
        }
    });
}

/// Offers the toolbar in this list until the owner of the caller is done with.
fn offer_tools(list: &Element) {
    let tools = Rc::new(Tools {
        owner: Owner::current().unwrap_or_default(),
        room: use_room(),
        list: list.clone(),
        shown: RefCell::default(),
        touched: Cell::default(),
        press: Cell::default(),
        place: Cell::default(),
        just_opened: Cell::default(),
    });
    let handlers: [(&str, Handler); 11] = [
        ("pointerover", Tools::pointer_over),
        ("pointerleave", Tools::pointer_leave),
        ("pointerdown", Tools::pointer_down),
        ("pointermove", Tools::pointer_move),
        ("pointerup", |tools, _| tools.end_press()),
        ("pointercancel", |tools, _| tools.end_press()),
        ("scroll", |tools, _| tools.end_press()),
        ("focusin", Tools::focus_in),
        ("keydown", Tools::key_down),
        ("contextmenu", Tools::context_menu),
        ("click", Tools::click),
    ];
    let listeners = handlers.map(|(name, handle)| {
        let mut options = EventListenerOptions::enable_prevent_default();
        // A click is caught before it gets to what it was not meant for.
        if name == "click" {
            options.phase = EventListenerPhase::Capture;
        }
        let tools = Rc::clone(&tools);
        let handle = move |event: &Event| handle(&tools, event);
        EventListener::new_with_options(list, name, options, handle)
    });
    let selection = copy_selection(tools.room.clone(), use_i18n(), list);
    let kept = StoredValue::new_local((listeners, selection, tools));
    on_cleanup(move || {
        kept.try_update_value(|(.., tools)| tools.hide());
    });
}

/// What the tools do about an event in the list.
type Handler = fn(&Rc<Tools>, &Event);

struct Tools {
    owner: Owner,
    room: OpenRoom,
    list: Element,
    shown: RefCell<Option<Shown>>,
    /// Whether it is a finger that points.
    touched: Cell<bool>,
    /// Tells a touch from those before it.
    press: Cell<usize>,
    /// Where it began.
    place: Cell<(f64, f64)>,
    /// Whether the finger that opened the toolbar has not been lifted and put down again.
    just_opened: Cell<bool>,
}

/// The toolbar in the message that somebody points to.
struct Shown {
    message: Element,
    toolbar: UnmountHandle<AnyViewState>,
}

impl Tools {
    fn show(self: &Rc<Self>, message: &Element, sheet: bool) {
        let is_shown = |shown: &Shown| shown.message == *message;
        if !sheet && self.shown.borrow().as_ref().is_some_and(is_shown) {
            return;
        }
        self.hide();
        let Some(row) = self.row_of(message) else {
            return;
        };
        let tools = Rc::downgrade(self);
        let place: HtmlElement = message.clone().unchecked_into();
        let toolbar = move || {
            let on_close = UnsyncCallback::new(move |()| {
                if let Some(tools) = tools.upgrade() {
                    tools.hide();
                }
            });
            let on_done = move |()| {
                on_close.run(());
                // The keyboard goes on where messages are written.
                focus::move_to("composer");
            };
            view! { <MessageToolbar row sheet on_close on_done /> }.into_any()
        };
        let toolbar = self.owner.with(|| mount_to(place, toolbar));
        self.shown.replace(Some(Shown {
            message: message.clone(),
            toolbar,
        }));
        if sheet {
            self.focus_toolbar();
        }
    }

    fn hide(&self) {
        if let Some(Shown { toolbar, .. }) = self.shown.take() {
            // It may be one of its own buttons that was pressed, which has to stay until its handler is through.
            spawn_local(async move { drop(toolbar) });
        }
    }

    fn row_of(&self, message: &Element) -> Option<ArcRwSignal<Row>> {
        let key: Key = message.get_attribute("data-key")?.parse().ok()?;
        let rows = self.room.rows.read_untracked();
        let found = rows.iter().find(|shown| shown.key == key)?;
        Some(found.row.clone())
    }

    /// Whether the keyboard is in the message whose toolbar is shown.
    fn has_focus(&self) -> bool {
        let focus = document().active_element();
        let shown = self.shown.borrow();
        let message = shown.as_ref().map(|shown| &shown.message);
        message.is_some_and(|message| message.contains(focus.as_deref()))
    }

    fn focus_toolbar(&self) {
        let shown = self.shown.borrow();
        let message = shown.as_ref().map(|shown| &shown.message);
        let selector = [TOOLBAR, " button"].concat();
        if let Some(Ok(Some(first))) = message.map(|message| message.query_selector(&selector)) {
            focus(&first);
        }
    }

    fn pointer_over(self: &Rc<Self>, event: &Event) {
        if is_touch(event) {
            return;
        }
        self.touched.set(false);
        match message_of(event) {
            Some(message) => self.show(&message, false),
            None if !self.has_focus() => self.hide(),
            None => {}
        }
    }

    fn pointer_leave(self: &Rc<Self>, event: &Event) {
        if !is_touch(event) && !self.has_focus() {
            self.hide();
        }
    }

    fn focus_in(self: &Rc<Self>, event: &Event) {
        // A finger that touches a message does not ask for the toolbar.
        if !self.touched.get()
            && let Some(message) = message_of(event)
        {
            self.show(&message, false);
        }
    }

    fn pointer_down(self: &Rc<Self>, event: &Event) {
        self.touched.set(is_touch(event));
        self.just_opened.set(false);
        let within = |selector| closest(event, selector).is_some();
        if !is_touch(event) || within(TOOLBAR) {
            return;
        }
        self.hide();
        let Some(message) = message_of(event).filter(|_| !within("a, button")) else {
            return;
        };
        self.end_press();
        self.place.set(place_of(event));
        let (tools, press) = (Rc::downgrade(self), self.press.get());
        let open = move || {
            let tools = tools.upgrade().filter(|tools| tools.press.get() == press);
            if let Some(tools) = tools {
                tools.show(&message, true);
                tools.just_opened.set(true);
            }
        };
        set_timeout(open, LONG_TOUCH);
    }

    fn pointer_move(self: &Rc<Self>, event: &Event) {
        // After something was done with it, the pointer may still be on the message.
        if !is_touch(event) && self.shown.borrow().is_none() {
            if let Some(message) = message_of(event) {
                self.show(&message, false);
            }
            return;
        }
        let (x, y) = self.place.get();
        let (to_x, to_y) = place_of(event);
        if (to_x - x).hypot(to_y - y) > MAX_TOUCH_MOVE {
            self.end_press();
        }
    }

    fn context_menu(self: &Rc<Self>, event: &Event) {
        // The long touch is ours.
        if self.touched.get() && message_of(event).is_some() {
            event.prevent_default();
        }
    }

    fn click(self: &Rc<Self>, event: &Event) {
        // What opens under the finger is not what it meant.
        if self.just_opened.get() {
            event.prevent_default();
            event.stop_propagation();
        }
    }

    fn end_press(&self) {
        self.press.set(self.press.get() + 1);
    }

    fn key_down(self: &Rc<Self>, event: &Event) {
        let event: &KeyboardEvent = event.unchecked_ref();
        self.touched.set(false);
        self.just_opened.set(false);
        if event.alt_key() || event.ctrl_key() || event.meta_key() || is_composing(event) {
            return;
        }
        let (key, toolbar) = (event.key(), closest(event, TOOLBAR));
        match (key.as_str(), message_of(event), toolbar) {
            ("Escape", _, Some(_)) => {
                self.hide();
                focus::move_to("composer");
            }
            ("Escape", Some(_), None) => focus::move_to("composer"),
            // Code is scrolled by these.
            ("ArrowLeft" | "ArrowRight", Some(message), _)
                if closest(event, "pre, input").is_none() =>
            {
                let forward = (key == "ArrowRight") != page::is_right_to_left();
                let mut stops = shown_in(&message, CONTROLS);
                stops.insert(0, message);
                step(&stops, forward);
            }
            ("ArrowUp" | "ArrowDown", _, None) if closest(event, "input").is_none() => {
                step(&shown_in(&self.list, MESSAGE), key == "ArrowDown");
            }
            ("Enter", Some(message), None) if event.target().as_ref() == Some(message.as_ref()) => {
                self.show(&message, false);
                self.focus_toolbar();
            }
            _ => return,
        }
        event.prevent_default();
    }
}

fn is_touch(event: &Event) -> bool {
    event.unchecked_ref::<PointerEvent>().pointer_type() == "touch"
}

fn place_of(event: &Event) -> (f64, f64) {
    let event: &PointerEvent = event.unchecked_ref();
    (f64::from(event.client_x()), f64::from(event.client_y()))
}

fn closest(event: &Event, selector: &str) -> Option<Element> {
    let target: Element = event.target()?.dyn_into().ok()?;
    target.closest(selector).ok()?
}

fn message_of(event: &Event) -> Option<Element> {
    closest(event, MESSAGE)
}

/// Moves the focus to the next or the one before of these; to the last if it is on none of them.
fn step(among: &[Element], forward: bool) {
    let focused = document().active_element();
    let now = among.iter().position(|it| Some(it) == focused.as_ref());
    let last = among.len().saturating_sub(1);
    let next = match now {
        Some(now) if forward => now.saturating_add(1).min(last),
        Some(now) => now.saturating_sub(1),
        None => last,
    };
    if let Some(next) = among.get(next) {
        focus(next);
    }
}

/// What a selector finds in an element and is on the screen.
fn shown_in(within: &Element, selector: &str) -> Vec<Element> {
    let Ok(found) = within.query_selector_all(selector) else {
        return Vec::new();
    };
    let found = (0..found.length()).filter_map(|place| found.get(place)?.dyn_into().ok());
    found
        .filter(|it: &Element| it.get_bounding_client_rect().width() > 0.0)
        .collect()
}

fn focus(element: &Element) {
    // Focusing what is not shown does nothing, which is right.
    let _ = element.unchecked_ref::<HtmlElement>().focus();
}
