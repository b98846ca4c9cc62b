//! A program that runs beside others until it is told to stop.

use crate::process::each_line;
use anyhow::{Context, Result, bail};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to end once asked to.
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
            // Its last words are still on their way through the pipe.
            thread::sleep(Duration::from_millis(200));
            bail!(
                "the {} ended by itself ({status}); its last words are above",
                self.name
            );
        }
        Ok(())
    }

    /// Asks the program and its children to end, and ends them if they do not.
    pub fn stop(&mut self) {
        self.signal(false);
        let asked = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if asked.elapsed() > PATIENCE {
                println!("The {} does not stop when asked: ending it", self.name);
                self.signal(true);
                // It cannot refuse that; what is left to learn is its status, which says nothing new.
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
            // Fails only where the group has ended already.
            let _ = killpg(nix::unistd::Pid::from_raw(id), signal);
        }
    }

    #[cfg(not(unix))]
    fn signal(&mut self, _kill: bool) {
        // Fails only where it has ended already.
        let _ = self.child.kill();
    }
}
