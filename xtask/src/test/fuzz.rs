//! The fuzz targets, each for a few seconds: enough to notice that one no longer builds or fails at once. For long runs,
//! use `cargo fuzz run TARGET` in the crate.

use super::stages::Context;
use super::tally::Tally;
use crate::{process, project};
use anyhow::{Context as _, Result};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What `cargo fuzz` passes to a stable compiler without a sanitizer: coverage for libFuzzer to steer by, and the checks of a
/// debug build.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";
const SECONDS: u32 = 3;

/// Runs every target of every crate that has a `fuzz/` folder.
pub fn smoke(_: &Context) -> Result<Tally> {
    if ["c++", "g++", "clang++"]
        .iter()
        .all(|name| process::find_on_path(name).is_none())
    {
        return Ok(Tally::skip(
            "libFuzzer needs a C++ compiler (`apt-get install g++`)",
        ));
    }
    let mut tally = Tally::default();
    let mut crates: Vec<_> = fs::read_dir(project::root().join("crates"))?
        .filter_map(|entry| Some(entry.ok()?.path().join("fuzz")))
        .collect();
    crates.sort();
    for dir in crates.iter().filter(|dir| dir.join("Cargo.toml").is_file()) {
        tally += targets_of(dir)?;
    }
    if tally == Tally::default() {
        return Ok(Tally::skip("no crate has fuzz targets"));
    }
    Ok(tally)
}

fn targets_of(dir: &Path) -> Result<Tally> {
    let host = process::capture(Command::new("rustc").arg("--print=host-tuple"))?;
    let target_dir = project::root().join("target").join("fuzz");
    let mut build = project::cargo();
    build
        .current_dir(dir)
        .env("RUSTFLAGS", FLAGS)
        .args([
            "build",
            "--release",
            "--bins",
            "--target",
            &host,
            "--target-dir",
        ])
        .arg(&target_dir);
    process::run(&mut build)
        .with_context(|| format!("the fuzz targets in {} do not build", dir.display()))?;

    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(dir.join("fuzz_targets"))? {
        names.extend(
            entry?
                .path()
                .file_stem()
                .map(|name| name.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    let findings = target_dir.join("findings");
    fs::create_dir_all(&findings)?;
    let mut tally = Tally::default();
    for name in names {
        let mut fuzz = Command::new(target_dir.join(&host).join("release").join(&name));
        fuzz.current_dir(dir)
            .arg(format!("-max_total_time={SECONDS}"))
            .args(["-max_len=4096", "-rss_limit_mb=1024"]);
        fuzz.arg(format!("-artifact_prefix={}/", findings.display()));
        // Inputs that once failed, where the crate keeps some.
        let corpus = dir.join("corpus").join(&name);
        if corpus.is_dir() {
            let grown = target_dir.join("corpus").join(&name);
            fs::create_dir_all(&grown)?;
            fuzz.args([grown, corpus]);
        }
        let output = fuzz
            .output()
            .with_context(|| format!("cannot start the fuzz target {name}"))?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines: Vec<&str> = said.lines().collect();
        if output.status.success() {
            println!("ok   {name}: {}", lines.last().unwrap_or(&""));
            tally.passed += 1;
        } else {
            println!(
                "FAIL {name}:\n{}",
                lines
                    .get(lines.len().saturating_sub(30)..)
                    .unwrap_or_default()
                    .join("\n")
            );
            tally.failed += 1;
        }
    }
    Ok(tally)
}
