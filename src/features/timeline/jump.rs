//! Going to a message that is named by another one or by an address.

use std::time::Duration;

use effusion_chat::Target;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::services::Services;
use crate::state::OpenRoom;

/// How often to look whether the message is in the document, and after how many milliseconds each.
const LOOKS: (u32, u64) = (40, 100);

/// How long it flashes, in milliseconds.
const FLASH: u64 = 2_000;

/// Goes to a message of a room, wherever it is.
pub fn jump(services: &Services, room: OpenRoom, target: Target) {
    services.history.jump_to(&room, target);
    flash(room, target, LOOKS.0);
}

/// Focuses the message, and has it flash, once it is there.
fn flash(room: OpenRoom, target: Target, left: u32) {
    let key = room.look(|timeline| {
        let rank = timeline.find(target)?;
        let place = timeline.place_of_rank(rank);
        timeline.row_at(place).map(|row| row.entry.key)
    });
    let selector =
        key.map(|key| ["[data-testid=message][data-key=\"", &key.to_string(), "\"]"].concat());
    let found = selector.and_then(|selector| document().query_selector(&selector).ok()?);
    let Some(found) = found else {
        if left > 0 {
            set_timeout(
                move || flash(room, target, left - 1),
                Duration::from_millis(LOOKS.1),
            );
        }
        return;
    };
    // Focusing what is not shown does nothing, which is right.
    let _ = found.unchecked_ref::<HtmlElement>().focus();
    // The class's name is valid.
    let _ = found.class_list().add_1("flash");
    set_timeout(
        move || {
            let _ = found.class_list().remove_1("flash");
        },
        Duration::from_millis(FLASH),
    );
}
