//! Who reacted how: below a message.

use effusion_chat::Target;
use leptos::prelude::*;

use super::editing::carry_out;
use super::reactions::{Chip, Who};
use crate::features::composer::composing::Picking;
use crate::features::composer::emoji::Frequent;
use crate::i18n::messages;
use crate::lazy;
use crate::platform::storage;
use crate::services::{Services, use_services};
use crate::state::{OpenRoom, use_app};
use crate::ui::identity::isolate;
use crate::ui::{Icon, List, glyph};

/// Under this name the device remembers which emoji are used most.
const FREQUENT: &str = "effusion.emoji";

/// How many names are told.
const MAX_NAMES: usize = 20;

lazy! {
    room, pub fn reaction_bar(room: OpenRoom, target: Target) => view! { <ReactionBar room target /> }
}

/// The reactions to a message: a click gives the same one, or takes it back.
#[component]
fn ReactionBar(
    /// The room of the message.
    room: OpenRoom,
    /// The message.
    target: Target,
) -> impl IntoView {
    let chips = ArcRwSignal::clone(&room.reactions_of(target));
    let (each, picking, looked_at) = (chips.clone(), room.picking.clone(), room.clone());
    view! {
        <div class="reactions" data-testid="reactions">
            <ul>
                <List each=move || each.get() key=|chip| chip.emoji.clone() let:chip>
                    <li>
                        <ReactionChip
                            room=room.clone()
                            target
                            emoji=chip.emoji
                            chips=chips.clone()
                        />
                    </li>
                </List>
            </ul>
            <button
                type="button"
                class="tool"
                data-testid="reaction-more"
                tabindex="-1"
                aria-label=&messages::common_react
                title=&messages::common_react
                hidden=move || looked_at.is_archived()
                on:click=move |_| picking.set(Some(Picking::Reaction(target)))
            >
                <Icon path=glyph::REACT />
            </button>
        </div>
    }
}

/// One emoji, and who gave it. It changes in place: whoever has the focus on it keeps it.
#[component]
fn ReactionChip(
    /// The room of the message.
    room: OpenRoom,
    /// The message.
    target: Target,
    /// The emoji.
    emoji: String,
    /// All reactions to the message.
    chips: ArcRwSignal<Vec<Chip>>,
) -> impl IntoView {
    let (services, renamed) = (use_services(), use_app().me);
    let (wanted, reader) = (emoji.clone(), room.clone());
    // How many there are, whether the reader is among them, and their names.
    let state = Memo::new(move |_| {
        let chips = chips.read();
        let Some(chip) = chips.iter().find(|chip| chip.emoji == wanted) else {
            return Default::default();
        };
        renamed.track();
        let me = reader.look(|timeline| timeline.reader().clone());
        let is_own = chip.is_by(&me.principal, &me.name);
        (chip.by.len(), is_own, names(&reader, chip))
    });
    let (given, data, looked_at) = (emoji.clone(), emoji.clone(), room.clone());
    view! {
        <button
            type="button"
            class="chip"
            data-testid="reaction"
            tabindex="-1"
            data-emoji=data
            aria-pressed=move || state.read().1.to_string()
            disabled=move || looked_at.is_archived()
            title=move || state.read().2.clone()
            on:click=move |_| react(&services, &room, target, &given)
        >
            <span>{emoji}</span>
            <span class="count">{move || state.read().0.to_string()}</span>
            <span class="unseen">{move || [" ", &state.read().2].concat()}</span>
        </button>
    }
}

/// Gives a reaction, or takes it back, and remembers that it was used.
pub fn react(services: &Services, room: &OpenRoom, target: Target, emoji: &str) {
    remember(emoji);
    let (reactions, open) = (services.reactions.clone(), room.clone());
    let emoji = emoji.to_owned();
    let toggle = async move { reactions.toggle(&open, target, emoji).await };
    carry_out(services, room, &messages::reaction_failed, toggle);
}

/// What the reader uses most.
pub fn frequent() -> Frequent {
    storage::load(FREQUENT)
        .and_then(|stored| serde_json::from_str(&stored).ok())
        .unwrap_or_default()
}

/// Counts an emoji as used.
pub fn remember(emoji: &str) {
    let mut used = frequent();
    used.used(emoji);
    storage::store(FREQUENT, serde_json::to_string(&used).ok().as_deref());
}

/// The names, as a person would list them.
fn names(room: &OpenRoom, chip: &Chip) -> String {
    room.look(|timeline| {
        let label = |who: &Who| isolate(&timeline.label(&who.name, &who.principal));
        let names = chip.by.iter().take(MAX_NAMES).map(label);
        let more = if chip.by.len() > MAX_NAMES { "…" } else { "" };
        [&names.collect::<Vec<_>>().join(", "), more].concat()
    })
}
