//! Makes scripts and style sheets small.

use crate::process;
use crate::setup::Tools;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::Path;

/// What a file is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A script that others import: only what it exports has to keep its name.
    Module,
    /// A script on its own.
    Script,
    /// A style sheet.
    Sheet,
}

/// Makes a file small that is already where it belongs.
pub fn minify(tools: &Tools, file: &Path, kind: Kind) -> Result<()> {
    let mut esbuild = tools.command("esbuild")?;
    esbuild.args(["--minify", "--legal-comments=none", "--log-level=warning"]);
    match kind {
        Kind::Module => esbuild.args(["--format=esm", "--tree-shaking=true"]),
        Kind::Script => esbuild.arg("--format=iife"),
        Kind::Sheet => &mut esbuild,
    };
    let mut outfile = OsString::from("--outfile=");
    outfile.push(file);
    esbuild.arg("--allow-overwrite").arg(file).arg(outfile);
    process::run(&mut esbuild).with_context(|| format!("cannot make {} smaller", file.display()))
}
