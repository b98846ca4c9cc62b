//! What is around the box in which messages are written: notes, suggestions, emoji.

use std::ops::Range;

use leptos::ev::{ClipboardEvent, KeyboardEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use web_sys::HtmlDocument;

use super::banners::{LimitBanner, NoteBanner, PurposeBanner, SnippetOffer, UnsavedEdits};
use super::command::offered;
use super::completion::{self, Kind, Token};
use super::composer_form::ComposerBox;
use super::composing::{Purpose, is_long};
use super::emoji::{self, Emoji, SkinTone};
use super::emoji_picker::EmojiPicker;
use super::emoji_table::{EmojiTable, Groups};
use super::suggestion_list::SuggestionList;
use super::suggestions::{Suggestion, Suggestions};
use crate::features::timeline::{end_edit, known_names, last_own, start_edit};
use crate::i18n::messages;
use crate::platform::keyboard::is_composing;
use crate::state::{OpenRoom, SetIfChanged, use_app, use_room};
use crate::ui::List;

/// A pasted text of more bytes is not offered as a snippet: it is not read as markup.
const MAX_SNIPPET: usize = 64 * 1024;

/// How many suggestions are made.
const MAX_SUGGESTIONS: usize = 8;

/// What the tools of one composer work with.
#[derive(Clone, Copy)]
pub struct Tools {
    room: StoredValue<OpenRoom>,
    input: ComposerBox,
    /// All emoji, once they are needed.
    pub emoji: EmojiTable,
    moderator: RwSignal<bool>,
    /// A long text that was pasted.
    pub pasted: RwSignal<Option<String>>,
}

/// What stands above the box.
#[component]
pub fn ComposerTools(
    /// What they do.
    tools: Tools,
) -> impl IntoView {
    let picking = use_room().picking.clone();
    view! {
        <div class="composer-tools">
            <NoteBanner />
            <UnsavedEdits />
            <PurposeBanner />
            <LimitBanner />
            <SnippetOffer tools />
            <SuggestionList on_accept=move |place| tools.accept(place) />
            <List each=move || picking.get() key=|picking| format!("{picking:?}") let:picking>
                <EmojiPicker picking on_insert=move |emoji: String| tools.insert(&emoji) />
            </List>
        </div>
    }
}

impl Tools {
    /// The tools of the box of a room.
    pub fn new(room: OpenRoom, input: ComposerBox) -> Self {
        Self {
            room: StoredValue::new(room),
            input,
            emoji: EmojiTable::new(),
            moderator: use_app().moderator,
            pasted: RwSignal::new(None),
        }
    }

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

    /// Replaces a part of the text, in bytes, as the browser's own editing does: it can be undone step by step. What is typed
    /// in the same moment comes after it.
    pub fn replace(self, part: Range<usize>, with: &str) {
        let Some(area) = self.input.area.get_untracked() else {
            return;
        };
        let units = |byte| completion::units_of(&self.draft(), byte) as u32;
        let (start, end) = (units(part.start), units(part.end));
        // The box is on the page, and has such a part.
        let _ = area.focus();
        let _ = area.set_selection_range(start, end);
        let document: HtmlDocument = document().unchecked_into();
        // Beside an open dialog the box takes no focus, and the text would go to whatever has it.
        let has_focus = document.active_element().as_ref() == Some(area.as_ref());
        let done = has_focus
            && document
                .exec_command_with_show_ui_and_value("insertText", false, with)
                .unwrap_or(false);
        if !done {
            // Without a way to undo it.
            let _ = area.set_range_text_with_start_and_end(with, start, end);
            let caret = start + with.encode_utf16().count() as u32;
            let _ = area.set_selection_range(caret, caret);
            self.room.with_value(|room| room.draft.set(area.value()));
        }
    }

    fn insert(self, text: &str) {
        let caret = self.caret();
        self.replace(caret..caret, text);
    }

    /// Suggests how what is being typed may go on.
    pub fn suggest(self) {
        let size = self
            .room
            .with_value(|room| room.draft.read_untracked().len());
        if size > completion::MAX_TEXT {
            return self.input.suggestions.set_if_changed(None);
        }
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
            Some(token) => {
                let items = self.names_or_commands(&token);
                self.offer(token.from, items, token.kind == Kind::Command);
            }
        }
    }

    /// All emoji and the reader's skin tone; none if the table cannot be fetched, or the composer is gone by now.
    async fn emoji_and_tone(self) -> Option<(Groups, SkinTone)> {
        let groups = self.emoji.load().await.ok()?;
        Some((groups, self.emoji.tone.try_get_untracked()?))
    }

    /// Replaces the name of an emoji between two colons, unless it was changed before the table came.
    async fn replace_name(self, text: String, caret: usize, named: Token) {
        let Some((groups, tone)) = self.emoji_and_tone().await else {
            return;
        };
        let Some(found) = emoji::named(&groups, &named.query) else {
            return;
        };
        let then = text.get(..caret).unwrap_or_default();
        let (now, at) = (self.draft(), self.caret());
        if !completion::is_still_there(then, &now, at) {
            return;
        }
        let emoji = found.with_tone(tone);
        self.replace(named.from..then.len(), emoji);
        if at > then.len()
            && let Some(area) = self.input.area.try_get_untracked().flatten()
        {
            // The caret goes back to where somebody is typing.
            let caret = at - then.len() + named.from + emoji.len();
            let caret = completion::units_of(&self.draft(), caret) as u32;
            let _ = area.set_selection_range(caret, caret);
        }
    }

    /// Suggests emoji, unless more was typed before the table came.
    async fn suggest_emoji(self, text: String, token: Token) {
        let Some((groups, tone)) = self.emoji_and_tone().await else {
            return;
        };
        if self.draft() != text {
            return;
        }
        let found = emoji::search(&groups, &token.query, MAX_SUGGESTIONS).into_iter();
        let suggestion = |emoji: Emoji| Suggestion {
            text: emoji.with_tone(tone).to_owned(),
            sign: emoji.with_tone(tone).to_owned(),
            name: [":", emoji.name(), ":"].concat(),
            detail: None,
        };
        self.offer(token.from, found.map(suggestion).collect(), false);
    }

    fn names_or_commands(self, token: &Token) -> Vec<Suggestion> {
        if token.kind == Kind::Name {
            let mut names = self.room.with_value(|room| known_names(room.clone()));
            // The reader comes first, and nobody mentions themselves.
            if !names.is_empty() {
                names.remove(0);
            }
            let found = completion::names_like(&names, &token.query, MAX_SUGGESTIONS);
            let is_of_several = |name: &str| {
                let room = self.room.get_value();
                room.look(|timeline| timeline.sender(name, "").account.is_some())
            };
            let suggestion = |name: String| Suggestion {
                text: ["@", &name, " "].concat(),
                sign: "@".to_owned(),
                detail: is_of_several(&name).then_some(&messages::people_looks_alike),
                name,
            };
            return found.into_iter().map(suggestion).collect();
        }
        let query = token.query.to_ascii_lowercase();
        offered(self.moderator.get_untracked())
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

    fn offer(self, from: usize, items: Vec<Suggestion>, unmistakable: bool) {
        self.input
            .suggestions
            .set_if_changed(Suggestions::new(from, items, unmistakable));
    }

    fn accept(self, place: usize) {
        let taken = self.input.suggestions.with_untracked(|suggestions| {
            let suggestions = suggestions.as_ref()?;
            let item = suggestions.items().get(place)?;
            Some((suggestions.from, item.text.clone()))
        });
        if let Some((from, with)) = taken {
            self.replace(from..self.caret(), &with);
            self.input.suggestions.set(None);
        }
    }

    /// Does what a key is for while there are suggestions, an edit or a note. Returns whether it was for that.
    pub fn key(self, event: &KeyboardEvent) -> bool {
        if is_composing(event) {
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
            suggestions.update(|it| it.iter_mut().for_each(change));
        };
        match event.key().as_str() {
            "ArrowDown" => change(Suggestions::select_next),
            "ArrowUp" => change(Suggestions::select_previous),
            "Escape" => suggestions.set(None),
            "Tab" if !event.shift_key() => self.accept(shown.selected().unwrap_or_default()),
            "Enter" if !event.shift_key() => {
                let draft = self.draft();
                let typed = draft.get(shown.from..self.caret()).unwrap_or_default();
                // What is there in full is sent.
                let Some(selected) = shown.selected().filter(|_| !shown.is_typed(typed)) else {
                    suggestions.set(None);
                    return false;
                };
                self.accept(selected);
            }
            _ => return false,
        }
        true
    }

    fn key_for_draft(self, event: &KeyboardEvent) -> bool {
        let room = self.room.get_value();
        let plain = *room.purpose.read_untracked() == Purpose::Send;
        match event.key().as_str() {
            "Escape" if !plain => end_edit(&room),
            "Escape" if room.note.read_untracked().is_some() => room.note.set(None),
            "ArrowUp" if plain && !event.shift_key() && room.draft.read_untracked().is_empty() => {
                let Some(last) = last_own(&room) else {
                    return false;
                };
                start_edit(&room, last);
                if let Some(area) = self.input.area.get_untracked() {
                    // At once: what somebody types in the same moment comes after it.
                    area.set_value(&self.draft());
                }
            }
            _ => return false,
        }
        true
    }

    /// Remembers a long text that is being pasted.
    pub fn paste(self, event: &ClipboardEvent) {
        let text = event
            .clipboard_data()
            .and_then(|data| data.get_data("text/plain").ok());
        // Where a text has a line that ends as on Windows, the box will have the plain end of a line.
        let text = text.map(|text| text.replace("\r\n", "\n"));
        self.pasted
            .set_if_changed(text.filter(|text| text.len() <= MAX_SNIPPET && is_long(text)));
    }
}
