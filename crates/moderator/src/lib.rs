//! A moderator's work on a Diffusion service: the tutorial's challenge, and what follows from it.
//!
//! ```text
//!   program · the page's board
//!   Desk                     (you are here: rules and log in topics, actions through the client)
//!   effusion-chat            (what the rules make of a message)
//!   effusion-client          (the session)
//! ```
//!
//! A [`Desk`] has a session with the rights it needs, receives what happens in the rooms from its [`Inbox`], and acts. All
//! that it knows is in the service: the rules are a topic, and so is the log of what was done, from which any moderator
//! knows what is in force, when it ends and how to undo it. Time is passed in, so it runs in a browser as well.

mod desk;
mod failure;
mod inbox;
mod rights;

pub use desk::{DUTY, Desk, Report};
pub use failure::Failure;
pub use inbox::{Happening, Inbox};
