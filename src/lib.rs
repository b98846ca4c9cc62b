//! Effusion's page: a chat that runs in the browser alone and speaks the Diffusion protocol to its service.
//!
//! ```text
//!   view      components: what is on the screen
//!   session   the bridge between a Diffusion session and signals; the only module that talks to the network
//!   model     view models: plain data, tested without a browser
//!   chat      what a room and a message are on the wire, as in the tutorial
//! ```

pub mod chat;
pub mod model;
