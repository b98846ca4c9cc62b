//! The services of a page, against a service in memory.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use effusion::features::join::form::{Credentials, Field, Form, Room, SignIn};
use effusion::features::join::service::Service;
use effusion::i18n::provide_i18n;
use effusion::services::{Connector, Services, serve};
use effusion::state::{App, Connection, OpenRoom, PageState, RoomState};
use effusion_chat::{RoomKind, RoomName};
use effusion_client::web::Browser;
use gloo_timers::future::TimeoutFuture;
use leptos::mount::mount_to;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::hub::Hub;

/// How the page's services get to a service in memory, whatever address was asked for.
fn connector(hub: &Hub) -> Connector {
    let hub = hub.clone();
    Rc::new(move |_, options| {
        let hub = hub.clone();
        Box::pin(async move { hub.connect(options).await })
    })
}

/// One page, with its own services. Dropping it closes the page.
struct Page {
    app: App,
    services: Services,
    _mounted: Box<dyn std::any::Any>,
}

impl Page {
    fn new(hub: &Hub, name: &str) -> Self {
        let place: web_sys::HtmlElement =
            document().create_element("div").unwrap().unchecked_into();
        let (name, connector) = (name.to_owned(), connector(hub));
        let made = Rc::new(RefCell::new(None));
        let kept = Rc::clone(&made);
        let mounted = mount_to(place, move || {
            let mut form = Form::default();
            form.set(Field::Name, name.clone());
            let app = App::new(PageState::new(form, String::new(), provide_i18n()));
            let services = Services::with_connector(app, connector);
            serve(app, &services);
            let sign_in = SignIn {
                name,
                credentials: Credentials {
                    principal: "control".to_owned(),
                    password: "password".to_owned(),
                },
                service: Service::default(),
            };
            services.entry.enter(sign_in, Vec::new(), false);
            kept.replace(Some((app, services)));
        });
        let (app, services) = made.take().unwrap();
        Self {
            app,
            services,
            _mounted: Box::new(mounted),
        }
    }

    async fn in_room(hub: &Hub, name: &str, room: &str) -> (Self, OpenRoom) {
        let page = Self::new(hub, name);
        until("there is a session", || page.is_connected()).await;
        let open = page.join(room).await;
        (page, open)
    }

    fn is_connected(&self) -> bool {
        self.app.connection.get_untracked() == Connection::Connected
    }

    async fn join(&self, name: &str) -> OpenRoom {
        let name = RoomName::parse(name).unwrap();
        self.services.rooms.open_and_show(Room {
            name: name.clone(),
            kind: RoomKind::History,
        });
        let open = {
            let rooms = self.app.rooms.read_untracked();
            let mut rooms = rooms.iter();
            let open = rooms.find(|open| open.info.read_untracked().name == name);
            open.unwrap().clone()
        };
        until("the room is open or failed", || {
            open.state.get_untracked() != RoomState::Joining
        })
        .await;
        assert_eq!(open.state.get_untracked(), RoomState::Open);
        open
    }
}

/// Waits for something that happens soon.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        TimeoutFuture::new(20).await;
    }
    panic!("never: {what}");
}

fn texts(open: &OpenRoom) -> Vec<String> {
    open.look(|timeline| {
        let texts = timeline.texts().map(|(_, text, _)| text.to_owned());
        texts.filter(|text| !text.is_empty()).collect()
    })
}

#[wasm_bindgen_test]
async fn what_one_page_sends_another_shows_until_the_room_is_left() {
    let hub = Hub::on(Arc::new(Browser));
    let (ann, hers) = Page::in_room(&hub, "Ann", "Tea").await;
    let (bob, his) = Page::in_room(&hub, "Bob", "Tea").await;
    ann.services.outbox.send_text(&hers, " hello ".to_owned());
    let has = |text: &'static str| {
        let his = his.clone();
        move || texts(&his).contains(&text.to_owned())
    };
    // Blanks before a text are its own; those after it are nothing.
    until("Bob reads it", has(" hello")).await;

    bob.services.rooms.leave(&his);
    assert!(bob.app.rooms.read_untracked().is_empty());
    assert_eq!(bob.app.active.get_untracked(), None);
    ann.services.outbox.send_text(&hers, "gone?".to_owned());
    until("Ann's message is sent", || {
        hers.look(|timeline| timeline.next_unsent().is_none())
    })
    .await;
    assert!(texts(&his).is_empty());

    let again = bob.join("Tea").await;
    assert_ne!(again.id, his.id);
    until("Bob reads what he missed", || {
        texts(&again).contains(&"gone?".to_owned())
    })
    .await;
}

#[wasm_bindgen_test]
async fn messages_arrive_once_and_in_order_though_connections_break() {
    let hub = Hub::on(Arc::new(Browser));
    let (ann, hers) = Page::in_room(&hub, "Ann", "Cut").await;
    let (_bob, his) = Page::in_room(&hub, "Bob", "Cut").await;
    let expected: Vec<String> = (0..20).map(|number| format!("message {number}")).collect();
    for (number, text) in expected.iter().enumerate() {
        ann.services.outbox.send_text(&hers, text.clone());
        if number % 7 == 3 {
            TimeoutFuture::new(0).await;
            hub.cut();
        }
    }
    let said = || {
        let mut said = texts(&his);
        said.retain(|text| text.starts_with("message"));
        said
    };
    until("all of them have arrived", || {
        said().len() >= expected.len()
    })
    .await;
    assert_eq!(said(), expected);
    until("none of them waits", || {
        hers.look(|timeline| timeline.next_unsent().is_none())
    })
    .await;
}

#[wasm_bindgen_test]
async fn a_page_gets_another_session_and_its_rooms_when_the_service_has_forgotten_it() {
    let hub = Hub::on(Arc::new(Browser));
    let (ann, hers) = Page::in_room(&hub, "Ann", "Again").await;
    ann.services.outbox.send_text(&hers, "before".to_owned());
    until("it is sent", || {
        hers.look(|timeline| timeline.next_unsent().is_none())
    })
    .await;
    hub.restart();
    ann.services.outbox.send_text(&hers, "after".to_owned());
    until("it is sent in the next session", || {
        ann.is_connected() && hers.look(|timeline| timeline.next_unsent().is_none())
    })
    .await;
    let (_bob, his) = Page::in_room(&hub, "Bob", "Again").await;
    until("both are there", || {
        let said = texts(&his);
        said.contains(&"before".to_owned()) && said.contains(&"after".to_owned())
    })
    .await;
}

#[wasm_bindgen_test]
async fn presence_ends_when_the_room_is_left() {
    let hub = Hub::on(Arc::new(Browser));
    let (ann, hers) = Page::in_room(&hub, "Ann", "People").await;
    let (bob, his) = Page::in_room(&hub, "Bob", "People").await;
    ann.services.presence.join(&hers);
    bob.services.presence.join(&his);
    let names = || {
        let people = his.people.read_untracked().persons();
        let mut names: Vec<_> = people.into_iter().map(|person| person.name).collect();
        names.sort();
        names
    };
    until("Bob sees both", || names() == ["Ann", "Bob"]).await;
    ann.services.rooms.leave(&hers);
    ann.services.presence.leave(&hers);
    until("Bob is alone", || names() == ["Bob"]).await;
}
