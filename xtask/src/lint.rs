//! Format and clippy, for the native crates and for what goes into the page.

use crate::setup::{self, Need, Tools};
use crate::{process, project};
use anyhow::{Context, Result};

/// `cargo xtask lint`.
pub fn lint() -> Result<()> {
    println!("Checking the format");
    process::run(project::cargo().args(["fmt", "--all", "--check"]))
        .context("run `cargo fmt --all`")?;
    let tools = setup::prepare(&[] as &[Need])?;
    clippy(&tools)
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
        ("page and its tests", "-p effusion --all-targets"),
        ("measurements", "-p codec-bench"),
    ] {
        println!("Clippy, wasm32: {what}");
        let mut command = tools.cargo()?;
        command.args(["clippy", "--quiet", "--target", setup::TARGET]);
        process::run(command.args(arguments.split(' ')).args(deny))?;
    }
    // What clippy has seen is how the page is built; without erased types, other code may fail to compile.
    println!("Checking the page without `erase_components`");
    let mut command = tools.cargo()?;
    command.env(setup::FLAGS_VARIABLE, "");
    command.env("CARGO_TARGET_DIR", project::web_target().join("not-erased"));
    command.args(["check", "--quiet", "--target", setup::TARGET]);
    process::run(command.args(["-p", "effusion", "--all-targets"]))?;
    println!("Nothing to complain about");
    Ok(())
}
