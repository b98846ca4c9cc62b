//! What `cargo xtask container` needs: a target without libraries, its C compiler, and buildah.

use super::apt::{Apt, install_or_explain};
use super::step::Step;
use crate::process;
use anyhow::{Context, Result};
use std::process::Command;

/// The standard library for a target with musl, and musl's C compiler for the cryptography.
pub fn ensure_static_target(target: &str) -> Result<()> {
    let step = Step::new("musl");
    if process::find_on_path("musl-gcc").is_none() {
        step.installing(
            "musl-tools with apt",
            "compiles C for a program without libraries",
            "10 seconds",
        );
        let otherwise =
            "musl-gcc is missing: install your system's package of musl's development tools";
        install_or_explain(&["musl-tools"], otherwise)?;
    }
    process::capture(Command::new("rustup").args(["target", "add", target]))
        .with_context(|| format!("rustup cannot add the target {target}"))?;
    step.done(target);
    Ok(())
}

/// Whether buildah is there: it builds images without a daemon.
pub fn ensure_buildah() -> Result<bool> {
    let step = Step::new("buildah");
    if process::find_on_path("buildah").is_none()
        && let Some(apt) = Apt::find()
    {
        step.installing(
            "buildah with apt",
            "builds images without a daemon",
            "20 seconds",
        );
        if let Err(error) = apt.install(&["buildah"]) {
            step.note(format_args!("{error:#}"));
        }
    }
    let is_there = process::find_on_path("buildah").is_some();
    step.done(if is_there { "here" } else { "missing" });
    Ok(is_there)
}
