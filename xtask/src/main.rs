//! The project's own commands: `cargo xtask serve`, `build`, `test`, `bench`, `lint` and `setup`.
//!
//! Each command first makes sure that the tools it needs are there ([`setup`]), so a fresh clone needs nothing but a Rust
//! toolchain; what it has to install it names, with the reason, before it does so.

mod bench;
mod build;
mod container;
mod lint;
mod load;
mod process;
mod program;
mod project;
mod screenshots;
mod serve;
mod setup;
mod soak;
mod test;

use anyhow::{Result, bail};
use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask <command>

Commands
  serve               set up, build, start the sandbox and the page with live reload; Ctrl-C stops both
      --port N            port of the page (8000)
      --sandbox-port N    port of the sandbox (8080)
      --data DIR          where the sandbox keeps its data (.effusion/data)
      --release           build both optimised
      --open              open the page in the browser
  build               the release page in dist/, ready for any static host and any path
      --single-file       instead, the page as one file that opens from a disk: dist/effusion.html
  test [STAGE...]     every test there is, or only the stages named:
      unit                unit and property tests of the native crates
      inspect             the captures in ../shared/captures (or EFFUSION_CAPTURES) through the codec
      licences            what is built in, and on which terms (deny.toml); known vulnerabilities where cargo-deny is
      packages            what goes to crates.io: that it can be packed, and that the oldest compilers named can build it;
                          the unit for systemd
      fuzz-smoke          each fuzz target of the crates for a few seconds
      wasm                component tests in headless Chromium (wasm-bindgen-test)
      interop             the vendor's SDKs for JavaScript and Python against the sandbox (tests/interop)
      abuse               clients that mean harm against the sandbox (tests/abuse)
      faults              sessions through broken networks, kills, full disks and wrong clocks, by seed
      e2e                 the real page in Chromium against the sandbox (tests/e2e)
      browsers            the lessons in Firefox and WebKitGTK's browser (tests/browsers)
      trunk               the page that plain `trunk build --release` and `trunk serve` make (tests/trunk)
      container           the container image with a sandbox that is not optimised, unpacked and tried
      lint                the same as `cargo xtask lint`; not part of a plain `test`
  bench [WHAT...]     the page and the client beside those with the vendor's SDKs; no WHAT means all:
      sizes               the page's files beside the SDK's script, and what Chromium fetches beside the page's budgets
      codec               decode and encode rates
      browser             in Chromium: time to the first message and to one's own, frames and long tasks under 1,000
                          messages a second, memory after 100,000 messages
      client              effusion-client beside the SDKs in Node and in Python: messages a second received and sent, latency,
                          connecting, memory for 100,000 topics
      --seconds N         seconds of 1,000 messages each (30)
      --messages N        messages of the room whose memory is measured (100000)
      --runs N            runs under load, and as many times 3 loads and 7 own messages (3)
      --slowdown N        how many times slower the page's processor is to be under load (1)
      --dist DIR          the page to measure, if it is not to be built first
      --beside DIR        another build of the page, to be measured in turn in the place of the SDK's
  soak                the stage faults for long, seed after seed (each failure prints its seed), then every fuzz target
      --minutes N         how long (10)
      --seed S            the first seed (1)
      --harms N           how often something goes wrong with the service for each seed (15)
      --fuzz-seconds N    seconds for each fuzz target (60); 0 leaves them out
  load                the sandbox beside Socket.IO, mosquitto and a bare fan-out: messages a second, latency, memory, CPU
      --sessions N        sessions that receive (1000)
      --rooms R           rooms that they are in (10)
      --rate M            messages a second, over all rooms (200)
      --seconds N         seconds of each measurement (5)
      --idle N            sessions that only wait (10000); 0 leaves that out
      --only NAME         only the services whose names contain this
  container           the sandbox with the page inside as one static program and an image (packaging/Containerfile), tried
      --dist DIR          the page, if it is not to be built first
  screenshots         pictures of the page, for the documents: docs/screenshots
  lint                format (of `view!` blocks, too), clippy and documentation with warnings denied, native and wasm32
  setup               install whatever is missing for all of the above, then stop

Environment
  EFFUSION_CACHE      where downloaded and compiled tools go (default: effusion/ in the user's cache directory)
  EFFUSION_CAPTURES   folder of protocol captures for `test inspect`
  EFFUSION_PREBUILT_STD
                      if set, the release page has the compiler's own standard library, not one built for size
  EFFUSION_CHROMIUM   the Chromium or Chrome to test with; CHROMEDRIVER, its driver
  EFFUSION_FIREFOX    the Firefox to test with; EFFUSION_WEBKIT, WebKitGTK's MiniBrowser
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> Result<ExitCode> {
    command(args)?()
}

/// What a command does, once it is known that there is such a command.
type Act<'a> = Box<dyn FnOnce() -> Result<ExitCode> + 'a>;

fn command(args: &[String]) -> Result<Act<'_>> {
    let Some((command, rest)) = args.split_first() else {
        bail!("a command is missing\n\n{HELP}");
    };
    let help = ["help", "--help", "-h"];
    if help.contains(&command.as_str()) || rest.iter().any(|arg| help.contains(&arg.as_str())) {
        return Ok(done(|| {
            print!("{HELP}");
            Ok(())
        }));
    }
    let run: fn() -> Result<()> = match command.as_str() {
        "serve" => {
            let options = serve::Options::parse(rest)?;
            return Ok(done(move || serve::serve(&options)));
        }
        "test" => return Ok(Box::new(|| test::test(rest))),
        "soak" => return Ok(Box::new(|| soak::soak(rest))),
        "load" => return Ok(Box::new(|| load::load(rest))),
        "bench" => return Ok(done(|| bench::bench(rest))),
        "container" => return Ok(done(|| container::container(rest))),
        "build" if rest == ["--single-file"] => return Ok(done(build::build_single_file)),
        "build" => build::build_for_release,
        "screenshots" => screenshots::screenshots,
        "lint" => lint::lint,
        "setup" => || setup::prepare(&setup::Need::ALL).map(drop),
        other => bail!("there is no command `{other}`\n\n{HELP}"),
    };
    if let Some(argument) = rest.first() {
        bail!("`cargo xtask {command}` takes no argument, but got `{argument}`");
    }
    Ok(done(run))
}

/// What ends well, if it ends without an error.
fn done<'a>(run: impl FnOnce() -> Result<()> + 'a) -> Act<'a> {
    Box::new(|| run().map(|()| ExitCode::SUCCESS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_there(words: &str) -> bool {
        let words: Vec<_> = words.split_whitespace().map(str::to_owned).collect();
        command(&words).is_ok()
    }

    #[test]
    fn the_workflow_runs_commands_that_there_are_and_takes_what_they_make() {
        let workflow = include_str!("../../.github/workflows/pages.yml");
        let commands = workflow.lines().filter_map(|line| {
            let (_, command) = line.split_once("run: cargo xtask ")?;
            Some(command)
        });
        let commands: Vec<_> = commands.collect();
        assert_eq!(commands, ["build"]);
        assert!(commands.iter().all(|command| is_there(command)));
        let made = build::dist();
        let taken = workflow
            .lines()
            .find_map(|line| line.trim().strip_prefix("path: "));
        assert_eq!(taken.map(|taken| project::root().join(taken)), Some(made));
        assert!(workflow.contains(&format!("--target {} ", setup::TARGET)));
        for wrong in [
            "",
            "bulid",
            "build --singlefile",
            "build --single-file x",
            "lint x",
        ] {
            assert!(!is_there(wrong), "{wrong}");
        }
    }
}
