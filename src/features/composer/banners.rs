//! What stands above the box: notes, what the text is for, and an offer for long texts.

use leptos::ev::MouseEvent;
use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::command::{Usage, offered};
use super::composer_form::ComposerBox;
use super::composing::{EditProgress, Note, Purpose, Snippet, UnsavedEdit};
use super::tools::Tools;
use crate::features::timeline::{Quoted, end_edit, resume_edit};
use crate::i18n::{I18n, messages, use_i18n};
use crate::platform::focus;
use crate::state::{Fault, use_app, use_room};
use crate::t;
use crate::ui::identity::isolate;
use crate::ui::{Button, Icon, ToolButton, glyph};

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
    let is_alert = role == Some("alert");
    view! {
        <div class="above" class:alert=is_alert role=role data-testid=test>
            {children()}
            <ToolButton path=glyph::CLOSE label=close_label test=close_test on_click=on_close />
        </div>
    }
}

/// Something that the reader is told.
#[component]
pub fn NoteBanner() -> impl IntoView {
    let (app, room, i18n) = (use_app(), use_room(), use_i18n());
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
                close_label=&messages::common_close
                close_test="note-close"
                on_close=close
            >
                <p class="words" dir="auto">
                    {move || note_text(i18n, app.moderator.get(), &note)}
                </p>
            </Banner>
        };
        Some(banner.into_any())
    }
}

fn note_text(i18n: I18n, moderator: bool, note: &Note) -> String {
    match note {
        Note::Info(text) | Note::Alert(text) => i18n.show(text),
        Note::Failure { what, fault } => [i18n.text(what, &[]), fault_text(i18n, fault)].join(" "),
        Note::Commands => {
            let line = |usage: &Usage| {
                let argument = usage.argument.map_or_else(String::new, |argument| {
                    [" ‹", &i18n.text(argument, &[]), "›"].concat()
                });
                let effect = i18n.text(usage.effect, &[]);
                ["/", usage.name, &argument, " — ", &effect].concat()
            };
            offered(moderator).map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

/// What went wrong, and what to do next.
fn fault_text(i18n: I18n, fault: &Fault) -> String {
    [i18n.show(&fault.what()), i18n.show(&fault.next())].join(" ")
}

/// What becomes of the text, if it is no message of its own.
#[component]
pub fn PurposeBanner() -> impl IntoView {
    let (room, i18n) = (use_room(), use_i18n());
    let input = expect_context::<ComposerBox>();
    let (purpose, answered) = (room.purpose.clone(), room.clone());
    let cancel = UnsyncCallback::new(move |_| {
        end_edit(&room);
        focus::move_to("composer");
    });
    move || {
        let (icon, text, excerpt) = match purpose.get() {
            Purpose::Send => return None,
            Purpose::Reply(reply) => {
                answered.version.track();
                let quote = answered.look(|timeline| timeline.quote(&reply, None));
                let text = t!(i18n, composer_replying, name = isolate(&quote.label()));
                let excerpt = match quote.state {
                    Quoted::Deleted => t!(i18n, message_deleted),
                    _ => quote.text,
                };
                (glyph::REPLY, text, excerpt)
            }
            Purpose::Edit { .. } if input.enter_sends.get() => {
                (glyph::EDIT, t!(i18n, composer_editing), String::new())
            }
            Purpose::Edit { .. } => (glyph::EDIT, t!(i18n, composer_editing_touch), String::new()),
        };
        let banner = view! {
            <Banner
                test="purpose"
                close_label=&messages::composer_cancel
                close_test="purpose-cancel"
                on_close=cancel
            >
                <Icon path=icon />
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

/// Edits that have left the composer and are not saved: on their way, put aside, or refused.
#[component]
pub fn UnsavedEdits() -> impl IntoView {
    let (room, i18n) = (use_room(), use_i18n());
    let unsaved = room.unsaved.clone();
    let banner = move |edit: UnsavedEdit| {
        let (sequence, text, progress) = (edit.sequence, edit.text, edit.progress);
        if progress == EditProgress::Saving {
            return view! {
                <div class="above" role="status" data-testid="saving">
                    <Icon path=glyph::EDIT />
                    <p class="words">{&messages::composer_saving}</p>
                </div>
            }
            .into_any();
        }
        let discarded = room.unsaved.clone();
        let discard = UnsyncCallback::new(move |_| {
            discarded.update(|unsaved| unsaved.retain(|edit| edit.sequence != sequence));
            focus::move_to("composer");
        });
        let (room, excerpt) = (room.clone(), text.clone());
        let resume = move |_| {
            resume_edit(&room, sequence, text.clone());
            focus::move_to("composer");
        };
        let reason = move || match &progress {
            EditProgress::Failed(fault) => fault_text(i18n, fault),
            _ => String::new(),
        };
        view! {
            <Banner
                test="unsaved-edit"
                role="alert"
                close_label=&messages::message_discard
                close_test="unsaved-discard"
                on_close=discard
            >
                <p class="words">
                    <span>{&messages::composer_edit_failed}</span>
                    {" "}
                    {move || reason()}
                    {" "}
                    <bdi class="excerpt">{excerpt}</bdi>
                </p>
                <Button
                    test="unsaved-resume"
                    label=&messages::composer_resume_edit
                    on_click=resume
                />
            </Banner>
        }
        .into_any()
    };
    move || {
        let unsaved = unsaved.get();
        unsaved.into_iter().map(&banner).collect::<Vec<_>>()
    }
}

/// Says that a text is too large to be sent, before somebody tries.
#[component]
pub fn LimitBanner() -> impl IntoView {
    let input = expect_context::<ComposerBox>();
    move || {
        let fault = input.too_large.get()?;
        let banner = view! {
            <div class="above alert" role="alert" data-testid="too-large">
                <p class="words">{fault.what()} {" "} {fault.next()}</p>
            </div>
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
    let room = use_room();
    let draft = room.draft.clone();
    let make = UnsyncCallback::new(move |_| {
        if let Some(pasted) = tools.pasted.get_untracked() {
            tools.pasted.set(None);
            let draft = room.draft.get_untracked();
            if let Some(snippet) = Snippet::new(&draft, &pasted) {
                // Two short pieces: browsers take very long to insert many lines this way.
                let end = snippet.at.end + snippet.above.len();
                tools.replace(snippet.at.start..snippet.at.start, &snippet.above);
                tools.replace(end..end, &snippet.below);
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
                close_label=&messages::composer_keep_text
                close_test="snippet-leave"
                on_close=move |_| tools.pasted.set(None)
            >
                <p class="words">{&messages::composer_snippet_offer}</p>
                <Button test="snippet-make" label=&messages::composer_make_snippet on_click=make />
            </Banner>
        };
        Some(banner.into_any())
    }
}
