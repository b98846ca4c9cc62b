//! The stages that call a test runner: Cargo's, wasm-bindgen's, Node's.
//!
//! The programs that they start are release builds: the stage `abuse` measures what those cost, and all others share them.

use super::tally::Tally;
use crate::setup::{self, Tools};
use crate::{build, container, process, project};
use anyhow::{Context as _, Result};
use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

/// What the stages share.
pub struct Context {
    tools: Option<Tools>,
    /// The release page, once a stage has built it.
    page: OnceCell<PathBuf>,
    /// The page as one file, once a stage has built it.
    single_file: OnceCell<PathBuf>,
}

impl Context {
    /// With the tools that the chosen stages need.
    pub fn new(tools: Option<Tools>) -> Self {
        Self {
            tools,
            page: OnceCell::new(),
            single_file: OnceCell::new(),
        }
    }

    fn tools(&self) -> Result<&Tools> {
        self.tools
            .as_ref()
            .context("this stage was started without the tools it needs")
    }

    /// The release page, built by the first stage that asks for it.
    fn page(&self) -> Result<&Path> {
        if self.page.get().is_none() {
            // Nothing else sets it: that it is set already cannot be.
            let _ = self.page.set(build::page(self.tools()?)?);
        }
        self.page.get().map(PathBuf::as_path).context("no page")
    }

    /// The page as one file, built by the first stage that asks for it.
    fn single_file(&self) -> Result<&Path> {
        if self.single_file.get().is_none() {
            // Nothing else sets it: that it is set already cannot be.
            let _ = self.single_file.set(build::single_file(self.tools()?)?);
        }
        let file = self.single_file.get().map(PathBuf::as_path);
        file.context("no page in one file")
    }
}

/// Tests of the native crates, and of the page's code that needs no browser.
pub fn unit(_: &Context) -> Result<Tally> {
    let mut tally = cargo_test(project::cargo().args([
        "test",
        "--no-fail-fast",
        "--workspace",
        "--exclude",
        "effusion",
    ]))?;
    tally +=
        cargo_test(project::cargo().args(["test", "--no-fail-fast", "-p", "effusion", "--lib"]))?;
    Ok(tally)
}

/// Tests that run in the browser, of every package that has some.
pub fn wasm(context: &Context) -> Result<Tally> {
    let tools = context.tools()?;
    let browser = tools.browser()?;
    let capabilities = project::web_target().join("webdriver.json");
    let chromium = browser.chromium.to_string_lossy().replace('\\', "\\\\");
    let options = format!("{{\"goog:chromeOptions\": {{\"binary\": \"{chromium}\"}}}}\n");
    fs::write(&capabilities, options)?;

    let mut tally = Tally::default();
    for (package, dir, features) in [
        ("effusion-protocol", "crates/protocol", &[] as &[&str]),
        (
            "effusion-client",
            "crates/client",
            &["--no-default-features", "--features", "web"],
        ),
        ("effusion", "", &[]),
    ] {
        let manifest = fs::read_to_string(project::root().join(dir).join("Cargo.toml"))?;
        if !manifest.contains("\nwasm-bindgen-test") {
            continue;
        }
        println!("-- {package}");
        let mut cargo = tools.cargo()?;
        cargo
            // The examples in the documentation are programs for a terminal: they run with the native tests.
            .args([
                "test",
                "--tests",
                "--no-fail-fast",
                "--target",
                setup::TARGET,
                "-p",
                package,
            ])
            .args(features);
        cargo.env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER",
            "wasm-bindgen-test-runner",
        );
        cargo
            .env("CHROMEDRIVER", &browser.driver)
            .env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &capabilities);
        tally += cargo_test(&mut cargo)?;
    }
    if tally == Tally::default() {
        return Ok(Tally::skip("no package has tests for the browser"));
    }
    Ok(tally)
}

/// The vendor's SDKs for JavaScript and for Python against the sandbox. The tests for Python are run by Node's, too, which
/// skip them where there is no Python that they can run with.
pub fn interop(context: &Context) -> Result<Tally> {
    let sandbox = build::sandbox(true)?;
    let mut node = context.tools()?.command("node")?;
    node.env("EFFUSION_SANDBOX_BIN", sandbox);
    setup::name_python(&mut node);
    node_test(node, "interop")
}

/// Malicious clients, against release builds of the sandbox and the moderator: these tests measure costs.
pub fn abuse(context: &Context) -> Result<Tally> {
    let sandbox = build::sandbox(true)?;
    let moderator = build::program("effusion-moderator", true)?;
    let mut node = context.tools()?.command("node")?;
    // The cost of one test must not affect another.
    node.arg("--test-concurrency=1")
        .env("EFFUSION_SANDBOX_BIN", sandbox)
        .env("EFFUSION_MODERATOR_BIN", moderator);
    node_test(node, "abuse")
}

