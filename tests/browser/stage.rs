//! What the tests share: mounting a component in the document, and using it.

use effusion::features::join::form::{Form, Room};
use effusion::features::timeline::{At, Event, Reader};
use effusion::i18n::provide_i18n;
use effusion::services::Services;
use effusion::state::{App, OpenRoom, PageState, RoomState};
use effusion_chat::{ChatMessage, RoomKind, RoomName, Timestamp};
use leptos::mount::mount_to;
use leptos::prelude::document;
use leptos::prelude::*;
use leptos::task::tick;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{
    Element, EventInit, HtmlElement, HtmlInputElement, KeyboardEvent, KeyboardEventInit,
};

/// A component in the document, alone in a place of its own.
pub struct Stage {
    place: HtmlElement,
}

impl Stage {
    /// Mounts a component with the page's state as context.
    pub fn mount<V: IntoView + 'static>(app: App, component: impl FnOnce() -> V + 'static) -> Self {
        let place: HtmlElement = document().create_element("div").unwrap().unchecked_into();
        document().body().unwrap().append_child(&place).unwrap();
        mount_to(place.clone(), move || {
            provide_context(app.i18n);
            provide_context(app.page);
            provide_context(app);
            provide_context(Services::new(app));
            component()
        })
        .forget();
        Self { place }
    }

    pub fn place(&self) -> &HtmlElement {
        &self.place
    }

    /// All elements with this test name.
    pub fn all(&self, test: &str) -> Vec<Element> {
        let found = self
            .place
            .query_selector_all(&format!("[data-testid='{test}']"))
            .unwrap();
        (0..found.length())
            .map(|i| found.get(i).unwrap().unchecked_into())
            .collect()
    }

    /// The only element with this test name.
    pub fn one(&self, test: &str) -> Element {
        let mut found = self.all(test);
        assert_eq!(found.len(), 1, "elements named {test}");
        found.remove(0)
    }

    pub fn text(&self, test: &str) -> String {
        self.one(test).text_content().unwrap()
    }

    pub fn texts(&self, test: &str) -> Vec<String> {
        self.all(test)
            .iter()
            .map(|element| element.text_content().unwrap())
            .collect()
    }

    pub fn attributes(&self, test: &str, name: &str) -> Vec<String> {
        self.all(test)
            .iter()
            .map(|element| element.get_attribute(name).unwrap_or_default())
            .collect()
    }

    /// Types into an input, as far as a script can.
    pub async fn fill(&self, test: &str, text: &str) {
        let input: HtmlInputElement = self.one(test).unchecked_into();
        input.set_value(text);
        dispatch(&input, "input");
        tick().await;
    }

    pub fn value(&self, test: &str) -> String {
        self.one(test).unchecked_into::<HtmlInputElement>().value()
    }

    pub async fn click(&self, test: &str) {
        self.one(test).unchecked_into::<HtmlElement>().click();
        tick().await;
    }

    /// Presses a key; true if the page keeps the browser from doing what it would.
    pub async fn press(
        &self,
        test: &str,
        key: &str,
        change: impl FnOnce(&KeyboardEventInit),
    ) -> bool {
        let init = KeyboardEventInit::new();
        init.set_key(key);
        init.set_bubbles(true);
        init.set_cancelable(true);
        change(&init);
        let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init).unwrap();
        let goes_on = self.one(test).dispatch_event(&event).unwrap();
        tick().await;
        !goes_on
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.place.remove();
    }
}

pub fn dispatch(element: &Element, name: &str) {
    let init = EventInit::new();
    init.set_bubbles(true);
    init.set_cancelable(true);
    let event = web_sys::Event::new_with_event_init_dict(name, &init).unwrap();
    element.dispatch_event(&event).unwrap();
}

/// The next frame has begun.
pub async fn frame() {
    let next = js_sys::Promise::new(&mut |resolve, _| {
        leptos::prelude::request_animation_frame(move || {
            resolve.call0(&JsValue::NULL).unwrap();
        });
    });
    wasm_bindgen_futures::JsFuture::from(next).await.unwrap();
}

/// The browser has drawn, and what waited for that has run.
pub async fn drawn() {
    frame().await;
    frame().await;
}

pub fn app() -> App {
    let mut form = Form::default();
    form.set(
        effusion::features::join::form::Field::Name,
        "Ann".to_owned(),
    );
    App::new(PageState::new(
        form,
        "Calm Otter".to_owned(),
        provide_i18n(),
    ))
}

pub fn room(kind: RoomKind) -> OpenRoom {
    let room = Room {
        name: RoomName::parse("Tea <b>house</b>").unwrap(),
        kind,
    };
    let reader = Reader {
        name: "Ann".to_owned(),
        principal: "ann".to_owned(),
    };
    let open = OpenRoom::new(0, room, reader, None);
    open.state.set(RoomState::Open);
    open
}

pub fn message(name: &str, text: &str) -> ChatMessage {
    ChatMessage {
        text: text.to_owned(),
        name: name.to_owned(),
        timestamp: Timestamp::Missing,
        ..ChatMessage::default()
    }
}

pub fn event(sequence: u64, name: &str, text: &str) -> Event {
    Event {
        sequence,
        edits: None,
        author: name.to_lowercase(),
        message: message(name, text),
        at: at(sequence as i64),
    }
}

pub fn at(minute: i64) -> At {
    At::local(1_795_255_200_000 + minute * 60_000)
}
