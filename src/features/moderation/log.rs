//! What moderators did, and the way to undo it.

use leptos::prelude::*;

use super::board::Section;
use super::records::{LogRow, sentence};
use crate::i18n::{messages, use_i18n};
use crate::services::{Order, use_services};
use crate::ui::List;
use crate::ui::identity::isolate;
use crate::{t, text};

/// What was done, the newest first.
#[component]
pub fn ModerationLog() -> impl IntoView {
    let log = use_services().moderation.board.log;
    let none = move || {
        let is_empty = log.read().is_empty();
        is_empty.then(|| view! { <p class="hint">{&messages::moderation_log_empty}</p> }.into_any())
    };
    view! {
        <Section id="moderation-log" title=&messages::moderation_log>
            {none}
            <ol class="log">
                // A row that was undone looks different.
                <List
                    each=move || log.get()
                    key=|row| format!("{} {} {}", row.sequence, row.undone, row.written.is_some())
                    let:row
                >
                    <LogItem row />
                </List>
            </ol>
        </Section>
    }
}

/// One thing that was done.
#[component]
fn LogItem(
    /// What was done.
    row: LogRow,
) -> impl IntoView {
    let (services, i18n) = (use_services(), use_i18n());
    let number = row.sequence.to_string();
    let sentence = sentence(&row.entry);
    let sequence = row.sequence;
    let undo = if row.can_be_undone() {
        view! {
            <button
                type="button"
                class="small"
                data-testid="undo"
                aria-label=text!(moderation_undo_number, number = number.as_str())
                on:click=move |_| services.moderation.order(Order::Undo(sequence))
            >
                {&messages::moderation_undo}
            </button>
        }
        .into_any()
    } else if row.undone {
        view! { <span class="chip">{&messages::moderation_undone}</span> }.into_any()
    } else {
        ().into_any()
    };
    let written = row.written.map(|(who, at)| {
        let line = move || {
            t!(
                i18n,
                moderation_log_by,
                time = i18n.moment(at),
                who = isolate(&who)
            )
        };
        view! {
            <span class="why" data-testid="log-written">
                {line}
            </span>
        }
        .into_any()
    });
    view! {
        <li data-testid="log-row" data-deed=row.entry.deed.word()>
            <span class="number">{["#", &number].concat()}</span>
            <span class="what">
                <span dir="auto">{sentence}</span>
                <span class="why" dir="auto">
                    {row.entry.why}
                </span>
                {written}
            </span>
            {undo}
        </li>
    }
}
