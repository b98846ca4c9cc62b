//! `cargo xtask bench`: what the page weighs, and how fast it is, beside the vendor's SDK.

use crate::setup::{self, Need, Tools};
use crate::{build, process, project};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// `cargo xtask bench`.
pub fn bench() -> Result<()> {
    let tools = setup::prepare(&[
        Need::Bundler,
        Need::Optimiser,
        Need::Browser,
        Need::TestPackages,
    ])?;
    let dist = build::page(&tools)?;
    sizes(&tools, &dist)?;
    rates(&tools, &dist)
}

/// Bytes of one file, or of several together.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
struct Size {
    raw: u64,
    gzip: u64,
    brotli: u64,
}

impl Size {
    fn parse(line: &str) -> Option<Self> {
        let mut numbers = line.split_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Self {
            raw: next()?,
            gzip: next()?,
            brotli: next()?,
        })
    }

    fn plus(self, other: Self) -> Self {
        Self {
            raw: self.raw + other.raw,
            gzip: self.gzip + other.gzip,
            brotli: self.brotli + other.brotli,
        }
    }

    fn print(self, name: &str) {
        println!(
            "{name:<44} {:>10} {:>10} {:>10}",
            self.raw, self.gzip, self.brotli
        );
    }
}

/// The page by part, beside the SDK's own script, which an app built on it must ship as a whole.
fn sizes(tools: &Tools, dist: &Path) -> Result<()> {
    let sdk = project::root().join("tests/node_modules/diffusion/dist/diffusion.js");
    let files = build::files(dist)?;
    let mut page = Size::default();
    println!(
        "\n{:<44} {:>10} {:>10} {:>10}",
        "Size in bytes", "raw", "gzip -9", "brotli 11"
    );
    let measured = measure(tools, files.iter().chain([&sdk]))?;
    for (file, size) in files.iter().zip(&measured) {
        size.print(&file.strip_prefix(dist).unwrap_or(file).to_string_lossy());
        page = page.plus(*size);
    }
    page.print("the whole page");
    let sdk = *measured.last().context("nothing was measured")?;
    sdk.print("the SDK's diffusion.js, without any app");
    println!(
        "page / half of the SDK, gzipped: {:.2} (under 1 is the aim)",
        ratio(page.gzip * 2, sdk.gzip)
    );
    println!(
        "page / SDK, gzipped:             {:.2}",
        ratio(page.gzip, sdk.gzip)
    );
    Ok(())
}

#[allow(clippy::cast_precision_loss, reason = "file sizes are far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn measure<'a>(tools: &Tools, files: impl Iterator<Item = &'a PathBuf>) -> Result<Vec<Size>> {
    let mut node = tools.command("node")?;
    node.args([
        "--input-type=module",
        "--eval",
        include_str!("compressed_sizes.mjs"),
    ])
    .args(files);
    process::capture(&mut node)?
        .lines()
        .map(|line| Size::parse(line).with_context(|| format!("not three sizes: {line}")))
        .collect()
}

/// The measurements in `tests/bench`, one program each.
fn rates(tools: &Tools, dist: &Path) -> Result<()> {
    let tests = project::root().join("tests");
    let dir = tests.join("bench");
    if !dir.is_dir() {
        println!("\nThere is no tests/bench: nothing more to measure");
        return Ok(());
    }
    let sandbox = build::sandbox(true)?;
    for file in build::files(&dir)?
        .iter()
        .filter(|file| file.to_string_lossy().ends_with(".bench.mjs"))
    {
        println!();
        let mut node = tools.command("node")?;
        node.current_dir(&tests)
            .arg(file)
            .env_remove("CARGO_TARGET_DIR");
        node.env("EFFUSION_SANDBOX_BIN", &sandbox)
            .env("EFFUSION_DIST", dist)
            .env("EFFUSION_CHROMIUM", &tools.browser()?.chromium);
        process::run(&mut node)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Size;

    #[test]
    fn reads_the_sizes_that_node_prints() {
        assert_eq!(
            Size::parse("722000 150500 120000"),
            Some(Size {
                raw: 722_000,
                gzip: 150_500,
                brotli: 120_000
            })
        );
        assert_eq!(Size::parse("722000 150500"), None);
    }
}
