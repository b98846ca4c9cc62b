//! What a moderator does without a flagged message.

use effusion_chat::RoomName;
use effusion_chat::moderation::Deed;
use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::board::Section;
use crate::features::composer::composing::Note;
use crate::i18n::use_i18n;
use crate::services::{Order, use_services};
use crate::ui::{Icon, Labelled};
use crate::{t, text};

/// Who is to lose rights, where and why.
#[derive(Clone, Copy)]
struct Target {
    principal: RwSignal<String>,
    room: RwSignal<String>,
    reason: RwSignal<String>,
}

/// Withdraws rights from an account.
#[component]
pub fn ManualActions() -> impl IntoView {
    let i18n = use_i18n();
    let target = Target {
        principal: RwSignal::default(),
        room: RwSignal::default(),
        reason: RwSignal::default(),
    };
    view! {
        <Section id="by-hand" title=move || t!(i18n, moderation_manual)>
            <div class="pair">
                <TextField
                    id="hand-principal"
                    label=move || t!(i18n, common_account)
                    value=target.principal
                />
                <TextField id="hand-room" label=move || t!(i18n, common_room) value=target.room />
            </div>
            <TextField
                id="hand-why"
                label=move || t!(i18n, moderation_reason)
                value=target.reason
            />
            <p class="buttons">
                <Icon name="people" />
                <WithdrawButton
                    target
                    deed=Deed::Muted
                    test="hand-mute"
                    label=move || t!(i18n, moderation_mute)
                />
                <WithdrawButton
                    target
                    deed=Deed::Removed
                    test="hand-remove"
                    label=move || t!(i18n, moderation_remove)
                />
                <WithdrawButton
                    target
                    deed=Deed::Locked
                    test="hand-lock"
                    label=move || t!(i18n, moderation_lock)
                />
            </p>
        </Section>
    }
}

/// One line of text.
#[component]
fn TextField(
    /// Names it in the document and for tests.
    id: &'static str,
    /// Its label.
    #[prop(into)]
    label: TextProp,
    /// What was typed.
    value: RwSignal<String>,
) -> impl IntoView {
    view! {
        <Labelled id label>
            <input
                id=id
                data-testid=id
                autocomplete="off"
                dir="auto"
                on:input=move |event| value.set(event_target_value(&event))
            />
        </Labelled>
    }
}

/// Withdraws rights, if it is said whose and where.
#[component]
fn WithdrawButton(
    /// Whose rights, where and why.
    target: Target,
    /// Which rights.
    deed: Deed,
    /// Names it for tests.
    test: &'static str,
    /// What it says.
    #[prop(into)]
    label: TextProp,
) -> impl IntoView {
    let services = use_services();
    let withdraw = move |_| {
        let principal = target.principal.read_untracked().trim().to_owned();
        let room = RoomName::parse(&target.room.read_untracked()).ok();
        if principal.is_empty() || (room.is_none() && deed != Deed::Locked) {
            let note = Note::Alert(text!(moderation_target_missing));
            services.moderation.board.note.set(Some(note));
            return;
        }
        let withdraw = Order::Withdraw {
            deed,
            principal,
            room: room.filter(|_| deed != Deed::Locked),
            minutes: 0,
            why: target.reason.read_untracked().trim().to_owned(),
        };
        services.moderation.order(withdraw);
    };
    view! {
        <button type="button" class="small" data-testid=test on:click=withdraw>
            {move || label.get()}
        </button>
    }
}
