//! Where messages are written.

use leptos::ev::{ClipboardEvent, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlTextAreaElement;

use super::composing::{Note, Picking, Purpose};
use super::submit::submit;
use super::suggestion_list::option_id;
use super::suggestions::Suggestions;
use super::tools::{ComposerTools, Tools};
use crate::i18n::letters::is_right_to_left;
use crate::i18n::{messages, use_i18n};
use crate::platform::keyboard::{is_composing, is_enter};
use crate::platform::{focus, page};
use crate::services::use_services;
use crate::state::{Fault, RoomState, SetIfChanged, use_app, use_room};
use crate::ui::{Icon, ToolButton, glyph};
use crate::{t, text};

/// How many bytes of a message are not its text, at most: names, times, and what it replies to.
const ENVELOPE: usize = 2_048;

/// Who types sooner after an edit than this, in milliseconds, has not seen that the draft from before is back.
const RETURN_UNSEEN: f64 = 1_000.0;

/// A text of more bytes is higher than the box may become.
const MAX_FITTED: usize = 16 * 1024;

/// The box that messages are written in, for the tools around it; from context.
#[derive(Clone, Copy)]
pub struct ComposerBox {
    /// The box.
    pub area: NodeRef<html::Textarea>,
    /// How what is being typed may go on.
    pub suggestions: RwSignal<Option<Suggestions>>,
    /// Whether Enter alone sends.
    pub enter_sends: Signal<bool>,
    /// Why the text is too large to be sent, if it is.
    pub too_large: Memo<Option<Fault>>,
    /// How many bytes the draft has that was read from the box: as long as it has them, it need not be written there.
    in_box: StoredValue<Option<usize>>,
    /// When a draft came back after an edit was sent, by the clock of events.
    returned: StoredValue<Option<f64>>,
}

/// The box and its button. Enter sends and Shift+Enter breaks the line; where the keyboard is on the screen, Enter breaks the
/// line and the button sends. A key that ends the choice of a character, as for Japanese, does neither.
#[component]
pub fn Composer(
    /// Sends a message.
    #[prop(into)]
    on_send: UnsyncCallback<String>,
) -> impl IntoView {
    let (app, services, room) = (use_app(), use_services(), use_room());
    let limited = services.clone();
    let draft = room.draft.clone();
    let is_touch = page::is_touch();
    let input = ComposerBox {
        area: NodeRef::new(),
        suggestions: RwSignal::default(),
        enter_sends: Signal::derive(move || app.enter_key.get().sends(is_touch)),
        too_large: Memo::new(move |_| {
            app.connection.track();
            let size = draft.read().len();
            // Every service accepts what fits the box.
            let session = (size > MAX_FITTED).then(|| limited.connection.session())??;
            let limit = session.info()?.maximum_message_size?;
            let is_too_large = size.saturating_add(ENVELOPE) > limit;
            is_too_large.then_some(Fault::TooLarge { size, limit })
        }),
        in_box: StoredValue::new(None),
        returned: StoredValue::new(None),
    };
    provide_context(input);
    let tools = Tools::new(room.clone(), input);
    provide_context(tools.emoji);
    // Who has come in can write at once.
    focus::offer("composer");
    show_draft(room.draft.clone(), input);

    let submitted = room.clone();
    let send = UnsyncCallback::new(move |()| {
        let room = &submitted;
        let text = room.draft.get_untracked();
        let is_edit = matches!(*room.purpose.read_untracked(), Purpose::Edit { .. });
        let is_plain = !is_edit && !text.starts_with('/');
        if text.trim().is_empty() && is_edit {
            let note = Note::Info(text!(composer_edit_empty));
            room.note.set(Some(note));
        } else if text.trim().is_empty() || input.too_large.get_untracked().is_some() {
            // There is nothing to send, or nothing that can be sent.
        } else if is_plain {
            room.draft.set(String::new());
            room.note.set_if_changed(None);
            on_send.run(text);
        } else {
            submit(&services, room.clone());
            let is_back = is_edit && !room.draft.read_untracked().is_empty();
            let now = is_back.then(|| window().performance()).flatten();
            input.returned.set_value(now.map(|clock| clock.now()));
        }
        room.bring_draft_back();
        if let Some(area) = input.area.get_untracked() {
            // Focusing what is on the screen does not fail.
            let _ = area.focus();
        }
    });

    let state = room.state.clone();
    let closed = Signal::derive(move || matches!(*state.read(), RoomState::Failed(_)));
    let (draft, picking) = (room.draft.clone(), room.picking.clone());
    view! {
        <div class="compose">
            <ComposerTools tools />
            <form
                class="composer"
                on:submit=move |event| {
                    event.prevent_default();
                    send.run(());
                }
            >
                <label class="unseen" for="composer">
                    {&messages::composer_message}
                </label>
                <TextBox closed tools send />
                <ToolButton
                    path=glyph::SMILE
                    label=&messages::common_emoji
                    test="emoji-button"
                    on_click=move |_| picking.set(Some(Picking::Text))
                />
                <button
                    type="submit"
                    class="primary"
                    aria-label=&messages::common_send
                    title=&messages::common_send
                    data-testid="send-button"
                    disabled=move || {
                        closed.get() || draft.read().trim().is_empty()
                            || input.too_large.read().is_some()
                    }
                >
                    <Icon path=glyph::SEND />
                </button>
            </form>
        </div>
    }
}

/// The box itself.
#[component]
fn TextBox(
    /// Whether nothing can be written.
    closed: Signal<bool>,
    /// What suggests how its text may go on.
    tools: Tools,
    /// Sends what it holds.
    send: UnsyncCallback<()>,
) -> impl IntoView {
    let (room, i18n) = (use_room(), use_i18n());
    let input = expect_context::<ComposerBox>();
    let suggestions = input.suggestions;
    let (info, pasted_into) = (room.info.clone(), room.draft.clone());
    let after_edit = room.clone();
    let key = move |event: KeyboardEvent| {
        if tools.key(&event) {
            event.prevent_default();
            event.stop_propagation();
        } else if types_after_edit(input, &event) {
            after_edit.set_draft_aside();
            after_edit
                .note
                .set(Some(Note::Info(text!(composer_draft_kept))));
            if let Some(area) = input.area.get_untracked() {
                // At once: the key is about to do what it does.
                area.set_value("");
            }
        } else if is_enter(&event)
            && !event.shift_key()
            && (input.enter_sends.get_untracked() || event.ctrl_key() || event.meta_key())
        {
            event.prevent_default();
            send.run(());
        }
    };
    view! {
        <textarea
            id="composer"
            data-testid="composer"
            node_ref=input.area
            rows="1"
            dir="auto"
            enterkeyhint=move || if input.enter_sends.get() { "send" } else { "enter" }
            placeholder=move || {
                t!(i18n, composer_message_room, room = info.read().name.as_str())
            }
            disabled=move || closed.get()
            aria-autocomplete="list"
            aria-controls=move || suggestions.read().as_ref().map(|_| "completion")
            aria-activedescendant=move || {
                suggestions.read().as_ref().and_then(|it| it.selected()).map(option_id)
            }
            on:input=move |event| {
                let text = event_target_value(&event);
                input.in_box.set_value(Some(text.len()));
                room.draft.set(text);
                if room.bring_draft_back() {
                    room.note.set_if_changed(None);
                }
                tools.suggest();
            }
            on:keydown=key
            on:keyup=move |event| {
                if matches!(event.key().as_str(), "ArrowLeft" | "ArrowRight" | "Home" | "End") {
                    tools.suggest();
                }
            }
            on:click=move |_| tools.suggest()
            on:paste=move |event: ClipboardEvent| {
                let data = event.clipboard_data();
                let text = data.and_then(|data| data.get_data("text/plain").ok());
                if let (Some(area), Some(text)) = (input.area.get_untracked(), text) {
                    let draft = pasted_into.read_untracked();
                    let size = draft.len() + text.len();
                    set_direction(&area, if draft.is_empty() { &text } else { &draft }, size);
                }
                tools.paste(&event);
            }
            on:focus=move |_| place_caret(input)
            on:blur=move |_| suggestions.set_if_changed(None)
        ></textarea>
    }
}

/// Whether a key types something that its writer believes to stand in an empty box: an edit was just sent, and the draft from before
/// has come back.
fn types_after_edit(input: ComposerBox, event: &KeyboardEvent) -> bool {
    let Some(returned) = input.returned.get_value() else {
        return false;
    };
    if matches!(event.key().as_str(), "Shift" | "Control" | "Alt" | "Meta") {
        return false;
    }
    input.returned.set_value(None);
    let types = event.key().chars().count() == 1 || is_composing(event);
    let is_unseen = event.time_stamp() - returned < RETURN_UNSEEN;
    types && is_unseen && !event.ctrl_key() && !event.meta_key()
}

/// Puts the caret where it was. A dialog that closes gives the focus back without it in Chromium, and what is typed goes nowhere.
fn place_caret(input: ComposerBox) {
    let Some(area) = input.area.try_get_untracked().flatten() else {
        return;
    };
    if let (Ok(Some(start)), Ok(Some(end))) = (area.selection_start(), area.selection_end()) {
        // That is where the box says that it is.
        let _ = area.set_selection_range(start, end);
    }
}

/// Shows the draft in the box. What somebody types is there already: writing it once more would move the caret, or end the
/// choice of a character.
fn show_draft(draft: ArcRwSignal<String>, input: ComposerBox) {
    Effect::new(move |_| {
        let text = draft.read();
        let Some(area) = input.area.get() else { return };
        let in_box = input.in_box.get_value() == Some(text.len());
        input.in_box.set_value(None);
        set_direction(&area, &text, text.len());
        if !in_box && area.value() != *text {
            area.set_value(&text);
        }
        let is_high = text.len() > MAX_FITTED;
        request_animation_frame(move || fit(&area, is_high));
    });
}

/// The box follows the direction of what it holds, a text that will have so many bytes. Chromium takes many times as long with each key
/// to do that itself for a large one, which is one way as its beginning is. A box that held one may get it back by undoing.
fn set_direction(area: &HtmlTextAreaElement, text: &str, size: usize) {
    if size <= MAX_FITTED && area.dir() == "auto" {
        return;
    }
    let direction = if is_right_to_left(text) { "rtl" } else { "ltr" };
    if area.dir() != direction {
        area.set_dir(direction);
    }
}

/// Grows with the text, up to what the style allows. To measure a text that is higher than that in any case takes long.
fn fit(area: &HtmlTextAreaElement, is_high: bool) {
    let style = web_sys::HtmlElement::style(area);
    // A style that the browser does not take leaves the box as high as it was.
    if is_high {
        let _ = style.set_property("height", "100vh");
        return;
    }
    // The box keeps its space while it is measured: a list that grew meanwhile would be scrolled by the browser.
    let form = area.parent_element();
    let Some(form) = form.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok()) else {
        return;
    };
    let space = web_sys::HtmlElement::style(&form);
    let pixels = |height: i32| [&height.to_string(), "px"].concat();
    let _ = space.set_property("min-height", &pixels(form.offset_height()));
    let _ = style.set_property("height", "auto");
    let _ = style.set_property("height", &pixels(area.scroll_height()));
    let _ = space.remove_property("min-height");
}
