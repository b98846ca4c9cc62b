//! `cargo xtask screenshots`: pictures of the page for the documents.

use crate::setup::{self, Need};
use crate::{build, process, project};
use anyhow::Result;

/// Takes them of the release page with the real sandbox, into `docs/screenshots`.
pub fn screenshots() -> Result<()> {
    let tools = setup::prepare(&[
        Need::Bundler,
        Need::Optimiser,
        Need::ReleasePage,
        Need::Browser,
        Need::TestPackages,
    ])?;
    let sandbox = build::sandbox(false)?;
    let dist = build::page(&tools)?;
    let mut node = tools.command("node")?;
    node.current_dir(project::root().join("tests"))
        .arg("e2e/screenshots.mjs")
        .env("EFFUSION_SANDBOX_BIN", sandbox)
        .env("EFFUSION_DIST", dist)
        .env("EFFUSION_CHROMIUM", &tools.browser()?.chromium);
    process::run(&mut node)?;
    println!("The pictures are in docs/screenshots");
    Ok(())
}
