//! Writing a message.

use leptos::prelude::*;
use std::cell::RefCell;
use std::rc::Rc;

use effusion::features::composer::Composer;
use effusion::features::composer::composing::{KeptDraft, Purpose};
use effusion::state::{Fault, OpenRoom, RoomState};
use effusion_chat::RoomKind;
use leptos::task::tick;
use wasm_bindgen::JsCast;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::HtmlTextAreaElement;

use crate::stage::{Stage, app, dispatch, drawn, event, room};

fn show() -> (Stage, OpenRoom, Rc<RefCell<Vec<String>>>) {
    let room = room(RoomKind::Live);
    let sent = Rc::new(RefCell::new(Vec::new()));
    let keep = Rc::clone(&sent);
    let shown = room.clone();
    let stage = Stage::mount(app(), move || {
        provide_context(shown);
        view! { <Composer on_send=move |text| keep.borrow_mut().push(text) /> }
    });
    (stage, room, sent)
}

#[wasm_bindgen_test]
async fn enter_sends_and_empties_the_box() {
    let (stage, _, sent) = show();
    stage.fill("composer", "hello").await;
    assert!(
        stage.press("composer", "Enter", |_| {}).await,
        "no line break is left behind"
    );
    assert_eq!(*sent.borrow(), ["hello"]);
    assert_eq!(stage.value("composer"), "");
}

#[wasm_bindgen_test]
async fn shift_and_enter_break_the_line() {
    let (stage, _, sent) = show();
    stage.fill("composer", "one").await;
    assert!(
        !stage
            .press("composer", "Enter", |key| key.set_shift_key(true))
            .await
    );
    assert_eq!(stage.value("composer"), "one");
    stage.fill("composer", "one\ntwo").await;
    stage.press("composer", "Enter", |_| {}).await;
    assert_eq!(*sent.borrow(), ["one\ntwo"]);
}

#[wasm_bindgen_test]
async fn the_enter_that_ends_a_composition_is_not_ours() {
    let (stage, _, sent) = show();
    stage.fill("composer", "にほん").await;
    assert!(
        !stage
            .press("composer", "Enter", |key| key.set_is_composing(true))
            .await
    );
    assert!(sent.borrow().is_empty());
    assert_eq!(stage.value("composer"), "にほん");
}

#[wasm_bindgen_test]
async fn blanks_are_not_sent() {
    let (stage, _, sent) = show();
    assert!(stage.one("send-button").has_attribute("disabled"));
    stage.fill("composer", " \n\t").await;
    assert!(stage.one("send-button").has_attribute("disabled"));
    stage.press("composer", "Enter", |_| {}).await;
    assert!(sent.borrow().is_empty());
    stage.fill("composer", "x").await;
    assert!(!stage.one("send-button").has_attribute("disabled"));
    stage.click("send-button").await;
    assert_eq!(*sent.borrow(), ["x"]);
}

#[wasm_bindgen_test]
async fn the_draft_is_the_rooms() {
    let (stage, room, _) = show();
    stage.fill("composer", "half a thought").await;
    assert_eq!(*room.draft.read_untracked(), "half a thought");
    room.draft.set("another".to_owned());
    tick().await;
    assert_eq!(stage.value("composer"), "another");
}

#[wasm_bindgen_test]
async fn a_room_that_cannot_be_used_takes_no_text() {
    let (stage, room, sent) = show();
    room.draft.set("too late".to_owned());
    room.state.set(RoomState::Failed(Fault::RoomRemoved));
    tick().await;
    assert!(stage.one("composer").has_attribute("disabled"));
    assert!(stage.one("send-button").has_attribute("disabled"));
    assert!(sent.borrow().is_empty());
    room.state.set(RoomState::Open);
    tick().await;
    assert!(!stage.one("composer").has_attribute("disabled"));
}

