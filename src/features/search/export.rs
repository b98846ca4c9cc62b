//! A room as a file: text for people, JSON for programs.

use std::ops::Not;

use serde::Serialize;

use crate::features::timeline::time::{self, At};
use crate::features::timeline::{Entry, Event, Gap, Quote, Quoted, Reader, Timeline};
use crate::i18n::letters::is_letter;
use effusion_chat::Timestamp;

/// A message in the file.
#[derive(Serialize)]
pub struct Line {
    /// Its sequence in the time series.
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    /// When the service received it, or when its author says it was written.
    time: String,
    name: String,
    /// The principal that appended it, according to the service; empty if unknown.
    account: String,
    text: String,
    #[serde(skip_serializing_if = "Not::not")]
    act: bool,
    #[serde(skip_serializing_if = "Not::not")]
    edited: bool,
    #[serde(skip_serializing_if = "Not::not")]
    deleted: bool,
    #[serde(skip_serializing_if = "Not::not")]
    bleeped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<Quoting>,
    /// The author's name, with the account where others have one that looks the same.
    #[serde(skip)]
    label: String,
}

/// What a message answers, as that says it now.
#[derive(Serialize)]
struct Quoting {
    name: String,
    /// Empty if it was deleted.
    text: String,
    /// How it differs from what the message quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    remark: Option<&'static str>,
}

/// The messages of a room, in order.
pub fn lines(timeline: &Timeline) -> Vec<Line> {
    let quoting = |quote: Quote| Quoting {
        remark: quote.remark(),
        name: quote.name,
        text: match quote.state {
            Quoted::Deleted => String::new(),
            _ => quote.text,
        },
    };
    let line = |entry: Entry| {
        let reply = timeline.quote_in(&entry).map(quoting);
        let message = entry.message;
        Line {
            sequence: entry.sequence,
            time: time_of(&entry.at, &message.timestamp),
            label: timeline.label(&message.name, &entry.author),
            name: message.name,
            account: entry.author,
            text: message.text,
            act: message.act,
            edited: entry.edited.is_some(),
            deleted: message.deleted,
            bleeped: message.bleeped,
            reply,
        }
    };
    timeline.entries().map(line).collect()
}

/// The messages of a whole series, in order.
pub fn lines_of_series(reader: &Reader, events: Vec<Event>) -> Vec<Line> {
    let mut timeline = Timeline::new(reader.clone());
    let newest = events.iter().map(|it| it.sequence).max();
    let all = Gap {
        from: 0,
        to: newest.unwrap_or_default(),
    };
    timeline.add_older(all, events, true);
    lines(&timeline)
}

fn time_of(at: &At, timestamp: &Timestamp) -> String {
    match (at, timestamp) {
        (At::Instant { ms, .. }, _) => time::iso(*ms).unwrap_or_default(),
        (At::Written(_), Timestamp::Text(text)) | (At::Written(text), _) => text.clone(),
    }
}

/// The messages as plain text, one per line; further lines of a message follow it.
pub fn to_text(lines: &[Line]) -> String {
    let as_text = |line: &Line| {
        let blank = if line.time.is_empty() { "" } else { " " };
        let (words, edited) = match (line.deleted, line.edited) {
            (true, _) => ("(deleted)", ""),
            (false, true) => (line.text.as_str(), " (edited)"),
            (false, false) => (line.text.as_str(), ""),
        };
        [
            line.time.as_str(),
            blank,
            &line.label,
            &line.reply.as_ref().map(quoted).unwrap_or_default(),
            if line.act { " " } else { ": " },
            &words.replace('\n', "\n    "),
            edited,
            "\n",
        ]
        .concat()
    };
    lines.iter().map(as_text).collect()
}

/// What a message answers, in brackets behind its author.
fn quoted(reply: &Quoting) -> String {
    let mut text = [" (to ", &reply.name].concat();
    if !reply.text.is_empty() {
        text.push_str(&[": “", &reply.text, "”"].concat());
    }
    if let Some(remark) = reply.remark {
        text.push_str(&[", ", remark].concat());
    }
    text.push(')');
    text
}

