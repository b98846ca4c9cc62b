//! The release page: what `cargo xtask build` puts into `dist/`.

mod single_file;
mod split;
mod worker;

pub use single_file::{build_single_file, single_file};

use crate::setup::{self, Need, Tools};
use crate::{process, project};
use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// What the release build of the page needs.
pub const NEEDS: [Need; 3] = [Need::Bundler, Need::Optimiser, Need::ReleasePage];

/// `cargo xtask build`.
pub fn build_for_release() -> Result<()> {
    let dist = page(&setup::prepare(&NEEDS)?)?;
    println!(
        "\nThe page is in {}: copy it to any static host, under any path.",
        dist.display()
    );
    Ok(())
}

/// Builds the page for release and checks that it can be hosted anywhere. Returns its directory.
///
/// It is what `trunk build --release` makes, split into chunks and with its scripts and style sheets minified.
pub fn page(tools: &Tools) -> Result<PathBuf> {
    println!("Building the page for release");
    let dist = dist();
    // Not `--release`: trunk would optimise the program as one file, which is then split and optimised anew.
    trunk(
        tools,
        &dist,
        &["--cargo-profile=web", "--minify", "--features=split"],
    )?;
    join_sheets(tools, &dist)?;
    split::split(tools, &dist)?;
    worker::finish(tools, &dist)?;
    for script in ["start.js", "service-worker.js"] {
        let script = dist.join(script);
        esbuild(tools, &script, &script, &["--format=iife"])?;
    }
    check(&dist)?;
    Ok(dist)
}

/// Where the built page is.
pub fn dist() -> PathBuf {
    project::root().join("dist")
}

/// Has trunk build the page into `dist`.
fn trunk(tools: &Tools, dist: &Path, options: &[&str]) -> Result<()> {
    let mut trunk = tools.command_for_release("trunk")?;
    trunk.arg("build").args(options).arg("--dist").arg(dist);
    process::run(trunk.env("RUST_BACKTRACE", "0")).context("the page could not be built")
}

/// Joins the style sheets that `dist/index.html` refers to into one file, in their order, minified.
fn join_sheets(tools: &Tools, dist: &Path) -> Result<()> {
    let index = dist.join("index.html");
    let mut html = fs::read_to_string(&index).context("trunk did not write dist/index.html")?;
    let links = sheets(&html);
    let imports = links
        .iter()
        .map(|(_, name)| format!("@import './{name}';\n"));
    let all = dist.join("all.css");
    fs::write(&all, imports.collect::<String>())?;
    let joined = dist.join("style.css");
    esbuild(tools, &all, &joined, &["--bundle"])?;
    let sheet = fs::read(&joined)?;
    let mut hasher = DefaultHasher::new();
    sheet.hash(&mut hasher);
    let name = format!("style-{:016x}.css", hasher.finish());
    fs::rename(joined, dist.join(&name))?;
    fs::remove_file(all)?;
    let link = format!("<link rel=\"stylesheet\" href=\"./{name}\">");
    for (place, (tag, name)) in links.iter().enumerate() {
        html = html.replace(tag, if place == 0 { &link } else { "" });
        fs::remove_file(dist.join(name))?;
    }
    fs::write(index, html)?;
    Ok(())
}

/// The tags that link to style sheets, and the names of their files.
fn sheets(html: &str) -> Vec<(String, String)> {
    let tags = html.match_indices("<link ").filter_map(|(start, _)| {
        let end = start + html[start..].find('>')?;
        Some(&html[start..=end])
    });
    tags.filter(|tag| tag.contains("stylesheet"))
        .filter_map(|tag| {
            let (_, address) = tag.split_once("href=")?;
            let address = address.trim_start_matches(['"', '\'']);
            let end = address.find(['"', '\'', ' ', '>'])?;
            let name = address[..end].trim_start_matches("./");
            Some((tag.to_owned(), name.to_owned()))
        })
        .collect()
}

/// Minifies a script or a style sheet with esbuild.
fn esbuild(tools: &Tools, from: &Path, to: &Path, options: &[&str]) -> Result<()> {
    let mut esbuild = tools.command("esbuild")?;
    esbuild.args(["--minify", "--legal-comments=none", "--log-level=warning"]);
    // wasm-bindgen writes a key for each import from a module, all with the same value.
    esbuild.arg("--log-override:duplicate-object-key=silent");
    let mut outfile = OsString::from("--outfile=");
    outfile.push(to);
    esbuild.args(options).arg("--allow-overwrite").arg(from);
    process::run(esbuild.arg(outfile)).with_context(|| format!("cannot minify {}", from.display()))
}

