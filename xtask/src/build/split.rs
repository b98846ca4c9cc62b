//! Splits the page: what the functions in `src/parts.rs` alone reach goes into files that are fetched when they are needed.
//!
//! trunk has built the page as one, with the feature `split` and with the linker's relocations. Its script and its
//! WebAssembly are made anew here, from what the compiler left, and put in the place of trunk's, as small as they become:
//!
//! - What two or more parts use, and the program does not, is one file, not one for each combination of parts.
//! - What the program gives to its script, and the script does not call, is left out, and so is what only that needs.
//! - Like functions lie side by side, where they compress well.
//! - The names by which program, parts and script find each other are of one or two letters.
//! - What fetches the parts is in the program's script.

use super::glue;
use super::minify::{self, Kind};
use super::wasm::{self, Name};
use crate::setup::{TARGET, Tools};
use crate::{process, project};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

/// The module that fetches the parts, and what begins the names of its functions, as the tool that splits has it.
const LOADER: &str = "./__wasm_split.js";
const LOAD: &str = "__wasm_split_load_";
/// What the parts call the program.
const MAIN: &str = "__wasm_split";
/// What fetches the parts, for the end of the script.
const FETCH: &str = include_str!("loader.js");
/// The object in the script that has a function for each part.
const PARTS: &str = "parts";
/// What the parts call the program once names are short, as `loader.js` has it.
const SHORT_MAIN: &str = "a";
/// Stands in the script for the name of the build's files.
const NAME: &str = "effusion-HASH";

/// Features of WebAssembly that the compiler makes use of, as `index.html` has them for trunk, too.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];
const OPTIMISE: [&str; 4] = [
    "-Oz",
    // Where likeness tells nothing, functions of one module stay together.
    "--reorder-functions-by-name",
    "--strip-producers",
    "--strip-target-features",
];

/// Splits the page that trunk has put into `dist`. The style sheet of what parts show, if there is one, is fetched with any of them.
pub fn split(tools: &Tools, dist: &Path, sheet: Option<&str>) -> Result<()> {
    let name = script_name(dist)?;
    let work = project::root().join("target").join("xtask").join("split");
    if work.exists() {
        fs::remove_dir_all(&work)?;
    }
    let built = project::web_target()
        .join(TARGET)
        .join("web")
        .join("effusion.wasm");
    let (split, whole) = (work.join("split"), work.join("whole"));
    fs::create_dir_all(&split)?;
    process::run(
        tools
            .command("wasm-split-cli")?
            .args(["--target", "web", "--out-name", "page"])
            .args([&built, &split]),
    )
    .context("the page cannot be split")?;
    process::run(
        tools
            .command("wasm-bindgen")?
            .args(["--target", "web", "--no-typescript", "--keep-lld-exports"])
            .args(["--out-name", "page", "--out-dir"])
            .args([&whole, &split.join("page.wasm")]),
    )?;

    let parts = Parts::gather(tools, &split)?;
    let script = glue::without_classes(&read(&whole.join("page.js"))?);
    let main = Main::make(tools, &whole.join("page_bg.wasm"), &script, &parts)?;
    let script = main.script(&script, &parts, sheet)?;
    let mut files = vec![("_bg.wasm".to_owned(), main.wasm.clone())];
    for (part, wasm) in &parts.files {
        files.push((format!("-{part}.wasm"), main.renamed_part(wasm)?));
    }

    // The files are named after what is in them, so that a browser's cache never mixes two builds.
    let mut hasher = DefaultHasher::new();
    (&files, &script).hash(&mut hasher);
    let new = format!("effusion-{:016x}", hasher.finish());
    for ending in [".js", "_bg.wasm"] {
        fs::remove_file(dist.join(format!("{name}{ending}")))?;
    }
    for (ending, contents) in files {
        fs::write(dist.join(format!("{new}{ending}")), contents)?;
    }
    let program = dist.join(format!("{new}.js"));
    fs::write(&program, script.replace(NAME, &new))?;
    minify::minify(tools, &program, Kind::Module)?;
    let index = dist.join("index.html");
    fs::write(&index, read(&index)?.replace(&name, &new))?;
    Ok(())
}

/// What is fetched when it is needed.
struct Parts {
    /// Each part's name and WebAssembly, and what several of them share, as [`Self::SHARED`].
    files: BTreeMap<String, Vec<u8>>,
}

impl Parts {
    const SHARED: &str = "shared";

    /// Takes up what the tool has split off, and makes it small.
    fn gather(tools: &Tools, split: &Path) -> Result<Self> {
        let mut shared = Vec::new();
        let mut files = BTreeMap::new();
        for file in super::files(split)? {
            let name = file.file_name().and_then(|name| name.to_str());
            let Some(name) = name.and_then(|name| name.strip_suffix(".wasm")) else {
                continue;
            };
            if let Some(part) = name.strip_prefix("split_") {
                files.insert(part.to_owned(), optimise(tools, &file)?);
            } else if name.starts_with("chunk_") {
                shared.push(file);
            }
        }
        if files.contains_key(Self::SHARED) {
            bail!("no part in src/parts.rs can be called `{}`", Self::SHARED);
        }
        if !shared.is_empty() {
            let merged = merge(tools, split, &shared)?;
            files.insert(Self::SHARED.to_owned(), optimise(tools, &merged)?);
        }
        Ok(Self { files })
    }

    /// What the parts take from the program.
    fn needs(&self) -> Result<Vec<String>> {
        let mut needs = Vec::new();
        for wasm in self.files.values() {
            needs.extend(wasm::imports(wasm)?.into_iter().map(|(_, name)| name));
        }
        Ok(needs)
    }
}

