//! Format, clippy and documentation, for the native crates and for what goes into the page.

use crate::setup::{self, Need, Tools};
use crate::{build, process, project};
use anyhow::{Context, Result};

/// `cargo xtask lint`.
pub fn lint() -> Result<()> {
    println!("Checking the format");
    process::run(project::cargo().args(["fmt", "--all", "--check"]))
        .context("run `cargo fmt --all`")?;
    let tools = setup::prepare(&[Need::Formatter])?;
    views(&tools)?;
    clippy(&tools)?;
    without_erasure(&tools)?;
    documentation(&tools)?;
    println!("No problems found");
    Ok(())
}

/// The format of `view!` blocks, which rustfmt leaves alone; `leptosfmt.toml` configures it.
fn views(tools: &Tools) -> Result<()> {
    println!("Checking the format of `view!` blocks");
    let mut files = Vec::new();
    for dir in ["src", "tests/browser"] {
        for file in build::files(&project::root().join(dir))? {
            let is_rust = file.extension().is_some_and(|ending| ending == "rs");
            if is_rust && std::fs::read_to_string(&file)?.contains("view!") {
                files.push(file);
            }
        }
    }
    if files.is_empty() {
        return Ok(());
    }
    let mut leptosfmt = tools.command("leptosfmt")?;
    process::run(leptosfmt.args(["--check", "--quiet"]).args(files))
        .context("run `leptosfmt src/**/*.rs`, then `cargo fmt --all`")
}

/// Clippy with warnings denied.
fn clippy(tools: &Tools) -> Result<()> {
    println!("Clippy, native");
    let deny = ["--", "-D", "warnings"];
    let everything = "clippy --quiet --workspace --exclude effusion --all-targets".split(' ');
    process::run(project::cargo().args(everything).args(deny))?;
    for (what, arguments) in [
        ("protocol", "-p effusion-protocol --no-default-features"),
        (
            "client",
            "-p effusion-client --no-default-features --features web",
        ),
        (
            "page, its tests and the service in the browser",
            "-p effusion -p effusion-browser-service --all-targets",
        ),
        ("measurements", "-p codec-bench"),
    ] {
        println!("Clippy, wasm32: {what}");
        let mut command = tools.cargo()?;
        command.args(["clippy", "--quiet", "--target", setup::TARGET]);
        process::run(command.args(arguments.split(' ')).args(deny))?;
    }
    Ok(())
}

/// Leptos without the flag of `.cargo/config.toml`: code may compile in one mode only. Clippy has checked the other.
fn without_erasure(tools: &Tools) -> Result<()> {
    println!("Checking the page without `erase_components`");
    let mut command = tools.cargo()?;
    // Cargo adds the variable for one target to the flags of its file, and takes this one in place of both.
    command.env("RUSTFLAGS", "");
    command.args(["check", "--quiet", "--target", setup::TARGET]);
    process::run(command.args(["-p", "effusion", "--all-targets"]))
}

/// The documentation, of private items, too, with warnings denied.
fn documentation(tools: &Tools) -> Result<()> {
    let what = "doc --quiet --no-deps --document-private-items";
    for (whose, mut command, arguments) in [
        ("native", project::cargo(), "--workspace --exclude effusion"),
        (
            "wasm32: page",
            tools.cargo()?,
            "-p effusion -p effusion-browser-service --target wasm32-unknown-unknown",
        ),
    ] {
        println!("Documentation, {whose}");
        command.args(what.split(' ')).args(arguments.split(' '));
        process::run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    }
    Ok(())
}
