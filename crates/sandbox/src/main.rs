//! The command.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;
use effusion_sandbox::cli::{Args, Command};
#[cfg(unix)]
use effusion_sandbox::control;
use effusion_sandbox::health;
use effusion_sandbox::principals;
use effusion_sandbox::server::{Options, Server};
use tracing::warn;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

fn main() -> ExitCode {
    let args = Args::parse();
    // The WebSocket library would log whole messages, passwords among them.
    let log = args
        .log
        .clone()
        .with_target("tungstenite", LevelFilter::INFO)
        .with_target("tokio_tungstenite", LevelFilter::INFO);
    // Colours are for people, not for files and journals.
    let log_format = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(log_format)
        .with(log)
        .init();
    if let Some(command) = &args.command {
        return finished(carry_out(command));
    }
    // Each connection is an open file.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        warn!(%error, "the number of open files stays limited");
    }
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("effusion-sandbox: {error}");
            return ExitCode::FAILURE;
        }
    };
    finished(runtime.block_on(run(args)))
}

fn finished(result: Result<(), Box<dyn std::error::Error>>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("effusion-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Does what there is to do besides serving.
fn carry_out(command: &Command) -> Result<(), Box<dyn std::error::Error>> {
    match command {
        #[cfg(unix)]
        Command::Backup { file, data } => control::backup(data, file)?,
        Command::SetPassword { principal, data } => {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line)?;
            principals::set_password(data, principal, line.trim_end_matches(['\r', '\n']))?;
        }
        Command::RemovePrincipal { principal, data } => principals::remove(data, principal)?,
        Command::Health { address, tls_cert } => health::check(address, tls_cert.as_deref())?,
    }
    Ok(())
}

async fn run(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    let mut server = Server::start(Options::from(args)).await?;
    if !server.default_principals().is_empty() {
        eprintln!(
            "WARNING: the principals {} have the password \"password\". They are for development: anyone who reaches \
             this service can sign in as them.",
            server.default_principals().join(", ")
        );
    }
    for url in server.urls() {
        println!("listening on {url}");
    }
    tokio::select! {
        signal = stop_signal() => signal?,
        failure = server.failed() => return Err(failure.into()),
    }
    server.stop().await;
    Ok(())
}

/// Waits until the user or the system asks for the end. Asked a second time, the process ends at once.
async fn stop_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            std::process::exit(130);
        });
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Ok(())
}
