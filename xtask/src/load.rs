//! `cargo xtask load`: the sandbox beside Socket.IO, mosquitto and a bare fan-out. `effusion-trial` (crates/trial) does the
//! measuring.

use crate::{build, process, project, setup, soak};
use anyhow::{Context as _, Result, bail};
use std::process::ExitCode;

/// What is handed on, each with a number.
const OPTIONS: [&str; 6] = [
    "--sessions",
    "--rooms",
    "--rate",
    "--seconds",
    "--idle",
    "--length",
];

pub fn load(args: &[String]) -> Result<ExitCode> {
    for pair in args.chunks(2) {
        match pair {
            [name, value] if OPTIONS.contains(&name.as_str()) => {
                value
                    .parse::<u32>()
                    .with_context(|| format!("{name} needs a number, not `{value}`"))?;
            }
            [name, _] if name == "--only" => {}
            [name, ..] => {
                bail!("`cargo xtask load` has no option `{name}`, or its number is missing")
            }
            [] => {}
        }
    }
    println!("Checking the tools");
    let modules = setup::ensure_socket_io()?;
    let mosquitto = setup::ensure_mosquitto()?;
    let mut trial = soak::trial(true)?;
    trial
        .arg("load")
        .arg("--sandbox")
        .arg(build::sandbox(true)?)
        .arg("--socket-io")
        .arg(project::root().join("tests/bench/load/socketio.mjs"))
        .arg(modules);
    if let Some(program) = mosquitto {
        trial.arg("--mosquitto").arg(program);
    }
    trial.args(args);
    let (succeeded, _) = process::run_and_keep(&mut trial)?;
    Ok(if succeeded {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
