//! What Markdown says, as elements. Only those made here: whatever a text holds, it becomes texts in them.

use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsValue;

use super::element::{El, el};
use super::icon::button;
use crate::features::timeline::markdown::{Kind, Node, parse};
use crate::state::OpenRoom;
use crate::words::{say, say_with};

/// Code of more lines than this is folded up.
const FOLDED: usize = 15;

/// Of how many of the newest messages the authors can be mentioned.
const RECENT: usize = 200;

/// The elements for a text that is said in a room.
pub fn marked(room: OpenRoom, text: &str) -> El {
    let names = if text.contains('@') {
        known_names(room)
    } else {
        Vec::new()
    };
    fill(el("div").class("marked"), parse(text, &names))
}

/// Everybody whose name is known here, the reader first, then those who are there, then those who have spoken lately.
pub fn known_names(room: OpenRoom) -> Vec<String> {
    room.look(|timeline| {
        let mut names = vec![timeline.reader().name.clone()];
        for person in room.people.read_untracked().persons() {
            if !names.contains(&person.name) {
                names.push(person.name);
            }
        }
        for (author, ..) in timeline.texts().rev().take(RECENT) {
            if !names.iter().any(|name| name == author) {
                names.push(author.to_owned());
            }
        }
        names
    })
}

fn fill(place: El, nodes: Vec<Node>) -> El {
    nodes.into_iter().fold(place, |place, node| match node {
        Node::Text(text) => place.text(&text),
        node => place.child(element(node)),
    })
}

fn element(node: Node) -> El {
    match node {
        Node::Text(text) => el("span").text(&text),
        Node::Code(text) => el("code").text(&text),
        Node::Block { language, text } => block(&language, &text),
        Node::Link { to, inside, veiled } => link(&to, inside, veiled),
        Node::Image { at, alt } => picture(at, alt),
        Node::Mention { name, own } => {
            let class = if own { "mention own" } else { "mention" };
            el("bdi").class(class).test("mention").text(&name)
        }
        Node::Rule => el("hr"),
        Node::Group(kind, inside) => fill(group(kind), inside),
    }
}

fn group(kind: Kind) -> El {
    match kind {
        Kind::Paragraph => el("p"),
        Kind::Heading => el("p").class("heading"),
        Kind::Strong => el("strong"),
        Kind::Emphasis => el("em"),
        Kind::Strike => el("s"),
        Kind::Quote => el("blockquote"),
        Kind::List(None) => el("ul"),
        Kind::List(Some(first)) => el("ol").attr("start", &first.to_string()),
        Kind::Item => el("li"),
    }
}

fn link(to: &str, inside: Vec<Node>, veiled: bool) -> El {
    let link = el("a")
        .attr("href", to)
        .attr("target", "_blank")
        .attr("rel", "noopener noreferrer nofollow");
    let host = host(&link);
    let link = fill(link, inside);
    if veiled {
        let host = el("bdi").class("host").test("link-host").text(&host);
        el("span").child(link).text(" ").child(host)
    } else {
        link
    }
}

/// The host that the browser would ask, or all of an address that has none.
fn host(link: &El) -> String {
    let part = |name| {
        js_sys::Reflect::get(link.node(), &JsValue::from_str(name))
            .ok()
            .and_then(|part| part.as_string())
            .filter(|part| !part.is_empty())
    };
    part("host")
        .or_else(|| part("pathname"))
        .unwrap_or_default()
}

/// A picture is asked for by a click: who looks at it tells its host so.
fn picture(at: String, alt: String) -> El {
    let place = el("span").class("picture");
    let host = host(&el("a").attr("href", &at));
    let words = say_with("Show the picture from {host}", &[("host", &host)]);
    let shown = place.clone();
    let described = alt.clone();
    let show = move || {
        let failed = shown.clone();
        let picture = el("img")
            .test("picture")
            .attr("alt", &described)
            .attr("referrerpolicy", "no-referrer")
            .on("error", move |_| {
                failed.node().set_text_content(Some(""));
                let words = say("The picture could not be had.");
                drop(failed.clone().child(el("em").class("gone").text(words)));
            })
            .attr("src", &at);
        shown.node().set_text_content(Some(""));
        drop(shown.clone().child(picture));
    };
    let ask = button("", "show-picture", show).text(&words);
    let place = place.child(ask);
    if alt.is_empty() {
        place
    } else {
        place.text(" ").child(el("bdi").class("alt").text(&alt))
    }
}

fn block(language: &str, text: &str) -> El {
    let lines = text.lines().count();
    let long = lines > FOLDED;
    let code = el("pre")
        .attr("tabindex", "0")
        .attr("dir", "ltr")
        .child(el("code").text(text));
    let place = el("div")
        .class(if long { "code folded" } else { "code" })
        .test("code-block");
    let copied = text.to_owned();
    let copy = el("button")
        .attr("type", "button")
        .class("copy")
        .test("copy-code")
        .text(say("Copy"));
    let node = copy.node().clone();
    let copy = copy.on_click(move || {
        let navigator = leptos::prelude::window().navigator();
        let clipboard = js_sys::Reflect::get(&navigator, &JsValue::from_str("clipboard"));
        let words = if clipboard.is_ok_and(|clipboard| !clipboard.is_undefined()) {
            // Whether it worked shows when it is pasted.
            let _ = navigator.clipboard().write_text(&copied);
            say("Copied")
        } else {
            say("Cannot copy")
        };
        node.set_text_content(Some(words));
        let node = node.clone();
        set_timeout(
            move || node.set_text_content(Some(say("Copy"))),
            Duration::from_millis(1_500),
        );
    });
    let top = el("div")
        .class("code-top")
        .child(el("bdi").text(language))
        .child(copy);
    let folded = place.node().clone();
    let place = place.child(top).child(code);
    if !long {
        return place;
    }
    let all = say_with("Show all {count} lines", &[("count", &lines.to_string())]);
    let unfold = el("button")
        .attr("type", "button")
        .class("unfold")
        .test("unfold-code")
        .attr("aria-expanded", "false")
        .text(&all);
    let node = unfold.node().clone();
    let unfold = unfold.on_click(move || {
        // Whether the list has the class is what it answers; it does not fail for a good name.
        let now_folded = folded.class_list().toggle("folded").unwrap_or(false);
        let words = if now_folded { &all } else { say("Show less") };
        node.set_text_content(Some(words));
        // A plain attribute.
        let _ = node.set_attribute("aria-expanded", if now_folded { "false" } else { "true" });
    });
    place.child(unfold)
}
