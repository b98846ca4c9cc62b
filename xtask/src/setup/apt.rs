//! Packages of Debian and its descendants.

use crate::process;
use anyhow::{Context, Result, bail};
use std::io::IsTerminal;
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(1800);

/// Whether this machine has apt and the right to use it, and how: as root, or with sudo.
#[derive(Clone, Copy)]
pub struct Apt {
    sudo: bool,
}

impl Apt {
    /// Looks for apt-get, and for root's rights or sudo.
    pub fn find() -> Option<Self> {
        process::find_on_path("apt-get")?;
        if process::capture(Command::new("id").arg("-u")).ok()? == "0" {
            return Some(Self { sudo: false });
        }
        process::find_on_path("sudo").map(|_| Self { sudo: true })
    }

    /// Updates the package lists and installs packages, without the ones that are only recommended.
    pub fn install(self, packages: &[&str]) -> Result<()> {
        let run = |arguments: &[&str]| {
            process::run_quietly(self.as_root("apt-get").args(arguments), LIMIT).with_context(|| {
                format!(
                    "could not install {} with apt-get; check the network and the package sources, or install them yourself",
                    packages.join(" ")
                )
            })
        };
        run(&["update", "-q"])?;
        run(&[
            &["install", "-q", "-y", "--no-install-recommends"],
            packages,
        ]
        .concat())
    }

    /// A program to be run with root's rights.
    pub fn as_root(self, program: &str) -> Command {
        if !self.sudo {
            let mut command = Command::new(program);
            command.env("DEBIAN_FRONTEND", "noninteractive");
            return command;
        }
        let mut command = Command::new("sudo");
        // Without a terminal nobody can type a password: fail rather than wait for one.
        if !std::io::stdin().is_terminal() {
            command.arg("-n");
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", program]);
        command
    }
}

/// Installs packages where apt can, and otherwise reports what is missing.
pub fn install_or_explain(packages: &[&str], otherwise: &str) -> Result<()> {
    match Apt::find() {
        Some(apt) => apt.install(packages),
        None => bail!("{otherwise}"),
    }
}