/// A room in the JSON file.
#[derive(Serialize)]
struct RoomFile<'a> {
    room: &'a str,
    messages: &'a [Line],
}

/// The messages as JSON: an object with the room's name and an array of messages.
pub fn to_json(room: &str, messages: &[Line]) -> String {
    let file = RoomFile { room, messages };
    // What is written into a string, and has texts for keys, can always be written.
    serde_json::to_string_pretty(&file).unwrap_or_default()
}

/// A file name without characters that some file system rejects.
pub fn file_name(room: &str, ending: &str) -> String {
    let name = room.replace(|c| !is_letter(c), "-");
    [&name, ".", ending].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use effusion_chat::{ChatMessage, Reply, Target};

    fn event(sequence: u64, edits: Option<u64>, message: ChatMessage) -> Event {
        Event {
            sequence,
            edits,
            author: "user".to_owned(),
            message,
            at: At::instant(0, 60),
        }
    }

    fn reply(to: u64, quoted: &str, text: &str) -> ChatMessage {
        ChatMessage {
            text: text.to_owned(),
            name: "Bob".to_owned(),
            reply: Some(Reply {
                to: Target::Sequence(to),
                name: "Ann".to_owned(),
                text: quoted.to_owned(),
            }),
            ..ChatMessage::default()
        }
    }

    fn room() -> Vec<Line> {
        let said = ChatMessage {
            text: "say \"x\\y\"\n\tand \u{1}".to_owned(),
            name: "Ann".to_owned(),
            ..ChatMessage::default()
        };
        let waves = ChatMessage {
            act: true,
            ..reply(3, "before", "waves")
        };
        let events = vec![
            event(9, Some(3), said.clone()),
            event(10, Some(4), said.taken_back()),
            event(5, None, waves),
            event(6, None, reply(4, "a secret", "why?")),
            event(7, None, reply(5, "I quit", "no!")),
            event(8, None, reply(2, "I was here", "when?")),
        ];
        lines_of_series(&Reader::default(), events)
    }

    #[test]
    fn people_read_lines() {
        let text = to_text(&room());
        let expected = [
            "Ann: say \"x\\y\"\n    \tand \u{1} (edited)",
            "Ann: (deleted)",
            "Bob (to Ann: “say \"x\\y\" and \u{1}”, edited since) waves",
            "Bob (to Ann, deleted): why?",
            "Bob (to Bob: “waves”, misquoted): no!",
            "Bob (to Ann: “I was here”, not found): when?",
        ];
        let lines = expected.map(|line| ["1970-01-01T00:00:00.000Z ", line, "\n"].concat());
        assert_eq!(text, lines.concat());
    }

    #[test]
    fn programs_read_json() {
        let json = to_json("Tea \"house\"", &room());
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["room"], "Tea \"house\"");
        let messages = &read["messages"];
        assert_eq!(messages[0]["text"], "say \"x\\y\"\n\tand \u{1}");
        assert_eq!(messages[0]["sequence"], 3);
        assert_eq!(messages[0]["edited"], true);
        assert_eq!(messages[1]["deleted"], true);
        assert_eq!(messages[2]["act"], true);
        let reply = |place: usize| messages[place]["reply"].clone();
        assert_eq!(
            reply(2),
            serde_json::json!({"name": "Ann", "text": "say \"x\\y\" and \u{1}", "remark": "edited since"})
        );
        assert_eq!(
            reply(3),
            serde_json::json!({"name": "Ann", "text": "", "remark": "deleted"})
        );
        let empty: serde_json::Value = serde_json::from_str(&to_json("", &[])).unwrap();
        assert_eq!(empty["messages"], serde_json::json!([]));
    }

    #[test]
    fn files_have_names_that_systems_take() {
        assert_eq!(file_name("a/b: ü?", "json"), "a-b--ü-.json");
    }
}
