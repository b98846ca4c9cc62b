//! The service in the browser: a worker's program, in files of its own that no first load needs.
//!
//! trunk has built it, by its `<link>` in `index.html`, under names that do not change. Script and WebAssembly get names that tell
//! what is in them, as the page's have. What starts them keeps its name: all tabs share one worker by it, also while some
//! show the page of yesterday.

use super::{esbuild, split};
use crate::setup::Tools;
use anyhow::{Result, bail};
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

/// What trunk calls the program.
pub const PROGRAM: &str = "effusion-browser-service";

/// What starts the program.
const STARTS: &str = "browser-service.js";

/// Makes the worker that trunk has built in `dist` small, and names its files.
pub fn finish(tools: &Tools, dist: &Path) -> Result<()> {
    let script = dist.join(format!("{PROGRAM}.js"));
    esbuild(tools, &script, &script, &["--format=esm"])?;
    let program = dist.join(format!("{PROGRAM}_bg.wasm"));
    let small = split::optimise(tools, &program)?;
    fs::write(&program, small)?;
    fs::remove_file(program.with_extension("small"))?;
    let starts = dist.join(STARTS);
    esbuild(tools, &starts, &starts, &["--format=iife"])?;
    name(dist)
}

fn name(dist: &Path) -> Result<()> {
    let old = [format!("{PROGRAM}.js"), format!("{PROGRAM}_bg.wasm")];
    let mut hasher = DefaultHasher::new();
    for name in &old {
        fs::read(dist.join(name))?.hash(&mut hasher);
    }
    let hash = hasher.finish();
    let starts = dist.join(STARTS);
    let mut text = fs::read_to_string(&starts)?;
    for (old, ending) in old.iter().zip([".js", "_bg.wasm"]) {
        let reference = format!("./{old}");
        if !text.contains(&reference) {
            bail!("{STARTS} does not name {old}");
        }
        let new = format!("{PROGRAM}-{hash:016x}{ending}");
        text = text.replace(&reference, &format!("./{new}"));
        fs::rename(dist.join(old), dist.join(new))?;
    }
    fs::write(starts, text)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{PROGRAM, STARTS, name};
    use std::fs;

    #[test]
    fn what_starts_the_worker_names_its_files() {
        let dist = tempfile::tempdir().unwrap();
        let at = |name: &str| dist.path().join(name);
        fs::write(at(&format!("{PROGRAM}.js")), "1").unwrap();
        fs::write(at(&format!("{PROGRAM}_bg.wasm")), "2").unwrap();
        fs::write(at(STARTS), format!("import('./{PROGRAM}.js')")).unwrap();
        assert!(name(dist.path()).is_err(), "nothing fetches the program");
        fs::write(at(&format!("{PROGRAM}.js")), "1").unwrap();
        let text = format!("import('./{PROGRAM}.js');'./{PROGRAM}_bg.wasm'");
        fs::write(at(STARTS), text).unwrap();
        name(dist.path()).unwrap();
        let text = fs::read_to_string(at(STARTS)).unwrap();
        let files = text.split('\'').filter_map(|part| part.strip_prefix("./"));
        let contents: Vec<_> = files
            .map(|file| fs::read_to_string(at(file)).unwrap())
            .collect();
        assert_eq!(contents, ["1", "2"]);
        assert!(!at(&format!("{PROGRAM}.js")).exists());
    }
}