/// The program that is there from the start.
struct Main {
    wasm: Vec<u8>,
    /// The short names of what it takes and of what it gives.
    imports: BTreeMap<Name, Name>,
    exports: BTreeMap<String, String>,
}

impl Main {
    /// The program with no more than its script and the parts call, and with short names.
    fn make(tools: &Tools, bound: &Path, script: &str, parts: &Parts) -> Result<Self> {
        let needs = parts.needs()?;
        let mut used = glue::used_exports(script);
        used.extend(needs.iter().map(String::as_str));
        used.extend(glue::used_exports(FETCH));
        let kept = wasm::rename(
            &fs::read(bound)?,
            |module, name| (module.to_owned(), name.to_owned()),
            |name| used.contains(name).then(|| name.to_owned()),
        )?;
        let file = bound.with_file_name("kept.wasm");
        fs::write(&file, kept)?;
        let optimised = optimise(tools, &file)?;

        let imports = short_imports(wasm::imports(&optimised)?)?;
        let exports = wasm::exports(&optimised)?;
        let exports: BTreeMap<_, _> = exports.into_iter().zip(glue::short_names()).collect();
        let wasm = wasm::rename(
            &optimised,
            |module, name| {
                let name = (module.to_owned(), name.to_owned());
                imports.get(&name).cloned().unwrap_or(name)
            },
            |name| exports.get(name).cloned(),
        )?;
        Ok(Self {
            wasm,
            imports,
            exports,
        })
    }

    /// A part with this program's names for what it takes from it. Parts give nothing, other than by the program's table.
    fn renamed_part(&self, part: &[u8]) -> Result<Vec<u8>> {
        for (_, name) in wasm::imports(part)? {
            if !self.exports.contains_key(&name) {
                bail!("a part takes `{name}`, which the program does not give");
            }
        }
        wasm::rename(
            part,
            |_, name| {
                let short = self.exports.get(name).map_or(name, String::as_str);
                (SHORT_MAIN.to_owned(), short.to_owned())
            },
            |_| None,
        )
    }

    /// The script between browser and program, with what fetches the parts, and this sheet along with any.
    fn script(&self, script: &str, parts: &Parts, sheet: Option<&str>) -> Result<String> {
        let file = |part: &str| {
            let there = parts.files.contains_key(part);
            there.then(|| format!("\"./{NAME}-{part}.wasm\""))
        };
        let sheet = sheet.map(|sheet| format!("\"./{sheet}\""));
        let shared: Vec<_> = [sheet, file(Parts::SHARED)].into_iter().flatten().collect();
        let mut functions = String::new();
        for ((module, name), (_, short)) in &self.imports {
            if module == LOADER {
                let part = name
                    .strip_prefix(LOAD)
                    .with_context(|| format!("`{name}` fetches no part"))?;
                // A part that has nothing of its own is in what is shared.
                let own = file(part).unwrap_or_default();
                functions += &format!("    {short}: part({own}),\n");
            }
        }
        let script = glue::without_export(script, "initSync")
            + FETCH
            + &format!("const shared = [{}];\n", shared.join(", "))
            + &format!("const {PARTS} = {{\n{functions}}};\n");
        glue::shorten(&script, &self.imports, &self.exports, &[(LOADER, PARTS)])
    }
}

/// Short names for the modules that the program takes something from, and for what it takes.
fn short_imports(imports: Vec<Name>) -> Result<BTreeMap<Name, Name>> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let mut short = BTreeMap::new();
    for (module, name) in imports {
        let place = counts.iter().position(|(known, _)| *known == module);
        let place = place.unwrap_or_else(|| {
            counts.push((module.clone(), 0));
            counts.len() - 1
        });
        let count = &mut counts[place].1;
        let nth = |number| glue::short_names().nth(number).context("too many imports");
        short.insert((module, name), (nth(place)?, nth(*count)?));
        *count += 1;
    }
    Ok(short)
}

/// Puts what is shared into one file.
fn merge(tools: &Tools, split: &Path, shared: &[PathBuf]) -> Result<PathBuf> {
    let modules = shared.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;
    let (relay, merged) = (split.join("relay"), split.join("merged"));
    fs::write(&relay, wasm::relay(&modules, MAIN, "main")?)?;
    let mut command = tools.command("wasm-merge")?;
    command.args(FEATURES).arg("--debuginfo");
    command.arg(relay).arg(MAIN);
    for (number, file) in shared.iter().enumerate() {
        command.arg(file).arg(format!("shared{number}"));
    }
    // Captured, because it tells of each kind of name that it does not know.
    process::capture(command.arg("--output").arg(&merged))
        .context("what the parts share cannot be put together")?;
    Ok(merged)
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

fn optimise(tools: &Tools, from: &Path) -> Result<Vec<u8>> {
    let to = from.with_extension("small");
    process::run(
        tools
            .command("wasm-opt")?
            .args(OPTIMISE)
            .args(FEATURES)
            .arg(from)
            .arg("-o")
            .arg(&to),
    )
    .with_context(|| format!("cannot optimise {}", from.display()))?;
    let small = fs::read(&to).with_context(|| format!("cannot read {}", to.display()))?;
    wasm::reorder(&small)
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::short_imports;

    #[test]
    fn each_module_has_short_names_of_its_own() {
        let names = [
            ("./page_bg.js", "x"),
            ("./split.js", "x"),
            ("./split.js", "y"),
        ];
        let owned = |(module, name): (&str, &str)| (module.to_owned(), name.to_owned());
        let short = short_imports(names.map(owned).to_vec()).unwrap();
        let short = names.map(|name| short[&owned(name)].clone());
        assert_eq!(short, [("a", "a"), ("b", "a"), ("b", "b")].map(owned));
    }
}
