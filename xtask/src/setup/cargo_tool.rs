//! Tools from crates.io: trunk, and the command lines of wasm-bindgen, wasm-split and leptosfmt.

use super::prebuilt::Prebuilt;
use super::step::Step;
use crate::{process, project};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(3600);

/// trunk, which bundles the page and serves it with live reload. Returns the directory to add to PATH, if any.
pub fn ensure_trunk(prebuilt: &Prebuilt, version: &str) -> Result<Option<PathBuf>> {
    Tool {
        name: "trunk",
        package: "trunk",
        programs: &["trunk"],
        // It neither looks for newer releases of itself nor fetches other tools, and so needs no TLS. It calls the compiler, waits, and
        // copies files, which takes no longer without optimisation.
        options: &[
            "--locked",
            "--no-default-features",
            "--config=profile.release.opt-level=0",
        ],
        tells_version: true,
        why: "bundles the page and serves it with live reload",
        compiles: "2 minutes",
    }
    .ensure(prebuilt, version)
}

/// wasm-bindgen's command line, which must be of the very version of the `wasm-bindgen` crate that the page is linked with.
/// Returns the directory to add to PATH, if any.
pub fn ensure_wasm_bindgen(prebuilt: &Prebuilt, version: &str) -> Result<Option<PathBuf>> {
    Tool {
        name: "wasm-bindgen",
        package: "wasm-bindgen-cli",
        programs: &["wasm-bindgen", "wasm-bindgen-test-runner"],
        // Its lock file may name releases that a registry mirror does not have yet.
        options: &[],
        tells_version: true,
        why: "makes the page's WebAssembly callable from JavaScript, and runs its tests",
        compiles: "90 seconds",
    }
    .ensure(prebuilt, version)
}

/// wasm-split's command line, which moves parts of the page into files of their own. Gives back the directory to add to PATH.
pub fn ensure_wasm_split(prebuilt: &Prebuilt, version: &str) -> Result<Option<PathBuf>> {
    Tool {
        name: "wasm-split",
        package: "wasm_split_cli_support",
        programs: &["wasm-split-cli"],
        options: &["--locked", "--features", "build-binary"],
        tells_version: false,
        why: "lets the page fetch rarely used parts when they are needed",
        compiles: "90 seconds",
    }
    .ensure(prebuilt, version)
}

/// leptosfmt, which formats `view!` blocks. Returns the directory to add to PATH, if any.
pub fn ensure_leptosfmt(prebuilt: &Prebuilt, version: &str) -> Result<Option<PathBuf>> {
    Tool {
        name: "leptosfmt",
        package: "leptosfmt",
        programs: &["leptosfmt"],
        options: &["--locked"],
        tells_version: true,
        why: "checks the format of `view!` blocks",
        compiles: "60 seconds",
    }
    .ensure(prebuilt, version)
}

struct Tool {
    name: &'static str,
    package: &'static str,
    programs: &'static [&'static str],
    options: &'static [&'static str],
    /// Whether the programs have `--version`. If not, only what was installed here is known to be of the right one.
    tells_version: bool,
    why: &'static str,
    /// How long that takes with two cores.
    compiles: &'static str,
}

impl Tool {
    fn ensure(&self, prebuilt: &Prebuilt, version: &str) -> Result<Option<PathBuf>> {
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
        let package = self.package;
        step.installing(
            format_args!("{package} {version}, as somebody has compiled it"),
            self.why,
            "10 seconds",
        );
        let installed_prebuilt = prebuilt.install(&step, package, version, &root).is_ok()
            && self.programs.iter().all(installed);
        if !installed_prebuilt {
            step.installing(
                format_args!("{package} {version} from source with cargo, as there is none"),
                "once",
                self.compiles,
            );
            self.install(version, &root).with_context(|| {
                format!(
                    "could not install {package} {version}; check the network, or install it yourself: cargo install {package} --version {version}",
                )
            })?;
        }
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
