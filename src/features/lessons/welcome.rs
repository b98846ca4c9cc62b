//! What greets in an empty room.

use leptos::prelude::*;

use crate::features::timeline::copy_to_clipboard;
use crate::i18n::messages;
use crate::lazy;
use crate::services::{lesson_link, link_copied, link_to};
use crate::state::{Panel, Screen, use_app, use_room};
use crate::ui::Button;

/// How to find somebody to talk with, and how to learn.
#[component]
fn Welcome() -> impl IntoView {
    let (app, room) = (use_app(), use_room());
    let info = room.info.clone();
    let second = move || lesson_link(app, &info.read(), Screen::Join);
    let copy = move |_| {
        if let Some(link) = link_to(app, &room, None) {
            copy_to_clipboard(room.clone(), &link, link_copied(app));
        }
    };
    view! {
        <div class="welcome" data-testid="welcome">
            <Button test="copy-invitation" label=&messages::room_copy_invitation on_click=copy />
            {move || {
                let link = view! {
                    <a href=second()? target="_blank" rel="noopener" data-testid="welcome-window">
                        {&messages::lesson_second_window}
                    </a>
                };
                Some(link.into_any())
            }}
            <Button
                class="primary"
                test="start-lessons"
                label=&messages::lesson_start
                on_click=move |_| app.panel.set(Some(Panel::Lessons))
            />
        </div>
    }
}

lazy! { more, pub fn welcome() => view! { <Welcome /> } }
