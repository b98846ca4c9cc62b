//! What stands above the box: notes, what the text is for, and an offer for long texts.

use leptos::prelude::*;

use super::command::COMMANDS;
use super::composing::{Note, Purpose, with_snippet};
use super::tools::Tools;
use crate::features::timeline::end_edit;
use crate::i18n::{I18n, use_i18n};
use crate::platform::focus;
use crate::state::use_room;
use crate::t;
use crate::ui::{PathIcon, ToolButton, glyph};

/// Something that the reader is told.
#[component]
pub fn NoteBanner() -> impl IntoView {
    let (room, i18n) = (use_room(), use_i18n());
    let (note, dismissed) = (room.note.clone(), room.note.clone());
    let close = UnsyncCallback::new(move |_| {
        dismissed.set(None);
        focus::move_to("composer");
    });
    move || {
        let note = note.get()?;
        let alert = note.is_alert();
        Some(
            view! {
                <div
                    class=if alert { "above alert" } else { "above" }
                    role=if alert { "alert" } else { "status" }
                    data-testid="note"
                >
                    <p class="words" dir="auto">
                        {move || note_text(i18n, &note)}
                    </p>
                    <ToolButton
                        path=glyph::CLOSE
                        label=move || t!(i18n, common_close)
                        test="note-close"
                        on_click=close
                    />
                </div>
            }
            .into_any(),
        )
    }
}

fn note_text(i18n: I18n, note: &Note) -> String {
    match note {
        Note::Info(text) | Note::Alert(text) => i18n.show(text),
        Note::Failure { what, fault } => [
            i18n.text(what, &[]),
            i18n.show(&fault.what()),
            i18n.show(&fault.next()),
        ]
        .join(" "),
        Note::Commands => {
            let line = |usage: &super::command::Usage| {
                let argument = usage.argument.map_or_else(String::new, |argument| {
                    [" ‹", &i18n.text(argument, &[]), "›"].concat()
                });
                let effect = i18n.text(usage.effect, &[]);
                ["/", usage.name, &argument, " — ", &effect].concat()
            };
            COMMANDS.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

/// What becomes of the text, if it is no message of its own.
#[component]
pub fn PurposeBanner() -> impl IntoView {
    let (room, i18n) = (use_room(), use_i18n());
    let purpose = room.purpose.clone();
    let cancel = UnsyncCallback::new(move |_| {
        end_edit(room.clone());
        focus::move_to("composer");
    });
    move || {
        let (icon, text, excerpt) = match purpose.get() {
            Purpose::Send => return None,
            Purpose::Reply(reply) => {
                // A name of the other direction moves nothing beside it.
                let name = ["\u{2068}", &reply.name, "\u{2069}"].concat();
                let text = t!(i18n, composer_replying, name = name);
                (glyph::REPLY, text, reply.text)
            }
            Purpose::Edit { saving: true, .. } => {
                (glyph::EDIT, t!(i18n, composer_saving), String::new())
            }
            Purpose::Edit { .. } => (glyph::EDIT, t!(i18n, composer_editing), String::new()),
        };
        Some(
            view! {
                <div class="above" data-testid="purpose">
                    <PathIcon path=icon />
                    <p class="words">
                        <span>{text}</span>
                        {" "}
                        <bdi class="excerpt">{excerpt}</bdi>
                    </p>
                    <ToolButton
                        path=glyph::CLOSE
                        label=move || t!(i18n, composer_cancel)
                        test="purpose-cancel"
                        on_click=cancel
                    />
                </div>
            }
            .into_any(),
        )
    }
}

/// Offers to make a snippet of a long text that was pasted.
#[component]
pub fn SnippetOffer(
    /// The tools, which know what was pasted.
    tools: Tools,
) -> impl IntoView {
    let (room, i18n) = (use_room(), use_i18n());
    let draft = room.draft.clone();
    let make = UnsyncCallback::new(move |_| {
        if let Some(pasted) = tools.pasted.get_untracked() {
            tools.pasted.set(None);
            let draft = room.draft.get_untracked();
            if let Some(text) = with_snippet(&draft, &pasted) {
                let end = text.len();
                tools.write(text, end);
            }
        }
    });
    move || {
        let pasted = tools.pasted.get()?;
        // It may have been changed or deleted since.
        if !draft.read().contains(&pasted) {
            return None;
        }
        Some(
            view! {
                <div class="above" role="status" data-testid="snippet-offer">
                    <p class="words">{move || t!(i18n, composer_snippet_offer)}</p>
                    <button
                        type="button"
                        data-testid="snippet-make"
                        on:click=move |event| make.run(event)
                    >
                        {move || t!(i18n, composer_make_snippet)}
                    </button>
                    <ToolButton
                        path=glyph::CLOSE
                        label=move || t!(i18n, composer_keep_text)
                        test="snippet-leave"
                        on_click=move |_| tools.pasted.set(None)
                    />
                </div>
            }
            .into_any(),
        )
    }
}
