//! Messages that the rules do not want.

use effusion_chat::moderation::Deed;
use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::board::Section;
use super::records::Flag;
use crate::i18n::use_i18n;
use crate::services::{Order, use_services};
use crate::t;

/// For how long a button mutes, in minutes.
const MUTE_MINUTES: u32 = 15;

/// The flagged messages, the newest first.
#[component]
pub fn FlaggedMessages() -> impl IntoView {
    let i18n = use_i18n();
    let flags = use_services().moderation.board.flags;
    let listed = flags;
    view! {
        <Section id="flagged" title=move || t!(i18n, moderation_flagged)>
            {move || {
                flags
                    .read()
                    .is_empty()
                    .then(|| {
                        view! { <p class="hint">{move || t!(i18n, moderation_flagged_empty)}</p> }
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
    let known = !flag.principal.is_empty();
    let buttons = known.then(|| {
        let flag = StoredValue::new(flag.clone());
        view! {
            <p class="buttons">
                <WithdrawButton
                    flag
                    deed=Deed::Muted
                    minutes=MUTE_MINUTES
                    test="flag-mute"
                    label=move || t!(i18n, moderation_mute_for, count = MUTE_MINUTES)
                />
                <WithdrawButton
                    flag
                    deed=Deed::Removed
                    test="flag-remove"
                    label=move || t!(i18n, moderation_remove)
                />
                <WithdrawButton
                    flag
                    deed=Deed::Locked
                    test="flag-lock"
                    label=move || t!(i18n, moderation_lock)
                />
            </p>
        }
        .into_any()
    });
    view! {
        <li data-testid="flag">
            <p class="meta">
                <bdi class="name">{move || name()}</bdi>
                " · "
                <bdi>{flag.room.to_string()}</bdi>
                " · "
                <span>{flag.found}</span>
            </p>
            <blockquote dir="auto">{flag.text}</blockquote>
            {buttons}
        </li>
    }
}

/// Withdraws rights from the author of a flagged message.
#[component]
fn WithdrawButton(
    /// The message.
    flag: StoredValue<Flag>,
    /// Which rights.
    deed: Deed,
    /// For how many minutes; until it is undone, if zero.
    #[prop(optional)]
    minutes: u32,
    /// Names it for tests.
    test: &'static str,
    /// What it says.
    #[prop(into)]
    label: TextProp,
) -> impl IntoView {
    let services = use_services();
    let withdraw = move |_| {
        let flag = flag.get_value();
        let withdraw = Order::Withdraw {
            deed,
            principal: flag.principal,
            room: (deed != Deed::Locked).then_some(flag.room),
            minutes,
            why: flag.found,
        };
        services.moderation.order(withdraw);
    };
    view! {
        <button type="button" class="small" data-testid=test on:click=withdraw>
            {move || label.get()}
        </button>
    }
}
