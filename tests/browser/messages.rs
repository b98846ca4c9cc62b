//! The messages of a room.

use leptos::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use effusion::features::timeline::{Event, Gap, MessageList};
use effusion::state::{Completion, Earlier, Fault, OpenRoom, Wanted};
use effusion_chat::RoomKind;
use wasm_bindgen_test::wasm_bindgen_test;
use web_sys::Element;

use crate::stage::{Stage, app, at, drawn, event, frame, message, room};

/// The list of a room, with what comes after its first messages.
fn show(room: OpenRoom) -> Stage {
    let app = app();
    app.completion.set(Completion::Here);
    Stage::mount(app, move || {
        provide_context(room);
        view! { <MessageList on_sight=|()| {} /> }
    })
}

#[wasm_bindgen_test]
async fn hostile_text_stays_text() {
    let room = room(RoomKind::Live);
    let stage = show(room.clone());
    let hostile = "<img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>&lt;b&gt;\n  two  lines";
    room.change(|timeline| {
        timeline.receive_value(message("<b onclick=x>Bob</b>", hostile), at(0), false)
    });
    drawn().await;
    assert_eq!(stage.text("text"), hostile);
    assert_eq!(stage.one("text").child_element_count(), 0);
    assert_eq!(stage.text("author"), "<b onclick=x>Bob</b>");
    assert_eq!(stage.one("author").child_element_count(), 0);
    assert_eq!(
        stage.one("text").get_attribute("dir").as_deref(),
        Some("auto")
    );
    assert_eq!(stage.one("author").tag_name(), "BDI");

    room.change(|timeline| {
        timeline.receive_value(message("System", "& <u>x</u>; has joined"), at(1), false);
        // No name has markup: this is a person’s.
        let text = "**x** <u>y</u> has joined";
        timeline.receive_value(message("System", text), at(2), false)
    });
    drawn().await;
    assert!(stage.text("notice").contains("& <u>x</u>;"));
    assert!(stage.one("notice").query_selector("u").unwrap().is_none());
    assert!(stage.texts("text")[1].ends_with("<u>y</u> has joined"));
    assert!(stage.all("text")[1].query_selector("u").unwrap().is_none());
}

#[wasm_bindgen_test]
async fn own_messages_are_set_apart_and_say_how_far_they_are() {
    let room = room(RoomKind::History);
    let stage = show(room.clone());
    room.change(|timeline| timeline.receive_event(event(0, "Bob", "hi")));
    let key = room.change(|timeline| timeline.send(message("Ann", "hello"), at(1)));
    drawn().await;
    assert_eq!(stage.attributes("message", "data-own"), ["false", "true"]);
    assert_eq!(
        stage.attributes("message", "data-state"),
        ["received", "sending"]
    );
    assert_eq!(
        stage.texts("delivery"),
        ["Sending…"],
        "others' messages have no such line"
    );
    let node = stage.all("message").remove(1);

    room.change(|timeline| timeline.fail(key, Fault::Unconfirmed));
    drawn().await;
    assert_eq!(
        stage.attributes("message", "data-state"),
        ["received", "failed"]
    );
    assert!(
        stage
            .text("delivery")
            .starts_with("Not sent. The connection was lost")
    );
    stage.click("retry").await;
    drawn().await;
    assert_eq!(
        stage.attributes("message", "data-state"),
        ["received", "sending"]
    );

    room.change(|timeline| timeline.acknowledge(key, Some(1)));
    drawn().await;
    assert_eq!(
        stage.attributes("message", "data-state"),
        ["received", "sent"]
    );
    assert_eq!(stage.text("delivery").trim(), "Sent");
    assert!(
        stage.all("message")[1] == node,
        "it changes in place, so that nothing is read out twice"
    );
}

#[wasm_bindgen_test]
async fn a_failed_message_can_be_given_up() {
    let room = room(RoomKind::Live);
    let stage = show(room.clone());
    let key = room.change(|timeline| timeline.send(message("Ann", "hello"), at(1)));
    room.change(|timeline| timeline.fail(key, Fault::TimedOut));
    drawn().await;
    stage.click("cancel").await;
    drawn().await;
    assert!(stage.all("message").is_empty());
}