#[wasm_bindgen_test]
async fn the_box_grows_with_the_text() {
    let (stage, _, _) = show();
    drawn().await;
    let low = stage.one("composer").client_height();
    stage.fill("composer", "a\nb\nc\nd\ne\nf").await;
    drawn().await;
    let high = stage.one("composer").client_height();
    assert!(high > low, "{high} after {low}");
    dispatch(
        &stage.one("composer").closest("form").unwrap().unwrap(),
        "submit",
    );
    tick().await;
    drawn().await;
    assert_eq!(stage.one("composer").client_height(), low);
}

#[wasm_bindgen_test]
async fn a_command_is_suggested_and_completed() {
    let (stage, room, sent) = show();
    stage.fill("composer", "/t").await;
    let names = stage.texts("completion-item");
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(names[0].starts_with("/topic"), "{names:?}");
    assert!(stage.press("composer", "Tab", |_| {}).await);
    assert_eq!(stage.value("composer"), "/topic ");
    assert_eq!(*room.draft.read_untracked(), "/topic ");
    assert!(stage.all("completion-item").is_empty());
    assert!(sent.borrow().is_empty());
}

#[wasm_bindgen_test]
async fn what_is_typed_is_not_written_again() {
    let (stage, room, _) = show();
    stage.fill("composer", "hello").await;
    let area: HtmlTextAreaElement = stage.one("composer").unchecked_into();
    area.set_selection_range(1, 1).unwrap();
    room.draft.set("hello".to_owned());
    tick().await;
    drawn().await;
    assert_eq!(area.selection_start().unwrap(), Some(1));
}

/// Sends an edit over a draft, at once or after the reader has seen that the draft is back.
async fn after_edit(pause: u32) -> (Stage, OpenRoom, Rc<RefCell<Vec<String>>>) {
    let (stage, room, sent) = show();
    room.change(|timeline| timeline.receive_event(event(0, "Ann", "said")));
    let kept = KeptDraft {
        text: "a draft".to_owned(),
        reply: None,
    };
    room.draft.set("said".to_owned());
    room.purpose.set(Purpose::Edit { sequence: 0, kept });
    tick().await;
    stage.press("composer", "Enter", |_| {}).await;
    assert_eq!(stage.value("composer"), "a draft");
    gloo_timers::future::TimeoutFuture::new(pause).await;
    stage.press("composer", "Shift", |_| {}).await;
    stage.press("composer", "N", |_| {}).await;
    (stage, room, sent)
}

#[wasm_bindgen_test]
async fn what_is_typed_right_after_an_edit_is_no_part_of_the_draft() {
    let (stage, room, sent) = after_edit(0).await;
    assert_eq!(stage.value("composer"), "");
    stage.fill("composer", "Next").await;
    stage.press("composer", "Enter", |_| {}).await;
    assert_eq!(*sent.borrow(), ["Next"]);
    assert_eq!(stage.value("composer"), "a draft");
    // Or it is deleted again.
    room.set_draft_aside();
    stage.fill("composer", "N").await;
    stage.fill("composer", "").await;
    assert_eq!(stage.value("composer"), "a draft");
}

#[wasm_bindgen_test]
async fn who_has_seen_the_draft_goes_on_with_it() {
    let (stage, room, _) = after_edit(1_100).await;
    assert_eq!(stage.value("composer"), "a draft");
    assert!(room.set_aside.read_untracked().is_none());
}

#[wasm_bindgen_test]
async fn a_large_text_has_one_direction() {
    let (stage, _, _) = show();
    let direction = || stage.one("composer").get_attribute("dir");
    assert_eq!(direction().as_deref(), Some("auto"));
    for (text, expected) in [
        ("שלום ".repeat(4_000), "rtl"),
        ("hello ".repeat(4_000), "ltr"),
        // Undoing may bring the large one back.
        ("hello".to_owned(), "ltr"),
        ("שלום".to_owned(), "rtl"),
    ] {
        stage.fill("composer", &text).await;
        assert_eq!(direction().as_deref(), Some(expected));
    }
}
