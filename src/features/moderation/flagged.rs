//! Messages that the rules do not want.

use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::board::Section;
use super::records::Flag;
use super::withdraw::{Target, WithdrawButtons};
use crate::i18n::{messages, use_i18n};
use crate::services::use_services;
use crate::ui::List;

/// For how long a button mutes, in minutes.
const MUTE_MINUTES: u32 = 15;

/// The flagged messages, the newest first.
#[component]
pub fn FlaggedMessages() -> impl IntoView {
    let flags = use_services().moderation.board.flags;
    let none = move || {
        let is_empty = flags.read().is_empty();
        is_empty
            .then(|| view! { <p class="hint">{&messages::moderation_flagged_empty}</p> }.into_any())
    };
    view! {
        <Section id="flagged" title=&messages::moderation_flagged>
            {none}
            <ol class="flags">
                <List each=move || flags.get() key=|flag| flag.number.to_string() let:flag>
                    <FlaggedMessage flag />
                </List>
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
    let (principal, room) = (flag.principal, flag.room.clone());
    let name = if principal.is_empty() {
        (&messages::moderation_somebody).into()
    } else {
        TextProp::from(principal.clone())
    };
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
                <bdi class="name">{move || name.get()}</bdi>
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
