//! Python with the vendor's SDK, in an environment of its own under the cache directory. Nothing else needs Python, and the
//! SDK supports only some releases of it: where none is available, its tests are skipped, and the reason is printed.

use super::step::Step;
use crate::{process, project};
use anyhow::{Context, Result, anyhow, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The releases of Python that the SDK (6.12.2) and the tests are made for.
const MINOR: std::ops::RangeInclusive<u32> = 9..=12;
/// For pip to fetch some 20 packages.
const LIMIT: Duration = Duration::from_secs(300);

/// Tells a program, by its environment, the interpreter with the SDK, or why there is none.
pub fn name_python(command: &mut Command) {
    match ensure_python_sdk() {
        Ok(python) => command.env("EFFUSION_PYTHON", python),
        Err(why) => command
            .env_remove("EFFUSION_PYTHON")
            .env("EFFUSION_NO_PYTHON", format!("{why:#}")),
    };
}

/// The interpreter of the environment with `tests/interop/python/requirements.txt`, or why there is none.
fn ensure_python_sdk() -> Result<PathBuf> {
    let step = Step::new("python sdk");
    let file = project::root().join("tests/interop/python/requirements.txt");
    let wanted = std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let root = project::cache()?.join("tools").join("python-sdk");
    let bin = if cfg!(windows) { "Scripts" } else { "bin" };
    let python = root
        .join(bin)
        .join(format!("python{}", std::env::consts::EXE_SUFFIX));
    // Stored beside the packages once all of them are installed.
    let stamp = root.join("installed.txt");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted)
        && imports_sdk(&python).is_ok()
    {
        step.done("as tests/interop/python/requirements.txt says");
        return Ok(python);
    }
    let system = interpreter()?;
    step.installing(
        "tests/interop/python/requirements.txt with pip",
        "the tests drive the vendor's SDK for Python",
        "20 seconds",
    );
    let mut venv = Command::new(system);
    venv.args(["-m", "venv", "--clear"]).arg(&root);
    process::run_quietly(&mut venv, LIMIT).context(
        "Python cannot make an environment (`python3 -m venv`; Debian has it in python3-venv)",
    )?;
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--retries=1",
        "--timeout=20",
        "--requirement",
    ])
    .arg(&file);
    process::run_quietly(&mut pip, LIMIT)
        .context("pip could not install the SDK for Python; check the network and pip's index")?;
    imports_sdk(&python)?;
    std::fs::write(stamp, wanted)?;
    step.done("as tests/interop/python/requirements.txt says");
    Ok(python)
}

fn imports_sdk(python: &Path) -> Result<()> {
    process::capture(Command::new(python).args(["-c", "import diffusion"]))
        .map(drop)
        .context("the SDK for Python was installed, but cannot be imported")
}

/// A Python on PATH that the SDK runs with, the newest first.
fn interpreter() -> Result<PathBuf> {
    let mut found = Vec::new();
    let named = MINOR.rev().map(|minor| format!("python3.{minor}"));
    for name in named.chain(["python3".to_owned(), "python".to_owned()]) {
        let Some(path) = process::find_on_path(&name) else {
            continue;
        };
        // A shim without a program behind it (as pyenv has) fails here.
        let Ok(said) = process::capture(Command::new(&path).arg("--version")) else {
            continue;
        };
        if minor_of(&said).is_some_and(|minor| MINOR.contains(&minor)) {
            return Ok(path);
        }
        found.push(said);
    }
    let (oldest, newest) = (MINOR.start(), MINOR.end());
    if found.is_empty() {
        bail!("there is no Python (3.{oldest} to 3.{newest} would do)");
    }
    Err(anyhow!(
        "the SDK for Python runs with Python 3.{oldest} to 3.{newest}; there is {}",
        found.join(", ")
    ))
}

/// The 11 in `Python 3.11.7`.
fn minor_of(said: &str) -> Option<u32> {
    said.strip_prefix("Python 3.")?
        .split(|it: char| !it.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::minor_of;

    #[test]
    fn reads_versions() {
        assert_eq!(minor_of("Python 3.11.7"), Some(11));
        assert_eq!(minor_of("Python 3.13.0rc1"), Some(13));
        assert_eq!(minor_of("Python 2.7.18"), None);
        assert_eq!(minor_of("zsh: not found"), None);
    }
}
