//! What every program that runs a broker needs, without I/O.
//!
//! ```text
//!   effusion-sandbox · effusion-browser-service      (sockets or ports, a database, time)
//!   effusion-host                                    (you are here)
//!   effusion-broker                                  (sessions, topics, rights)
//!   effusion-protocol                                (bytes <-> types)
//! ```
//!
//! [`password`] hashes and verifies passwords. [`record`] says how what is stored looks: as records by key for a database that
//! has keys and bytes, and as one file ([`archive`]). [`close`] has the codes and words for a WebSocket's end, or for what stands
//! for one.

pub mod archive;
pub mod close;
pub mod password;
pub mod record;
