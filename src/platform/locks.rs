//! Locks that all windows of the page share: one at a time does what two would do twice.

use std::pin::pin;

use futures_channel::oneshot::{Sender, channel};
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Function, Reflect};
use leptos::prelude::window;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::future_to_promise;

/// A lock, which is free again when this is dropped.
pub struct Lock {
    _release: Sender<()>,
}

/// Whether the browser has locks: a page that came from another machine without TLS has none.
pub fn are_here() -> bool {
    let locks = Reflect::get(&window().navigator(), &"locks".into());
    locks.is_ok_and(|locks| locks.is_object())
}

/// Waits for a lock, so many milliseconds at most. None if another window holds it for longer, and where there are no locks.
pub async fn acquire(name: &str, timeout: u32) -> Option<Lock> {
    let (grant, granted) = channel();
    let callback = Closure::once_into_js(move |_: JsValue| {
        let (release, released) = channel();
        // Whoever has waited for too long does not take it, and then it is free at once.
        let _ = grant.send(Lock { _release: release });
        future_to_promise(async move {
            let _ = released.await;
            Ok(JsValue::UNDEFINED)
        })
    });
    // `web_sys` has it among what may still change.
    let locks = Reflect::get(&window().navigator(), &"locks".into()).ok()?;
    let request: Function = Reflect::get(&locks, &"request".into())
        .ok()?
        .dyn_into()
        .ok()?;
    request.call2(&locks, &name.into(), &callback).ok()?;
    match select(pin!(granted), TimeoutFuture::new(timeout)).await {
        Either::Left((lock, _)) => lock.ok(),
        Either::Right(_) => None,
    }
}
