//! Prebuilt tools from crates.io: cargo-binstall knows where the releases of a package are, and checks
//! what it downloads. Where it is not available, or knows no release for this machine, the tool is compiled.

use super::step::Step;
use crate::{process, project};
use anyhow::{Context, Result, bail};
use std::cell::OnceCell;
use std::env::consts::{ARCH, EXE_SUFFIX, OS};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where the newest release of cargo-binstall is.
const RELEASES: &str = "https://github.com/cargo-bins/cargo-binstall/releases/latest/download";
/// For networks that silently drop what they do not allow.
const CONNECT_SECONDS: &str = "5";
const DOWNLOAD_SECONDS: &str = "60";
/// For cargo-binstall to find and download a release.
const LIMIT: Duration = Duration::from_secs(120);

/// cargo-binstall, looked for when the first tool is missing, once.
#[derive(Default)]
pub struct Prebuilt {
    binstall: OnceCell<Option<PathBuf>>,
}

impl Prebuilt {
    /// Installs a package's programs below `root`, if there is a prebuilt release for this machine and the network lets us
    /// have them.
    pub fn install(&self, step: &Step, package: &str, version: &str, root: &Path) -> Result<()> {
        let found = self.binstall.get_or_init(|| {
            let found = find();
            if let Err(error) = &found {
                step.note(format_args!("no cargo-binstall: {error:#}"));
            }
            found.ok()
        });
        let Some(binstall) = found else {
            bail!("there is no cargo-binstall");
        };
        let mut command = Command::new(binstall);
        command
            .args(["--no-confirm", "--disable-strategies=compile", "--no-track"])
            .args(["--disable-telemetry", "--maximum-resolution-timeout=15"])
            .arg("--install-path")
            .arg(root.join("bin"))
            .arg(format!("{package}@{version}"));
        process::run_quietly(&mut command, LIMIT)
    }
}

/// cargo-binstall: the user's, the one downloaded before, or its newest release.
fn find() -> Result<PathBuf> {
    if let Some(found) = process::find_on_path("cargo-binstall") {
        return Ok(found);
    }
    let dir = project::cache()?.join("tools").join("cargo-binstall");
    let program = dir.join(format!("cargo-binstall{EXE_SUFFIX}"));
    let runs = || process::capture(Command::new(&program).arg("-V")).is_ok();
    if runs() {
        return Ok(program);
    }
    let archive = match OS {
        "linux" => format!("cargo-binstall-{ARCH}-unknown-linux-musl.tgz"),
        "macos" => format!("cargo-binstall-{ARCH}-apple-darwin.zip"),
        "windows" => format!("cargo-binstall-{ARCH}-pc-windows-msvc.zip"),
        _ => bail!("it has no release for {OS}"),
    };
    std::fs::create_dir_all(&dir)?;
    let file = dir.join(&archive);
    let mut curl = Command::new("curl");
    curl.args(["--fail", "--silent", "--show-error", "--location"])
        .args(["--proto", "=https", "--connect-timeout", CONNECT_SECONDS])
        .args(["--max-time", DOWNLOAD_SECONDS, "--output"])
        .arg(&file)
        .arg(format!("{RELEASES}/{archive}"));
    process::capture(&mut curl).context("its release cannot be fetched")?;
    let mut tar = Command::new("tar");
    process::capture(tar.arg("-xf").arg(&file).arg("-C").arg(&dir))?;
    std::fs::remove_file(file)?;
    if !runs() {
        bail!("its release does not run here");
    }
    Ok(program)
}