/// The release page in Chromium against the sandbox.
pub fn e2e(context: &Context) -> Result<Tally> {
    let tools = context.tools()?;
    let sandbox = build::sandbox(true)?;
    let moderator = build::program("effusion-moderator", true)?;
    let mut node = tools.command("node")?;
    // Node's runner leaves one core free, which is half of two. These tests wait more than they work.
    let cores = thread::available_parallelism().map_or(1, usize::from);
    node.arg(format!("--test-concurrency={cores}"));
    node.env("EFFUSION_SANDBOX_BIN", sandbox)
        .env("EFFUSION_MODERATOR_BIN", moderator)
        .env("EFFUSION_DIST", context.page()?)
        .env("EFFUSION_SINGLE_FILE", context.single_file()?)
        .env("EFFUSION_CHROMIUM", &tools.browser()?.chromium);
    browser_test(node, "e2e")
}

/// The lessons on the release page in other browsers, against the sandbox.
pub fn browsers(context: &Context) -> Result<Tally> {
    let tools = context.tools()?;
    let Some(others) = tools.other_browsers() else {
        return Ok(Tally::skip(
            "Firefox or WebKitGTK's browser is not here, as told above",
        ));
    };
    let mut node = tools.command("node")?;
    node.env("EFFUSION_SANDBOX_BIN", build::sandbox(true)?)
        .env("EFFUSION_DIST", context.page()?)
        .env("EFFUSION_SINGLE_FILE", context.single_file()?)
        .env("EFFUSION_FIREFOX", &others.firefox)
        .env("EFFUSION_WEBKIT", &others.webkit);
    browser_test(node, "browsers")
}

/// The page that plain trunk builds, without this program's additions, in Chromium against the sandbox.
pub fn trunk(context: &Context) -> Result<Tally> {
    let tools = context.tools()?;
    let mut node = tools.command("node")?;
    node.env("EFFUSION_SANDBOX_BIN", build::sandbox(true)?)
        .env("EFFUSION_CHROMIUM", &tools.browser()?.chromium);
    browser_test(node, "trunk")
}

/// The release page in the container image, with a sandbox that is not optimised.
pub fn container(context: &Context) -> Result<Tally> {
    container::check(context.page()?)
}

fn cargo_test(command: &mut Command) -> Result<Tally> {
    let (succeeded, output) = process::run_and_keep(command)?;
    Ok(Tally::of_rust(succeeded, &output))
}

/// Runs `*.test.mjs` and `*.test.js` of a folder in `tests/` with Node's test runner.
fn node_test(node: Command, folder: &str) -> Result<Tally> {
    let files = test_files(&project::root().join("tests").join(folder))?;
    if files.is_empty() {
        return Ok(Tally::skip(format_args!(
            "there is no *.test.mjs in tests/{folder}"
        )));
    }
    Ok(node_run(node, folder, &files)?.0)
}

/// As [`node_test`], for tests that drive a browser. Many processes share the machine there, so the files of tests that failed run
/// once more. What passes only then is told in the summary.
fn browser_test(node: Command, folder: &str) -> Result<Tally> {
    let mut again = Command::new(node.get_program());
    again.args(node.get_args());
    again.envs(
        node.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let files = test_files(&project::root().join("tests").join(folder))?;
    let (tally, report) = node_run(node, folder, &files)?;
    let failed: Vec<PathBuf> = files
        .into_iter()
        // By where the test stands, or a line of it in the stack, where what declares tests is shared.
        .filter(|file| report.contains(&format!("{}:", file.display())))
        .collect();
    if tally.failed == 0 || failed.is_empty() {
        return Ok(tally);
    }
    println!("-- once more, the files of the tests that failed");
    let (repeated, _) = node_run(again, &format!("{folder}-again"), &failed)?;
    Ok(tally.repeated(repeated))
}

/// Runs these files with Node's test runner. Returns the tally and the report.
fn node_run(mut node: Command, name: &str, files: &[PathBuf]) -> Result<(Tally, String)> {
    // One report for people, and one for the tally.
    let report = project::root()
        .join("target")
        .join("xtask")
        .join(format!("{name}.tap"));
    fs::create_dir_all(report.parent().unwrap_or(&report))?;
    node.current_dir(project::root().join("tests")).args([
        "--test",
        "--test-reporter=spec",
        "--test-reporter-destination=stdout",
        "--test-reporter=tap",
    ]);
    node.arg(format!("--test-reporter-destination={}", report.display()))
        .args(files);
    let succeeded = node.status().context("cannot start node")?.success();
    let report = fs::read_to_string(&report).unwrap_or_default();
    Ok((Tally::of_tap(succeeded, &report), report))
}

fn test_files(dir: &Path) -> Result<Vec<PathBuf>> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let is_test = |path: &PathBuf| {
        path.to_str()
            .is_some_and(|path| path.ends_with(".test.mjs") || path.ends_with(".test.js"))
    };
    Ok(build::files(dir)?.into_iter().filter(is_test).collect())
}
