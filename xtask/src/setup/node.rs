//! Node.js, and what npm installs: wasm-opt, esbuild, and the packages that the tests drive (the vendor's SDK, Playwright).

use super::apt;
use super::step::Step;
use crate::{process, project};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The oldest Node.js whose test runner the tests are written for.
const OLDEST_NODE: u32 = 18;
/// The release of npm's `binaryen`, which holds wasm-opt. Debian's is too old for the output of today's compiler.
const BINARYEN: &str = "132";
/// The release of npm's `esbuild`.
const ESBUILD: &str = "0.28.2";
const LIMIT: Duration = Duration::from_secs(900);
const HOW: &str = "install Node.js 18 or newer with npm: `apt-get install nodejs npm`, your system's package manager, or https://nodejs.org; then run this command again";

/// Node.js itself.
pub fn ensure_node() -> Result<()> {
    let step = Step::new("node");
    if process::find_on_path("node").is_none() || process::find_on_path("npm").is_none() {
        step.installing(
            "nodejs and npm with apt",
            "npm brings wasm-opt, and the tests drive the vendor's SDK in Node",
            "60 seconds",
        );
        apt::install_or_explain(
            &["nodejs", "npm"],
            &format!("Node.js or npm is missing: {HOW}"),
        )?;
    }
    let version = process::capture(Command::new("node").arg("--version"))?;
    let major = version
        .trim_start_matches('v')
        .split('.')
        .next()
        .and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < OLDEST_NODE) {
        bail!("Node.js is {version}: {HOW}");
    }
    step.done(version);
    Ok(())
}

/// wasm-opt. Returns the directory to add to PATH, if any.
pub fn ensure_wasm_opt() -> Result<Option<PathBuf>> {
    NpmTool {
        package: "binaryen",
        programs: &["wasm-opt"],
        why: "makes the page's WebAssembly smaller",
    }
    .ensure(BINARYEN)
}

/// esbuild. Returns the directory to add to PATH, if any.
pub fn ensure_esbuild() -> Result<Option<PathBuf>> {
    NpmTool {
        package: "esbuild",
        programs: &["esbuild"],
        why: "makes the page's scripts and its style sheet smaller",
    }
    .ensure(ESBUILD)
}

struct NpmTool {
    package: &'static str,
    programs: &'static [&'static str],
    why: &'static str,
}

impl NpmTool {
    fn ensure(&self, version: &str) -> Result<Option<PathBuf>> {
        let package = self.package;
        let step = Step::new(package);
        let root = project::cache()?
            .join("tools")
            .join(format!("{package}-{version}"));
        let bin = root.join("node_modules").join(".bin");
        if self.is_version(version, |program| bin.join(program)) {
            step.done(version);
            return Ok(Some(bin));
        }
        if self.is_version(version, |program| PathBuf::from(program)) {
            step.done(format_args!("{version}, from PATH"));
            return Ok(None);
        }
        step.installing(
            format_args!("{package} {version} with npm"),
            self.why,
            "5 seconds",
        );
        std::fs::create_dir_all(&root)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
            .arg("--prefix")
            .arg(&root)
            .arg(format!("{package}@{version}"));
        process::run_quietly(&mut npm, LIMIT).with_context(|| {
            format!("could not install {package} with npm; check the network and npm's registry")
        })?;
        if !self.is_version(version, |program| bin.join(program)) {
            bail!("npm installed {package} {version}, but it does not run");
        }
        step.done(version);
        Ok(Some(bin))
    }

    /// Whether every program is there and reports this version.
    fn is_version(&self, version: &str, locate: impl Fn(&str) -> PathBuf) -> bool {
        self.programs.iter().all(|program| {
            let said = process::capture(Command::new(locate(program)).arg("--version"));
            let said = said.unwrap_or_default();
            said.split_whitespace().any(|word| word == version)
        })
    }
}

/// The Node packages of `tests/package.json`, installed into `tests/node_modules` as its lock file says.
pub fn ensure_test_packages() -> Result<()> {
    let step = Step::new("test packages");
    let tests = project::root().join("tests");
    let lock = std::fs::read(tests.join("package-lock.json"))
        .context("cannot read tests/package-lock.json")?;
    // npm has no quick way to check that nothing has changed: the installed lock file is stored beside the packages.
    let stamp = tests.join("node_modules").join(".installed-lock.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        step.done("as tests/package-lock.json says");
        return Ok(());
    }
    step.installing(
        "tests/package.json with npm",
        "the tests drive the vendor's SDK, and a browser through Playwright",
        "10 seconds",
    );
    let mut npm = Command::new("npm");
    npm.current_dir(&tests)
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
    process::run_quietly(&mut npm, LIMIT).context(
        "could not install the tests' Node packages; check the network and npm's registry",
    )?;
    std::fs::write(stamp, lock)?;
    step.done("as tests/package-lock.json says");
    Ok(())
}
