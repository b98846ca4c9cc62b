//! Emoji to choose from.

use leptos::ev::{Event, KeyboardEvent, MouseEvent};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::composing::Picking;
use super::emoji::{SkinTone, search};
use super::emoji_table::{EmojiTable, Groups};
use crate::features::timeline::{frequent, react, remember};
use crate::i18n::{Message, messages};
use crate::platform::{focus, keyboard};
use crate::services::use_services;
use crate::state::use_room;
use crate::ui::lazy::{LoadError, load_failed};
use crate::ui::{ToolButton, glyph, show_modal};

/// How many emoji that fit a search are shown.
const MAX_FOUND: usize = 64;

/// How many of those used most are shown.
const MAX_FREQUENT: usize = 16;

/// How many emoji stand in a line.
const COLUMNS: i32 = 8;

/// What Unicode's groups are called, in its order.
static GROUPS: [&Message; 9] = [
    &messages::emoji_smileys,
    &messages::emoji_people,
    &messages::emoji_animals,
    &messages::emoji_food,
    &messages::emoji_travel,
    &messages::emoji_activities,
    &messages::emoji_objects,
    &messages::emoji_symbols,
    &messages::emoji_flags,
];

/// The state of one picker.
#[derive(Clone, Copy)]
struct Picker {
    table: EmojiTable,
    /// All emoji; none while they are being fetched.
    groups: RwSignal<Option<Result<Groups, LoadError>>>,
    query: RwSignal<String>,
    /// Whether the best of what is found is to be picked as soon as the emoji are there.
    pick_best: RwSignal<bool>,
    /// Runs with the emoji that was picked.
    on_pick: UnsyncCallback<String>,
}

/// A dialog of emoji: those used most first, then by group; or those that fit what is typed.
#[component]
pub fn EmojiPicker(
    /// What an emoji is picked for.
    picking: Picking,
    /// Runs with an emoji that is to be written.
    #[prop(into)]
    on_insert: UnsyncCallback<String>,
) -> impl IntoView {
    let (services, room) = (use_services(), use_room());
    let node = NodeRef::<html::Dialog>::new();
    let shown = room.picking.clone();
    let close = UnsyncCallback::new(move |()| {
        if let Some(dialog) = node.get_untracked() {
            dialog.close();
        }
        shown.set(None);
        focus::move_to("composer");
    });
    let picker = Picker {
        table: expect_context(),
        groups: RwSignal::new(None),
        query: RwSignal::default(),
        pick_best: RwSignal::new(false),
        on_pick: UnsyncCallback::new(move |emoji: String| {
            close.run(());
            match picking {
                Picking::Reaction(target) => react(&services, &room, target, &emoji),
                Picking::Text => {
                    remember(&emoji);
                    on_insert.run(emoji);
                }
            }
        }),
    };
    picker.load();
    show_modal(node, "emoji-search");
    view! {
        <dialog
            class="emoji-picker"
            data-testid="emoji-picker"
            aria-label=&messages::common_emoji
            node_ref=node
            on:cancel=move |event: Event| {
                event.prevent_default();
                close.run(());
            }
            on:close=move |_| {
                if node.try_get_untracked().flatten().is_some_and(|dialog| dialog.is_connected()) {
                    close.run(());
                }
            }
            on:click=move |event: MouseEvent| {
                if event.target() == event.current_target() {
                    close.run(());
                }
            }
        >
            <div class="picker">
                <div class="top">
                    <SearchBox picker />
                    <SkinToneChoice />
                    <ToolButton
                        path=glyph::CLOSE
                        label=&messages::common_close
                        test="emoji-close"
                        on_click=move |_| close.run(())
                    />
                </div>
                <EmojiList picker />
            </div>
        </dialog>
    }
}

impl Picker {
    fn load(self) {
        spawn_local(async move {
            let groups = self.table.load().await;
            // The picker may be closed by now.
            if self.groups.try_set(Some(groups)).is_none() && self.pick_best.get_untracked() {
                self.pick_best();
            }
        });
    }

    /// Picks what fits best what is typed; once the emoji are there, if they are not.
    fn pick_best(self) {
        let best = self.groups.with_untracked(|groups| match groups {
            None => {
                self.pick_best.set(true);
                None
            }
            Some(Err(LoadError)) => None,
            Some(Ok(groups)) => {
                let best = search(groups, &self.query.read_untracked(), 1);
                let tone = self.table.tone.get_untracked();
                best.first().map(|emoji| emoji.with_tone(tone))
            }
        });
        if let Some(best) = best {
            self.on_pick.run(best.to_owned());
        }
    }
}

/// What to search for.
#[component]
fn SearchBox(
    /// The picker.
    picker: Picker,
) -> impl IntoView {
    let key = move |event: KeyboardEvent| {
        if keyboard::is_enter(&event) {
            event.prevent_default();
            picker.pick_best();
        } else if event.key() == "ArrowDown" && !keyboard::is_composing(&event) {
            event.prevent_default();
            move_focus(&event, 1);
        }
    };
    view! {
        <input
            type="search"
            id="emoji-search"
            data-testid="emoji-search"
            placeholder=&messages::emoji_search
            aria-label=&messages::emoji_search
            autocomplete="off"
            on:input=move |event| {
                picker.pick_best.set(false);
                picker.query.set(event_target_value(&event));
            }
            on:keydown=key
        />
    }
}

