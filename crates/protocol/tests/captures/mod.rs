//! Finds and reads captures of a real server, which are not part of the project.

use std::path::PathBuf;

use bytes::Bytes;
use serde_json::Value;

/// One message of a capture.
pub struct Line {
    pub stream: u64,
    pub from_client: bool,
    pub bytes: Bytes,
}

/// The folder of captures: `$EFFUSION_CAPTURES`, or one beside the checkout; `None`, and a word on it, if there is none.
pub fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("EFFUSION_CAPTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures"),
        PathBuf::from,
    );
    if folder.is_dir() {
        Some(folder)
    } else {
        eprintln!("SKIPPED: there are no captures at {}", folder.display());
        None
    }
}

/// The messages of a capture, without its connect lines.
pub fn messages(name: &str) -> Option<Vec<Line>> {
    let path = folder()?.join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: there is no capture {}", path.display());
        return None;
    };
    Some(text.lines().filter_map(line).collect())
}

fn line(text: &str) -> Option<Line> {
    let line: Value = serde_json::from_str(text).unwrap();
    let hex = line["hex"].as_str()?;
    Some(Line {
        stream: line["stream"].as_u64().unwrap(),
        from_client: line["from"] == "client",
        bytes: (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect(),
    })
}
