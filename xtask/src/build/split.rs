//! The page's program in several files: what only a lazy component reaches is fetched when it is first shown.
//!
//! trunk has built the page as one file, with the feature `split` and with the linker's relocations. wasm-split takes what the
//! compiler left and moves the lazy functions into files of their own; its loader fetches them. The result takes the place of
//! trunk's script and WebAssembly.

use super::{esbuild, files, worker};
use crate::setup::{TARGET, Tools};
use crate::{process, project};
use anyhow::{Context, Result, bail};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

/// wasm-opt's options: as small as it can. Functions that were made of the same generic one stand beside each other, of which gzip makes
/// less. The features are those that the compiler uses; `index.html` has them for trunk, too.
const OPTIMISE: &str = "-Oz --reorder-functions-by-name --strip-producers --strip-target-features --enable-bulk-memory \
    --enable-nontrapping-float-to-int --enable-sign-ext --enable-mutable-globals --enable-reference-types --enable-multivalue";

/// Splits the program of the page that trunk has built in `dist`.
pub fn split(tools: &Tools, dist: &Path) -> Result<()> {
    let target = project::web_target();
    let work = target.join("split");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    let (split, bound) = (work.join("split"), work.join("bound"));
    fs::create_dir_all(&split)?;
    let built = target.join(TARGET).join("web").join("effusion.wasm");
    let mut wasm_split = tools.command("wasm-split-cli")?;
    wasm_split.args(["--target=web", "--out-name=page"]);
    process::run(wasm_split.args([&built, &split])).context("the page could not be split")?;
    let mut bindgen = tools.command("wasm-bindgen")?;
    bindgen.args(["--target=web", "--no-typescript", "--keep-lld-exports"]);
    bindgen.args(["--out-name=page", "--out-dir"]);
    process::run(bindgen.args([&bound, &split.join("page.wasm")]))?;

    // wasm-split's loader and wasm-bindgen's script import each other. Together they are one file, and only what starts the
    // program is exported: wasm-bindgen's classes are for other scripts, which the page does not have.
    fs::copy(split.join("__wasm_split.js"), bound.join("__wasm_split.js"))?;
    let entry = bound.join("entry.js");
    fs::write(&entry, "export { default } from './page.js';\n")?;
    let script = work.join("page.js");
    esbuild(tools, &entry, &script, &["--bundle", "--format=esm"])?;

    let mut chunks = Vec::new();
    for file in files(&split)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".wasm") && name != "page.wasm" {
            let chunk = optimise(tools, &file)?;
            chunks.push((name.into_owned(), chunk));
        }
    }
    let program = optimise(tools, &bound.join("page_bg.wasm"))?;
    put(dist, &fs::read_to_string(script)?, &program, &chunks)
}

/// Makes a file of WebAssembly small.
pub fn optimise(tools: &Tools, file: &Path) -> Result<Vec<u8>> {
    let small = file.with_extension("small");
    let mut wasm_opt = tools.command("wasm-opt")?;
    wasm_opt.args(OPTIMISE.split_whitespace()).arg(file);
    // Captured, because it warns of each kind of name that it does not know.
    process::capture(wasm_opt.arg("-o").arg(&small))
        .with_context(|| format!("cannot optimise {}", file.display()))?;
    fs::read(&small).with_context(|| format!("cannot read {}", small.display()))
}

/// Puts the script, the program and the chunks in the place of what trunk made. Their names tell what is in them, so that a
/// browser's cache never mixes two builds.
fn put(dist: &Path, script: &str, program: &[u8], chunks: &[(String, Vec<u8>)]) -> Result<()> {
    let mut hasher = DefaultHasher::new();
    (script, program, chunks).hash(&mut hasher);
    let new = format!("effusion-{:016x}", hasher.finish());
    let old = program_name(dist)?;
    let mut script = script.to_owned();
    for (name, chunk) in chunks {
        let hashed = format!("{new}-{name}");
        let reference = format!("\"./{name}\"");
        if !script.contains(&reference) {
            bail!("the loader does not fetch {name}");
        }
        script = script.replace(&reference, &format!("\"./{hashed}\""));
        fs::write(dist.join(hashed), chunk)?;
    }
    for ending in [".js", "_bg.wasm"] {
        fs::remove_file(dist.join(format!("{old}{ending}")))?;
    }
    fs::write(dist.join(format!("{new}.js")), script)?;
    fs::write(dist.join(format!("{new}_bg.wasm")), program)?;
    let index = dist.join("index.html");
    let html = fs::read_to_string(&index)?;
    fs::write(index, html.replace(&old, &new))?;
    Ok(())
}

/// The name that trunk gave the page's script and WebAssembly, without the endings.
fn program_name(dist: &Path) -> Result<String> {
    let mut names = files(dist)?.into_iter().filter_map(|file| {
        let name = file.file_name()?.to_str()?.strip_suffix("_bg.wasm")?;
        (name != worker::PROGRAM).then(|| name.to_owned())
    });
    match (names.next(), names.next()) {
        (Some(name), None) => Ok(name),
        _ => bail!(
            "trunk did not leave one WebAssembly file in {}",
            dist.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::put;
    use std::fs;

    #[test]
    fn the_split_program_takes_the_place_of_trunks() {
        let dist = tempfile::tempdir().unwrap();
        let at = |name: &str| dist.path().join(name);
        for name in ["effusion-12.js", "effusion-12_bg.wasm"] {
            fs::write(at(name), "").unwrap();
        }
        fs::write(at("index.html"), "<script src=./effusion-12.js>").unwrap();
        let chunks = [("split_more.wasm".to_owned(), vec![1])];
        let other = put(dist.path(), "fetch(\"./else.wasm\")", &[0], &chunks);
        assert!(other.is_err(), "no chunk is left that nobody fetches");
        put(dist.path(), "fetch(\"./split_more.wasm\")", &[0], &chunks).unwrap();
        let html = fs::read_to_string(at("index.html")).unwrap();
        let name = html.strip_prefix("<script src=./").unwrap();
        let name = name.strip_suffix(".js>").unwrap();
        let script = fs::read_to_string(at(&format!("{name}.js"))).unwrap();
        assert_eq!(script, format!("fetch(\"./{name}-split_more.wasm\")"));
        let chunk = fs::read(at(&format!("{name}-split_more.wasm"))).unwrap();
        assert_eq!(chunk, [1]);
        assert_eq!(fs::read(at(&format!("{name}_bg.wasm"))).unwrap(), [0]);
        assert!(!at("effusion-12.js").exists() && !at("effusion-12_bg.wasm").exists());
    }
}
