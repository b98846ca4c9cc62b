//! `cargo xtask serve`: the sandbox and the page, side by side, until Ctrl-C.

use crate::program::Program;
use crate::setup::{self, Need, Tools};
use crate::{build, process, project};
use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

const PAGE_PORT: u16 = 8000;
const SANDBOX_PORT: u16 = 8080;
/// How long the sandbox may take until it listens.
const SANDBOX_STARTS: Duration = Duration::from_secs(60);

/// What the command line asked for.
pub struct Options {
    page_port: u16,
    sandbox_port: u16,
    data: PathBuf,
    release: bool,
    open: bool,
}

impl Options {
    /// Reads the command line after `serve`.
    pub fn parse(args: &[String]) -> Result<Self> {
        let data = project::root().join(".effusion").join("data");
        let mut options = Self {
            page_port: PAGE_PORT,
            sandbox_port: SANDBOX_PORT,
            data,
            release: false,
            open: false,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--port" => options.page_port = port(value()?)?,
                "--sandbox-port" => options.sandbox_port = port(value()?)?,
                "--data" => options.data = std::path::absolute(value()?)?,
                "--release" => options.release = true,
                "--open" => options.open = true,
                other => {
                    bail!("`cargo xtask serve` has no option `{other}`; see `cargo xtask --help`")
                }
            }
        }
        if options.page_port == options.sandbox_port {
            bail!(
                "the page and the sandbox cannot both have port {}",
                options.page_port
            );
        }
        Ok(options)
    }

    /// Where to open the page: with the sandbox's port, where that is not the page's default.
    fn address(&self) -> String {
        let query = if self.sandbox_port == SANDBOX_PORT {
            String::new()
        } else {
            format!("?host=127.0.0.1&port={}", self.sandbox_port)
        };
        format!("http://127.0.0.1:{}/{query}", self.page_port)
    }
}

fn port(text: &str) -> Result<u16> {
    text.parse()
        .ok()
        .filter(|port| *port > 0)
        .with_context(|| format!("`{text}` is not a port: give a number from 1 to 65535"))
}

/// `cargo xtask serve`.
pub fn serve(options: &Options) -> Result<()> {
    require_free(options.page_port, "the page", "--port")?;
    require_free(options.sandbox_port, "the sandbox", "--sandbox-port")?;
    let needs: &[Need] = if options.release {
        &[Need::Bundler, Need::Optimiser]
    } else {
        &[Need::Bundler]
    };
    let tools = setup::prepare(needs)?;
    println!("Building the sandbox");
    let sandbox = build::sandbox(options.release)?;

    let (stop, stopped) = mpsc::channel();
    ctrlc::set_handler(move || {
        // Once nobody listens any more, the end is under way already.
        let _ = stop.send(());
    })
    .context("cannot listen for Ctrl-C")?;
    let mut programs = Vec::new();
    let outcome = run(options, &tools, &sandbox, &mut programs, &stopped);
    for program in programs.iter_mut().rev() {
        program.stop();
    }
    outcome
}

/// Starts both programs, in order, and waits for Ctrl-C or for one of them to end.
fn run(
    options: &Options,
    tools: &Tools,
    sandbox: &PathBuf,
    programs: &mut Vec<Program>,
    stopped: &Receiver<()>,
) -> Result<()> {
    println!(
        "Starting the sandbox on 127.0.0.1:{}, its data in {}",
        options.sandbox_port,
        options.data.display()
    );
    std::fs::create_dir_all(&options.data)
        .with_context(|| format!("cannot make the directory {}", options.data.display()))?;
    let mut command = Command::new(sandbox);
    command
        .arg("--listen")
        .arg(format!("127.0.0.1:{}", options.sandbox_port))
        .arg("--data")
        .arg(&options.data);
    programs.push(Program::start("sandbox", command)?);
    if !wait(
        options.sandbox_port,
        Some(SANDBOX_STARTS),
        programs,
        stopped,
    )? {
        return Ok(());
    }

    println!("Building the page; the first time takes a few minutes");
    let mut command = tools.command("trunk")?;
    command
        .args(["serve", "--address", "127.0.0.1", "--port"])
        .arg(options.page_port.to_string());
    // Not dist/, which is for `cargo xtask build`. Emptied, so that an index.html there is one that was built now.
    let served = project::web_target().join("served");
    if served.exists() {
        std::fs::remove_dir_all(&served)?;
    }
    command
        .arg("--dist")
        .arg(&served)
        .env("RUST_BACKTRACE", "0")
        // The page offers the sandbox first, not the service in the browser.
        .env(
            "EFFUSION_SERVICE",
            format!("host=127.0.0.1&port={}", options.sandbox_port),
        );
    if options.release {
        command.arg("--release");
    }
    programs.push(Program::start("page", command)?);
    if !wait(options.page_port, None, programs, stopped)? {
        return Ok(());
    }

    let address = options.address();
    if served.join("index.html").is_file() {
        println!("\n    Effusion is at  {address}\n    Ctrl-C stops it\n");
    } else {
        println!(
            "\n    The page could not be built: see above. Once it is fixed, it is at  {address}\n"
        );
    }
    if options.open {
        open(&address);
    }
    loop {
        if stopped.recv_timeout(Duration::from_millis(100)) != Err(mpsc::RecvTimeoutError::Timeout)
        {
            println!("\nStopping");
            return Ok(());
        }
        check(programs)?;
    }
}

/// Waits until something listens on a port. False if Ctrl-C came first.
fn wait(
    port: u16,
    limit: Option<Duration>,
    programs: &mut [Program],
    stopped: &Receiver<()>,
) -> Result<bool> {
    let started = Instant::now();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
        check(programs)?;
        if limit.is_some_and(|limit| started.elapsed() > limit) {
            bail!(
                "nothing listens on port {port} after {} s",
                started.elapsed().as_secs()
            );
        }
        if stopped.recv_timeout(Duration::from_millis(100)).is_ok() {
            println!("\nStopping");
            return Ok(false);
        }
    }
    check(programs)?;
    Ok(true)
}

/// An error if one of the programs has ended by itself.
fn check(programs: &mut [Program]) -> Result<()> {
    programs.iter_mut().try_for_each(Program::check)
}

fn require_free(port: u16, what: &str, option: &str) -> Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop).with_context(|| {
        format!("port {port}, meant for {what}, cannot be used; choose another with `cargo xtask serve {option} {}`", port.saturating_add(1))
    })
}

/// Opens the page in the user's browser; that this does not work is no reason to stop.
fn open(address: &str) {
    let opener = if cfg!(target_os = "macos") {
        "open"
    } else {
        "xdg-open"
    };
    if process::capture(Command::new(opener).arg(address)).is_err() {
        println!("Could not open a browser: open {address} yourself");
    }
}

#[cfg(test)]
mod tests {
    use super::Options;

    fn parse(line: &str) -> anyhow::Result<Options> {
        Options::parse(
            &line
                .split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn the_address_names_a_sandbox_elsewhere() -> anyhow::Result<()> {
        assert_eq!(parse("")?.address(), "http://127.0.0.1:8000/");
        assert_eq!(
            parse("--port 9 --sandbox-port 10")?.address(),
            "http://127.0.0.1:9/?host=127.0.0.1&port=10"
        );
        Ok(())
    }

    #[test]
    fn wrong_options_are_refused() {
        for line in [
            "--port",
            "--port x",
            "--port 0",
            "--port 70000",
            "--sandbox-port 8000",
            "--what",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
