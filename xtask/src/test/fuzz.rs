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
/// The longest input, in bytes: as much as a request has that carries no value.
const LONGEST: usize = 65_536;
/// Lengths of inputs to start with: about those of the parsers' own bounds, and the longest.
const LENGTHS: [usize; 3] = [4_000, 16_000, LONGEST];

/// The stage `fuzz-smoke`.
///
/// It starts from the same seed each time, so that a failure comes from what was changed. The long runs take new seeds.
pub fn smoke(_: &Context) -> Result<Tally> {
    run(SMOKE_SECONDS, Some(1))
}

/// Runs every target of every crate that has a `fuzz/` folder for some seconds each, as many at a time as there are cores,
/// from `seed`, or from one that libFuzzer chooses.
pub fn run(seconds: u64, seed: Option<u32>) -> Result<Tally> {
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
        tally += targets_of(dir, seconds, seed)?;
    }
    if tally == Tally::default() {
        return Ok(Tally::skip("no crate has fuzz targets"));
    }
    Ok(tally)
}

fn targets_of(dir: &Path, seconds: u64, seed: Option<u32>) -> Result<Tally> {
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
                let result = one_target(dir, &target_dir, &programs, &name, seconds, seed)?;
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
    seed: Option<u32>,
) -> Result<Tally> {
    let findings = target_dir.join("findings");
    fs::create_dir_all(&findings)?;
    let mut fuzz = Command::new(programs.join(name));
    fuzz.current_dir(dir)
        .arg(format!("-max_total_time={seconds}"))
        .args(seed.map(|seed| format!("-seed={seed}")))
        .arg(format!("-max_len={LONGEST}"))
        // Without it, inputs become longer than the committed ones only in the course of hours.
        .arg("-len_control=0")
        .args(["-rss_limit_mb=1024", "-timeout=10"]);
    fuzz.arg(format!("-artifact_prefix={}/{name}-", findings.display()));
    // New findings are stored separately; the search starts from the committed inputs.
    let grown = target_dir.join("corpus").join(name);
    fs::create_dir_all(&grown)?;
    for (index, input) in long_inputs(name).iter().enumerate() {
        fs::write(grown.join(format!("long-{index}")), input)?;
    }
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

/// Inputs as long as may be, which the search would not come upon: a target has bounds and loops that short ones do not reach.
fn long_inputs(name: &str) -> Vec<Vec<u8>> {
    // How an input begins, what is repeated, what stands between, and how it ends.
    let forms: &[[&str; 4]] = match name {
        "removal_policy" => &[
            ["when ", "this session closes", " or ", ""],
            ["when no session has \"", "a is 'b'", " and ", "\""],
            ["when ", "(", "", ""],
        ],
        "session_filter" => &[
            ["", "a is 'b'", " or ", ""],
            ["", "not ", "", "all"],
            ["a in ", "'b'", " ", ""],
        ],
        "selector" => &[
            ["#", ">a/b", "////", "\na/b"],
            ["?", "a.*", "/", "//\na/b"],
            ["?a//\n", "a", "/", ""],
        ],
        "names" => &[["", "a", "/", ""]],
        "topic_specification" => &[
            ["\u{f}", "k=v", "\n", ""],
            ["\u{f}REMOVAL=when ", "this session closes", " or ", ""],
        ],
        "json_patch" => &[
            ["[1]\n[", r#"{"op":"add","path":"/0","value":1}"#, ",", "]"],
            ["[1]\n[", r#"{"op":"copy","from":"","path":"/-"}"#, ",", "]"],
            [
                "[",
                "1",
                ",",
                "]\n[{\"op\":\"move\",\"from\":\"/0\",\"path\":\"/-\"}]",
            ],
        ],
        "json_text" | "chat_values" | "moderation_rules" => &[
            ["[", "1", ",", "]"],
            ["", "[", "", ""],
            ["{", r#""a":{"b":1}"#, ",", "}"],
        ],
        "security_script" => &[["", r#"add isolated path "a""#, "\n", ""]],
        "authentication_script" => &[["", r#"remove principal "a""#, "\n", ""]],
        // Small numbers, arrays in arrays, and numbers of bytes to come, as CBOR and as this protocol has them.
        _ => &[
            ["", "\u{1}", "", ""],
            ["", "\u{0}", "", ""],
            ["", "ab", "\u{2}", ""],
        ],
    };
    let long = |[start, unit, between, end]: &[&str; 4], length: usize| {
        let room = length.saturating_sub(start.len() + end.len());
        let count = (room / (unit.len() + between.len())).max(1);
        [*start, &vec![*unit; count].join(between), *end].concat()
    };
    forms
        .iter()
        .flat_map(|form| LENGTHS.map(|length| long(form, length).into_bytes()))
        .collect()
}
