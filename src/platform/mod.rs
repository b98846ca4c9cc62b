//! What no crate offers of the browser, or more cheaply than one.

pub mod clock;
pub mod focus;
pub mod page;
pub mod storage;
pub mod tasks;
