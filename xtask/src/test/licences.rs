//! What is built in, and on which terms: each crate's licence must be one that `deny.toml` allows, and come from the registry.
//!
//! This reads `cargo metadata` itself, because to compile `cargo-deny` takes longer than most of the other stages together,
//! and the rules for licences are short. Where it is installed, it has its say on everything in `deny.toml`, too, and on
//! known vulnerabilities, if its database can be had.

use super::stages::Context;
use super::tally::Tally;
use crate::{process, project};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// The stage `licences`.
pub fn check(_: &Context) -> Result<Tally> {
    let rules = fs::read_to_string(project::root().join("deny.toml"))?;
    let allowed = allowed(&rules)?;
    let metadata = process::capture(project::cargo().args([
        "metadata",
        "--format-version=1",
        "--locked",
        "--all-features",
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"]
        .as_array()
        .context("`cargo metadata` tells of no packages")?;
    let mut failed = 0;
    let mut list = Vec::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for package in packages {
        let text = |key: &str| package[key].as_str().unwrap_or_default();
        let (name, licence) = (text("name"), text("license"));
        *counts.entry(licence).or_default() += 1;
        list.push(format!("{name} {}\t{licence}", text("version")));
        let problem = if !matches!(package["source"].as_str(), None | Some(REGISTRY)) {
            Some(format!("it comes from {}", text("source")))
        } else {
            match is_allowed(licence, &allowed) {
                Ok(true) => None,
                Ok(false) => Some(format!("its licence is `{licence}`")),
                Err(error) => Some(format!("its licence `{licence}` cannot be read: {error}")),
            }
        };
        if let Some(problem) = problem {
            println!("FAIL {name}: {problem}");
            failed += 1;
        }
    }
    for (licence, count) in &counts {
        println!("{count:>5}  {licence}");
    }
    list.sort();
    let file = project::root().join("target").join("licences.tsv");
    fs::write(&file, list.join("\n") + "\n")?;
    println!("each crate's is in {}", file.display());
    let mut tally = deny()?;
    tally += Tally {
        passed: usize::from(failed == 0),
        failed,
        ..Tally::default()
    };
    Ok(tally)
}

/// `cargo deny`, where it is installed.
fn deny() -> Result<Tally> {
    if process::find_on_path("cargo-deny").is_none() {
        return Ok(Tally::skip(
            "known vulnerabilities: cargo-deny is not installed (`cargo install --locked cargo-deny`)",
        ));
    }
    let run = |what: &[&str]| -> Result<(bool, String)> {
        let mut command = Command::new("cargo-deny");
        command
            .current_dir(project::root())
            .args(["--color=never", "check"])
            .args(what);
        let output = command.output().context("cannot start cargo-deny")?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        Ok((output.status.success(), said))
    };
    let counted = |what: &str, (succeeded, said): (bool, String)| {
        if succeeded {
            println!("ok   cargo deny: {what}");
            Tally {
                passed: 1,
                ..Tally::default()
            }
        } else {
            println!("FAIL cargo deny: {what}\n{said}");
            Tally::failed(1)
        }
    };
    let mut tally = counted(
        "bans, licences, sources",
        run(&["bans", "licenses", "sources"])?,
    );
    let advisories = run(&["advisories"])?;
    tally += if !advisories.0 && advisories.1.contains("failed to fetch advisory database") {
        Tally::skip("known vulnerabilities: their database cannot be reached from here")
    } else {
        counted("known vulnerabilities", advisories)
    };
    Ok(tally)
}

/// The licences in the list `allow` of the part `[licenses]`.
fn allowed(rules: &str) -> Result<BTreeSet<String>> {
    let list = rules
        .split_once("\n[licenses]")
        .and_then(|(_, part)| part.split_once("\nallow = ["))
        .and_then(|(_, list)| list.split_once(']'))
        .map(|(list, _)| list);
    let Some(list) = list else {
        bail!("deny.toml has no list of licences that are allowed");
    };
    let names = list.split(',').map(|name| name.trim().trim_matches('"'));
    Ok(names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect())
}

/// Whether the terms of an SPDX expression can be met with what is allowed. `/` stands for `OR` in older manifests.
fn is_allowed(expression: &str, allowed: &BTreeSet<String>) -> Result<bool> {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser {
        tokens: &tokens,
        allowed,
    };
    let result = parser.any()?;
    match parser.tokens {
        [] => Ok(result),
        [next, ..] => bail!("`{next}` is one too many"),
    }
}

struct Parser<'a> {
    tokens: &'a [&'a str],
    allowed: &'a BTreeSet<String>,
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    fn takes(&mut self, word: &str) -> bool {
        let found = self.tokens.first() == Some(&word);
        if found {
            self.next();
        }
        found
    }

    fn any(&mut self) -> Result<bool> {
        let mut result = self.all()?;
        while self.takes("OR") {
            // Both sides have to be read.
            result |= self.all()?;
        }
        Ok(result)
    }

    fn all(&mut self) -> Result<bool> {
        let mut result = self.one()?;
        while self.takes("AND") {
            result &= self.one()?;
        }
        Ok(result)
    }

    fn one(&mut self) -> Result<bool> {
        if self.takes("(") {
            let result = self.any()?;
            if !self.takes(")") {
                bail!("a bracket is not closed");
            }
            return Ok(result);
        }
        let name = match self.next() {
            None => bail!("it ends early"),
            Some(word @ ("OR" | "AND" | "WITH" | ")")) => {
                bail!("`{word}` stands where a licence should")
            }
            Some(name) => name,
        };
        // An exception only adds permissions to those of the licence.
        if self.takes("WITH") && self.next().is_none() {
            bail!("no exception follows WITH");
        }
        Ok(self.allowed.contains(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(expression: &str) -> Option<bool> {
        let rules = "[graph]\n\n[licenses]\nallow = [\n    \"MIT\",\n    \"ISC\",\n]\n";
        is_allowed(expression, &allowed(rules).unwrap()).ok()
    }

    #[test]
    fn terms_are_met_or_not() {
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("MIT OR GPL-3.0-only", true),
            ("GPL-3.0-only/MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("MIT AND ISC", true),
            ("GPL-2.0-only OR MIT AND ISC", true),
            ("(GPL-2.0-only OR MIT) AND ISC", true),
            ("(GPL-2.0-only OR MIT) AND BSD", false),
            ("MIT WITH some-exception", true),
            ("GPL-2.0-only WITH some-exception OR MIT", true),
        ] {
            assert_eq!(ok(expression), Some(expected), "{expression}");
        }
    }

    #[test]
    fn what_is_no_expression_is_not_allowed() {
        for bad in ["", "MIT OR", "OR", "(MIT", "MIT)", "MIT ISC", "MIT WITH"] {
            assert_eq!(ok(bad), None, "{bad:?}");
        }
        assert!(allowed("[licenses]\n").is_err());
    }
}
