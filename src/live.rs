//! Effects that run at once, for the element builder alone.

use leptos::prelude::*;
use send_wrapper::SendWrapper;

/// Runs now, and again whenever something that it has read changes, until the owner that it is created in is done with.
pub fn follow(mut run: Box<dyn FnMut()>) {
    let effect = SendWrapper::new(RenderEffect::new(move |_| run()));
    on_cleanup(move || drop(effect));
}
