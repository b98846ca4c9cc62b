//! Where rustup cannot add the target: Debian's Rust for the web, and the standard library built from its source.

use super::apt::Apt;
use super::step::Step;
use super::wasm::{TARGET, WasmToolchain};
use super::{library, remap};
use crate::{process, project};
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// The compiler that Debian builds its browsers with, the library's source, and the linker, which the others only recommend
/// and so must be named.
const PACKAGES: [&str; 6] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "rust-web-clippy",
    "lld-22",
];
const LIMIT: Duration = Duration::from_secs(1800);

/// Installs the packages, builds the library and copies it to where the compiler looks for it.
pub fn install(apt: Apt, step: &Step) -> Result<WasmToolchain> {
    step.installing(
        PACKAGES.join(" "),
        "a Rust compiler for WebAssembly from apt",
        "30 seconds",
    );
    apt.install(&PACKAGES)?;
    let toolchain = WasmToolchain::system().context(
        "apt-get installed the packages, but /usr/bin/rustc or /usr/bin/cargo is not there",
    )?;
    step.installing(
        "Rust's standard library for wasm32",
        "apt brings only its source, which is compiled once",
        "60 seconds",
    );
    let sysroot = toolchain.rustlib()?;
    let libraries = build_library(&toolchain)
        .context("could not compile Rust's standard library for wasm32")?;
    let destination = sysroot.join(TARGET).join("lib");
    process::run(apt.as_root("mkdir").arg("-p").arg(&destination))?;
    process::run(apt.as_root("cp").args(&libraries).arg(&destination))?;
    toolchain.probe().context(
        "the standard library was built, but a test program for wasm32 does not compile with it",
    )?;
    Ok(toolchain)
}

/// Compiles the standard library for wasm32 and returns its files.
fn build_library(toolchain: &WasmToolchain) -> Result<Vec<PathBuf>> {
    let dir = project::cache()?.join("std-for-wasm32");
    if dir.exists() {
        // Left over from another compiler's release, or half done.
        fs::remove_dir_all(&dir)?;
    }
    library::empty_crate(&dir)?;

    let cargo = |arguments: &[&str]| -> Result<()> {
        let mut cargo = toolchain.command(&toolchain.cargo, &[])?;
        cargo.current_dir(&dir).args(arguments);
        cargo.args(["-Z", "build-std=std,panic_abort,test", "--target", TARGET]);
        cargo.env("CARGO_TARGET_DIR", dir.join("target"));
        // The library's own build uses unstable features of the compiler it belongs to.
        cargo.env("RUSTC_BOOTSTRAP", "1");
        // Link-time optimisation of the page needs bitcode.
        let mut flags = remap::flags(&[(toolchain.library_source()?, "rust")]);
        flags.push("-Cembed-bitcode=yes".to_owned());
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        process::run_quietly(&mut cargo, LIMIT)
    };
    // First, so that the registry's directory is there to be replaced in the library.
    cargo(&["fetch"])?;
    cargo(&["build", "--release"])?;

    let built = dir.join("target").join(TARGET).join("release").join("deps");
    let mut libraries = Vec::new();
    for entry in fs::read_dir(&built)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".rlib") && !name.starts_with("libstd_for_wasm32-") {
            libraries.push(path);
        }
    }
    Ok(libraries)
}
