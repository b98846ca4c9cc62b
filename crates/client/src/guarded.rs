//! What one thread at a time may touch.

use core::ops::Deref;

/// A lock that the thread which has it may take again, as what is dropped or called under it may call the session back.
#[cfg(not(target_family = "wasm"))]
pub(crate) struct Guarded<T>(parking_lot::ReentrantMutex<T>);

#[cfg(not(target_family = "wasm"))]
impl<T> Guarded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(parking_lot::ReentrantMutex::new(value))
    }

    pub(crate) fn lock(&self) -> impl Deref<Target = T> + '_ {
        self.0.lock()
    }
}

/// A page has one thread, so there is nobody to keep out.
#[cfg(target_family = "wasm")]
pub(crate) struct Guarded<T>(send_wrapper::SendWrapper<T>);

#[cfg(target_family = "wasm")]
impl<T> Guarded<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(send_wrapper::SendWrapper::new(value))
    }

    pub(crate) fn lock(&self) -> impl Deref<Target = T> + '_ {
        &*self.0
    }
}
