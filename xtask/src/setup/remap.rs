//! Keeps this machine's directories out of what it compiles.

use std::env;
use std::fs;
use std::path::PathBuf;

/// Compiler flags that replace the names of local directories, those given and those of Cargo's registries, in panic messages:
/// there they would reveal the builder's user name, and the same source would compile to different bytes on different
/// machines. Names that are not UTF-8 are left alone.
pub fn flags(dirs: &[(PathBuf, &str)]) -> Vec<String> {
    let mut replacements = dirs.to_vec();
    let cargo_home = env::var_os("CARGO_HOME").map(PathBuf::from);
    if let Some(home) = cargo_home.or_else(|| Some(env::home_dir()?.join(".cargo"))) {
        let registries = home.join("registry").join("src");
        let entries = fs::read_dir(&registries).into_iter().flatten();
        let mut each: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        each.sort();
        // The last flag that fits wins: the first is for a registry that is not there yet.
        replacements.push((registries, "crates"));
        replacements.extend(each.into_iter().map(|registry| (registry, "crates")));
    }
    let replacements = replacements.iter();
    let flags = replacements
        .filter_map(|(from, to)| Some(format!("--remap-path-prefix={}={to}", from.to_str()?)));
    flags.collect()
}
