//! Node.js, and what npm brings: wasm-opt, and the packages that the tests drive (the vendor's SDK, Playwright).

use super::apt;
use super::step::Step;
use crate::{process, project};
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The oldest Node.js whose test runner the tests are written for.
const OLDEST_NODE: u32 = 18;
/// The release of npm's `binaryen`, which holds wasm-opt. Debian's is too old for what today's compiler writes.
const BINARYEN: &str = "132";
const LIMIT: Duration = Duration::from_secs(900);
const HOW: &str = "install Node.js 18 or newer with npm: `apt-get install nodejs npm`, your system's package manager, or https://nodejs.org; then run this command again";

/// Node.js itself.
pub fn ensure_node() -> Result<()> {
    let step = Step::new("node");
    if process::find_on_path("node").is_none() || process::find_on_path("npm").is_none() {
        step.installing(
            "nodejs and npm with apt",
            "npm brings wasm-opt, and the tests drive the vendor's SDK in Node",
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

/// wasm-opt. Gives back the directory to add to PATH, if any.
pub fn ensure_wasm_opt() -> Result<Option<PathBuf>> {
    let step = Step::new("wasm-opt");
    let root = project::cache()?
        .join("tools")
        .join(format!("binaryen-{BINARYEN}"));
    let bin = root.join("node_modules").join(".bin");
    let version = |program: PathBuf| {
        process::capture(Command::new(program).arg("--version")).unwrap_or_default()
    };
    let fits = |said: &str| said.split_whitespace().any(|word| word == BINARYEN);
    if fits(&version(bin.join("wasm-opt"))) {
        step.done(BINARYEN);
        return Ok(Some(bin));
    }
    if fits(&version(PathBuf::from("wasm-opt"))) {
        step.done(format_args!("{BINARYEN}, from PATH"));
        return Ok(None);
    }
    step.installing(
        format_args!("binaryen {BINARYEN} with npm"),
        "makes the page's WebAssembly smaller",
    );
    std::fs::create_dir_all(&root)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--prefix"])
        .arg(&root)
        .arg(format!("binaryen@{BINARYEN}"));
    process::run_quietly(&mut npm, LIMIT)
        .context("could not install binaryen with npm; check the network and npm's registry")?;
    if !fits(&version(bin.join("wasm-opt"))) {
        bail!("npm installed binaryen {BINARYEN}, but its wasm-opt does not run");
    }
    step.done(BINARYEN);
    Ok(Some(bin))
}

/// The Node packages of `tests/package.json`, installed into `tests/node_modules` as its lock file says.
pub fn ensure_test_packages() -> Result<()> {
    let step = Step::new("test packages");
    let tests = project::root().join("tests");
    let lock = std::fs::read(tests.join("package-lock.json"))
        .context("cannot read tests/package-lock.json")?;
    // npm has no quick way to say that nothing has changed: the lock file that was installed is kept beside the packages.
    let stamp = tests.join("node_modules").join(".installed-lock.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        step.done("as tests/package-lock.json says");
        return Ok(());
    }
    step.installing(
        "tests/package.json with npm",
        "the tests drive the vendor's SDK, and a browser through Playwright",
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
