//! What sessions have to do with each other: requests, locks, and being told of topics.

pub(crate) mod handlers;
pub(crate) mod locks;
pub(crate) mod notifications;
pub(crate) mod requests;
