use leptos::prelude::*;

use super::{UpdateNotice, handle_shortcuts, not_stored_notice};
use crate::features::attendance::AttendRooms;
use crate::features::lessons::follow_lessons;
use crate::features::timeline::load_announcements;
use crate::lazy;
use crate::platform::page;
use crate::services::{follow_location, lessons_are_begun, provide_services};
use crate::state::{App, use_page};
use crate::ui::{Completed, Lazy};

lazy! {
    chat,
    /// What goes on behind the screens, fetched while the first form is filled in. What it provides is there for all that `page` owns.
    pub fn background(page: Owner) => page.with(|| view! { <Background /> })
}

/// What goes on behind the screens, whichever is shown: the services, the keys, the address, and what is done in every room.
#[component]
fn Background() -> impl IntoView {
    let app = App::new(use_page());
    provide_context(app);
    load_announcements(app);
    follow_location(app);
    handle_shortcuts(app);
    page::follow_visual_viewport();
    provide_services(app);
    view! {
        <UpdateNotice />
        <Completed load=not_stored_notice />
        <AttendRooms />
        {lessons_are_begun().then(|| view! { <Lazy quiet=true load=follow_lessons() /> })}
    }
}
