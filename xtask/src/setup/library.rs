//! The source of Rust's standard library: the page for release is built together with it.
//!
//! The prebuilt library is optimised for speed and formats a message for every possible panic. Compiled along
//! with the page it is optimised for size, and a panic traps, which a browser's console shows as an error with the
//! same stack. That makes the first load smaller. It works with a released compiler, but with options whose names may
//! still change, so nothing else is built that way, and without them the page is built as usual.

use super::step::Step;
use super::wasm::{TARGET, WasmToolchain};
use crate::{process, project};
use anyhow::{Context, Result};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Flags for the compiler: a panic is nothing but the end, and nothing says where it was in the program.
const FLAGS: [&str; 3] = [
    "-Zunstable-options",
    "-Cpanic=immediate-abort",
    "-Zlocation-detail=none",
];
/// What tells Cargo to build the library, and the compiler to accept its source and the flags.
const VARIABLES: [(&str, &str); 3] = [
    ("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort"),
    ("CARGO_UNSTABLE_BUILD_STD_FEATURES", "optimize_for_size"),
    ("RUSTC_BOOTSTRAP", "1"),
];
/// The variable that, if set, leaves the compiler's own library in the page.
const SWITCH_OFF: &str = "EFFUSION_PREBUILT_STD";
/// For rustup to download a few megabytes, or Cargo the crates that the library uses.
const LIMIT: Duration = Duration::from_secs(180);

/// Checks whether the library can be built from its source, which rustup downloads if it can. Reports why not otherwise.
pub fn ensure(wasm: &WasmToolchain) -> bool {
    let step = Step::new("std's source");
    if std::env::var_os(SWITCH_OFF).is_some() {
        step.done(format_args!("not used, as {SWITCH_OFF} is set"));
        return false;
    }
    match find_or_fetch(wasm, &step) {
        Ok(()) => {
            step.done("the release page brings its own standard library");
            true
        }
        Err(error) => {
            step.done(format_args!(
                "not here, so the release page becomes a little bigger: {error:#}"
            ));
            false
        }
    }
}

fn find_or_fetch(wasm: &WasmToolchain, step: &Step) -> Result<()> {
    let mut probe = Command::new(&wasm.rustc);
    probe.envs(VARIABLES).args(FLAGS);
    process::capture(probe.args(["--print", "cfg", "--target", TARGET]))
        .ok()
        .context("the compiler is too old to stop at a panic without words")?;
    let source = wasm.library_source()?.join("library");
    let manifest = source.join("std").join("Cargo.toml");
    if !manifest.is_file() && wasm.directory.is_none() {
        step.installing(
            "rust-src with rustup",
            "it makes the release page smaller",
            "5 seconds",
        );
        process::run_quietly(
            Command::new("rustup").args(["component", "add", "rust-src"]),
            LIMIT,
        )
        .ok()
        .context("rustup could not add rust-src")?;
    }
    if !manifest.is_file() {
        anyhow::bail!("the compiler's packages do not include the library's source");
    }
    fetch_dependencies(wasm).context("the crates that the library uses cannot be fetched")
}

/// Fetches what the library itself depends on; without a network, if it has been fetched before.
fn fetch_dependencies(wasm: &WasmToolchain) -> Result<()> {
    let dir = project::web_target().join("probe-std");
    empty_crate(&dir)?;
    let fetch = |options: &[&str]| {
        let mut cargo = wasm.command(&wasm.cargo, &[])?;
        cargo.current_dir(&dir).envs(VARIABLES);
        cargo.args(["fetch", "--target", TARGET]).args(options);
        process::run_quietly(&mut cargo, LIMIT)
    };
    fetch(&["--offline"]).or_else(|_| fetch(&[]))
}

/// Writes a crate whose only purpose is what Cargo does about its dependency on the standard library.
pub(super) fn empty_crate(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir.join("src"))?;
    fs::write(
        dir.join("Cargo.toml"),
        r#"[package]
name = "std-for-wasm32"
version = "0.0.0"
edition = "2024"

[profile.release]
panic = "abort"

[workspace]
"#,
    )?;
    fs::write(dir.join("src").join("lib.rs"), "#![no_std]\n")?;
    Ok(())
}

/// Makes a command that calls Cargo build the library, too. Returns the compiler flags for that.
pub fn build_along(command: &mut Command) -> impl Iterator<Item = String> {
    command.envs(VARIABLES);
    FLAGS.into_iter().map(str::to_owned)
}
