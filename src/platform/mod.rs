//! What no crate offers of the browser, or more cheaply than one.

pub mod clock;
pub mod focus;
pub mod keyboard;
pub mod locks;
pub mod page;
pub mod storage;
pub mod tasks;
