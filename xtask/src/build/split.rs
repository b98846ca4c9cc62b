//! Splits the page: what the functions in `src/parts.rs` alone reach goes into files that are fetched when they are needed.
//!
//! trunk has built the page as one, with the feature `split` and with the linker's relocations. Its script and its
//! WebAssembly are made anew here, from what the compiler left, and put in the place of trunk's, under the same names.

use crate::setup::{TARGET, Tools};
use crate::{process, project};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;

/// The module that fetches the parts, as the tool names it.
const LOADER: &str = "__wasm_split.js";

/// How the page is optimised: as `index.html` has trunk do it.
const OPTIMISE: [&str; 9] = [
    "-Oz",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
    "--strip-producers",
    "--strip-target-features",
];

/// Splits the page that trunk has put into `dist`.
pub fn split(tools: &Tools, dist: &Path) -> Result<()> {
    let name = script_name(dist)?;
    let work = project::root().join("target").join("xtask").join("split");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    let built = project::web_target()
        .join(TARGET)
        .join("web")
        .join("effusion.wasm");
    let (parts, whole) = (work.join("parts"), work.join("whole"));
    fs::create_dir_all(&parts)?;
    process::run(
        tools
            .command("wasm-split-cli")?
            .args(["--target", "web", "--out-name", &name])
            .args([&built, &parts]),
    )
    .context("the page cannot be split")?;
    process::run(
        tools
            .command("wasm-bindgen")?
            .args(["--target", "web", "--no-typescript", "--keep-lld-exports"])
            .args(["--out-name", &name, "--out-dir"])
            .args([&whole, &parts.join(format!("{name}.wasm"))]),
    )?;

    // The parts are named after the page that they belong to, so that a browser's cache never mixes two builds.
    let mut names = vec![(LOADER.to_owned(), format!("{name}-parts.js"))];
    for file in super::files(&parts)? {
        let Some(part) = file.file_name().and_then(|file| file.to_str()) else {
            continue;
        };
        if let Some(part_name) = part.strip_suffix(".wasm").filter(|part| *part != name) {
            let to = format!("{name}-{}.wasm", part_name.trim_start_matches("split_"));
            optimise(tools, &file, &dist.join(&to))?;
            names.push((part.to_owned(), to));
        }
    }
    let main = format!("{name}_bg.wasm");
    optimise(tools, &whole.join(&main), &dist.join(&main))?;
    for (from, to) in [
        (whole.join(format!("{name}.js")), format!("{name}.js")),
        (parts.join(LOADER), format!("{name}-parts.js")),
    ] {
        let mut script =
            fs::read_to_string(&from).with_context(|| format!("cannot read {}", from.display()))?;
        for (from, to) in &names {
            // Not the key of the imports' object: that is the name within the WebAssembly.
            for before in ["from ", "new URL("] {
                let named = |file| format!("{before}\"./{file}\"");
                script = script.replace(&named(from), &named(to));
            }
        }
        fs::write(dist.join(to), script)?;
    }
    Ok(())
}

/// The name that trunk gave the page's script, without its ending.
fn script_name(dist: &Path) -> Result<String> {
    let mut names = super::files(dist)?.into_iter().filter_map(|file| {
        let name = file.file_name()?.to_str()?.strip_suffix("_bg.wasm")?;
        Some(name.to_owned())
    });
    match (names.next(), names.next()) {
        (Some(name), None) => Ok(name),
        _ => bail!(
            "trunk did not leave one WebAssembly file in {}",
            dist.display()
        ),
    }
}

fn optimise(tools: &Tools, from: &Path, to: &Path) -> Result<()> {
    process::run(
        tools
            .command("wasm-opt")?
            .args(OPTIMISE)
            .arg(from)
            .arg("-o")
            .arg(to),
    )
    .with_context(|| format!("cannot optimise {}", from.display()))
}
