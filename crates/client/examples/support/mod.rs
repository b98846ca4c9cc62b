//! What the examples have in common.

use std::error::Error;
use std::process::ExitCode;

/// Tells an error in its own words and with its causes: `Debug`, by which `main` would tell it, is for programmers.
pub fn exit(result: Result<(), Box<dyn Error>>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    eprintln!("{error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  because: {cause}");
        source = cause.source();
    }
    ExitCode::FAILURE
}
