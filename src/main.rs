//! Starts the page.

#[cfg(target_arch = "wasm32")]
fn main() {
    effusion::start();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("This is a page for a browser. `cargo xtask serve` builds and serves it.");
}
