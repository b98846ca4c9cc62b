//! Chromium (or Chrome) and its driver, for the tests.

use super::apt;
use super::step::Step;
use crate::process;
use anyhow::{Context, Result};
use std::env;
use std::path::PathBuf;
use std::process::Command;

/// A browser to test with.
pub struct Browser {
    /// The browser, which Playwright drives.
    pub chromium: PathBuf,
    /// Its driver, which wasm-bindgen's test runner talks to.
    pub driver: PathBuf,
}

const NAMES: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// Finds Chromium and its driver, or installs both.
pub fn ensure() -> Result<Browser> {
    let step = Step::new("chromium");
    let browser = match find() {
        Some(browser) => browser,
        None => {
            step.installing(
                "chromium and chromium-driver with apt",
                "the page is tested in a real browser",
            );
            apt::install_or_explain(
                &["chromium", "chromium-driver"],
                "the browser tests need Chromium (or Chrome) and chromedriver of the same version on PATH, or named by EFFUSION_CHROMIUM and CHROMEDRIVER",
            )?;
            find().context(
                "apt-get installed chromium and chromium-driver, but they are not on PATH",
            )?
        }
    };
    step.done(
        process::capture(Command::new(&browser.driver).arg("--version"))?
            .split(" (")
            .next()
            .unwrap_or_default(),
    );
    Ok(browser)
}

fn find() -> Option<Browser> {
    let from_env = |variable| {
        env::var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_file())
    };
    let chromium = from_env("EFFUSION_CHROMIUM")
        .or_else(|| NAMES.iter().find_map(|name| process::find_on_path(name)))?;
    let driver = from_env("CHROMEDRIVER").or_else(|| process::find_on_path("chromedriver"))?;
    Some(Browser { chromium, driver })
}
