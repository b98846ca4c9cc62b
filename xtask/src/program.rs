//! A program that runs in the background until it is stopped.

use crate::process::each_line;
use anyhow::{Context, Result, bail};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to exit once asked to.
const PATIENCE: Duration = Duration::from_secs(5);

/// A program that runs beside others, its output shown line by line under its name.
pub struct Program {
    name: &'static str,
    child: Child,
}

impl Program {
    /// Starts it.
    pub fn start(name: &'static str, mut command: Command) -> Result<Self> {
        // A process group of its own, so that Ctrl-C in the terminal reaches only this program, which then stops the others
        // in order, with all the programs that they have started.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start the {name}"))?;
        let (sender, lines) = mpsc::channel();
        child
            .stdout
            .take()
            .map(|pipe| each_line(pipe, sender.clone()));
        child.stderr.take().map(|pipe| each_line(pipe, sender));
        thread::spawn(move || {
            for line in lines {
                println!("{name:>7} | {line}");
            }
        });
        Ok(Self { name, child })
    }

    /// An error if the program has ended by itself.
    pub fn check(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            // Its last output is still in the pipe.
            thread::sleep(Duration::from_millis(200));
            bail!(
                "the {} exited by itself ({status}); its last output is above",
                self.name
            );
        }
        Ok(())
    }

    /// Asks the program and its children to exit, and kills them if they do not.
    pub fn stop(&mut self) {
        self.signal(false);
        let asked = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if asked.elapsed() > PATIENCE {
                println!("The {} did not stop when asked: killing it", self.name);
                self.signal(true);
                // It cannot refuse that, and its status adds nothing.
                let _ = self.child.wait();
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    #[cfg(unix)]
    fn signal(&mut self, kill: bool) {
        use nix::sys::signal::{Signal, killpg};
        let signal = if kill {
            Signal::SIGKILL
        } else {
            Signal::SIGTERM
        };
        if let Ok(id) = i32::try_from(self.child.id()) {
            // Fails only if the group has exited already.
            let _ = killpg(nix::unistd::Pid::from_raw(id), signal);
        }
    }

    #[cfg(not(unix))]
    fn signal(&mut self, _kill: bool) {
        // Fails only if it has exited already.
        let _ = self.child.kill();
    }
}