#[wasm_bindgen_test]
async fn messages_keep_their_elements_when_others_come_between() {
    let room = room(RoomKind::History);
    let stage = show(room.clone());
    room.change(|timeline| timeline.receive_event(event(10, "Bob", "ten")));
    room.change(|timeline| timeline.send(message("Ann", "mine"), at(99)));
    drawn().await;
    let before: Vec<Element> = stage.all("message");
    room.change(|timeline| timeline.receive_event(event(11, "Cyn", "eleven")));
    room.change(|timeline| {
        let older = (0..10).map(|n| event(n, "Bob", "older")).collect();
        timeline.add_older(Gap { from: 0, to: 9 }, older, true);
    });
    drawn().await;
    let after = stage.all("message");
    assert_eq!(after.len(), 13);
    assert!(after[10] == before[0] && after[12] == before[1]);
    assert_eq!(stage.texts("text")[10..], ["ten", "eleven", "mine"]);

    room.change(|timeline| timeline.start_anew());
    drawn().await;
    assert_eq!(stage.texts("text"), ["mine"]);
    assert!(stage.all("message")[0] == before[1]);
}

#[wasm_bindgen_test]
async fn an_edit_changes_the_text_in_place() {
    let room = room(RoomKind::History);
    let stage = show(room.clone());
    room.change(|timeline| timeline.receive_event(event(0, "Bob", "teh")));
    drawn().await;
    let node = stage.one("message");
    room.change(|timeline| {
        timeline.receive_event(Event {
            edits: Some(0),
            ..event(1, "Bob", "the")
        })
    });
    drawn().await;
    assert_eq!(stage.text("text"), "the");
    assert!(stage.one("message") == node);
    assert!(node.text_content().unwrap().contains("edited"));
}

#[wasm_bindgen_test]
async fn the_list_is_a_live_log() {
    let stage = show(room(RoomKind::Live));
    assert_eq!(stage.attributes("message-list", "role"), ["log"]);
    // What comes into the list need not be new; what is new is said elsewhere.
    assert_eq!(stage.attributes("message-list", "aria-live"), ["off"]);
    assert_eq!(stage.attributes("announcer", "aria-live"), ["polite"]);
    assert!(
        stage
            .place()
            .text_content()
            .unwrap()
            .contains("It’s quiet here")
    );
}

#[wasm_bindgen_test]
async fn earlier_messages_are_offered_where_there_may_be_some() {
    let open = room(RoomKind::History);
    let stage = show(open.clone());
    open.change(|timeline| timeline.receive_event(event(7, "Bob", "hi")));
    drawn().await;
    stage.click("earlier-button").await;
    assert_eq!(*open.wanted.read_untracked(), [Wanted::Earlier]);
    open.earlier.set(Earlier::None);
    drawn().await;
    assert!(stage.all("earlier-button").is_empty());
    assert!(
        stage
            .place()
            .text_content()
            .unwrap()
            .contains("keeps no earlier messages")
    );

    let whole = room(RoomKind::History);
    let stage = show(whole.clone());
    whole.change(|timeline| timeline.receive_event(event(0, "Bob", "first of all")));
    drawn().await;
    assert!(stage.all("earlier-button").is_empty());
}

#[wasm_bindgen_test]
async fn of_a_long_room_only_some_is_in_the_document() {
    let room = room(RoomKind::History);
    let stage = show(room.clone());
    room.change(|timeline| {
        for sequence in 0..5_000 {
            timeline.receive_event(event(sequence, "Bob", "x"));
        }
    });
    drawn().await;
    let shown = stage.all("message").len();
    // As many as fill the margin by their measured heights.
    assert!((8..150).contains(&shown), "{shown} of 5,000");
    room.show_around(Some(2_500), 400);
    let extent = *room.extent.read_untracked();
    assert!(extent.start < 2_500 && 2_500 < extent.end, "{extent:?}");
    assert!(extent.above > 50_000 && extent.below > 50_000, "{extent:?}");
}

#[wasm_bindgen_test]
async fn a_line_and_a_gap_stand_before_their_message() {
    let room = room(RoomKind::History);
    let stage = show(room.clone());
    room.change(|timeline| {
        timeline.receive_event(event(0, "Bob", "read"));
        timeline.subscribed();
        timeline.receive_event(event(9, "Bob", "after a gap"));
        timeline.receive_event(event(10, "Bob", "new"));
        timeline.set_line(Some(9));
    });
    drawn().await;
    let message_of = |test: &str| {
        let item = stage.one(test).closest("li").unwrap().unwrap();
        item.query_selector("[data-testid=text]")
            .unwrap()
            .unwrap()
            .text_content()
    };
    assert_eq!(message_of("gap-button").as_deref(), Some("after a gap"));
    assert_eq!(message_of("unread-line").as_deref(), Some("new"));
    room.change(|timeline| timeline.set_line(None));
    drawn().await;
    assert!(stage.all("unread-line").is_empty());
}

