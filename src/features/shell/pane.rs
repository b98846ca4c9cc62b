//! The room that is shown.

use leptos::prelude::*;

use super::{RoomFault, room_footer};
use crate::features::timeline::MessageList;
use crate::state::{use_app, use_room};
use crate::ui::Completed;

/// Its messages, and what stands below them once it has come.
#[component]
pub fn RoomPane() -> impl IntoView {
    let room = use_room();
    let state = room.state.clone();
    let app = use_app();
    view! {
        <div class="pane" data-testid="room-pane" data-state=move || state.read().word()>
            <RoomFault />
            <MessageList on_sight=move |()| app.look() />
            <div class="foot">
                <Completed load=room_footer />
            </div>
        </div>
    }
}
