//! The whole page: one screen at a time, and what stands over all of them.

use leptos::prelude::*;

use crate::features::account::account_form;
use crate::features::attendance::AttendRooms;
use crate::features::join::JoinForm;
use crate::features::moderation::board;
use crate::features::shell::{UpdateNotice, chat, handle_shortcuts};
use crate::state::{Screen, use_app};
use crate::ui::{Keyed, Lazy};

/// The page.
#[component]
pub fn Page() -> impl IntoView {
    let app = use_app();
    handle_shortcuts(app);
    view! {
        <div id="page">
            <Keyed key=Signal::derive(move || Some(
                app.screen.get() as usize,
            ))>
                {match app.screen.get_untracked() {
                    Screen::Join => view! { <JoinForm /> }.into_any(),
                    Screen::Account => view! { <Lazy load=account_form() /> }.into_any(),
                    Screen::Chat => view! { <Lazy load=chat() /> }.into_any(),
                    Screen::Board => view! { <Lazy load=board() /> }.into_any(),
                }}
            </Keyed>
            <UpdateNotice />
            <AttendRooms />
        </div>
    }
}