/// A room in a place that is too low for it, as long as it takes to be drawn as a whole.
async fn low(room: OpenRoom) -> (Stage, Element) {
    let stage = show(room.clone());
    let scroll = stage.one("scroll");
    scroll
        .set_attribute(
            "style",
            "height: 300px; overflow: auto; overflow-anchor: none",
        )
        .unwrap();
    room.change(|timeline| {
        for sequence in 100..200 {
            timeline.receive_event(event(sequence, "Bob", "a message\nof two lines"));
        }
    });
    for _ in 0..10 {
        drawn().await;
    }
    assert_eq!(stage.all("message").len(), 100);
    (stage, scroll)
}

/// How far below the upper edge of the list the message of this number in the document is.
fn below_edge(stage: &Stage, scroll: &Element, number: usize) -> f64 {
    let message = stage.all("message").remove(number);
    message.get_bounding_client_rect().top() - scroll.get_bounding_client_rect().top()
}

#[wasm_bindgen_test]
async fn who_scrolls_as_a_message_comes_has_scrolled() {
    let room = room(RoomKind::History);
    let (stage, scroll) = low(room.clone()).await;
    let end = scroll.scroll_top();
    assert!(end > 1_000, "the end is looked at: {end}");
    // The document changes before the browser has said that somebody has scrolled: from the end, and from elsewhere.
    for (step, sequence) in [200, 201].into_iter().enumerate() {
        scroll.set_scroll_top(scroll.scroll_top() - 300);
        let before = below_edge(&stage, &scroll, 80);
        room.change(|timeline| timeline.receive_event(event(sequence, "Bob", "one more")));
        drawn().await;
        assert_eq!(stage.all("message").len(), 101 + step);
        let after = below_edge(&stage, &scroll, 80);
        assert!((after - before).abs() <= 2.0, "from {before} to {after}");
    }
    // And back to the end.
    scroll.set_scroll_top(scroll.scroll_height());
    drawn().await;
    room.change(|timeline| timeline.receive_event(event(202, "Bob", "the last")));
    drawn().await;
    let left = scroll.scroll_height() - scroll.scroll_top() - scroll.client_height();
    assert!(left <= 3, "{left} from the end");
}

#[wasm_bindgen_test]
async fn what_is_still_missing_in_sight_is_asked_for_again() {
    let room = room(RoomKind::History);
    let wants_gap = || {
        let wanted = room.wanted.update_untracked(std::mem::take);
        wanted.iter().any(|it| matches!(it, Wanted::Gap { .. }))
    };
    let (stage, scroll) = low(room.clone()).await;
    // Before the newest message something is missing, and of that a page comes.
    room.change(|timeline| {
        timeline.subscribed();
        timeline.receive_event(event(400, "Bob", "after a gap"));
    });
    drawn().await;
    assert_eq!(stage.all("gap-button").len(), 1);
    scroll.set_scroll_top(scroll.scroll_top() - 200);
    for _ in 0..5 {
        drawn().await;
    }
    assert!(wants_gap(), "it is in sight");
    let gap = Gap { from: 200, to: 399 };
    let events = vec![event(399, "Bob", "found")];
    room.change(|timeline| timeline.add_older(gap, events, false));
    for _ in 0..5 {
        drawn().await;
    }
    assert_eq!(stage.all("gap-button").len(), 1);
    assert!(wants_gap(), "nobody has scrolled, and it is in sight");
}

#[wasm_bindgen_test]
async fn a_flood_is_drawn_in_fewer_frames_and_to_its_end() {
    const FRAMES: usize = 60;
    let room = room(RoomKind::History);
    let stage = show(room.clone());
    let draws = Arc::new(AtomicUsize::new(0));
    let (counted, version) = (Arc::clone(&draws), room.version.clone());
    Effect::new(move |_| {
        version.track();
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let mut sequences = 0..;
    for _ in 0..FRAMES {
        for sequence in sequences.by_ref().take(6) {
            room.change(|timeline| timeline.receive_event(event(sequence, "Bob", "again")));
        }
        frame().await;
    }
    // However slow the browser is, a flood is drawn in every second frame at most; it begins with the tenth.
    let draws = draws.load(Ordering::Relaxed);
    assert!(draws < FRAMES - 10, "drawn {draws} times");
    let last = room.look(|timeline| timeline.entries().next_back().map(|it| it.key.to_string()));
    let newest = || stage.attributes("message", "data-key").pop();
    for _ in 0..FRAMES {
        if newest() == last {
            return;
        }
        frame().await;
    }
    panic!("the last message is not shown");
}
