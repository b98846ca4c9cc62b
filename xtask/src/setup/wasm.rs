//! A Rust compiler for wasm32: the user's own with the target added by rustup or, where rustup cannot, Debian's web
//! packages with a standard library built from their source.

use super::apt::Apt;
use super::step::Step;
use crate::{process, project};
use anyhow::{Context, Result, bail};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The name of the target.
pub const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler for the web (the one its browsers are built with), the library's source, and the linker, which is only
/// recommended by them and so must be named.
const PACKAGES: [&str; 6] = [
    "rustc-web",
    "cargo-web",
    "rust-web-src",
    "rust-web-llvm",
    "rust-web-clippy",
    "lld-22",
];
/// How long to wait for rustup before trying another way.
const RUSTUP_LIMIT: Duration = Duration::from_secs(180);
const LIBRARY_LIMIT: Duration = Duration::from_secs(1800);

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
    let toolchain = from_debian(apt, &step)?;
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
    fn system() -> Option<Self> {
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
    fn probe(&self) -> Result<()> {
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

    fn version(&self) -> Result<String> {
        process::capture(Command::new(&self.rustc).arg("--version"))
    }

    /// Points a command at this compiler, and keeps the machine's directories out of what it compiles.
    pub fn configure(&self, command: &mut Command) {
        if self.directory.is_some() {
            command
                .env("CARGO", &self.cargo)
                .env("RUSTC", &self.rustc)
                .env_remove("RUSTUP_TOOLCHAIN");
        }
        command.env(
            "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS",
            remapping().join(OsString::from(" ").as_os_str()),
        );
    }
}

/// Compiler flags that replace the names of local directories in panic messages: they would tell the world the builder's user
/// name, and make one source compile to different bytes on different machines.
fn remapping() -> Vec<OsString> {
    let cargo_home = env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let registries = cargo_home
        .and_then(|home| fs::read_dir(home.join("registry").join("src")).ok())
        .into_iter()
        .flatten();
    let mut registries: Vec<PathBuf> = registries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    registries.sort();
    let flag = |from: &Path, to: &str| {
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push("=");
        flag.push(to);
        flag
    };
    // Cargo splits this variable at spaces, so a directory with a space in its name has to stay as it is.
    let named = registries
        .iter()
        .map(|dir| flag(dir, "crates"))
        .chain([flag(&project::root(), "effusion")]);
    named
        .filter(|flag| !flag.to_string_lossy().contains(' '))
        .collect()
}

/// Installs Debian's packages and builds the standard library for wasm32 with them, once.
fn from_debian(apt: Apt, step: &Step) -> Result<WasmToolchain> {
    step.installing(
        PACKAGES.join(" "),
        "a Rust compiler for WebAssembly from apt",
    );
    apt.install(&PACKAGES)?;
    let toolchain = WasmToolchain::system().context(
        "apt-get installed the packages, but /usr/bin/rustc or /usr/bin/cargo is not there",
    )?;
    step.installing(
        "Rust's standard library for wasm32",
        "apt brings only its source; compiling it takes a minute, once",
    );
    let libraries = build_library(&toolchain)?;
    let sysroot = process::capture(Command::new(&toolchain.rustc).args(["--print", "sysroot"]))?;
    let destination = Path::new(&sysroot)
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib");
    process::run(apt.as_root("mkdir").arg("-p").arg(&destination))?;
    process::run(apt.as_root("cp").args(&libraries).arg(&destination))?;
    toolchain.probe().context(
        "the standard library was built, but a test program for wasm32 does not compile with it",
    )?;
    Ok(toolchain)
}

/// Compiles `std` for wasm32 and gives back the libraries.
fn build_library(toolchain: &WasmToolchain) -> Result<Vec<PathBuf>> {
    let dir = project::cache()?.join("std-for-wasm32");
    if dir.exists() {
        // Left over from another compiler's release, or half done.
        fs::remove_dir_all(&dir)?;
    }
    fs::create_dir_all(dir.join("src"))?;
    fs::write(
        dir.join("Cargo.toml"),
        "[package]\nname = \"std-for-wasm32\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[profile.release]\npanic = \"abort\"\n\n[workspace]\n",
    )?;
    fs::write(dir.join("src").join("lib.rs"), "#![no_std]\n")?;
    let mut build = Command::new(&toolchain.cargo);
    build.current_dir(&dir).args([
        "build",
        "--release",
        "-Z",
        "build-std=std,panic_abort,test",
        "--target",
        TARGET,
    ]);
    build.arg("--target-dir").arg(dir.join("target"));
    toolchain.configure(&mut build);
    let inherited = env::var_os("PATH").unwrap_or_default();
    build.env(
        "PATH",
        env::join_paths(
            toolchain
                .directory
                .iter()
                .cloned()
                .chain(env::split_paths(&inherited)),
        )?,
    );
    // The library's own build uses unstable features of the compiler it belongs to; bitcode is what link-time
    // optimisation of the page will ask for.
    build.env("RUSTC_BOOTSTRAP", "1");
    let sysroot = process::capture(Command::new(&toolchain.rustc).args(["--print", "sysroot"]))?;
    build.env(
        "RUSTFLAGS",
        format!("-Cembed-bitcode=yes --remap-path-prefix={sysroot}/lib/rustlib/src/rust=std"),
    );
    process::run_quietly(&mut build, LIBRARY_LIMIT)
        .context("could not compile Rust's standard library for wasm32")?;
    let built = dir.join("target").join(TARGET).join("release").join("deps");
    let mut libraries = Vec::new();
    for entry in fs::read_dir(&built)? {
        let path = entry?.path();
        let own = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with("libstd_for_wasm32-"));
        if path
            .extension()
            .is_some_and(|extension| extension == "rlib")
            && !own
        {
            libraries.push(path);
        }
    }
    Ok(libraries)
}

fn last_line(text: &str) -> &str {
    text.trim().lines().last().unwrap_or_default()
}
