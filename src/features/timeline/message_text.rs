//! What a message says.

use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::Row;
use super::marked_text::marked_text;
use super::markup::is_marked;
use crate::i18n::{messages, use_i18n};
use crate::state::OpenRoom;
use crate::t;
use crate::ui::Lazy;

/// Longer texts, in bytes, are folded.
const LONG: usize = 3_000;

/// And those of more lines.
const MANY_LINES: usize = 30;

/// The text of a message, as it was written until the code that reads its markup is there, if it has any.
#[component]
pub fn MessageText(
    /// The room of the message.
    room: OpenRoom,
    /// Its row.
    row: ArcRwSignal<Row>,
) -> impl IntoView {
    // Nothing of a deleted message; of an action also who does what its text says.
    let content = Memo::new(move |_| {
        let message = &row.read().entry.message;
        let actor = message.act.then(|| message.name.clone());
        (!message.deleted).then(|| (message.text.clone(), actor))
    });
    move || {
        let content = content.get();
        let long = content.as_ref().is_some_and(|(text, _)| is_long(text));
        let shown = match content {
            None => view! {
                <em class="gone" data-testid="deleted">
                    {&messages::message_deleted}
                </em>
            }
            .into_any(),
            Some((text, None)) => words(&room, text),
            Some((text, Some(name))) => view! {
                <bdi class="actor">{name}</bdi>
                {" "}
                {words(&room, text)}
            }
            .into_any(),
        };
        let body = view! {
            <div dir="auto" data-testid="text">
                {shown}
            </div>
        };
        if !long {
            return view! { <div class="text">{body}</div> }.into_any();
        }
        // Its beginning is shown until somebody asks for all of it.
        let folded = RwSignal::new(true);
        view! {
            <div class="text" class:long=folded>
                {body}
                <FoldButton folded label=&messages::message_show_all test="show-all" />
            </div>
        }
        .into_any()
    }
}

/// Whether a text takes so much room that what comes after it should be in sight first. A snippet folds itself.
fn is_long(text: &str) -> bool {
    !text.starts_with("```") && (text.len() > LONG || text.lines().nth(MANY_LINES).is_some())
}

fn words(room: &OpenRoom, text: String) -> AnyView {
    if !is_marked(&text) {
        return text.into_any();
    }
    let plain = text.clone();
    view! {
        <Lazy
            load=marked_text(room.clone(), text)
            fallback=move || view! { <span>{plain.clone()}</span> }
        />
    }
    .into_any()
}

/// Shows all of what is folded, or folds it again.
#[component]
pub fn FoldButton(
    /// Whether it is folded.
    folded: RwSignal<bool>,
    /// What the button says while it is.
    #[prop(into)]
    label: TextProp,
    /// Names it for tests.
    test: &'static str,
) -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <button
            type="button"
            class="unfold"
            data-testid=test
            tabindex="-1"
            aria-expanded=move || (!folded.get()).to_string()
            on:click=move |_| folded.update(|folded| *folded = !*folded)
        >
            {move || {
                if folded.get() { label.get().to_string() } else { t!(i18n, message_show_less) }
            }}
        </button>
    }
}
