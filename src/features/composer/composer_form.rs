//! Where messages are written.

use futures_channel::oneshot;
use leptos::ev::{ClipboardEvent, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;
use web_sys::HtmlTextAreaElement;

use super::composing::{Picking, Purpose};
use super::suggestion_list::option_id;
use super::suggestions::Suggestions;
use super::tools::composer_tools;
use crate::i18n::use_i18n;
use crate::state::{RoomState, SetIfChanged, use_room};
use crate::t;
use crate::ui::lazy::LoadError;
use crate::ui::{Icon, Lazy, ToolButton, glyph};

/// The box that messages are written in, for the tools around it; from context.
#[derive(Clone, Copy)]
pub struct ComposerBox {
    /// The box.
    pub area: NodeRef<html::Textarea>,
    /// How what is being typed may go on.
    pub suggestions: RwSignal<Option<Suggestions>>,
    /// What the tools do about what happens in the box, once their code is there.
    pub handlers: RwSignal<Option<Handlers>>,
    /// Whether something was to be sent before the tools were there that only they can send.
    pub submit_pending: StoredValue<bool>,
}

/// What the tools do about what happens in the box.
#[derive(Clone, Copy)]
pub struct Handlers {
    /// A key was pressed. Returns whether nothing else is to come of it.
    pub key: UnsyncCallback<KeyboardEvent, bool>,
    /// The text has changed, or the caret has moved.
    pub edit: UnsyncCallback<()>,
    /// A text is being pasted.
    pub paste: UnsyncCallback<ClipboardEvent>,
    /// The box has lost the focus.
    pub blur: UnsyncCallback<()>,
    /// Sends what is no plain message: replies, edits and commands.
    pub submit: UnsyncCallback<()>,
}

/// The box and its button. Enter sends and Shift+Enter breaks the line. A key that ends the choice of a character, as for
/// Japanese, does neither.
#[component]
pub fn Composer(
    /// Sends a plain message.
    #[prop(into)]
    on_send: UnsyncCallback<String>,
) -> impl IntoView {
    let (room, i18n) = (use_room(), use_i18n());
    let input = ComposerBox {
        area: NodeRef::new(),
        suggestions: RwSignal::default(),
        handlers: RwSignal::new(None),
        submit_pending: StoredValue::new(false),
    };
    provide_context(input);
    show_draft(room.draft.clone(), input.area);

    let (draft, purpose, note) = (room.draft.clone(), room.purpose.clone(), room.note.clone());
    let submit = UnsyncCallback::new(move |()| {
        let text = draft.get_untracked();
        let is_plain = *purpose.read_untracked() == Purpose::Send && !text.starts_with('/');
        if text.trim().is_empty() {
            // There is nothing to send.
        } else if is_plain {
            draft.set(String::new());
            note.set_if_changed(None);
            on_send.run(text);
        } else if let Some(handlers) = input.handlers.get_untracked() {
            handlers.submit.run(());
        } else {
            input.submit_pending.set_value(true);
        }
        if let Some(area) = input.area.get_untracked() {
            // Focusing what is on the screen does not fail.
            let _ = area.focus();
        }
    });

    // Reading comes first: the tools are fetched once there are messages on the screen.
    let (begun, has_begun) = oneshot::channel();
    room.once_begun(move || {
        // Nobody waits for it in a room that was left.
        let _ = begun.send(());
    });
    let tools = Box::pin(async move {
        has_begun.await.map_err(|_| LoadError)?;
        composer_tools().await
    });

    let state = room.state.clone();
    let closed = Signal::derive(move || matches!(*state.read(), RoomState::Failed(_)));
    let (draft, picking) = (room.draft.clone(), room.picking.clone());
    view! {
        <div class="compose">
            <Lazy load=tools quiet=true />
            <form
                class="composer"
                on:submit=move |event| {
                    event.prevent_default();
                    submit.run(());
                }
            >
                <label class="unseen" for="composer">
                    {move || t!(i18n, composer_message)}
                </label>
                <TextBox closed submit />
                {move || {
                    let picking = picking.clone();
                    input
                        .handlers
                        .get()
                        .map(|_| {
                            view! {
                                <ToolButton
                                    path=glyph::SMILE
                                    label=move || t!(i18n, common_emoji)
                                    test="emoji-button"
                                    on_click=move |_| picking.set(Some(Picking::Text))
                                />
                            }
                                .into_any()
                        })
                }}
                <button
                    type="submit"
                    class="primary"
                    aria-label=move || t!(i18n, common_send)
                    title=move || t!(i18n, common_send)
                    data-testid="send-button"
                    disabled=move || closed.get() || draft.read().trim().is_empty()
                >
                    <Icon name="send" />
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
    /// Runs when what it holds is to be sent.
    submit: UnsyncCallback<()>,
) -> impl IntoView {
    let (room, i18n) = (use_room(), use_i18n());
    let input = expect_context::<ComposerBox>();
    let ComposerBox {
        suggestions,
        handlers,
        ..
    } = input;
    let (info, draft) = (room.info.clone(), room.draft.clone());
    // A box that is taken away loses the focus when nothing of it is left but the element.
    let edited = move || {
        if let Some(Some(handlers)) = handlers.try_get_untracked() {
            handlers.edit.run(());
        }
    };
    let key = move |event: KeyboardEvent| {
        let taken = handlers
            .get_untracked()
            .is_some_and(|handlers| handlers.key.run(event.clone()));
        if taken {
            event.prevent_default();
            event.stop_propagation();
        } else if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            submit.run(());
        }
    };
    view! {
        <textarea
            id="composer"
            data-testid="composer"
            node_ref=input.area
            rows="1"
            dir="auto"
            enterkeyhint="send"
            placeholder=move || {
                t!(i18n, composer_message_room, room = info.read().name.as_str())
            }
            disabled=move || closed.get()
            aria-autocomplete=move || handlers.get().map(|_| "list")
            aria-controls=move || suggestions.read().as_ref().map(|_| "completion")
            aria-activedescendant=move || {
                suggestions.read().as_ref().map(|it| option_id(it.selected()))
            }
            on:input=move |event| {
                draft.set(event_target_value(&event));
                edited();
            }
            on:keydown=key
            on:keyup=move |event| {
                if matches!(event.key().as_str(), "ArrowLeft" | "ArrowRight" | "Home" | "End") {
                    edited();
                }
            }
            on:click=move |_| edited()
            on:paste=move |event| {
                if let Some(handlers) = handlers.get_untracked() {
                    handlers.paste.run(event);
                }
            }
            on:blur=move |_| {
                if let Some(Some(handlers)) = handlers.try_get_untracked() {
                    handlers.blur.run(());
                }
            }
        ></textarea>
    }
}

/// Shows the draft in the box. What somebody types is there already: writing it once more would move the caret, or end the
/// choice of a character.
fn show_draft(draft: ArcRwSignal<String>, area: NodeRef<html::Textarea>) {
    Effect::new(move |_| {
        let text = draft.get();
        let Some(area) = area.get() else { return };
        if area.value() != text {
            area.set_value(&text);
        }
        request_animation_frame(move || fit(&area));
    });
}

/// Grows with the text, up to what the style allows.
fn fit(area: &HtmlTextAreaElement) {
    let style = web_sys::HtmlElement::style(area);
    // A style that the browser does not take leaves the box as high as it was.
    let _ = style.set_property("height", "auto");
    let height = [&area.scroll_height().to_string(), "px"].concat();
    let _ = style.set_property("height", &height);
}
