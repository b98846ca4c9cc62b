//! Saving a room as a file.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::export::{self, Line};
use crate::i18n::messages;
use crate::platform::page;
use crate::services::{History, use_services};
use crate::state::{OpenRoom, use_room};
use crate::ui::Button;

/// The two kinds of file that a room is saved as.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

/// Saves a room as a file.
#[component]
pub fn ExportButtons() -> impl IntoView {
    let saving = RwSignal::new(false);
    let stored = StoredValue::new((use_services(), use_room()));
    let start = move |format| {
        saving.set(true);
        let (services, room) = stored.get_value();
        spawn_local(async move {
            save(&services.history, &room, format).await;
            // The panel may be closed by now.
            let _ = saving.try_set(false);
        });
    };
    view! {
        <fieldset class="files">
            <legend>{&messages::search_export}</legend>
            <Button
                test="export-text"
                label=&messages::search_plain_text
                disabled=saving
                on_click=move |_| start(Format::Text)
            />
            <Button
                test="export-json"
                label="JSON"
                disabled=saving
                on_click=move |_| start(Format::Json)
            />
        </fieldset>
    }
}

/// Saves all that the service keeps of a room; where it cannot be asked, all that is loaded.
async fn save(history: &History, room: &OpenRoom, format: Format) {
    let lines: Vec<Line> = match history.whole(room).await {
        Some(events) => {
            let reader = room.look(|timeline| timeline.reader().clone());
            export::lines_of_series(&reader, events)
        }
        None => room.look(export::lines),
    };
    let name = room.info.read_untracked().name.to_string();
    let (text, kind, extension) = match format {
        Format::Json => (export::to_json(&name, &lines), "application/json", "json"),
        Format::Text => (export::to_text(&lines), "text/plain;charset=utf-8", "txt"),
    };
    page::save_file(&export::file_name(&name, extension), kind, &text.into());
}