/// Builds the sandbox and returns the program's path.
pub fn sandbox(release: bool) -> Result<PathBuf> {
    program("effusion-sandbox", release)
}

/// Programs that are used together. Cargo chooses the features of what they share by the packages that it is told of: told of all,
/// it compiles each dependency once.
const PROGRAMS: [&str; 3] = ["effusion-sandbox", "effusion-moderator", "effusion-trial"];

/// Builds the program of the package of the same name, and returns its path.
pub fn program(name: &str, release: bool) -> Result<PathBuf> {
    let mut command = project::cargo();
    command.args(["build", "--package", name, "--bin", name]);
    if PROGRAMS.contains(&name) {
        command.args(PROGRAMS.map(|package| format!("--package={package}")));
    }
    if release {
        command.arg("--release");
    }
    process::run(&mut command).with_context(|| format!("{name} could not be built"))?;
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let target = project::root().join(target);
    let profile = if release { "release" } else { "debug" };
    Ok(target
        .join(profile)
        .join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Refuses a page that only works at the root of a host, or that reveals where it was built.
fn check(dist: &Path) -> Result<()> {
    let index = fs::read_to_string(dist.join("index.html"))
        .context("trunk did not write dist/index.html")?;
    if let Some(url) = absolute_url(&index) {
        bail!(
            "dist/index.html refers to `{url}`, which only works at the root of a host; public_url in Trunk.toml must be \"./\""
        );
    }
    let mut private = vec![project::root()];
    private.extend(env::home_dir().filter(|home| home.components().count() > 1));
    for file in files(dist)? {
        let bytes = fs::read(&file)?;
        if let Some(dir) = private
            .iter()
            .find(|dir| contains(&bytes, dir.join("").as_os_str().as_encoded_bytes()))
        {
            bail!(
                "{} names the directory {} of this machine",
                file.display(),
                dir.display()
            );
        }
    }
    Ok(())
}

/// The first reference in a page that begins with `/` or names a host to load something from.
fn absolute_url(html: &str) -> Option<&str> {
    let before = [
        "src=",
        "href=",
        "from ",
        "import ",
        "import(",
        "module_or_path:",
    ];
    let references = before.iter().flat_map(|before| html.split(before).skip(1));
    let mut targets = references.map(|rest| {
        let rest = rest.trim_start().trim_start_matches(['"', '\'']);
        rest.split(['"', '\'', ' ', '>']).next().unwrap_or_default()
    });
    targets.find(|target| target.starts_with('/') || target.contains("://"))
}

fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// All files below a directory, sorted.
pub fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{absolute_url, sheets};

    #[test]
    fn finds_style_sheets_in_their_order() {
        let html = "<head><link rel=\"stylesheet\" href=\"./tokens-1.css\" integrity=\"x\"/><link rel=icon href=i.svg>\
            <link href=./base-2.css rel=stylesheet></head>";
        let found = sheets(html);
        let names: Vec<_> = found.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["tokens-1.css", "base-2.css"]);
        assert_eq!(found[1].0, "<link href=./base-2.css rel=stylesheet>");
    }

    #[test]
    fn finds_urls_that_need_the_root_of_a_host() {
        assert_eq!(
            absolute_url("<link href=\"./a.css\"><script src='b.js'></script>"),
            None
        );
        assert_eq!(absolute_url("<link rel=x href=\"/a.css\">"), Some("/a.css"));
        assert_eq!(
            absolute_url("import init, * as bindings from '/effusion.js';"),
            Some("/effusion.js")
        );
        assert_eq!(
            absolute_url("init({ module_or_path: '/effusion_bg.wasm' })"),
            Some("/effusion_bg.wasm")
        );
        assert_eq!(
            absolute_url("<script src=./a.js><link href=/b.css>"),
            Some("/b.css")
        );
        assert_eq!(
            absolute_url("<script src=\"https://host/x.js\">"),
            Some("https://host/x.js")
        );
    }
}
