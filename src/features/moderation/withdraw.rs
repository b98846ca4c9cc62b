//! Withdrawing rights from an account.

use effusion_chat::RoomName;
use effusion_chat::moderation::Deed;
use leptos::prelude::*;

use super::board::Section;
use crate::features::composer::composing::Note;
use crate::i18n::messages;
use crate::services::{Order, use_services};
use crate::text;
use crate::ui::TextField;

/// Who is to lose rights, where and why.
pub struct Target {
    /// The account; empty if it is not known.
    pub principal: String,
    /// The room. Only locking an account needs none.
    pub room: Option<RoomName>,
    /// Why.
    pub reason: String,
}

/// The buttons that mute an account in a room, remove it from there, or lock it.
#[component]
pub fn WithdrawButtons(
    /// Whose rights, where and why; asked for when a button is pressed.
    #[prop(into)]
    target: UnsyncCallback<(), Target>,
    /// For how many minutes to mute; until it is undone, if zero.
    #[prop(optional)]
    minutes: u32,
    /// What the names of the buttons begin with, for tests.
    test: &'static str,
) -> impl IntoView {
    let services = use_services();
    let button = move |(deed, word): (Deed, &str)| {
        let moderation = services.moderation.clone();
        let minutes = if deed == Deed::Muted { minutes } else { 0 };
        let withdraw = move |_| {
            let target = target.run(());
            let room = target.room.filter(|_| deed != Deed::Locked);
            if target.principal.is_empty() || (room.is_none() && deed != Deed::Locked) {
                let note = Note::Alert(text!(moderation_target_missing));
                moderation.board.note.set(Some(note));
                return;
            }
            moderation.order(Order::Withdraw {
                deed,
                principal: target.principal,
                room,
                minutes,
                why: target.reason,
            });
        };
        let label = match deed {
            Deed::Muted if minutes > 0 => text!(moderation_mute_for, count = minutes),
            Deed::Muted => text!(moderation_mute),
            Deed::Removed => text!(moderation_remove),
            _ => text!(moderation_lock),
        };
        let test = [test, "-", word].concat();
        view! {
            <button type="button" class="small" data-testid=test on:click=withdraw>
                {label}
            </button>
        }
        .into_any()
    };
    let deeds = [
        (Deed::Muted, "mute"),
        (Deed::Removed, "remove"),
        (Deed::Locked, "lock"),
    ];
    deeds.into_iter().map(button).collect_view()
}

/// What a moderator does without a flagged message: withdraws rights from an account.
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
