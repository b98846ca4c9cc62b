//! What goes to crates.io: that it can be packed and says what it is, builds with the oldest compiler that it names, and breaks
//! nobody's code without saying so.

use super::stages::Context;
use super::tally::Tally;
use crate::{process, project};
use anyhow::{Context as _, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Output};

/// What crates.io and docs.rs show of a crate.
const SHOWN: [&str; 5] = [
    "description",
    "license",
    "readme",
    "documentation",
    "rust_version",
];
/// By what a crate is found.
const FOUND_BY: [&str; 2] = ["keywords", "categories"];
/// In packaging/.
const UNIT: &str = "effusion-sandbox.service";
/// What a crate must bring along.
const FILES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];

/// The stage `packages`.
pub fn check(_: &Context) -> Result<Tally> {
    let metadata = process::capture(project::cargo().args([
        "metadata",
        "--format-version=1",
        "--locked",
        "--no-deps",
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let members = metadata["packages"]
        .as_array()
        .context("`cargo metadata` tells of no packages")?;
    // A member that is not for the registry has an empty list of registries.
    let published = members.iter().filter(|member| member["publish"].is_null());
    let published: Vec<&Value> = published.collect();
    let mut tally = Tally::default();
    for package in &published {
        tally += described(package);
    }
    for package in &published {
        tally += documented(package)?;
    }
    tally += packed(&published)?;
    tally += oldest_compilers(&published)?;
    tally += changes(&published)?;
    tally += unit()?;
    Ok(tally)
}

fn name(package: &Value) -> &str {
    package["name"].as_str().unwrap_or_default()
}

fn outcome(what: &str, problem: Option<&str>) -> Tally {
    match problem {
        None => {
            println!("ok   {what}");
            Tally {
                passed: 1,
                ..Tally::default()
            }
        }
        Some(problem) => {
            println!("FAIL {what}: {problem}");
            Tally::failed(1)
        }
    }
}

fn of_output(what: &str, output: &Output) -> Tally {
    let said = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    let is_fine = output.status.success() && !said.contains("warning: ");
    outcome(what, (!is_fine).then_some(said.trim()))
}

/// Whether a crate says what it is.
fn described(package: &Value) -> Tally {
    let is_text = |key: &&str| package[*key].as_str().is_some_and(|text| !text.is_empty());
    let is_list = |key: &&str| {
        package[*key]
            .as_array()
            .is_some_and(|list| !list.is_empty())
    };
    let manifest = package["manifest_path"].as_str().unwrap_or_default();
    let is_there = |file: &&str| {
        std::path::Path::new(manifest)
            .with_file_name(file)
            .is_file()
    };
    let mut missing: Vec<&str> = SHOWN.into_iter().filter(|key| !is_text(key)).collect();
    missing.extend(FOUND_BY.into_iter().filter(|key| !is_list(key)));
    missing.extend(FILES.into_iter().filter(|file| !is_there(file)));
    if package["metadata"]["docs"]["rs"].is_null() {
        missing.push("metadata.docs.rs");
    }
    let problem = format!("it lacks {}", missing.join(", "));
    let problem = (!missing.is_empty()).then_some(problem.as_str());
    outcome(&format!("{} says what it is", name(package)), problem)
}

/// Whether docs.rs can make a crate's documentation without a warning: of what is public, with the features that it is told of.
fn documented(package: &Value) -> Result<Tally> {
    let name = name(package);
    let mut cargo = project::cargo();
    cargo.args([
        "doc",
        "--quiet",
        "--no-deps",
        "--locked",
        "--lib",
        "-p",
        name,
    ]);
    let docs_rs = &package["metadata"]["docs"]["rs"];
    if docs_rs["all-features"] == true {
        cargo.arg("--all-features");
    }
    for feature in docs_rs["features"].as_array().into_iter().flatten() {
        cargo.args(["--features", feature.as_str().unwrap_or_default()]);
    }
    let output = cargo.output().context("cannot start cargo")?;
    Ok(of_output(&format!("the documentation of {name}"), &output))
}

/// Whether the crates can be packed together: each takes the others from the registry then. They are not built once more.
fn packed(published: &[&Value]) -> Result<Tally> {
    let mut cargo = project::cargo();
    cargo.args(["package", "--no-verify", "--allow-dirty", "--locked"]);
    for package in published {
        cargo.args(["-p", name(package)]);
    }
    let output = cargo.output().context("cannot start cargo")?;
    Ok(of_output("all of them can be packed", &output))
}

/// Whether each crate builds with the oldest compiler that it says it does, where rustup can have it.
fn oldest_compilers(published: &[&Value]) -> Result<Tally> {
    let mut by_version: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in published {
        let version = package["rust_version"].as_str().unwrap_or_default();
        by_version.entry(version).or_default().push(name(package));
    }
    let mut tally = Tally::default();
    for (version, packages) in by_version {
        let what = format!("Rust {version} compiles {}", packages.join(", "));
        if process::find_on_path("rustup").is_none() {
            tally += Tally::skip(format!("{what}: rustup is not installed"));
            continue;
        }
        let install = [
            "toolchain",
            "install",
            "--profile=minimal",
            "--no-self-update",
        ];
        let is_there = Command::new("rustup")
            .args(["run", version, "rustc", "--version"])
            .output()
            .is_ok_and(|output| output.status.success());
        let installed = is_there
            || Command::new("rustup")
                .args(install)
                .arg(version)
                .output()
                .is_ok_and(|output| output.status.success());
        if !installed {
            tally += Tally::skip(format!("{what}: rustup cannot have that toolchain"));
            continue;
        }
        let mut cargo = Command::new("rustup");
        cargo
            .current_dir(project::root())
            // What the cargo that runs this has set is for its own compiler.
            .env_remove("CARGO")
            .env_remove("RUSTC")
            .env_remove("RUSTDOC")
            .env("CARGO_TARGET_DIR", project::root().join("target/oldest"))
            .args(["run", version, "cargo", "check", "--locked", "--quiet"]);
        for package in packages {
            cargo.args(["-p", package]);
        }
        let output = cargo.output().context("cannot start rustup")?;
        tally += of_output(&what, &output);
    }
    Ok(tally)
}

/// Whether the interfaces changed as the version says, since the last one that was published.
fn changes(published: &[&Value]) -> Result<Tally> {
    let what = "changes of interfaces";
    if process::find_on_path("cargo-semver-checks").is_none() {
        return Ok(Tally::skip(format!(
            "{what}: cargo-semver-checks is not installed (`cargo install --locked cargo-semver-checks`)"
        )));
    }
    let last = Command::new("git")
        .current_dir(project::root())
        .args(["describe", "--tags", "--match=v*", "--abbrev=0"])
        .output()
        .context("cannot start git")?;
    let last = String::from_utf8_lossy(&last.stdout).trim().to_owned();
    if last.is_empty() {
        return Ok(Tally::skip(format!(
            "{what}: no version is out yet that is tagged as v…"
        )));
    }
    let mut cargo = project::cargo();
    cargo.args(["semver-checks", "--color=never", "--baseline-rev", &last]);
    for package in published {
        cargo.args(["-p", name(package)]);
    }
    let output = cargo.output().context("cannot start cargo")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let problem = (!output.status.success()).then_some(said.trim());
    Ok(outcome(what, problem))
}

/// Whether systemd takes the unit, and finds that the program can do little harm.
fn unit() -> Result<Tally> {
    let what = "the unit for systemd";
    if process::find_on_path("systemd-analyze").is_none() {
        return Ok(Tally::skip(format!(
            "{what}: systemd-analyze is not installed"
        )));
    }
    let unit = fs::read_to_string(project::root().join("packaging").join(UNIT))?;
    // Where the program is installed, systemd looks for one, too.
    let copy = project::root().join("target").join(UNIT);
    fs::write(
        &copy,
        unit.replace("=/usr/local/bin/effusion-sandbox", "=/bin/true"),
    )?;
    let run = |arguments: &[&str]| {
        Command::new("systemd-analyze")
            .args(arguments)
            .arg(&copy)
            .output()
            .context("cannot start systemd-analyze")
    };
    let verified = run(&["verify", "--man=no"])?;
    let mut tally = of_output(what, &verified);
    // In tenths, as it shows them: 10 is a program that may do everything.
    let security = run(&["security", "--offline=yes", "--no-pager", "--threshold=20"])?;
    tally += of_output("what the unit exposes", &security);
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_crate_lacks_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        for file in FILES {
            std::fs::write(dir.path().join(file), "terms").unwrap();
        }
        let whole = json!({
            "name": "a", "description": "b", "license": "MIT", "readme": "README.md", "documentation": "c",
            "rust_version": "1.88", "keywords": ["d"], "categories": ["e"], "metadata": {"docs": {"rs": {}}},
            "manifest_path": dir.path().join("Cargo.toml"),
        });
        assert_eq!(described(&whole).failed, 0);
        for key in ["description", "keywords", "metadata"] {
            let mut part = whole.clone();
            part[key] = Value::Null;
            assert_eq!(described(&part).failed, 1, "{key}");
        }
        std::fs::remove_file(dir.path().join(FILES[0])).unwrap();
        assert_eq!(described(&whole).failed, 1);
    }
}
