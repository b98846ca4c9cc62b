//! What a moderator does without a flagged message.

use effusion_chat::RoomName;
use leptos::prelude::*;

use super::board::Section;
use super::withdraw::{Target, WithdrawButtons};
use crate::i18n::messages;
use crate::ui::TextField;

/// Withdraws rights from an account.
#[component]
pub fn ManualActions() -> impl IntoView {
    let (principal, room) = (RwSignal::<String>::default(), RwSignal::<String>::default());
    let reason = RwSignal::<String>::default();
    let target = move |()| Target {
        principal: principal.read_untracked().trim().to_owned(),
        room: RoomName::parse(&room.read_untracked()).ok(),
        reason: reason.read_untracked().trim().to_owned(),
    };
    view! {
        <Section id="by-hand" title=&messages::moderation_manual>
            <div class="pair">
                <TextField id="hand-principal" label=&messages::common_account value=principal />
                <TextField id="hand-room" label=&messages::common_room value=room />
            </div>
            <TextField id="hand-why" label=&messages::moderation_reason value=reason />
            <p class="buttons">
                <WithdrawButtons target test="hand" />
            </p>
        </Section>
    }
}
