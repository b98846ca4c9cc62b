//! What stands above the box: notes, what the text is for, and an offer for long texts.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::command::{COMMANDS, Usage};
use super::composing::{Note, Purpose, with_snippet};
use super::tools::Tools;
use crate::features::timeline::end_edit;
use crate::i18n::{I18n, use_i18n};
use crate::platform::focus;
use crate::state::use_room;
use crate::t;
use crate::ui::identity::isolate;
use crate::ui::{Button, PathIcon, ToolButton, glyph};

/// A line above the box, with a button that closes it.
#[component]
fn Banner(
    /// Names it for tests.
    test: &'static str,
    /// `status` if it is to be read out, `alert` if at once.
    #[prop(optional)]
    role: Option<&'static str>,
    /// What its button does.
    #[prop(into)]
    close_label: TextProp,
    /// Names the button for tests.
    close_test: &'static str,
    /// Runs when the button is pressed.
    #[prop(into)]
    on_close: UnsyncCallback<MouseEvent>,
    /// What it says.
    children: Children,
) -> impl IntoView {
    let class = if role == Some("alert") {
        "above alert"
    } else {
        "above"
    };
    view! {
        <div class=class role=role data-testid=test>
            {children()}
            <ToolButton path=glyph::CLOSE label=close_label test=close_test on_click=on_close />
        </div>
    }
}

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
        let role = if note.is_alert() { "alert" } else { "status" };
        let banner = view! {
            <Banner
                test="note"
                role
                close_label=move || t!(i18n, common_close)
                close_test="note-close"
                on_close=close
            >
                <p class="words" dir="auto">
                    {move || note_text(i18n, &note)}
                </p>
            </Banner>
        };
        Some(banner.into_any())
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
            let line = |usage: &Usage| {
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
                let text = t!(i18n, composer_replying, name = isolate(&reply.name));
                (glyph::REPLY, text, reply.text)
            }
            Purpose::Edit { saving: true, .. } => {
                (glyph::EDIT, t!(i18n, composer_saving), String::new())
            }
            Purpose::Edit { .. } => (glyph::EDIT, t!(i18n, composer_editing), String::new()),
        };
        let banner = view! {
            <Banner
                test="purpose"
                close_label=move || t!(i18n, composer_cancel)
                close_test="purpose-cancel"
                on_close=cancel
            >
                <PathIcon path=icon />
                <p class="words">
                    <span>{text}</span>
                    {" "}
                    <bdi class="excerpt">{excerpt}</bdi>
                </p>
            </Banner>
        };
        Some(banner.into_any())
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
        let banner = view! {
            <Banner
                test="snippet-offer"
                role="status"
                close_label=move || t!(i18n, composer_keep_text)
                close_test="snippet-leave"
                on_close=move |_| tools.pasted.set(None)
            >
                <p class="words">{move || t!(i18n, composer_snippet_offer)}</p>
                <Button
                    test="snippet-make"
                    label=move || t!(i18n, composer_make_snippet)
                    on_click=move |event| make.run(event)
                />
            </Banner>
        };
        Some(banner.into_any())
    }
}
