//! What no crate offers of the browser.

pub mod tasks;
