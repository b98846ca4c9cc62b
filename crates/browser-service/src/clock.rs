//! The worker, and its clocks.

use effusion_broker::Time;
use js_sys::{Function, Reflect};
use wasm_bindgen::JsCast as _;
use web_sys::WorkerGlobalScope;

/// The worker itself.
pub fn worker() -> WorkerGlobalScope {
    js_sys::global().unchecked_into()
}

/// The time.
pub fn now() -> Time {
    let monotonic = worker().performance().map(|performance| performance.now());
    Time {
        monotonic_ms: monotonic.unwrap_or_else(js_sys::Date::now) as u64,
        wall_ms: js_sys::Date::now() as u64,
    }
}

/// Tells all ports that the worker ends, for this reason, and ends it once this turn is over: `assets/browser-service.js`.
pub fn end_worker(reason: &str) {
    let worker = worker();
    let end = Reflect::get(&worker, &"end".into());
    if let Ok(end) = end.and_then(|end| end.dyn_into::<Function>()) {
        let _ = end.call1(&worker, &reason.into());
    }
}
