//! Who reacted how: below a message.

use super::element::{El, el};
use super::glyph::{self, glyph_button};
use super::icon::button;
use crate::browser;
use crate::features::timeline::reactions::Chip;
use crate::model::composing::Picking;
use crate::model::emoji::Frequent;
use crate::session;
use crate::state::OpenRoom;
use crate::words::say;
use effusion_chat::Target;
use leptos::prelude::*;

/// Under this name the device remembers which emoji are used most.
const FREQUENT: &str = "effusion.emoji";

/// How many names are told.
const MOST_NAMES: usize = 20;

/// The reactions to a message: a click gives the same one, or takes it back.
pub fn reactions(room: OpenRoom, target: Target) -> El {
    let live = room.reactions_of(target);
    let chips = live.clone();
    let list = el("ul").each(
        move || chips.chips.get(),
        |chip| hash(&chip.emoji),
        move |chip| {
            let emoji = chip.emoji;
            // What it says changes in place: whoever has the focus on it keeps it.
            let of = {
                let (live, emoji) = (live.clone(), emoji.clone());
                move |say: &dyn Fn(&Chip) -> String| {
                    let chips = live.chips.read();
                    chips
                        .iter()
                        .find(|chip| chip.emoji == emoji)
                        .map(say)
                        .unwrap_or_default()
                }
            };
            let (pressed, title, names, count) = (of.clone(), of.clone(), of.clone(), of);
            let given = emoji.clone();
            let toggle = move || react(room, target, &given);
            let chip = button("chip", "reaction", toggle)
                .attr("data-emoji", &emoji)
                .attr_of("aria-pressed", move || {
                    Some(pressed(&|chip| is_own(room, chip).to_string()))
                })
                .attr_of("title", move || Some(title(&who)))
                .child(el("span").text(&emoji))
                .child(
                    el("span")
                        .class("count")
                        .text_of(move || count(&|chip| chip.by.len().to_string())),
                )
                .child(
                    el("span")
                        .class("unseen")
                        .text_of(move || [" ", &names(&who)].concat()),
                );
            el("li").child(chip)
        },
    );
    let more = move || room.picking.set(Some(Picking::Reaction(target)));
    el("div")
        .class("reactions")
        .test("reactions")
        .child(list)
        .child(glyph_button(
            glyph::REACT,
            say("React"),
            "reaction-more",
            more,
        ))
}

/// Gives a reaction, or takes it back, and remembers that it was used.
pub fn react(room: OpenRoom, target: Target, emoji: &str) {
    remember(emoji);
    session::reactions::toggle(room, target, emoji.to_owned());
}

/// What the reader uses most.
pub fn frequent() -> Frequent {
    browser::recall(FREQUENT)
        .map(|stored| Frequent::parse(&stored))
        .unwrap_or_default()
}

/// Counts an emoji as used.
pub fn remember(emoji: &str) {
    let mut used = frequent();
    used.used(emoji);
    browser::remember(FREQUENT, Some(&used.format()));
}

fn is_own(room: OpenRoom, chip: &Chip) -> bool {
    room.look(|timeline| {
        let reader = timeline.reader();
        chip.is_by(&reader.principal, &reader.name)
    })
}

/// The names, as a person would list them.
fn who(chip: &Chip) -> String {
    let mut names = String::new();
    for who in chip.by.iter().take(MOST_NAMES) {
        if !names.is_empty() {
            names.push_str(", ");
        }
        // As everywhere else, a name of the other direction moves nothing beside it.
        names.push('\u{2068}');
        names.push_str(&who.name);
        names.push('\u{2069}');
    }
    if chip.by.len() > MOST_NAMES {
        names.push('…');
    }
    names
}

/// FNV-1a: tells emoji apart.
fn hash(text: &str) -> usize {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    text.bytes().fold(0x811c_9dc5, mix) as usize
}
