//! Messages that the rules do not want.

use leptos::prelude::*;

use super::board::Section;
use super::records::Flag;
use super::withdraw::{Target, WithdrawButtons};
use crate::i18n::{messages, use_i18n};
use crate::services::use_services;
use crate::t;

/// For how long a button mutes, in minutes.
const MUTE_MINUTES: u32 = 15;

/// The flagged messages, the newest first.
#[component]
pub fn FlaggedMessages() -> impl IntoView {
    let flags = use_services().moderation.board.flags;
    let listed = flags;
    view! {
        <Section id="flagged" title=&messages::moderation_flagged>
            {move || {
                flags
                    .read()
                    .is_empty()
                    .then(|| {
                        view! { <p class="hint">{&messages::moderation_flagged_empty}</p> }
                            .into_any()
                    })
            }}
            <ol class="flags">
                <For each=move || listed.get() key=|flag| flag.number let:flag>
                    <FlaggedMessage flag />
                </For>
            </ol>
        </Section>
    }
}

/// A flagged message, with what can be done about its author.
#[component]
fn FlaggedMessage(
    /// The message.
    flag: Flag,
) -> impl IntoView {
    let i18n = use_i18n();
    let author = flag.principal.clone();
    let name = move || {
        if author.is_empty() {
            t!(i18n, moderation_somebody)
        } else {
            author.clone()
        }
    };
    let (principal, room) = (flag.principal, flag.room.clone());
    let reason = flag.found.clone();
    let buttons = (!principal.is_empty()).then(|| {
        let target = move |()| Target {
            principal: principal.clone(),
            room: Some(room.clone()),
            reason: reason.clone(),
        };
        view! {
            <p class="buttons">
                <WithdrawButtons target minutes=MUTE_MINUTES test="flag" />
            </p>
        }
        .into_any()
    });
    let time = flag
        .at
        .map(|at| view! { <time>{move || [" · ", &i18n.moment(at)].concat()}</time> }.into_any());
    view! {
        <li data-testid="flag">
            <p class="meta">
                <bdi class="name">{move || name()}</bdi>
                " · "
                <bdi>{flag.room.to_string()}</bdi>
                " · "
                <span>{flag.found}</span>
                {time}
            </p>
            <blockquote dir="auto">{flag.text}</blockquote>
            {buttons}
        </li>
    }
}
