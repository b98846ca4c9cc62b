//! Tools that are compiled from crates.io: trunk and wasm-bindgen's command line.

use super::step::Step;
use crate::{process, project};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(3600);

/// trunk, which bundles the page and serves it with live reload. Gives back the directory to add to PATH, if any.
pub fn ensure_trunk(version: &str) -> Result<Option<PathBuf>> {
    Tool {
        name: "trunk",
        package: "trunk",
        programs: &["trunk"],
        // Not the part that looks for newer releases of itself on the network.
        options: &["--locked", "--no-default-features", "--features", "rustls"],
        tells_version: true,
        why: "bundles the page and serves it with live reload; compiling it takes a few minutes, once",
    }
    .ensure(version)
}

/// wasm-bindgen's command line, which must be of the very version of the `wasm-bindgen` crate that the page is linked with.
/// Gives back the directory to add to PATH, if any.
pub fn ensure_wasm_bindgen(version: &str) -> Result<Option<PathBuf>> {
    Tool {
        name: "wasm-bindgen",
        package: "wasm-bindgen-cli",
        programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
        // Its lock file may name releases that a registry mirror does not have yet.
        options: &[],
        tells_version: true,
        why: "makes the page's WebAssembly callable from JavaScript, and runs its tests; compiling it takes a minute or two, once",
    }
    .ensure(version)
}

/// wasm-split's command line, which moves parts of the page into files of their own. Gives back the directory to add to PATH.
pub fn ensure_wasm_split(version: &str) -> Result<Option<PathBuf>> {
    Tool {
        name: "wasm-split",
        package: "wasm_split_cli_support",
        programs: &["wasm-split-cli"],
        options: &["--locked", "--features", "build-binary"],
        tells_version: false,
        why: "lets the page fetch rarely used parts when they are needed; compiling it takes a minute or two, once",
    }
    .ensure(version)
}

struct Tool {
    name: &'static str,
    package: &'static str,
    programs: &'static [&'static str],
    options: &'static [&'static str],
    /// Whether the programs have `--version`. If not, only what was installed here is known to be of the right one.
    tells_version: bool,
    why: &'static str,
}

impl Tool {
    fn ensure(&self, version: &str) -> Result<Option<PathBuf>> {
        let step = Step::new(self.name);
        let root = project::cache()?
            .join("tools")
            .join(format!("{}-{version}", self.package));
        let bin = root.join("bin");
        let installed = |program: &&str| {
            bin.join(program)
                .with_extension(std::env::consts::EXE_EXTENSION)
                .is_file()
        };
        if !self.tells_version && self.programs.iter().all(installed) {
            step.done(version);
            return Ok(Some(bin));
        }
        if self.is_version(version, |program| bin.join(program)) {
            step.done(version);
            return Ok(Some(bin));
        }
        if self.is_version(version, |program| PathBuf::from(program)) {
            step.done(format_args!("{version}, from PATH"));
            return Ok(None);
        }
        step.installing(
            format_args!("{} {version} with cargo", self.package),
            self.why,
        );
        self.install(version, &root).with_context(|| {
            format!(
                "could not install {package} {version}; check the network, or install it yourself: cargo install {package} --version {version}",
                package = self.package
            )
        })?;
        step.done(version);
        Ok(Some(bin))
    }

    /// Whether every program of the tool is there and says it is of this version.
    fn is_version(&self, version: &str, locate: impl Fn(&str) -> PathBuf) -> bool {
        self.programs.iter().all(|program| {
            let said = process::capture(Command::new(locate(program)).arg("--version"))
                .unwrap_or_default();
            said.split_whitespace().any(|word| word == version)
        })
    }

    fn install(&self, version: &str, root: &Path) -> Result<()> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // Gentle on a machine in use, where the system can be: it is a long compilation.
        let mut command = match process::find_on_path("nice") {
            Some(nice) => {
                let mut command = Command::new(nice);
                command.arg("-n10").arg(cargo);
                command
            }
            None => Command::new(cargo),
        };
        command
            .args(["install", self.package, "--version", version, "--root"])
            .arg(root)
            .args(self.options);
        // These tools wait for the disk and the compiler: half the time to build them is worth more than their speed.
        command.env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
        command.env("CARGO_PROFILE_RELEASE_LTO", "off");
        command.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        command.env("CARGO_PROFILE_RELEASE_DEBUG", "0");
        process::run_quietly(&mut command, LIMIT)
    }
}
