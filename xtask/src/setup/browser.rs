//! Browsers for the tests: Chromium (or Chrome) with its driver, Firefox, and WebKitGTK's small browser with its driver.

use super::apt::{self, Apt};
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
                "30 seconds",
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

/// Browsers in which only the lessons are tested.
pub struct Others {
    /// Firefox, which speaks WebDriver BiDi itself.
    pub firefox: PathBuf,
    /// WebKitGTK's small browser, which WebKitWebDriver drives on a screen by Xvfb, both from PATH.
    pub webkit: PathBuf,
}

/// Finds Firefox and WebKitGTK's browser, or installs both with apt. None where there is no apt and one of them is missing: not
/// every system has WebKitGTK.
pub fn ensure_others() -> Result<Option<Others>> {
    let step = Step::new("other browsers");
    let mut found = find_others();
    if found.is_none() {
        let Some(apt) = Apt::find() else {
            step.note(
                "not here: the stage `browsers` needs Firefox on PATH or named by EFFUSION_FIREFOX, WebKitGTK's MiniBrowser, which \
                EFFUSION_WEBKIT can name, and WebKitWebDriver and Xvfb on PATH (Debian: firefox-esr, webkit2gtk-driver, xvfb)",
            );
            return Ok(None);
        };
        step.installing(
            "firefox-esr, webkit2gtk-driver and xvfb with apt",
            "the lessons are walked in other browsers than Chromium, too",
            "60 seconds",
        );
        apt.install(&["firefox-esr", "webkit2gtk-driver", "xvfb"])?;
        found = find_others();
    }
    let others = found.context(
        "apt-get installed firefox-esr, webkit2gtk-driver and xvfb, but they are not where they should be",
    )?;
    step.done(process::capture(
        Command::new(&others.firefox).arg("--version"),
    )?);
    Ok(Some(others))
}

fn find_others() -> Option<Others> {
    let firefox = from_env("EFFUSION_FIREFOX")
        .or_else(|| process::find_on_path("firefox-esr"))
        .or_else(|| process::find_on_path("firefox"))?;
    let webkit = from_env("EFFUSION_WEBKIT").or_else(mini_browser)?;
    process::find_on_path("WebKitWebDriver")?;
    process::find_on_path("Xvfb")?;
    Some(Others { firefox, webkit })
}

/// WebKitGTK's small browser where distributions have it: in `/usr/lib/<machine>/webkit2gtk-<version>` or `/usr/libexec`.
fn mini_browser() -> Option<PathBuf> {
    let dirs = |dir: PathBuf| std::fs::read_dir(dir).into_iter().flatten().flatten();
    let machines = dirs("/usr/lib".into()).map(|entry| entry.path());
    let inside = machines.chain(["/usr/libexec".into()]).flat_map(dirs);
    let mut found: Vec<PathBuf> = inside
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("webkit"))
        .map(|entry| entry.path().join("MiniBrowser"))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.pop()
}

fn from_env(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_file())
}

fn find() -> Option<Browser> {
    let chromium = from_env("EFFUSION_CHROMIUM")
        .or_else(|| NAMES.iter().find_map(|name| process::find_on_path(name)))?;
    let driver = from_env("CHROMEDRIVER").or_else(|| process::find_on_path("chromedriver"))?;
    Some(Browser { chromium, driver })
}
