//! Where messages are written.

use crate::state::SetIfChanged;
use futures_channel::oneshot;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{HtmlElement, KeyboardEvent};

use super::element::{El, el, value_of};
use super::icon::icon;
use super::part::quietly;
use crate::model::composing::Purpose;
use crate::parts::{self, Missing};
use crate::state::{App, OpenRoom, RoomState};
use crate::words::{say, say_with};

/// The box and its button. Enter sends, Shift+Enter breaks the line; a key that ends the choice of a character (as for
/// Japanese) does neither.
pub fn composer(app: App, room: OpenRoom, send: impl Fn(String) + Clone + 'static) -> El {
    let area = el("textarea").id("composer");
    let node: HtmlElement = area.node().clone().unchecked_into();
    let submit = {
        let node = node.clone();
        move || {
            let text = room.draft.read_untracked().clone();
            if *room.purpose.read_untracked() == Purpose::Say && !text.starts_with('/') {
                if !text.trim().is_empty() {
                    room.draft.set(String::new());
                    room.note.set_if_changed(None);
                    send(text);
                }
            } else if !text.trim().is_empty() {
                spawn_local(async move {
                    // Without the part, the text stays where it is.
                    let _ = parts::submit(app, room).await;
                });
            }
            // Focusing what is on the screen does not fail.
            let _ = node.focus();
        }
    };
    let closed = move || matches!(*room.state.read(), RoomState::Failed(_));
    let enter = submit.clone();
    let area = area
        .attr("rows", "1")
        .attr("dir", "auto")
        .attr("enterkeyhint", "send")
        .attr_of("placeholder", move || {
            let room = room.room.read();
            Some(say_with("Message {room}", &[("room", room.name.as_str())]))
        })
        .flag_of("disabled", closed)
        .prop_of("value", move || {
            let draft = room.draft.get();
            let node = node.clone();
            request_animation_frame(move || fit(&node));
            JsValue::from_str(&draft)
        })
        .on("input", move |event| room.draft.set(value_of(&event)))
        .on("keydown", move |event| {
            let key: &KeyboardEvent = event.unchecked_ref();
            if key.key() == "Enter" && !key.shift_key() && !key.is_composing() {
                event.prevent_default();
                enter();
            }
        });
    let button = el("button")
        .attr("type", "submit")
        .class("primary")
        .attr("aria-label", say("Send"))
        .attr("title", say("Send"))
        .test("send-button")
        .flag_of("disabled", move || {
            closed() || room.draft.read().trim().is_empty()
        })
        .child(icon("send"));
    let form = el("form")
        .class("composer")
        .on("submit", move |event| {
            event.prevent_default();
            submit();
        })
        .child(
            el("label")
                .class("unseen")
                .attr("for", "composer")
                .text(say("Message")),
        )
        .child(area)
        .child(button);
    // Reading comes first.
    let (begun, has_begun) = oneshot::channel();
    room.once_begun(move || {
        // Nobody waits for it in a room that was left.
        let _ = begun.send(());
    });
    let tools_of = form.node().clone();
    let tools = quietly(Box::pin(async move {
        has_begun.await.map_err(|_| Missing)?;
        parts::composer_tools(room, tools_of).await
    }));
    el("div").class("compose").child(tools).child(form)
}

/// Grows with the text, up to what the style allows.
fn fit(area: &HtmlElement) {
    let style = area.style();
    // A style that the browser does not take leaves the box as high as it was.
    let _ = style.set_property("height", "auto");
    let _ = style.set_property(
        "height",
        &[&area.scroll_height().to_string(), "px"].concat(),
    );
}
