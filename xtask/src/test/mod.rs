//! `cargo xtask test`: all tests, stage by stage, and a summary line at the end.

mod captures;
pub mod fuzz;
mod licences;
mod packages;
mod stages;
mod tally;

use crate::build;
use crate::lint;
use crate::setup::{self, Need};
use crate::soak;
use anyhow::{Result, bail};
pub use stages::Context;
use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::Instant;
pub use tally::Tally;

/// One part of the tests.
struct Stage {
    name: &'static str,
    what: &'static str,
    needs: &'static [Need],
    run: fn(&Context) -> Result<Tally>,
}

/// The stages in the order they run: the quick ones whose failures explain most come first.
const STAGES: &[Stage] = &[
    Stage {
        name: "unit",
        what: "the native crates and the page's logic",
        needs: &[],
        run: stages::unit,
    },
    Stage {
        name: "inspect",
        what: "captures of a real server through the codec",
        needs: &[],
        run: captures::inspect,
    },
    Stage {
        name: "licences",
        what: "what is built in, and on which terms",
        needs: &[],
        run: licences::check,
    },
    Stage {
        name: "packages",
        what: "what goes to crates.io: packed, and compiled by the oldest compilers",
        needs: &[],
        run: packages::check,
    },
    Stage {
        name: "fuzz-smoke",
        what: "each fuzz target for a few seconds",
        needs: &[],
        run: fuzz::smoke,
    },
    Stage {
        name: "wasm",
        what: "components in headless Chromium",
        needs: &[Need::TestRunner, Need::Browser],
        run: stages::wasm,
    },
    Stage {
        name: "interop",
        what: "the vendor's SDKs against the sandbox",
        needs: &[Need::TestPackages],
        run: stages::interop,
    },
    Stage {
        name: "abuse",
        what: "clients that mean harm against the sandbox, optimised as it is used",
        needs: &[Need::TestPackages],
        run: stages::abuse,
    },
    Stage {
        name: "faults",
        what: "sessions through broken networks, kills, full disks and wrong clocks",
        needs: &[],
        run: soak::faults,
    },
    Stage {
        name: "e2e",
        what: "the page in Chromium against the sandbox",
        needs: &[
            Need::Bundler,
            Need::Optimiser,
            Need::ReleasePage,
            Need::Browser,
            Need::TestPackages,
        ],
        run: stages::e2e,
    },
    Stage {
        name: "browsers",
        what: "the lessons in Firefox and WebKitGTK's browser",
        needs: &[
            Need::Bundler,
            Need::Optimiser,
            Need::ReleasePage,
            Need::OtherBrowsers,
            Need::TestPackages,
        ],
        run: stages::browsers,
    },
    Stage {
        name: "trunk",
        what: "the page that plain trunk makes, in Chromium",
        needs: &[
            Need::Bundler,
            Need::Optimiser,
            Need::Browser,
            Need::TestPackages,
        ],
        run: stages::trunk,
    },
    Stage {
        name: "container",
        what: "the container image: built, unpacked and tried",
        needs: &build::NEEDS,
        run: stages::container,
    },
];

/// Runs the stages named, or all of them. The last line printed is the sum.
pub fn test(names: &[String]) -> Result<ExitCode> {
    if names.iter().any(|name| name == "lint") {
        lint::lint()?;
    }
    let named: BTreeSet<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| *name != "lint")
        .collect();
    if let Some(unknown) = named
        .iter()
        .find(|name| STAGES.iter().all(|stage| stage.name != **name))
    {
        let known: Vec<_> = STAGES.iter().map(|stage| stage.name).collect();
        bail!(
            "there is no stage `{unknown}`; the stages are {}, lint",
            known.join(", ")
        );
    }
    if named.is_empty() && !names.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let chosen: Vec<&Stage> = STAGES
        .iter()
        .filter(|stage| named.is_empty() || named.contains(stage.name))
        .collect();
    let needs: Vec<Need> = chosen
        .iter()
        .flat_map(|stage| stage.needs)
        .copied()
        .collect();
    let tools = if needs.is_empty() {
        None
    } else {
        Some(setup::prepare(&needs)?)
    };
    let context = Context::new(tools);

    let mut total = Tally::default();
    let mut summary = Vec::new();
    for stage in chosen {
        println!("\n== {}: {}", stage.name, stage.what);
        let started = Instant::now();
        let tally = (stage.run)(&context).unwrap_or_else(|error| {
            eprintln!("error: {error:#}");
            Tally::failed(1)
        });
        let seconds = started.elapsed().as_secs_f64();
        summary.push(format!("{:<12} {tally} ({seconds:.1} s)", stage.name));
        total += tally;
    }
    println!("\n{}\n\n{total}", summary.join("\n"));
    Ok(if total.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
