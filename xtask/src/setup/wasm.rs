//! A Rust compiler for wasm32: the user's own with the target added by rustup or, where rustup cannot, Debian's web
//! packages with a standard library built from their source.

use super::apt::Apt;
use super::step::Step;
use super::{debian, remap};
use crate::{process, project};
use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// The name of the target.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// The variable that Cargo takes compiler flags for wasm32 from, besides those of `.cargo/config.toml`.
pub const FLAGS_VARIABLE: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS";

/// How long to wait for rustup before trying another way.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);

/// A compiler that can build for wasm32, with the Cargo and the clippy of the same release.
pub struct WasmToolchain {
    /// Its Cargo.
    pub cargo: PathBuf,
    /// Its compiler.
    pub rustc: PathBuf,
    /// The directory to put first on PATH, so that Cargo finds this toolchain's commands before rustup's proxies.
    pub directory: Option<PathBuf>,
}

/// Finds a compiler for wasm32, or makes one.
pub fn ensure() -> Result<WasmToolchain> {
    let step = Step::new("wasm32 target");
    let current = WasmToolchain::current();
    let candidates = [Some(current), WasmToolchain::system()];
    if let Some(toolchain) = candidates
        .into_iter()
        .flatten()
        .find(|toolchain| toolchain.probe().is_ok())
    {
        step.done(toolchain.version()?);
        return Ok(toolchain);
    }
    if process::find_on_path("rustup").is_some() {
        step.installing(
            format_args!("{TARGET} with rustup"),
            "the page is compiled to WebAssembly",
            "10 seconds",
        );
        let added = process::run_quietly(
            Command::new("rustup").args(["target", "add", TARGET]),
            RUSTUP_LIMIT,
        );
        let current = WasmToolchain::current();
        match added.and_then(|()| current.probe()) {
            Ok(()) => {
                step.done(current.version()?);
                return Ok(current);
            }
            Err(error) => step.note(format_args!(
                "rustup could not: {}",
                last_line(&format!("{error:#}"))
            )),
        }
    }
    let Some(apt) = Apt::find() else {
        bail!(
            "the target {TARGET} is missing. Run `rustup target add {TARGET}` (https://rustup.rs), then this command again"
        );
    };
    let toolchain = debian::install(apt, &step)?;
    step.done(toolchain.version()?);
    Ok(toolchain)
}

impl WasmToolchain {
    /// The toolchain this program was started with.
    fn current() -> Self {
        let from_env = |variable, program: &str| {
            env::var_os(variable).map_or_else(|| PathBuf::from(program), PathBuf::from)
        };
        Self {
            cargo: from_env("CARGO", "cargo"),
            rustc: from_env("RUSTC", "rustc"),
            directory: None,
        }
    }

    /// The toolchain of the operating system's packages, where it is installed.
    pub(super) fn system() -> Option<Self> {
        let directory = PathBuf::from("/usr/bin");
        let (cargo, rustc) = (directory.join("cargo"), directory.join("rustc"));
        (cargo.is_file() && rustc.is_file()).then_some(Self {
            cargo,
            rustc,
            directory: Some(directory),
        })
    }

    /// Compiles and links a library that needs `std`: finds a missing target, a library of another compiler's release, and a
    /// missing linker alike.
    pub(super) fn probe(&self) -> Result<()> {
        let dir = project::web_target().join("probe");
        fs::create_dir_all(&dir)?;
        let source = dir.join("probe.rs");
        fs::write(
            &source,
            "#[unsafe(no_mangle)] pub extern \"C\" fn probe(n: usize) -> usize { vec![1u8; n].len() }\n",
        )?;
        let mut rustc = Command::new(&self.rustc);
        rustc
            .args([
                "--edition=2024",
                "--crate-type=cdylib",
                "--target",
                TARGET,
                "-o",
            ])
            .arg(dir.join("probe.wasm"))
            .arg(source);
        process::capture(&mut rustc).map(drop)
    }

    /// What the compiler says it is.
    fn version(&self) -> Result<String> {
        process::capture(Command::new(&self.rustc).arg("--version"))
    }

    /// The directory of the compiler's libraries, and of their source where that is installed.
    pub(super) fn rustlib(&self) -> Result<PathBuf> {
        let sysroot = process::capture(Command::new(&self.rustc).args(["--print", "sysroot"]))?;
        Ok(PathBuf::from(sysroot).join("lib").join("rustlib"))
    }

    /// The path of the library's source, once it is installed.
    pub(super) fn library_source(&self) -> Result<PathBuf> {
        Ok(self.rustlib()?.join("src").join("rust"))
    }

    /// Compiler flags for wasm32, which keep this machine's directories out of what is compiled.
    pub(super) fn flags(&self) -> Result<Vec<String>> {
        let mut flags = remap::flags(&[
            (self.library_source()?, "rust"),
            (project::root(), "effusion"),
        ]);
        // Cargo splits them at spaces, so a directory with a space in its name has to stay as it is.
        flags.retain(|flag| !flag.contains(' '));
        Ok(flags)
    }

    /// A command that finds this compiler's programs, after those in `paths`, before any other.
    pub fn command(&self, program: impl AsRef<OsStr>, paths: &[PathBuf]) -> Result<Command> {
        let mut command = Command::new(program);
        if self.directory.is_some() {
            command.env("CARGO", &self.cargo).env("RUSTC", &self.rustc);
            command.env_remove("RUSTUP_TOOLCHAIN");
        }
        let inherited = env::var_os("PATH").unwrap_or_default();
        let paths = paths.iter().chain(&self.directory).cloned();
        let paths = env::join_paths(paths.chain(env::split_paths(&inherited)));
        command.env(
            "PATH",
            paths.context("a directory's name cannot be put on PATH")?,
        );
        Ok(command)
    }
}

fn last_line(text: &str) -> &str {
    text.trim().lines().last().unwrap_or_default()
}
