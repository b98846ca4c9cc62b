//! The services that are measured, as processes, and what the system says of them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::dialect::Dialect;

/// How long a service may take to start.
const START: Duration = Duration::from_secs(60);

/// What can be measured, and where it is.
#[derive(Clone, Debug)]
pub struct Recipe {
    pub name: &'static str,
    pub dialect: Dialect,
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// It listens where its configuration says, and does not say so.
    pub address: Option<SocketAddr>,
}

/// A service that runs, until this is dropped.
pub struct Service {
    child: Child,
    pub address: SocketAddr,
}

/// What a process has taken up to now.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Seconds of processor time.
    pub processor: f64,
    /// Bytes of memory.
    pub memory: u64,
}

impl Recipe {
    pub async fn start(&self) -> Result<Service> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", self.name))?;
        let address = match self.address {
            Some(address) => timeout(START, reachable(address)).await.map(|()| address),
            None => match timeout(START, said(&mut child)).await {
                Ok(Some(address)) => Ok(address),
                Ok(None) => bail!("{} has ended by itself", self.name),
                Err(late) => Err(late),
            },
        };
        let address = address.with_context(|| format!("{} does not listen", self.name))?;
        Ok(Service { child, address })
    }
}

async fn reachable(address: SocketAddr) {
    while TcpStream::connect(address).await.is_err() {
        sleep(Duration::from_millis(50)).await;
    }
}

async fn said(child: &mut Child) -> Option<SocketAddr> {
    let mut lines = BufReader::new(child.stdout.take()?).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let rest = line.strip_prefix("listening on ws://");
        if let Some(address) = rest.and_then(|rest| rest.split('/').next()?.parse().ok()) {
            return Some(address);
        }
    }
    None
}

impl Service {
    /// What it has taken; nothing where the system does not tell.
    pub fn usage(&self) -> Usage {
        self.child.id().map_or_else(Usage::default, usage)
    }

    pub async fn stop(mut self) -> Result<()> {
        self.child.kill().await.context("cannot stop a service")
    }
}

/// What a process has taken: `/proc`, where there is one.
pub fn usage(id: u32) -> Usage {
    /// The unit of processor times, whatever the kernel's own is.
    const TICKS: f64 = 100.0;
    let folder = Path::new("/proc").join(id.to_string());
    let read = |name| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let stat = read("stat");
    // After the name, which may hold blanks: the state, and from it on the numbers of proc_pid_stat(5).
    let after_name = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let field = |number: usize| -> f64 {
        let text = after_name.split_whitespace().nth(number - 3);
        text.and_then(|text| text.parse().ok()).unwrap_or(0.0)
    };
    let memory = read("status").lines().find_map(|line| {
        let kilobytes = line.strip_prefix("VmRSS:")?.trim().strip_suffix("kB")?;
        kilobytes.trim().parse::<u64>().ok()
    });
    Usage {
        processor: (field(14) + field(15)) / TICKS,
        memory: memory.unwrap_or(0) * 1024,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::usage;

    #[test]
    fn this_process_takes_something() {
        let before = usage(std::process::id());
        let mut number = 1_u64;
        while usage(std::process::id()).processor < before.processor + 0.02 {
            number = number.wrapping_mul(3);
        }
        assert!(before.memory > 100_000, "{before:?} {number}");
        assert_eq!(usage(u32::MAX).memory, 0);
    }
}
