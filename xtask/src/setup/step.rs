//! One line for each step of the set-up, with the time it took.

use std::fmt::Display;
use std::time::Instant;

/// A step in progress, named by what it provides.
pub struct Step {
    name: &'static str,
    started: Instant,
}

impl Step {
    /// Begins a step; prints nothing yet, because most steps find everything installed.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            started: Instant::now(),
        }
    }

    /// Prints what is about to be installed, why, and how long that takes on a machine with two cores and an ordinary network.
    pub fn installing(&self, what: impl Display, why: impl Display, takes: &str) {
        println!(
            "  ..  {:<16} installing {what}: {why}; takes about {takes}",
            self.name
        );
    }

    /// Prints that one way did not work and why, before another is tried.
    pub fn note(&self, text: impl Display) {
        println!("  ..  {:<16} {text}", self.name);
    }

    /// Ends the step with what is there now.
    pub fn done(self, what: impl Display) {
        println!(
            "  ok  {:<16} {what} ({:.1} s)",
            self.name,
            self.started.elapsed().as_secs_f64()
        );
    }
}
