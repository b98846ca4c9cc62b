//! `cargo xtask bench`: how big and how fast the page and the client are, beside the vendor's SDKs.

mod sizes;

use crate::setup::{self, Need, Tools};
use crate::{build, process, project};
use anyhow::{Context, Result, bail};
use std::path::{self, Path, PathBuf};

/// The ending of the names of the programs in `tests/bench` that measure something.
const MEASURES: &str = ".bench.mjs";

/// What `cargo xtask bench` is to measure, and for how long.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    /// By name; all if there is none.
    only: Vec<Only>,
    /// A page that is built already.
    dist: Option<PathBuf>,
    /// Another build of the page, to be measured in the place of the SDK's.
    beside: Option<PathBuf>,
    /// For the programs in `tests/bench`: the names of variables and their values. What is not given has their default.
    given: Vec<(String, u32)>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    /// The page's files.
    Sizes,
    /// Decoding and encoding.
    Codec,
    /// Both pages in Chromium.
    Browser,
    /// The client beside the vendor's SDKs.
    Client,
}

impl Options {
    fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "sizes" => options.only.push(Only::Sizes),
                "codec" => options.only.push(Only::Codec),
                "browser" => options.only.push(Only::Browser),
                "client" => options.only.push(Only::Client),
                "--dist" | "--beside" => {
                    let dir = args
                        .next()
                        .with_context(|| format!("{arg} needs a directory"))?;
                    let option = if arg == "--dist" {
                        &mut options.dist
                    } else {
                        &mut options.beside
                    };
                    *option = Some(path::absolute(dir)?);
                }
                "--seconds" | "--messages" | "--runs" | "--slowdown" => {
                    let value = args
                        .next()
                        .with_context(|| format!("{arg} needs a number"))?;
                    let value = value
                        .parse()
                        .ok()
                        .filter(|value| *value > 0)
                        .with_context(|| format!("{arg} needs a number above 0, not `{value}`"))?;
                    let name = arg.trim_start_matches('-').to_uppercase();
                    options
                        .given
                        .push((format!("EFFUSION_BENCH_{name}"), value));
                }
                other => bail!("`cargo xtask bench` has no option `{other}`"),
            }
        }
        Ok(options)
    }

    fn has(&self, one: Only) -> bool {
        self.only.is_empty() || self.only.contains(&one)
    }

    /// Whether a program of `tests/bench` is to be run.
    fn has_program(&self, name: &str) -> bool {
        self.has(match name {
            "codec" => Only::Codec,
            "sizes" => Only::Sizes,
            "client" => Only::Client,
            _ => Only::Browser,
        })
    }
}

/// `cargo xtask bench`.
pub fn bench(args: &[String]) -> Result<()> {
    let options = Options::parse(args)?;
    let mut needs = vec![Need::TestPackages];
    if options.only != [Only::Client] {
        needs.push(Need::Browser);
    }
    // The codec is compiled and optimised as the page is.
    let builds_page =
        options.dist.is_none() && (options.has(Only::Sizes) || options.has(Only::Browser));
    if builds_page || options.has(Only::Codec) {
        needs.extend(build::NEEDS);
    }
    let tools = setup::prepare(&needs)?;
    let dist = match &options.dist {
        Some(dist) => dist.clone(),
        None if builds_page => build::page(&tools)?,
        None => build::dist(),
    };
    if options.has(Only::Sizes) {
        sizes::print(&tools, &dist)?;
    }
    programs(&tools, &options, &dist)
}

/// The programs in `tests/bench`, each with measurements of its own.
fn programs(tools: &Tools, options: &Options, dist: &Path) -> Result<()> {
    let tests = project::root().join("tests");
    let files = build::files(&tests.join("bench"))?;
    let programs: Vec<&Path> = files
        .iter()
        .filter(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.strip_suffix(MEASURES)
                .is_some_and(|name| options.has_program(name))
        })
        .map(AsRef::as_ref)
        .collect();
    if programs.is_empty() {
        return Ok(());
    }
    // Sizes do not depend on how fast the sandbox is, and a debug build is there after the tests.
    let sandbox = build::sandbox(options.only != [Only::Sizes])?;
    for program in programs {
        println!();
        let mut node = tools.command("node")?;
        node.current_dir(&tests)
            .arg(program)
            .env_remove("CARGO_TARGET_DIR")
            .env("EFFUSION_SANDBOX_BIN", &sandbox)
            .env("EFFUSION_DIST", dist)
            .envs(
                options
                    .beside
                    .iter()
                    .map(|dir| ("EFFUSION_BENCH_BESIDE", dir)),
            )
            .envs(
                options
                    .given
                    .iter()
                    .map(|(name, value)| (name, value.to_string())),
            );
        if program.ends_with("client.bench.mjs") {
            node.env(
                "EFFUSION_CLIENT_BENCH",
                build::program("client-bench", true)?,
            );
            setup::name_python(&mut node);
        } else {
            node.env("EFFUSION_CHROMIUM", &tools.browser()?.chromium);
        }
        process::run(&mut node)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Only, Options};

    fn parse(args: &[&str]) -> Result<Options, String> {
        let args: Vec<String> = args.iter().map(ToString::to_string).collect();
        Options::parse(&args).map_err(|error| error.to_string())
    }

    #[test]
    fn measures_everything_unless_told_what() {
        let all = parse(&[]).unwrap();
        assert!(all.has(Only::Sizes) && all.has_program("codec") && all.has_program("heap"));
        let browser = parse(&["browser", "--seconds", "5"]).unwrap();
        assert!(!browser.has(Only::Sizes));
        assert!(!browser.has_program("codec"));
        assert!(browser.has_program("heap"));
        assert!(!browser.has_program("client") && all.has_program("client"));
        assert_eq!(browser.given, [("EFFUSION_BENCH_SECONDS".to_owned(), 5)]);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for args in [
            &["speed"][..],
            &["--seconds"],
            &["--seconds", "0"],
            &["--runs", "-1"],
            &["--dist"],
            &["--beside"],
        ] {
            assert!(parse(args).is_err(), "{args:?}");
        }
    }
}
