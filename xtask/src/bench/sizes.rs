//! The page's size, file by file, beside the vendor's SDK.

use crate::setup::Tools;
use crate::{build, process, project};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

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
            "{name:<52} {:>10} {:>10} {:>10}",
            self.raw, self.gzip, self.brotli
        );
    }

    fn print_beside(self, name: &str, sdk: Self) {
        println!(
            "{name:<52} {:>10.2} {:>10.2} {:>10.2}",
            ratio(self.raw, sdk.raw),
            ratio(self.gzip, sdk.gzip),
            ratio(self.brotli, sdk.brotli)
        );
    }
}

/// When a browser fetches a file of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Before anything is shown.
    First,
    /// On demand: a part of the program and its styles, a language, the emoji, what an installed page has.
    OnDemand,
}

impl When {
    fn of(name: &str) -> Self {
        let kept = [".html", ".css", ".js", "_bg.wasm"];
        if name != "service-worker.js"
            && !name.contains("browser-service")
            && kept.iter().any(|ending| name.ends_with(ending))
        {
            Self::First
        } else {
            Self::OnDemand
        }
    }
}

/// The page by part, beside the SDK's own script, which an app built on it must ship as a whole.
pub fn print(tools: &Tools, dist: &Path) -> Result<()> {
    let sdk = project::root().join("tests/node_modules/diffusion/dist/diffusion.js");
    let mut files = build::files(dist)?;
    // What trunk leaves of a build that was stopped, or is still running, is not part of the page.
    files.retain(|file| !file.starts_with(dist.join(".stage")));
    println!(
        "\n{:<52} {:>10} {:>10} {:>10}",
        "Size in bytes", "raw", "gzip -9", "brotli 11"
    );
    let measured = measure(tools, files.iter().chain([&sdk]))?;
    let sdk = *measured.last().context("nothing was measured")?;
    let named: Vec<(String, Size)> = files
        .iter()
        .map(|file| file.strip_prefix(dist).unwrap_or(file))
        .map(|file| file.to_string_lossy().into_owned())
        .zip(measured)
        .collect();
    let sum = |which: &dyn Fn(&str) -> bool| {
        let sizes = named.iter().filter(|(name, _)| which(name));
        sizes.fold(Size::default(), |sum, (_, size)| sum.plus(*size))
    };
    let parts = [
        (When::First, "the first load"),
        (When::OnDemand, "all that is fetched on demand"),
    ];
    for (when, words) in parts {
        let these = named.iter().filter(|(name, _)| When::of(name) == when);
        for (name, size) in these {
            size.print(&format!("  {name}"));
        }
        sum(&|name| When::of(name) == when).print(words);
    }
    let page = sum(&|_| true);
    page.print("the whole page");
    sdk.print("the SDK's diffusion.js, without any app");
    sum(&|name| When::of(name) == When::First).print_beside("the first load / SDK", sdk);
    page.print_beside("the whole page / SDK", sdk);
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
        include_str!("../compressed_sizes.mjs"),
    ])
    .args(files);
    process::capture(&mut node)?
        .lines()
        .map(|line| Size::parse(line).with_context(|| format!("not three sizes: {line}")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Size, When};

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

    #[test]
    fn tells_the_first_load_from_what_is_fetched_on_demand() {
        for first in [
            "index.html",
            "start.js",
            "style-8c7f6b3539751d0d.css",
            "effusion-68f09fded2a92729.js",
            "effusion-68f09fded2a92729_bg.wasm",
        ] {
            assert_eq!(When::of(first), When::First, "{first}");
        }
        for later in [
            "effusion-68f09fded2a92729-board.wasm",
            "locales/de.json",
            "effusion-68f09fded2a92729-emoji.wasm",
            "icon-192.png",
            "service-worker.js",
            "browser-service.js",
            "effusion-browser-service-68f09fded2a92729_bg.wasm",
            "manifest.webmanifest",
        ] {
            assert_eq!(When::of(later), When::OnDemand, "{later}");
        }
    }
}
