//! Runs other programs: with their output shown, captured, both, or summarised in a line now and then.

use anyhow::{Context, Result, bail};
use std::collections::VecDeque;
use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How often a long step that hides its output reports progress.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How much of a hidden output is shown when the step failed.
const SHOWN_ON_FAILURE: usize = 30;

/// The first executable of this name on PATH.
pub fn find_on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        .map(|dir| dir.join(&file))
        .find(|path| is_executable(path))
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

/// Runs a program with its output shown; an exit code other than zero is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| cannot_start(command))?;
    check(command, status)
}

/// Runs a program and returns what it wrote to standard output; what it wrote to standard error becomes the error's text.
pub fn capture(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| cannot_start(command))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`{}` failed ({}): {}",
            shown(command),
            output.status,
            stderr.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs a program that prints much and takes long: hides its output, but shows its last line every few seconds.
/// Stops it after `limit`. On failure, the end of the output is the error's text.
pub fn run_quietly(command: &mut Command, limit: Duration) -> Result<()> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| cannot_start(command))?;
    let (sender, lines) = mpsc::channel();
    let readers = [
        child
            .stdout
            .take()
            .map(|pipe| each_line(pipe, sender.clone())),
        child.stderr.take().map(|pipe| each_line(pipe, sender)),
    ];
    let started = Instant::now();
    let mut said = started;
    let mut tail: VecDeque<String> = VecDeque::new();
    loop {
        match lines.recv_timeout(Duration::from_millis(200)) {
            Ok(line) => {
                if tail.len() == SHOWN_ON_FAILURE {
                    tail.pop_front();
                }
                tail.push_back(line);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
        if said.elapsed() >= HEARTBEAT {
            said = Instant::now();
            let last = tail.back().map_or("", |line| line.trim());
            println!("        {:>4} s  {last}", started.elapsed().as_secs());
        }
        if started.elapsed() > limit {
            child
                .kill()
                .and_then(|()| child.wait())
                .context("cannot stop it")?;
            bail!(
                "`{}` took longer than {} s",
                shown(command),
                limit.as_secs()
            );
        }
    }
    let status = child.wait()?;
    for reader in readers.into_iter().flatten() {
        if reader.join().is_err() {
            bail!("lost the output of `{}`", shown(command));
        }
    }
    if !status.success() {
        let tail: Vec<String> = tail.into();
        bail!(
            "`{}` failed ({status}):\n{}",
            shown(command),
            tail.join("\n")
        );
    }
    Ok(())
}

/// Runs a program with its output shown, and returns whether it succeeded and what it wrote to standard output.
pub fn run_and_keep(command: &mut Command) -> Result<(bool, String)> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| cannot_start(command))?;
    let mut kept = Vec::new();
    if let Some(mut pipe) = child.stdout.take() {
        let mut buffer = [0; 8192];
        loop {
            let count = pipe.read(&mut buffer)?;
            let chunk = buffer.get(..count).unwrap_or_default();
            if chunk.is_empty() {
                break;
            }
            kept.extend_from_slice(chunk);
            let mut out = std::io::stdout().lock();
            out.write_all(chunk)?;
            out.flush()?;
        }
    }
    let status = child.wait()?;
    Ok((
        status.success(),
        String::from_utf8_lossy(&kept).into_owned(),
    ))
}

/// Sends each line of a pipe into a channel, on a thread of its own, until the pipe closes.
pub fn each_line(
    pipe: impl Read + Send + 'static,
    lines: mpsc::Sender<String>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
            if lines
                .send(String::from_utf8_lossy(&line).trim_end().to_owned())
                .is_err()
            {
                return;
            }
        }
    })
}

fn check(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

fn cannot_start(command: &Command) -> String {
    format!("cannot start `{}`", command.get_program().to_string_lossy())
}

/// The command as a user would type it, without the directories of the program.
fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let words = std::iter::once(program)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy());
    words.collect::<Vec<_>>().join(" ")
}
