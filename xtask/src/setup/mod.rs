//! Finds the tools a command needs and installs those that are missing. Every step checks first, says what it is about to
//! install and why, and can be repeated: with everything installed, the whole set-up takes about a second.

mod apt;
mod browser;
mod cargo_tool;
mod container;
mod debian;
mod library;
mod node;
mod peers;
mod prebuilt;
mod python;
mod remap;
mod step;
mod wasm;

pub use browser::{Browser, Others};
pub use container::{ensure_buildah, ensure_static_target};
pub use peers::{ensure_mosquitto, ensure_socket_io};
pub use python::name_python;
use wasm::FLAGS_VARIABLE;
pub use wasm::{TARGET, WasmToolchain};

use crate::project;
use anyhow::{Context, Result};
use prebuilt::Prebuilt;
use std::path::PathBuf;
use std::process::Command;

/// The release of trunk that the project is built with.
const TRUNK: &str = "0.21.14";

/// The release of the tool that splits the page. It belongs to the `wasm_split_helpers` that Cargo.lock pins.
const WASM_SPLIT: &str = "0.2.4";

/// The release of the formatter of `view!` blocks.
const LEPTOSFMT: &str = "0.1.33";

/// What a command needs besides a compiler for wasm32, which all of them need.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// trunk and wasm-bindgen: to build and serve the page.
    Bundler,
    /// wasm-opt: to build the page small.
    Optimiser,
    /// What only the release page needs, besides wasm-opt: wasm-split, to load chunks on demand,
    /// esbuild, and the source of Rust's standard library.
    ReleasePage,
    /// wasm-bindgen's test runner: for component tests.
    TestRunner,
    /// leptosfmt: to check the format of `view!` blocks.
    Formatter,
    /// Chromium and its driver.
    Browser,
    /// Firefox and WebKitGTK's browser.
    OtherBrowsers,
    /// Node and the packages of `tests/package.json`.
    TestPackages,
}

impl Need {
    /// Everything that any command needs.
    pub const ALL: [Self; 8] = [
        Self::Bundler,
        Self::Optimiser,
        Self::ReleasePage,
        Self::TestRunner,
        Self::Formatter,
        Self::Browser,
        Self::OtherBrowsers,
        Self::TestPackages,
    ];
}

/// The tools found or installed.
pub struct Tools {
    wasm: WasmToolchain,
    /// Directories that hold trunk, wasm-bindgen, wasm-opt and esbuild.
    paths: Vec<PathBuf>,
    /// Whether the standard library can be built along with the page.
    library: bool,
    browser: Option<Browser>,
    other_browsers: Option<Others>,
}

/// Ensures that everything needed is installed.
pub fn prepare(needs: &[Need]) -> Result<Tools> {
    println!("Checking the tools");
    let needed = |any: &[Need]| needs.iter().any(|need| any.contains(need));
    let wasm = wasm::ensure()?;
    let mut paths = Vec::new();
    let prebuilt = Prebuilt::default();
    if needed(&[Need::Bundler, Need::TestRunner]) {
        let version = project::locked_version("wasm-bindgen")?;
        paths.extend(cargo_tool::ensure_wasm_bindgen(&prebuilt, &version)?);
    }
    if needed(&[Need::Bundler]) {
        paths.extend(cargo_tool::ensure_trunk(&prebuilt, TRUNK)?);
    }
    let mut library = false;
    if needed(&[Need::ReleasePage]) {
        library = library::ensure(&wasm);
        paths.extend(cargo_tool::ensure_wasm_split(&prebuilt, WASM_SPLIT)?);
    }
    if needed(&[Need::Formatter]) {
        paths.extend(cargo_tool::ensure_leptosfmt(&prebuilt, LEPTOSFMT)?);
    }
    if needed(&[Need::Optimiser, Need::ReleasePage, Need::TestPackages]) {
        node::ensure_node()?;
    }
    if needed(&[Need::Optimiser]) {
        paths.extend(node::ensure_wasm_opt()?);
    }
    if needed(&[Need::ReleasePage]) {
        paths.extend(node::ensure_esbuild()?);
    }
    let browser = if needed(&[Need::Browser]) {
        Some(browser::ensure()?)
    } else {
        None
    };
    let other_browsers = if needed(&[Need::OtherBrowsers]) {
        browser::ensure_others()?
    } else {
        None
    };
    if needed(&[Need::TestPackages]) {
        node::ensure_test_packages()?;
    }
    Ok(Tools {
        wasm,
        paths,
        library,
        browser,
        other_browsers,
    })
}

impl Tools {
    /// A command that finds the tools and, where it calls Cargo, compiles for wasm32 with the right compiler into the
    /// target directory for web builds.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
        let mut command = self.wasm.command(program, &self.paths)?;
        command.current_dir(project::root());
        command.env("CARGO_TARGET_DIR", project::web_target());
        Ok(command)
    }

    /// [`Self::command`] for the page for release: where it calls Cargo, this machine's directories stay out of what is compiled,
    /// and the standard library is built along, if it can be. Other builds have the same flags as plain `trunk` and share what
    /// they compile with it.
    pub fn command_for_release(&self, program: impl AsRef<std::ffi::OsStr>) -> Result<Command> {
        let mut command = self.command(program)?;
        let mut flags = self.wasm.flags()?;
        if self.library {
            flags.extend(library::build_along(&mut command));
        }
        command.env(FLAGS_VARIABLE, flags.join(" "));
        Ok(command)
    }

    /// `cargo` for wasm32: [`Self::command`] with the toolchain's own Cargo.
    pub fn cargo(&self) -> Result<Command> {
        self.command(&self.wasm.cargo)
    }

    /// The browser to test with, where [`Need::Browser`] asked for one.
    pub fn browser(&self) -> Result<&Browser> {
        self.browser
            .as_ref()
            .context("no browser was set up for this command")
    }

    /// The other browsers to test with, where [`Need::OtherBrowsers`] asked for them and the system has them.
    pub fn other_browsers(&self) -> Option<&Others> {
        self.other_browsers.as_ref()
    }
}
