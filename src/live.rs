//! Values that the page follows.
//!
//! Leptos' own signals are generic through and through: each type that one holds brings one to two kilobytes to the page.
//! Here a value is a plain cell, and what tells that it changed is one of Leptos' triggers, whatever the type.

use std::cell::{Ref, RefCell};

use leptos::prelude::*;
use send_wrapper::SendWrapper;

/// A value that effects follow.
#[derive(Debug, Default)]
pub struct Live<T> {
    value: RefCell<T>,
    changed: ArcTrigger,
}

impl<T> Live<T> {
    /// A value to begin with.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self {
            value: RefCell::new(value),
            changed: ArcTrigger::new(),
        }
    }

    /// The value; the effect that runs now runs again when it changes.
    pub fn read(&self) -> Ref<'_, T> {
        self.changed.track();
        self.value.borrow()
    }

    /// The value, without following it.
    pub fn peek(&self) -> Ref<'_, T> {
        self.value.borrow()
    }

    /// A copy of the value, which is followed.
    pub fn get(&self) -> T
    where
        T: Clone,
    {
        self.read().clone()
    }

    /// Puts another value in its place.
    pub fn set(&self, value: T) {
        self.value.replace(value);
        self.changed.notify();
    }

    /// Puts another value in its place, if it is another one.
    pub fn put(&self, value: T)
    where
        T: PartialEq,
    {
        if *self.value.borrow() != value {
            self.set(value);
        }
    }

    /// Changes the value, if the change says that it does.
    pub fn revise(&self, change: impl FnOnce(&mut T) -> bool) {
        let changed = change(&mut self.value.borrow_mut());
        if changed {
            self.changed.notify();
        }
    }

    /// Changes the value.
    pub fn update(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.value.borrow_mut());
        self.changed.notify();
    }
}

/// Runs now, and again whenever something that it has read changes, until the owner that it is created in is done with.
pub fn follow(mut run: Box<dyn FnMut()>) {
    let effect = SendWrapper::new(RenderEffect::new(move |_| run()));
    on_cleanup(move || drop(effect));
}
