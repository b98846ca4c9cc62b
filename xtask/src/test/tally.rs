//! Counts tests by what the runners print.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed, failed, and did not run.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Ran and passed.
    pub passed: usize,
    /// Ran and failed, or could not be run at all.
    pub failed: usize,
    /// Did not run, for a reason that was printed.
    pub skipped: usize,
    /// Of those that passed, how many had failed before they were repeated.
    pub unsteady: usize,
}

impl Tally {
    /// Failures only.
    pub fn failed(failed: usize) -> Self {
        Self {
            failed,
            ..Self::default()
        }
    }

    /// Prints why something did not run, and counts it as one skipped.
    pub fn skip(why: impl fmt::Display) -> Self {
        println!("skipped: {why}");
        Self {
            skipped: 1,
            ..Self::default()
        }
    }

    /// The sum of the lines `test result: ok. 3 passed; 0 failed; 1 ignored; …` that Rust's test runners print. A runner
    /// that failed without saying how many tests did (it did not compile, it crashed) counts as one failure.
    pub fn of_rust(succeeded: bool, output: &str) -> Self {
        let mut tally = Self::default();
        for line in output
            .lines()
            .filter_map(|line| line.trim().strip_prefix("test result: "))
        {
            for part in line.split([';', '.']) {
                match count_before(part) {
                    Some((count, "passed")) => tally.passed += count,
                    Some((count, "failed")) => tally.failed += count,
                    Some((count, "ignored")) => tally.skipped += count,
                    _ => {}
                }
            }
        }
        tally.or_failed(succeeded)
    }

    /// The closing comments `# pass 3` of a TAP report as Node's test runner writes it.
    pub fn of_tap(succeeded: bool, report: &str) -> Self {
        let mut tally = Self::default();
        for line in report.lines().filter_map(|line| line.strip_prefix("# ")) {
            let Some((what, Ok(count))) = line
                .split_once(' ')
                .map(|(what, count)| (what, count.parse::<usize>()))
            else {
                continue;
            };
            match what {
                "pass" => tally.passed += count,
                "fail" | "cancelled" => tally.failed += count,
                "skipped" | "todo" => tally.skipped += count,
                _ => {}
            }
        }
        tally.or_failed(succeeded)
    }

    /// This tally, after the files with failures ran once more with the result `again`.
    pub fn repeated(mut self, again: Self) -> Self {
        self.unsteady = self.failed.saturating_sub(again.failed);
        self.passed += self.unsteady;
        self.failed = again.failed;
        self
    }

    fn or_failed(mut self, succeeded: bool) -> Self {
        if !succeeded && self.failed == 0 {
            self.failed = 1;
        }
        self
    }
}

fn count_before(part: &str) -> Option<(usize, &str)> {
    let (count, what) = part.trim().split_once(' ')?;
    Some((count.parse().ok()?, what))
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.unsteady += other.unsteady;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )?;
        if self.unsteady > 0 {
            write!(f, ", {} passed only when repeated", self.unsteady)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn sums_rust_results() {
        let output = "running 3 tests\ntest result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s\n\n\
            test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.12s\n";
        assert_eq!(
            Tally::of_rust(false, output),
            Tally {
                passed: 5,
                failed: 4,
                skipped: 1,
                unsteady: 0
            }
        );
    }

    #[test]
    fn a_repeated_test_that_passes_is_told() {
        let first = Tally::of_tap(false, "# pass 5\n# fail 2\n");
        let again = Tally::of_tap(false, "# pass 3\n# fail 1\n");
        let told = "6 passed, 1 failed, 0 skipped, 1 passed only when repeated";
        assert_eq!(first.repeated(again).to_string(), told);
        let broken = first.repeated(Tally::of_tap(false, ""));
        assert_eq!(
            (broken.failed, broken.unsteady),
            (1, 1),
            "a run without a report failed"
        );
    }

    #[test]
    fn a_runner_that_says_nothing_has_failed() {
        assert_eq!(
            Tally::of_rust(false, "error: could not compile"),
            Tally::failed(1)
        );
        assert_eq!(Tally::of_tap(false, ""), Tally::failed(1));
        assert_eq!(Tally::of_rust(true, ""), Tally::default());
    }

    #[test]
    fn sums_tap_reports() {
        let report = "TAP version 13\nok 1 - pass 9\n# Subtest: pass 12\n1..7\n# tests 7\n# suites 0\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 2\n# todo 0\n# duration_ms 12.5\n";
        assert_eq!(
            Tally::of_tap(false, report),
            Tally {
                passed: 3,
                failed: 2,
                skipped: 2,
                unsteady: 0
            }
        );
    }
}
