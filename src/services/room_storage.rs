//! What this device has stored of a room is loaded once somebody is in it: drafts, messages that were not sent, and a copy of its
//! messages for when there is no connection.

use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Services;
use crate::state::OpenRoom;

/// How long after joining the stored messages of a room are loaded at the latest, in milliseconds.
const LOAD_DELAY: u32 = 1_000;

/// Loads what is stored of a room, and sends what waits there, until the owner of the caller is done with.
pub fn serve_room(services: &Services, open: &OpenRoom) {
    let (owned, room) = (services.clone(), open.clone());
    Effect::new(move |_| {
        room.accounts.track();
        owned.drafts.load(&room);
        owned.outbox.expect_stored(&room);
        // What is said in the room now is shown first, where there is a service that could say it.
        if owned.connection.session().is_none() || room.peer.is_some() {
            load_stored(&owned, &room);
        }
        let (owned, room) = (owned.clone(), room.clone());
        spawn_local(async move {
            TimeoutFuture::new(LOAD_DELAY).await;
            load_stored(&owned, &room);
        });
    });
    let (owned, room) = (services.clone(), open.clone());
    Effect::new(move |_| {
        if let Some(entered) = room.entered.get() {
            load_stored(&owned, &room);
            if entered.announce {
                owned.outbox.announce(&room);
            }
        }
    });
    let (outbox, room) = (Rc::clone(&services.outbox), open.clone());
    Effect::new(move |_| {
        room.subscribed.track();
        outbox.serve(&room);
    });
    let (outbox, room) = (Rc::clone(&services.outbox), open.clone());
    Effect::new(move |_| {
        room.version.track();
        outbox.forget_arrived(&room);
    });
    let (owned, room) = (services.clone(), open.clone());
    on_cleanup(move || owned.drafts.store_left(&room));
}

/// Loads what was written before, which goes out before anything else.
fn load_stored(services: &Services, open: &OpenRoom) {
    if services.outbox.begin_loading(open) {
        let (services, open) = (services.clone(), open.clone());
        spawn_local(async move {
            services.outbox.load(&open).await;
            services.copies.show(&open).await;
        });
    }
}
