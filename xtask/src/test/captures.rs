//! Captures of a real server, read by the protocol's `inspect` example.

use super::stages::Context;
use super::tally::Tally;
use crate::{build, process, project};
use anyhow::{Context as _, Result};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The oldest version of the protocol that the codec speaks.
const OLDEST: u32 = 13;

/// Each capture that is not too old must decode in full and encode back to the same bytes.
pub fn inspect(_: &Context) -> Result<Tally> {
    let dir = env::var_os("EFFUSION_CAPTURES")
        .map_or_else(|| project::root().join("../shared/captures"), PathBuf::from);
    if !dir.is_dir() {
        return Ok(Tally::skip(
            "there is no folder of captures (set EFFUSION_CAPTURES to one)",
        ));
    }
    process::run(project::cargo().args([
        "build",
        "--quiet",
        "--package",
        "effusion-protocol",
        "--example",
        "inspect",
    ]))?;
    let mut tally = Tally::default();
    for file in build::files(&dir)? {
        if file
            .extension()
            .is_none_or(|extension| extension != "jsonl")
        {
            continue;
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let version = version(&file)?;
        if version < OLDEST {
            println!("     {name}: version {version}, older than the codec");
            continue;
        }
        let mut cargo = project::cargo();
        cargo
            .args([
                "run",
                "--quiet",
                "--package",
                "effusion-protocol",
                "--example",
                "inspect",
                "--",
            ])
            .arg(&file);
        let output = cargo.output().context("cannot start cargo")?;
        if output.status.success() {
            println!(
                "ok   {name}: version {version}, {} lines",
                output
                    .stdout
                    .split(|byte| *byte == b'\n')
                    .count()
                    .saturating_sub(1)
            );
            tally.passed += 1;
        } else {
            println!("FAIL {name}: version {version}");
            for stream in [output.stdout, output.stderr] {
                let text = String::from_utf8_lossy(&stream);
                let lines: Vec<&str> = text.lines().collect();
                println!(
                    "{}",
                    lines
                        .get(lines.len().saturating_sub(10)..)
                        .unwrap_or_default()
                        .join("\n")
                );
            }
            tally.failed += 1;
        }
    }
    if tally == Tally::default() {
        return Ok(Tally::skip(
            "the folder of captures holds none of a version that the codec speaks",
        ));
    }
    Ok(tally)
}

/// The protocol version that the capture's first connection asks for.
fn version(file: &Path) -> Result<u32> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    version_asked(&text).with_context(|| format!("{} names no protocol version", file.display()))
}

fn version_asked(capture: &str) -> Option<u32> {
    let connect = capture.lines().find(|line| line.contains("\"connect\""))?;
    let (_, rest) = connect
        .split_once("?v=")
        .or_else(|| connect.split_once("&v="))?;
    rest.split(|c: char| !c.is_ascii_digit())
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::version_asked;

    #[test]
    fn the_connect_line_names_the_version() {
        assert_eq!(
            version_asked("{\"stream\": 0, \"connect\": \"/diffusion?v=13&ty=WJ\"}\n"),
            Some(13)
        );
        assert_eq!(
            version_asked("{\"stream\": 0, \"connect\": \"/diffusion?ty=WJ&v=29\"}\n"),
            Some(29)
        );
        assert_eq!(version_asked("{\"stream\": 0, \"hex\": \"00\"}"), None);
    }
}
