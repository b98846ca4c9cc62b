//! The form that leads into a chat.

use effusion::features::join::JoinForm;
use effusion::state::{App, Fault, Request};
use effusion_chat::RoomKind;
use leptos::prelude::document;
use leptos::prelude::*;
use leptos::task::tick;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{Stage, app, drawn};

/// The form, once the fields of *Advanced* are there, which come after the services.
async fn form(app: App) -> Stage {
    let stage = Stage::mount(app, || view! { <JoinForm /> });
    app.loaded.set(true);
    for _ in 0..100 {
        if !stage.all("host").is_empty() {
            return stage;
        }
        drawn().await;
    }
    panic!("there are no other fields");
}

#[wasm_bindgen_test]
async fn fields_that_cannot_be_used_say_why() {
    let app = app();
    let stage = form(app).await;
    stage.fill("name", " ").await;
    stage.fill("port", "eighty").await;
    stage.fill("room", "a//b").await;
    stage.click("join-button").await;
    assert_eq!(*app.request.read_untracked(), Some(Request::Join));
    // As the services do.
    let problems = app.form.read_untracked().join().unwrap_err();
    app.show_problems(problems);
    tick().await;
    for (field, words) in [
        ("name", "Enter the name"),
        ("port", "Enter a port"),
        ("room", "A room name"),
    ] {
        let input = stage.one(field);
        assert_eq!(
            input.get_attribute("aria-invalid").as_deref(),
            Some("true"),
            "{field}"
        );
        let problem = input.get_attribute("aria-describedby").unwrap();
        let problem = document()
            .get_element_by_id(&problem)
            .unwrap()
            .text_content()
            .unwrap();
        assert!(problem.starts_with(words), "{problem}");
    }
    assert!(!stage.one("host").has_attribute("aria-invalid"));
    drawn().await;
    assert_eq!(
        document().active_element().unwrap().id(),
        "name",
        "the first of them has the focus"
    );
    assert!(
        !*app.busy.read_untracked(),
        "nothing was asked of a service"
    );

    stage.fill("name", "Ann").await;
    assert!(!stage.one("name").has_attribute("aria-invalid"));
    assert!(stage.one("port").has_attribute("aria-invalid"));
}

#[wasm_bindgen_test]
async fn every_input_has_a_label() {
    let app = app();
    let stage = form(app).await;
    let inputs = stage.place().query_selector_all("input").unwrap();
    assert!(inputs.length() >= 9);
    for i in 0..inputs.length() {
        let input: web_sys::Element = wasm_bindgen::JsCast::unchecked_into(inputs.get(i).unwrap());
        let outer = input.closest("label").unwrap();
        let label = outer.or_else(|| {
            let selector = format!("label[for='{}']", input.id());
            stage.place().query_selector(&selector).unwrap()
        });
        let words = label
            .and_then(|label| label.text_content())
            .unwrap_or_default();
        assert!(!words.is_empty(), "{}", input.outer_html());
    }
}

#[wasm_bindgen_test]
async fn the_shared_account_goes_when_a_password_is_typed() {
    let app = app();
    let stage = form(app).await;
    drawn().await;
    assert_eq!(
        (stage.value("account"), stage.value("password")),
        ("user".into(), "password".into())
    );
    assert_eq!(stage.attributes("password", "type"), ["password"]);
    stage.fill("password", "mine").await;
    drawn().await;
    assert_eq!(stage.value("account"), "");
    stage.click("use-shared").await;
    drawn().await;
    assert_eq!(
        (stage.value("account"), stage.value("password")),
        ("user".into(), "password".into())
    );
    stage.fill("host", "chat.example").await;
    drawn().await;
    assert_eq!(
        (stage.value("account"), stage.value("password")),
        ("".into(), "".into())
    );
    assert!(stage.all("use-shared").is_empty());
}

#[wasm_bindgen_test]
async fn the_kind_of_room_is_one_of_two() {
    let app = app();
    let stage = form(app).await;
    assert_eq!(app.form.read_untracked().kind(), RoomKind::History);
    stage.click("kind-live").await;
    assert_eq!(app.form.read_untracked().kind(), RoomKind::Live);
    let ticked = stage
        .place()
        .query_selector_all("input[name=kind]:checked")
        .unwrap();
    assert_eq!(ticked.length(), 1);
}

#[wasm_bindgen_test]
async fn a_fault_is_an_alert_in_words() {
    let app = app();
    let stage = form(app).await;
    assert!(stage.all("fault").is_empty());
    app.fault
        .set(Some(Fault::WrongCredentials("<i>ann</i>".to_owned())));
    tick().await;
    assert_eq!(stage.attributes("fault", "role"), ["alert"]);
    let text = stage.text("fault");
    assert!(
        text.contains("“<i>ann</i>”") && text.ends_with("create an account."),
        "{text}"
    );
    assert!(stage.one("fault").query_selector("i").unwrap().is_none());
}
