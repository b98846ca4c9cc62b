//! The Diffusion service in a browser: the world around the broker is a worker.
//!
//! ```text
//!   page  page  page             (effusion-client, its transport `web::MessagePort`)
//!     └─────┼─────┘  message ports
//!   effusion-browser-service     (you are here: ports, IndexedDB, time)
//!   effusion-host                (password hashes, records)
//!   effusion-broker              (sessions, topics, rights)
//!   effusion-protocol            (bytes <-> types)
//! ```
//!
//! It is to a browser what the sandbox is to a machine: the same broker, the same messages, and nothing acknowledged before
//! it is stored. `assets/browser-service.js` starts it, in a shared worker where there are such, and hands it a port for
//! each connection. The module `hub` owns the broker, `store` writes what it wants stored, and `service` opens and replaces both. The
//! module `identity` tells a service from the one that it replaced.

#[cfg(target_arch = "wasm32")]
mod clock;
#[cfg(target_arch = "wasm32")]
mod hub;
#[cfg(any(target_arch = "wasm32", test))]
mod identity;
#[cfg(target_arch = "wasm32")]
mod port;
#[cfg(target_arch = "wasm32")]
mod service;
#[cfg(target_arch = "wasm32")]
mod store;

#[cfg(target_arch = "wasm32")]
fn main() {
    service::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!(
        "This program is for a browser's worker: `cargo xtask build` puts it beside the page."
    );
}
