//! Paths: the workspace, the tool cache, and what Cargo.lock pins.

use anyhow::{Context, Result};
use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The workspace's root: where Cargo says this package's parent is, also when the checkout was moved after a build.
pub fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or(package.clone(), PathBuf::from)
}

/// The target directory of builds for wasm32. Separate from the native one, because another compiler may write to it, and so
/// that neither build waits for the other's lock.
pub fn web_target() -> PathBuf {
    root().join("target").join("web")
}

/// Where tools that the set-up compiles or downloads are kept, shared by all checkouts of one user.
pub fn cache() -> Result<PathBuf> {
    if let Some(dir) = env::var_os("EFFUSION_CACHE").filter(|dir| !dir.is_empty()) {
        return std::path::absolute(dir).context("EFFUSION_CACHE is not a valid path");
    }
    let base = env::var_os("XDG_CACHE_HOME")
        .or_else(|| env::var_os("LOCALAPPDATA"))
        .filter(|dir| !dir.is_empty())
        .map(PathBuf::from);
    let base = base.or_else(|| env::home_dir().map(|home| home.join(".cache")));
    Ok(base
        .context("no home directory to keep tools in; set EFFUSION_CACHE to a directory")?
        .join("effusion"))
}

/// Cargo for native builds, at the workspace's root.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// The version of a package that Cargo.lock pins.
pub fn locked_version(package: &str) -> Result<String> {
    let path = root().join("Cargo.lock");
    let lock = std::fs::read_to_string(&path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    version_in_lock(&lock, package)
        .with_context(|| format!("Cargo.lock does not name the package {package}"))
}

fn version_in_lock(lock: &str, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    let version = lines.next()?.strip_prefix("version = \"")?;
    Some(version.trim_end_matches('"').to_owned())
}

#[cfg(test)]
mod tests {
    use super::version_in_lock;

    #[test]
    fn the_lock_file_names_versions() {
        let lock = "[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n";
        assert_eq!(
            version_in_lock(lock, "wasm-bindgen").as_deref(),
            Some("0.2.130")
        );
        assert_eq!(version_in_lock(lock, "bindgen"), None);
    }
}
