//! Rooms whose names look the same.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::listing::marks;
use crate::features::attendance::look_of;
use crate::i18n::messages;

/// What tells rooms from others whose names look the same, by name.
pub type Marks = RwSignal<Vec<(String, String)>>;

/// Finds out what tells rooms of these names apart; follows the names.
pub fn marks_of(names: Signal<Vec<String>>) -> Marks {
    let found = Marks::default();
    Effect::new(move |_| {
        let names = names.get();
        spawn_local(async move {
            let mut looks = Vec::with_capacity(names.len());
            for name in names {
                let look = look_of(&name).await.unwrap_or_else(|| name.clone());
                looks.push((name, look));
            }
            // The list may be gone meanwhile.
            let _ = found.try_set(marks(&looks));
        });
    });
    found
}

/// What tells a room from others, if it needs that.
#[component]
pub fn Mark(
    /// The name of the room.
    #[prop(into)]
    name: Signal<String>,
    /// What was found out.
    marks: Marks,
) -> impl IntoView {
    move || {
        let name = name.get();
        let marks = marks.read();
        let (_, mark) = marks.iter().find(|(known, _)| *known == name)?;
        let mark = mark.clone();
        let shown = view! {
            <small
                class="account"
                dir="ltr"
                data-testid="room-mark"
                title=&messages::directory_looks_alike
            >
                {mark}
            </small>
        };
        Some(shown.into_any())
    }
}
