//! Tries a real sandbox from outside: what it loses under faults, and what it carries under load.
//!
//! ```text
//!   faults   a network that breaks in every way, a service that is killed, a disk that is full, a clock that is set back
//!   load     many sessions beside other services that do the same
//! ```
//!
//! `cargo xtask test faults`, `cargo xtask soak` and `cargo xtask load` build it and run it.

mod fault;
mod load;
mod random;
mod sandbox;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "effusion-trial", about = "Tries a real sandbox from outside")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Faults by seed: is every acknowledged message there once, in order, for every subscriber, and no other?
    Faults(fault::Args),
    /// Many sessions in rooms, beside other services that do the same
    Load(load::Args),
    /// Serves a bare fan-out, for `load` to compare with
    #[command(hide = true)]
    Bare,
}

fn main() -> ExitCode {
    let result = match Args::parse().command {
        Command::Faults(args) => fault::run(&args),
        Command::Load(args) => load::run(&args),
        Command::Bare => load::bare(),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
