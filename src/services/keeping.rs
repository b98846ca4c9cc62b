//! What this device keeps of a room is taken up once somebody is in it: what was begun there, what was not sent, and a copy of its
//! messages for when there is no connection.

use std::rc::Rc;

use gloo_timers::future::TimeoutFuture;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Services;
use crate::state::OpenRoom;

/// How long after joining the stored messages of a room are taken up at the latest, in milliseconds.
const RECALL_DELAY: u32 = 1_000;

/// Takes up what is kept of a room, and sends what waits there, until the owner of the caller is done with.
pub fn keep_room(services: &Services, open: &OpenRoom) {
    let (kept, room) = (services.clone(), open.clone());
    Effect::new(move |_| {
        room.accounts.track();
        kept.drafts.recall(&room);
        kept.outbox.expect_stored(&room);
        // What is said in the room now is shown first, where there is a service that could say it.
        if kept.connection.session().is_none() || room.peer.is_some() {
            recall(&kept, &room);
        }
        let (kept, room) = (kept.clone(), room.clone());
        spawn_local(async move {
            TimeoutFuture::new(RECALL_DELAY).await;
            recall(&kept, &room);
        });
    });
    let (kept, room) = (services.clone(), open.clone());
    Effect::new(move |_| {
        if let Some(entered) = room.entered.get() {
            recall(&kept, &room);
            if entered.announce {
                kept.outbox.announce(&room);
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
    let (kept, room) = (services.clone(), open.clone());
    on_cleanup(move || kept.drafts.store_left(&room));
}

/// Takes up what was written before, which goes out before anything else.
fn recall(services: &Services, open: &OpenRoom) {
    if services.outbox.begin_recall(open) {
        let (services, open) = (services.clone(), open.clone());
        spawn_local(async move {
            services.outbox.recall(&open).await;
            services.copies.show(&open).await;
        });
    }
}
