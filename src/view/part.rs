//! What is shown while a part of the page is fetched.

use std::future::poll_fn;
use std::pin::pin;

use leptos::prelude::*;
use leptos::reactive::computed::ScopedFuture;
use leptos::task::spawn_local;

use super::element::{El, el};
use crate::parts::{Missing, Part};

/// A place for a view whose code may have to be fetched first. It is no box of its own: the view stands as if alone. Nothing is
/// said if it cannot be fetched: the page is as good without it.
pub fn quietly(view: Part<El>) -> El {
    let place = el("div").class("part").attr("aria-busy", "true");
    let filled = place.clone();
    let owner = Owner::current().map_or_else(Owner::new, |owner| owner.child());
    let kept = owner.clone();
    on_cleanup(move || drop(kept));
    // What the view follows, it follows for as long as this place is there.
    let view = owner.with(|| ScopedFuture::new_untracked(view));
    spawn_local(async move {
        let mut view = pin!(view);
        // The view is made while it is waited for, and what it follows belongs to this place.
        let view = poll_fn(|context| owner.with(|| untrack(|| view.as_mut().poll(context)))).await;
        filled.node().remove_attribute("aria-busy").ok();
        let view = owner.with(|| view.unwrap_or_else(|Missing| el("span")));
        drop(filled.child(view));
    });
    place
}
