//! The page in one file, which opens from a disk: `cargo xtask build --single-file`.
//!
//! It is the page without chunks. Its scripts and sheets stand in the document, and its policy names them by their hashes; the other
//! files are in it compressed, and `single_file_start.js` gives them to whoever asks.

use super::{NEEDS, esbuild, trunk, worker};
use crate::setup::{self, Tools};
use crate::{process, project};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// What the file is called.
const NAME: &str = "effusion.html";

/// `cargo xtask build --single-file`.
pub fn build_single_file() -> Result<()> {
    single_file(&setup::prepare(&NEEDS)?).map(drop)
}

/// Builds the page as one file, prints its size, and returns where it is.
pub fn single_file(tools: &Tools) -> Result<PathBuf> {
    println!("Building the page for release, as one file");
    let work = project::web_target().join("single-file");
    let dist = work.join("dist");
    // Optimised by trunk itself: it is not split.
    trunk(tools, &dist, &["--release"])?;
    worker::finish(tools, &dist)?;
    let script = dist.join("start.js");
    esbuild(tools, &script, &script, &["--format=iife"])?;
    let target = super::dist();
    fs::create_dir_all(&target)?;
    let target = target.join(NAME);
    join(tools, &dist, &work, &target)?;
    Ok(target)
}

/// Makes one file of a page that is not split.
fn join(tools: &Tools, dist: &Path, work: &Path, target: &Path) -> Result<()> {
    let bundle = |from: PathBuf, name: &str, options: &[&str]| -> Result<PathBuf> {
        let to = work.join(name);
        // What names files beside the script is not used.
        let options = [
            &[
                "--bundle",
                "--format=iife",
                "--log-override:empty-import-meta=silent",
            ],
            options,
        ];
        esbuild(tools, &from, &to, &options.concat())?;
        Ok(to)
    };
    let program = program_script(dist)?;
    let program = bundle(program, "program.js", &["--global-name=effusionProgram"])?;
    let worker = bundle(dist.join("browser-service.js"), "worker.js", &[])?;
    let before = work.join("before.js");
    fs::write(&before, include_str!("single_file_start.js"))?;
    esbuild(tools, &before, &before, &["--format=iife"])?;
    let mut node = tools.command("node")?;
    node.args([
        "--input-type=module",
        "--eval",
        include_str!("single_file.mjs"),
    ]);
    let sizes = process::capture(node.args([dist, &program, &worker, &before, target]))
        .context("the page could not be put into one file")?;
    let sizes: Vec<&str> = sizes.split_whitespace().collect();
    println!(
        "\nThe page is {}: {} bytes, {} with gzip, {} with Brotli.",
        target.display(),
        sizes.first().unwrap_or(&"?"),
        sizes.get(1).unwrap_or(&"?"),
        sizes.get(2).unwrap_or(&"?")
    );
    Ok(())
}

/// The script of the page's program.
fn program_script(dist: &Path) -> Result<PathBuf> {
    let html = fs::read_to_string(dist.join("index.html"))?;
    let (_, rest) = html
        .split_once("data-program=")
        .context("dist/index.html names no program")?;
    let name = rest.trim_start_matches(['"', '\'']);
    let end = name.find(['"', '\'', ' ', '>']).unwrap_or(name.len());
    Ok(dist.join(name[..end].trim_start_matches("./")))
}
