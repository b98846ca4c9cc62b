//! The fuzz targets: a few seconds of each as a stage of the tests, enough to notice that one no longer builds or fails at
//! once, and a minute of each in `cargo xtask soak`. For longer runs, use `cargo fuzz run TARGET` in the crate.
//!
//! `fuzz/corpus/TARGET` has a few inputs to start with, including those that once failed. What a run finds on top stays in
//! `target/fuzz`.

use super::stages::Context;
use super::tally::Tally;
use crate::{process, project};
use anyhow::{Context as _, Result, anyhow};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

/// What `cargo fuzz` passes to a stable compiler without a sanitizer: coverage for libFuzzer, and the checks of a
/// debug build.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";
const SMOKE_SECONDS: u64 = 3;

/// The stage `fuzz-smoke`.
pub fn smoke(_: &Context) -> Result<Tally> {
    run(SMOKE_SECONDS)
}

/// Runs every target of every crate that has a `fuzz/` folder for some seconds each, as many at a time as there are cores.
pub fn run(seconds: u64) -> Result<Tally> {
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
        tally += targets_of(dir, seconds)?;
    }
    if tally == Tally::default() {
        return Ok(Tally::skip("no crate has fuzz targets"));
    }
    Ok(tally)
}

fn targets_of(dir: &Path, seconds: u64) -> Result<Tally> {
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
    let programs = target_dir.join(&host).join("release");
    let queue = Mutex::new(names.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let tally = Mutex::new(Tally::default());
    thread::scope(|scope| -> Result<()> {
        let work = || -> Result<()> {
            while let Some(name) = next() {
                let result = one_target(dir, &target_dir, &programs, &name, seconds)?;
                *tally.lock().unwrap_or_else(PoisonError::into_inner) += result;
            }
            Ok(())
        };
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            worker
                .join()
                .map_err(|_| anyhow!("a thread that runs fuzz targets panicked"))??;
        }
        Ok(())
    })?;
    Ok(tally.into_inner().unwrap_or_else(PoisonError::into_inner))
}

fn one_target(
    dir: &Path,
    target_dir: &Path,
    programs: &Path,
    name: &str,
    seconds: u64,
) -> Result<Tally> {
    let findings = target_dir.join("findings");
    fs::create_dir_all(&findings)?;
    let mut fuzz = Command::new(programs.join(name));
    fuzz.current_dir(dir)
        .arg(format!("-max_total_time={seconds}"))
        .args(["-max_len=65536", "-rss_limit_mb=1024", "-timeout=10"]);
    fuzz.arg(format!("-artifact_prefix={}/{name}-", findings.display()));
    // New findings are stored separately; the search starts from the committed inputs.
    let grown = target_dir.join("corpus").join(name);
    fs::create_dir_all(&grown)?;
    fuzz.arg(grown);
    let corpus = dir.join("corpus").join(name);
    if corpus.is_dir() {
        fuzz.arg(corpus);
    }
    let output = fuzz
        .output()
        .with_context(|| format!("cannot start the fuzz target {name}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = said.lines().collect();
    if output.status.success() {
        println!("ok   {name}: {}", lines.last().unwrap_or(&""));
        return Ok(Tally {
            passed: 1,
            ..Tally::default()
        });
    }
    println!(
        "FAIL {name}:\n{}",
        lines
            .get(lines.len().saturating_sub(30)..)
            .unwrap_or_default()
            .join("\n")
    );
    Ok(Tally::failed(1))
}
