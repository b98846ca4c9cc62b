//! Faults by seed: a short run as a stage of the tests, a long one as `cargo xtask soak`. `effusion-trial` (crates/trial)
//! does the work.

use crate::test::{Context, Tally, fuzz};
use crate::{build, process, project};
use anyhow::{Context as _, Result, bail};
use std::process::{Command, ExitCode};

/// Seeds among which every kind of fault happens.
const SEEDS: [u64; 6] = [2, 3, 5, 6, 7, 8];
/// How often something goes wrong with the service for each of them.
const HARMS: u64 = 8;

/// What `cargo xtask soak` is to do.
struct Options {
    minutes: u64,
    seed: u64,
    harms: u64,
    /// For each fuzz target.
    fuzz_seconds: u64,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self {
            minutes: 10,
            seed: 1,
            harms: 15,
            fuzz_seconds: 60,
        };
        let mut args = args.iter();
        while let Some(name) = args.next() {
            let target = match name.as_str() {
                "--minutes" => &mut options.minutes,
                "--seed" => &mut options.seed,
                "--harms" => &mut options.harms,
                "--fuzz-seconds" => &mut options.fuzz_seconds,
                other => bail!("`cargo xtask soak` has no option `{other}`"),
            };
            let value = args
                .next()
                .with_context(|| format!("{name} needs a number"))?;
            *target = value
                .parse()
                .with_context(|| format!("{name} needs a number, not `{value}`"))?;
        }
        Ok(options)
    }
}

/// The stage `faults`: a fixed list of seeds, each counted as a test.
pub fn faults(_: &Context) -> Result<Tally> {
    let seeds: Vec<String> = SEEDS.iter().map(u64::to_string).collect();
    // The driver waits more than it works: without optimisation it is compiled in a quarter of the time.
    let mut command = trial(false)?;
    command
        .arg("faults")
        .arg("--sandbox")
        .arg(build::sandbox(true)?)
        .args(["--seeds", &seeds.join(","), "--harms", &HARMS.to_string()])
        .arg("--every-kind");
    let (succeeded, output) = process::run_and_keep(&mut command)?;
    let failed = output
        .lines()
        .find_map(|line| line.strip_prefix("FAILED seeds: "))
        .map_or(usize::from(!succeeded), |seeds| seeds.split(',').count());
    Ok(Tally {
        passed: SEEDS.len().saturating_sub(failed),
        failed,
        ..Tally::default()
    })
}

/// `cargo xtask soak`: seed after seed for so many minutes, then the fuzz targets.
pub fn soak(args: &[String]) -> Result<ExitCode> {
    let options = Options::parse(args)?;
    let mut command = trial(true)?;
    command
        .arg("faults")
        .arg("--sandbox")
        .arg(build::sandbox(true)?)
        .args(["--seeds", &options.seed.to_string()])
        .args(["--minutes", &options.minutes.to_string()])
        .args(["--harms", &options.harms.to_string()]);
    let (succeeded, _) = process::run_and_keep(&mut command)?;
    let mut fuzzed = Tally::default();
    if options.fuzz_seconds > 0 {
        println!("\nfuzz targets, {} s each", options.fuzz_seconds);
        fuzzed = fuzz::run(options.fuzz_seconds, None)?;
        println!("{fuzzed}");
    }
    Ok(if succeeded && fuzzed.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Builds the driver.
pub fn trial(release: bool) -> Result<Command> {
    let mut command = Command::new(build::program("effusion-trial", release)?);
    command.current_dir(project::root());
    Ok(command)
}
