//! What a moderator does without a flagged message.

use effusion_chat::RoomName;
use leptos::prelude::*;

use super::board::Section;
use super::withdraw::{Target, WithdrawButtons};
use crate::i18n::use_i18n;
use crate::t;
use crate::ui::TextField;

/// Withdraws rights from an account.
#[component]
pub fn ManualActions() -> impl IntoView {
    let i18n = use_i18n();
    let (principal, room) = (RwSignal::<String>::default(), RwSignal::<String>::default());
    let reason = RwSignal::<String>::default();
    let target = move |()| Target {
        principal: principal.read_untracked().trim().to_owned(),
        room: RoomName::parse(&room.read_untracked()).ok(),
        reason: reason.read_untracked().trim().to_owned(),
    };
    view! {
        <Section id="by-hand" title=move || t!(i18n, moderation_manual)>
            <div class="pair">
                <TextField
                    id="hand-principal"
                    label=move || t!(i18n, common_account)
                    value=principal
                />
                <TextField id="hand-room" label=move || t!(i18n, common_room) value=room />
            </div>
            <TextField id="hand-why" label=move || t!(i18n, moderation_reason) value=reason />
            <p class="buttons">
                <WithdrawButtons target test="hand" />
            </p>
        </Section>
    }
}
