//! The services that `cargo xtask load` compares the sandbox with: Socket.IO from npm, mosquitto from Debian's packages.

use super::apt::Apt;
use super::node;
use super::step::Step;
use crate::{process, project};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

const SOCKET_IO: &str = "4.8.4";
const LIMIT: Duration = Duration::from_secs(600);

/// Socket.IO. Returns the folder with its `node_modules`.
pub fn ensure_socket_io() -> Result<PathBuf> {
    node::ensure_node()?;
    let step = Step::new("socket.io");
    let root = project::cache()?
        .join("tools")
        .join(format!("socket.io-{SOCKET_IO}"));
    let manifest = root.join("node_modules/socket.io/package.json");
    if !manifest.is_file() {
        step.installing(
            format_args!("socket.io {SOCKET_IO} with npm"),
            "to measure the sandbox beside it",
            "5 seconds",
        );
        std::fs::create_dir_all(&root)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
            .arg("--prefix")
            .arg(&root)
            .arg(format!("socket.io@{SOCKET_IO}"));
        process::run_quietly(&mut npm, LIMIT).context(
            "could not install socket.io with npm; check the network and npm's registry",
        )?;
    }
    step.done(SOCKET_IO);
    Ok(root)
}

/// mosquitto, if it is installed or apt can install it. It is not started.
pub fn ensure_mosquitto() -> Result<Option<PathBuf>> {
    let step = Step::new("mosquitto");
    if let Some(found) = mosquitto() {
        step.done(found.display());
        return Ok(Some(found));
    }
    let Some(apt) = Apt::find() else {
        step.note("not here, and there is no apt to install it: it is left out");
        return Ok(None);
    };
    step.installing(
        "mosquitto with apt",
        "to measure the sandbox beside it",
        "15 seconds",
    );
    apt.install(&["mosquitto"])?;
    let found = mosquitto();
    step.done(if found.is_some() {
        "installed"
    } else {
        "still missing"
    });
    Ok(found)
}

/// Programs of the system's services are not always on a user's PATH.
fn mosquitto() -> Option<PathBuf> {
    process::find_on_path("mosquitto").or_else(|| {
        let usual = PathBuf::from("/usr/sbin/mosquitto");
        usual.is_file().then_some(usual)
    })
}
