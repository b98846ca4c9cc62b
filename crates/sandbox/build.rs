//! Finds the page that the feature `embedded-page` builds in.

use std::env;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=EFFUSION_DIST");
    if env::var_os("CARGO_FEATURE_EMBEDDED_PAGE").is_none() {
        return;
    }
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let workspace = manifest.and_then(|it| Some(it.parent()?.parent()?.join("dist")));
    let given = env::var_os("EFFUSION_DIST").map(PathBuf::from);
    let page = given.or(workspace).unwrap_or_default();
    match page.canonicalize() {
        Ok(page) if page.join("index.html").is_file() => embed(&page),
        _ => println!(
            "cargo::error=the feature `embedded-page` needs a built page, and there is no index.html in {}: build it with \
             `cargo xtask build`, or set EFFUSION_DIST to its folder",
            page.display()
        ),
    }
}

fn embed(page: &Path) {
    println!("cargo::rerun-if-changed={}", page.display());
    println!("cargo::rustc-env=EFFUSION_PAGE={}", page.display());
}