/// Chooses the skin tone.
#[component]
fn SkinToneChoice() -> impl IntoView {
    let table = expect_context::<EmojiTable>();
    let option = move |(tone, word): (SkinTone, &'static str)| {
        let (hand, name) = match tone {
            SkinTone::Default => ("✋", &messages::emoji_tone_default),
            SkinTone::Light => ("✋🏻", &messages::emoji_tone_light),
            SkinTone::MediumLight => ("✋🏼", &messages::emoji_tone_medium_light),
            SkinTone::Medium => ("✋🏽", &messages::emoji_tone_medium),
            SkinTone::MediumDark => ("✋🏾", &messages::emoji_tone_medium_dark),
            SkinTone::Dark => ("✋🏿", &messages::emoji_tone_dark),
        };
        view! { <option value=word>{hand} {" "} {name}</option> }
    };
    view! {
        <select
            class="tone"
            data-testid="emoji-tone"
            aria-label=&messages::emoji_tone
            prop:value=move || table.tone.get().word()
            on:change=move |event| table.set_tone(SkinTone::parse(&event_target_value(&event)))
        >
            {SkinTone::ALL.map(option).collect_view()}
        </select>
    }
}

/// The emoji.
#[component]
fn EmojiList(
    /// The picker.
    picker: Picker,
) -> impl IntoView {
    let key = |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowRight" => 1,
            "ArrowLeft" => -1,
            "ArrowDown" => COLUMNS,
            "ArrowUp" => -COLUMNS,
            _ => return,
        };
        event.prevent_default();
        move_focus(&event, by);
    };
    // One listener for all: there are about two thousand emoji.
    let click = move |event: MouseEvent| {
        let button = event_target::<Element>(&event).closest("button.emoji");
        let button = button.ok().flatten();
        if let Some(emoji) = button.and_then(|button| button.get_attribute("data-emoji")) {
            picker.on_pick.run(emoji);
        }
    };
    let found = move || match &*picker.groups.read() {
        None => ().into_any(),
        Some(Err(LoadError)) => view! {
            <p class="hint" role="alert">
                {load_failed()}
            </p>
        }
        .into_any(),
        Some(Ok(groups)) => {
            let query = picker.query.read();
            let tone = picker.table.tone.get();
            if query.trim().is_empty() {
                return view! { <AllEmoji groups=groups.clone() tone /> }.into_any();
            }
            let found = search(groups, &query, MAX_FOUND);
            if found.is_empty() {
                return view! { <p class="hint">{&messages::emoji_no_matches}</p> }.into_any();
            }
            grid(
                found
                    .iter()
                    .map(|emoji| button(emoji.with_tone(tone).to_owned(), emoji.label)),
            )
        }
    };
    view! {
        <div class="list" on:keydown=key on:click=click>
            {found}
        </div>
    }
}

/// Those that the reader uses most, and then all of them by group.
#[component]
fn AllEmoji(
    /// The emoji.
    groups: Groups,
    /// The reader's skin tone.
    tone: SkinTone,
) -> impl IntoView {
    let frequent = frequent().top(MAX_FREQUENT).into_iter().map(|text| {
        let known = groups.iter().flatten().find(|emoji| emoji.is(&text));
        button(text, known.map_or("", |emoji| emoji.label))
    });
    let frequent = grid(frequent);
    let all = groups.iter().zip(GROUPS).map(|(group, name)| {
        let emoji = group.iter();
        view! {
            <h3>{name}</h3>
            {grid(emoji.map(|emoji| button(emoji.with_tone(tone).to_owned(), emoji.label)))}
        }
    });
    view! {
        <div>
            <h3>{&messages::emoji_frequent}</h3>
            {frequent}
            {all.collect_view()}
        </div>
    }
}

fn grid(buttons: impl Iterator<Item = AnyView>) -> AnyView {
    view! { <div class="grid">{buttons.collect_view()}</div> }.into_any()
}

fn button(emoji: String, label: &'static str) -> AnyView {
    view! {
        <button
            type="button"
            class="emoji"
            data-testid="emoji"
            data-emoji=emoji.clone()
            title=label
            aria-label=if label.is_empty() { emoji.clone() } else { label.to_owned() }
        >
            {emoji.clone()}
        </button>
    }
    .into_any()
}

/// Moves the focus among the emoji.
fn move_focus(event: &Event, by: i32) {
    let dialog = event_target::<Element>(event).closest("dialog");
    let dialog = dialog.ok().flatten();
    let Some(all) = dialog.and_then(|dialog| dialog.query_selector_all("button.emoji").ok()) else {
        return;
    };
    let focus = document().active_element();
    let at = |place: u32| {
        let node = all.get(place)?;
        node.dyn_into::<HtmlElement>().ok()
    };
    let is_focus = |place: &u32| at(*place).as_deref() == focus.as_ref();
    let next = match (0..all.length()).find(is_focus) {
        Some(now) => i64::from(now) + i64::from(by),
        None => 0,
    };
    match u32::try_from(next).ok().and_then(at) {
        // It is shown, and can have the focus.
        Some(next) => {
            let _ = next.focus();
        }
        None if by < 0 => focus::move_to("emoji-search"),
        None => {}
    }
}
