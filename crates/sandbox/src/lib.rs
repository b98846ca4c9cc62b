//! A Diffusion service for development: the world around the broker.
//!
//! ```text
//!   effusion-sandbox             (you are here: sockets, database, password hashing, time)
//!   effusion-broker              (sessions, topics, rights)
//!   effusion-protocol            (bytes <-> types)
//! ```
//!
//! One task owns the broker and never waits for anything but its inputs. Around it, each connection has a task that
//! reads, and writes what is in its [`outbox`]; a thread writes to the [`store`]; passwords are hashed on a few
//! threads of their own.

pub mod address;
pub mod cli;
pub mod clock;
pub mod connection;
#[cfg(unix)]
pub mod control;
pub mod credentials;
#[cfg(any(feature = "embedded-page", test))]
pub mod embedded;
pub mod health;
pub mod http;
pub mod hub;
pub mod memory;
pub mod origin;
pub mod outbox;
pub mod page;
pub mod password;
pub mod principals;
pub mod rate;
pub mod server;
pub mod store;
pub mod tls;
pub mod token;
pub mod turns;
