//! The delta codec against the only real JSON deltas at hand: one session sets the values that another one receives.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod captures;

use bytes::Bytes;
use effusion_protocol::body::UpdateTopicSetRequest;
use effusion_protocol::value::{Json, delta};
use effusion_protocol::{ProtocolVersion, decode};

/// One message of a capture.
struct Line {
    stream: u64,
    from_client: bool,
    bytes: Bytes,
}

/// The messages of a capture, without its connect lines.
fn messages(name: &str) -> Option<Vec<Line>> {
    let path = captures::folder()?.join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: there is no capture {}", path.display());
        return None;
    };
    Some(text.lines().filter_map(line).collect())
}

fn line(text: &str) -> Option<Line> {
    let line: serde_json::Value = serde_json::from_str(text).unwrap();
    let hex = line["hex"].as_str()?;
    Some(Line {
        stream: line["stream"].as_u64().unwrap(),
        from_client: line["from"] == "client",
        bytes: (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect(),
    })
}

/// The values that session 0 sets, and the value and the deltas that session 1 receives.
fn values_and_deltas() -> Option<(Vec<Bytes>, Bytes, Vec<Bytes>)> {
    let (mut set, mut first, mut deltas) = (Vec::new(), None, Vec::new());
    for line in messages("v59jsonTopics.jsonl")? {
        match (line.stream, line.from_client, line.bytes.first()) {
            // A request to the service `update topic set`: type, service and conversation take a byte each here.
            (0, true, Some(0x00)) if line.bytes.get(1) == Some(&0x4f) => {
                let body = line.bytes.slice(3..);
                let request =
                    decode::<UpdateTopicSetRequest>(body, ProtocolVersion::OLDEST).unwrap();
                set.push(request.value);
            }
            // The type and four bytes of topic id.
            (1, false, Some(0x04)) => first = Some(line.bytes.slice(5..)),
            (1, false, Some(0x05)) => deltas.push(line.bytes.slice(5..)),
            _ => {}
        }
    }
    Some((set, first.unwrap(), deltas))
}

#[test]
fn real_deltas_make_the_values_that_were_set() {
    let Some((set, first, deltas)) = values_and_deltas() else {
        return;
    };
    let start = set.iter().position(|value| *value == first).unwrap();
    let mut value = first;
    assert!(deltas.len() >= 10, "the capture has lost its deltas");
    for (delta, expected) in deltas.iter().zip(&set[start + 1..]) {
        value = delta::apply(&value, delta).unwrap();
        assert_eq!(value, expected);
        let json = Json::from_cbor(value.clone());
        assert_eq!(
            Json::from_tree(&json.to_tree().unwrap()).to_tree(),
            json.to_tree()
        );
    }
}

#[cfg(feature = "diff")]
#[test]
fn our_deltas_are_no_larger_than_the_servers() {
    let Some((set, first, deltas)) = values_and_deltas() else {
        return;
    };
    let start = set.iter().position(|value| *value == first).unwrap();
    for (theirs, pair) in deltas.iter().zip(set[start..].windows(2)) {
        let ours = delta::diff(&pair[0], &pair[1]).unwrap();
        assert_eq!(delta::apply(&pair[0], &ours).as_ref(), Ok(&pair[1]));
        assert!(ours.len() <= theirs.len(), "{ours:?} {theirs:?}");
    }
}
