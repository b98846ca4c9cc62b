//! Shows what a capture of Diffusion over WebSocket says, one line a message, and checks the codec by it.
//!
//! ```text
//! cargo run -p effusion-protocol --example inspect -- FILE.jsonl…
//! ```
//!
//! A capture has one JSON object a line: `{"stream": 0, "connect": "/diffusion?v=13&…"}` for a connection's upgrade
//! request, `{"stream": 0, "from": "client", "hex": "0003…"}` for a whole binary message. Every message is read, with
//! its body, and written again; if one cannot be read as a whole, or is not written as it was read, the program
//! shows it and fails.

mod capture;
mod inspector;
mod show;

use std::process::ExitCode;

use inspector::Inspector;

fn main() -> ExitCode {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: inspect FILE.jsonl…");
        return ExitCode::from(2);
    }
    for file in &files {
        let name = file.to_string_lossy();
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                eprintln!("{name}: {error}");
                return ExitCode::from(2);
            }
        };
        let mut inspector = Inspector::default();
        let mut count = 0;
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            match inspector.line(line) {
                Ok(shown) => println!("{:>4}  {shown}", index + 1),
                Err(problem) => {
                    eprintln!("{name}, line {}: {problem}\n  {line}", index + 1);
                    return ExitCode::FAILURE;
                }
            }
            count += 1;
        }
        println!("{name}: {count} lines, all read and written again the same");
    }
    ExitCode::SUCCESS
}
