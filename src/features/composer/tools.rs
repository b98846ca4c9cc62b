//! What is around the box in which messages are written: notes, suggestions, emoji. It comes once there are messages to read.

use leptos::ev::{ClipboardEvent, KeyboardEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::banners::{NoteBanner, PurposeBanner, SnippetOffer};
use super::command::COMMANDS;
use super::completion::{self, Kind, Token};
use super::composer_form::{ComposerBox, Handlers};
use super::composing::{Purpose, is_long};
use super::emoji;
use super::emoji_picker::EmojiPicker;
use super::emoji_table::EmojiTable;
use super::submit::submit;
use super::suggestion_list::SuggestionList;
use super::suggestions::{Suggestion, Suggestions};
use crate::features::timeline::{end_edit, known_names, last_own, start_edit};
use crate::lazy;
use crate::services::use_services;
use crate::state::{OpenRoom, SetIfChanged, use_room};

/// How many suggestions are made.
const MAX_SUGGESTIONS: usize = 8;

/// What the tools of one composer work with.
#[derive(Clone, Copy)]
pub struct Tools {
    room: StoredValue<OpenRoom>,
    input: ComposerBox,
    emoji: EmojiTable,
    /// A long text that was pasted.
    pub pasted: RwSignal<Option<String>>,
}

/// What stands above the box, and what listens to it.
#[component]
pub fn ComposerTools() -> impl IntoView {
    let (services, room) = (use_services(), use_room());
    let tools = Tools {
        room: StoredValue::new(room.clone()),
        input: expect_context(),
        emoji: EmojiTable::new(),
        pasted: RwSignal::new(None),
    };
    provide_context(tools.emoji);
    let sent = room.clone();
    let handlers = Handlers {
        key: UnsyncCallback::new(move |event| tools.key(&event)),
        edit: UnsyncCallback::new(move |()| tools.suggest()),
        paste: UnsyncCallback::new(move |event| tools.paste(&event)),
        blur: UnsyncCallback::new(move |()| tools.input.suggestions.set_if_changed(None)),
        submit: UnsyncCallback::new(move |()| submit(&services, sent.clone())),
    };
    tools.input.handlers.set(Some(handlers));
    if tools.input.submit_pending.get_value() {
        tools.input.submit_pending.set_value(false);
        handlers.submit.run(());
    }
    let picking = room.picking.clone();
    view! {
        <div class="composer-tools">
            <NoteBanner />
            <PurposeBanner />
            <SnippetOffer tools />
            <SuggestionList on_accept=move |place| tools.accept(place) />
            <For each=move || picking.get() key=|picking| *picking let:picking>
                <EmojiPicker picking on_insert=move |emoji: String| tools.insert(&emoji) />
            </For>
        </div>
    }
}

impl Tools {
    fn draft(self) -> String {
        self.room.with_value(|room| room.draft.get_untracked())
    }

    /// The caret, in bytes of the draft.
    fn caret(self) -> usize {
        let area = self.input.area.try_get_untracked().flatten();
        let units = area.and_then(|area| area.selection_start().ok().flatten());
        units.map_or(0, |units| {
            completion::byte_of(&self.draft(), units as usize)
        })
    }

    /// Writes another text, and puts the caret where it is said to be, in bytes.
    pub fn write(self, text: String, caret: usize) {
        let units = completion::units_of(&text, caret) as u32;
        if let Some(area) = self.input.area.get_untracked() {
            // At once: what somebody types in the same moment comes after it, and not at the end of the text.
            area.set_value(&text);
            // The box is on the page, and holds that text.
            let _ = area.focus();
            let _ = area.set_selection_range(units, units);
        }
        self.room.with_value(|room| room.draft.set(text));
    }

    fn insert(self, text: &str) {
        let caret = self.caret();
        let (text, caret) = completion::complete(&self.draft(), caret, caret, text);
        self.write(text, caret);
    }

    /// Suggests how what is being typed may go on.
    fn suggest(self) {
        let (text, caret) = (self.draft(), self.caret());
        if let Some(named) = completion::named_emoji(&text, caret) {
            self.input.suggestions.set_if_changed(None);
            spawn_local(self.replace_name(text, caret, named));
            return;
        }
        match completion::token(&text, caret) {
            None => self.input.suggestions.set_if_changed(None),
            Some(token) if token.kind == Kind::Emoji => {
                spawn_local(self.suggest_emoji(text, token))
            }
            Some(token) => self.offer(token.from, self.names_or_commands(&token)),
        }
    }

    /// Replaces the name of an emoji between two colons, unless it was changed before the table came.
    async fn replace_name(self, text: String, caret: usize, named: Token) {
        let Ok(groups) = self.emoji.load().await else {
            return;
        };
        let Some(found) = emoji::named(&groups, &named.query) else {
            return;
        };
        let Some(tone) = self.emoji.tone().try_get_untracked() else {
            return;
        };
        let then = text.get(..caret).unwrap_or_default();
        let (now, at) = (self.draft(), self.caret());
        let late = completion::complete_late(then, named.from, &now, at, found.with_tone(tone));
        if let Some((text, caret)) = late {
            self.write(text, caret);
        }
    }

    /// Suggests emoji, unless more was typed before the table came.
    async fn suggest_emoji(self, text: String, token: Token) {
        let Ok(groups) = self.emoji.load().await else {
            return;
        };
        let Some(tone) = self.emoji.tone().try_get_untracked() else {
            return;
        };
        if self.draft() != text {
            return;
        }
        let found = emoji::search(&groups, &token.query, MAX_SUGGESTIONS);
        let suggestion = |emoji: emoji::Emoji| Suggestion {
            text: emoji.with_tone(tone).to_owned(),
            sign: emoji.with_tone(tone).to_owned(),
            name: [":", emoji.name(), ":"].concat(),
            detail: None,
        };
        self.offer(token.from, found.into_iter().map(suggestion).collect());
    }

    fn names_or_commands(self, token: &Token) -> Vec<Suggestion> {
        if token.kind == Kind::Name {
            let mut names = self.room.with_value(|room| known_names(room.clone()));
            // The reader comes first, and nobody mentions themselves.
            if !names.is_empty() {
                names.remove(0);
            }
            let found = completion::names_like(&names, &token.query, MAX_SUGGESTIONS);
            let suggestion = |name: String| Suggestion {
                text: ["@", &name, " "].concat(),
                sign: "@".to_owned(),
                name,
                detail: None,
            };
            return found.into_iter().map(suggestion).collect();
        }
        let query = token.query.to_ascii_lowercase();
        COMMANDS
            .iter()
            .filter(|usage| usage.name.starts_with(&query))
            .map(|usage| {
                let end = if usage.argument.is_some() { " " } else { "" };
                Suggestion {
                    text: ["/", usage.name, end].concat(),
                    sign: "/".to_owned(),
                    name: usage.name.to_owned(),
                    detail: Some(usage.effect),
                }
            })
            .collect()
    }

    fn offer(self, from: usize, items: Vec<Suggestion>) {
        self.input
            .suggestions
            .set_if_changed(Suggestions::new(from, items));
    }

    fn accept(self, place: usize) {
        let taken = self.input.suggestions.with_untracked(|suggestions| {
            let suggestions = suggestions.as_ref()?;
            let item = suggestions.items().get(place)?;
            Some((suggestions.from, item.text.clone()))
        });
        if let Some((from, with)) = taken {
            let (text, caret) = completion::complete(&self.draft(), from, self.caret(), &with);
            self.input.suggestions.set(None);
            self.write(text, caret);
        }
    }

    /// Does what a key is for while there are suggestions, an edit or a note. Returns whether it was for that.
    fn key(self, event: &KeyboardEvent) -> bool {
        if event.is_composing() {
            return false;
        }
        match self.input.suggestions.get_untracked() {
            Some(suggestions) => self.key_for_suggestions(event, &suggestions),
            None => self.key_for_draft(event),
        }
    }

    fn key_for_suggestions(self, event: &KeyboardEvent, shown: &Suggestions) -> bool {
        let suggestions = self.input.suggestions;
        let change = |change: fn(&mut Suggestions)| {
            suggestions.update(|it| {
                if let Some(it) = it {
                    change(it);
                }
            });
        };
        match event.key().as_str() {
            "ArrowDown" => change(Suggestions::select_next),
            "ArrowUp" => change(Suggestions::select_previous),
            "Escape" => suggestions.set(None),
            "Tab" if !event.shift_key() => self.accept(shown.selected()),
            "Enter" if !event.shift_key() => {
                let draft = self.draft();
                let typed = draft.get(shown.from..self.caret()).unwrap_or_default();
                // What is there in full is sent.
                if shown.is_typed(typed) {
                    suggestions.set(None);
                    return false;
                }
                self.accept(shown.selected());
            }
            _ => return false,
        }
        true
    }

    fn key_for_draft(self, event: &KeyboardEvent) -> bool {
        let room = self.room.get_value();
        let plain = *room.purpose.read_untracked() == Purpose::Send;
        match event.key().as_str() {
            "Escape" if !plain => end_edit(room),
            "Escape" if room.note.read_untracked().is_some() => room.note.set(None),
            "ArrowUp" if plain && !event.shift_key() && room.draft.read_untracked().is_empty() => {
                let Some(last) = last_own(room.clone()) else {
                    return false;
                };
                start_edit(room, last);
                let text = self.draft();
                let end = text.len();
                self.write(text, end);
            }
            _ => return false,
        }
        true
    }

    /// Remembers a long text that is being pasted.
    fn paste(self, event: &ClipboardEvent) {
        let text = event
            .clipboard_data()
            .and_then(|data| data.get_data("text/plain").ok());
        // Where a text has a line that ends as on Windows, the box will have the plain end of a line.
        let text = text.map(|text| text.replace("\r\n", "\n"));
        self.pasted
            .set_if_changed(text.filter(|text| is_long(text)));
    }
}

lazy! {
    room,
    /// What is around the box in which messages are written.
    pub fn composer_tools() => view! { <ComposerTools/> }
}
