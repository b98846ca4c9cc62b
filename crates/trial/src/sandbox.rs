//! The sandbox as a process: started, killed, and made to live with a full disk and a wrong clock.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a sandbox may take to start: it checks its database and a few passwords.
const START: Duration = Duration::from_secs(60);
/// How long it may take to stop in order.
const STOP: Duration = Duration::from_secs(20);

/// A running sandbox. It ends with this value.
#[derive(Debug)]
pub struct Sandbox {
    child: Child,
    pub address: SocketAddr,
}

/// How to start one.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// Where it writes what it has to say.
    pub log: PathBuf,
}

impl Recipe {
    /// Starts it on a free port of loopback, and waits until it listens.
    pub async fn start(&self) -> Result<Sandbox> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .with_context(|| format!("cannot write {}", self.log.display()))?;
        let mut command = if cfg!(unix) {
            // A file that may not grow is to be an error, not the end: the signal for it is ignored from the start.
            let mut shell = Command::new("sh");
            shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
            shell.arg(&self.program);
            shell
        } else {
            Command::new(&self.program)
        };
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let address = timeout(START, listening(&mut child))
            .await
            .context("the sandbox does not say where it listens")?;
        match address {
            Some(address) => Ok(Sandbox { child, address }),
            None => bail!(
                "the sandbox did not start: {}",
                last_words(&self.log).trim()
            ),
        }
    }
}

async fn listening(child: &mut Child) -> Option<SocketAddr> {
    let mut lines = BufReader::new(child.stdout.take()?).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let rest = line.strip_prefix("listening on ws://");
        if let Some(address) = rest.and_then(|rest| rest.split('/').next()?.parse().ok()) {
            return Some(address);
        }
    }
    None
}

/// The end of a log.
pub fn last_words(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(30);
    lines.get(from..).unwrap_or_default().join("\n")
}

impl Sandbox {
    /// Ends it at once, as `kill -9` does.
    pub async fn kill(mut self) -> io::Result<()> {
        self.child.kill().await
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        let id = self.id()?;
        let asked = Command::new("kill")
            .args(["-TERM", &id.to_string()])
            .status()
            .await;
        if !asked.context("cannot run `kill`")?.success() {
            bail!("the sandbox has ended by itself");
        }
        let status = timeout(STOP, self.child.wait())
            .await
            .context("the sandbox does not stop when asked")??;
        if !status.success() {
            bail!("the sandbox stopped with {status}");
        }
        Ok(())
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// Its number among the system's processes.
    pub fn id(&self) -> Result<u32> {
        self.child.id().context("the sandbox has ended by itself")
    }

    /// Lets its files grow to so many bytes and no further: beyond, it cannot write, as on a disk that is full.
    #[cfg(target_os = "linux")]
    pub fn limit_files(&self, bytes: Option<u64>) -> Result<()> {
        let id = i32::try_from(self.id()?)?;
        let soft = bytes.unwrap_or(rlimit::INFINITY);
        let limit = Some((soft, rlimit::INFINITY));
        rlimit::prlimit(id, rlimit::Resource::FSIZE, limit, None)
            .context("cannot limit the size of the sandbox's files")
    }
}
