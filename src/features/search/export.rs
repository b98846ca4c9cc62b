//! A room as a file: text for people, JSON for programs.

use std::ops::Not;

use serde::Serialize;

use crate::features::timeline::time::{self, At};
use crate::features::timeline::{Entry, Event};
use crate::i18n::letters::is_letter;
use effusion_chat::{ChatMessage, Timestamp};

/// A message in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its sequence in the time series.
    pub sequence: Option<u64>,
    /// When the service received it, or when its author says it was written.
    pub time: String,
    /// The principal that appended it, according to the service; empty if unknown.
    pub author: String,
    /// The message.
    pub message: ChatMessage,
    /// Whether it was edited.
    pub edited: bool,
}

impl From<Entry> for Line {
    fn from(entry: Entry) -> Self {
        Self {
            sequence: entry.sequence,
            time: time_of(&entry.at, &entry.message),
            author: entry.author,
            message: entry.message,
            edited: entry.edited.is_some(),
        }
    }
}

impl From<Event> for Line {
    fn from(event: Event) -> Self {
        Self {
            sequence: Some(event.edits.unwrap_or(event.sequence)),
            time: time_of(&event.at, &event.message),
            author: event.author,
            message: event.message,
            edited: event.edits.is_some(),
        }
    }
}

fn time_of(at: &At, message: &ChatMessage) -> String {
    match (at, &message.timestamp) {
        (At::Instant { ms, .. }, _) => time::iso(*ms).unwrap_or_default(),
        (At::Written(_), Timestamp::Text(text)) => text.clone(),
        (At::Written(text), _) => text.clone(),
    }
}

/// The messages as plain text, one per line; further lines of a message follow it.
pub fn to_text(lines: &[Line]) -> String {
    let mut text = String::new();
    for line in lines {
        let message = &line.message;
        if !line.time.is_empty() {
            text.push_str(&line.time);
            text.push(' ');
        }
        text.push_str(&message.name);
        text.push_str(if message.act { " " } else { ": " });
        let words = if message.deleted {
            "(deleted)"
        } else {
            &message.text
        };
        for (number, part) in words.split('\n').enumerate() {
            if number > 0 {
                text.push_str("\n    ");
            }
            text.push_str(part);
        }
        if line.edited && !message.deleted {
            text.push_str(" (edited)");
        }
        text.push('\n');
    }
    text
}

/// A room in the JSON file.
#[derive(Serialize)]
struct RoomFile<'a> {
    room: &'a str,
    messages: Vec<MessageRecord<'a>>,
}

/// A message in the JSON file.
#[derive(Serialize)]
struct MessageRecord<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<u64>,
    time: &'a str,
    name: &'a str,
    account: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Not::not")]
    act: bool,
    #[serde(skip_serializing_if = "Not::not")]
    edited: bool,
    #[serde(skip_serializing_if = "Not::not")]
    deleted: bool,
    #[serde(skip_serializing_if = "Not::not")]
    bleeped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<ReplyRecord<'a>>,
}

/// What a message replies to.
#[derive(Serialize)]
struct ReplyRecord<'a> {
    name: &'a str,
    text: &'a str,
}

impl<'a> From<&'a Line> for MessageRecord<'a> {
    fn from(line: &'a Line) -> Self {
        let message = &line.message;
        Self {
            sequence: line.sequence,
            time: &line.time,
            name: &message.name,
            account: &line.author,
            text: &message.text,
            act: message.act,
            edited: line.edited,
            deleted: message.deleted,
            bleeped: message.bleeped,
            reply: message.reply.as_ref().map(|reply| ReplyRecord {
                name: &reply.name,
                text: &reply.text,
            }),
        }
    }
}

/// The messages as JSON: an object with the room's name and an array of messages.
pub fn to_json(room: &str, lines: &[Line]) -> String {
    let file = RoomFile {
        room,
        messages: lines.iter().map(MessageRecord::from).collect(),
    };
    // What is written into a string, and has texts for keys, can always be written.
    serde_json::to_string_pretty(&file).unwrap_or_default()
}

/// A file name without characters that some file system rejects.
pub fn file_name(room: &str, ending: &str) -> String {
    let mut name: String = room
        .chars()
        .map(|char| if is_letter(char) { char } else { '-' })
        .collect();
    name.push('.');
    name.push_str(ending);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use effusion_chat::{Reply, Target};

    fn lines() -> Vec<Line> {
        let said = ChatMessage {
            text: "say \"x\\y\"\n\tand \u{1}".to_owned(),
            name: "Ann".to_owned(),
            ..ChatMessage::default()
        };
        let event = Event {
            sequence: 9,
            edits: Some(3),
            author: "user".to_owned(),
            message: said.clone(),
            at: At::instant(0, 60),
        };
        let deleted = Event {
            sequence: 4,
            edits: None,
            message: said.taken_back(),
            ..event.clone()
        };
        let mut act = Line::from(event.clone());
        act.message = ChatMessage {
            text: "waves".to_owned(),
            act: true,
            reply: Some(Reply::to(Target::Sequence(3), &said)),
            ..said
        };
        act.edited = false;
        vec![event.into(), deleted.into(), act]
    }

    #[test]
    fn people_read_lines() {
        let text = to_text(&lines());
        let expected = [
            "1970-01-01T00:00:00.000Z Ann: say \"x\\y\"\n    \tand \u{1} (edited)",
            "1970-01-01T00:00:00.000Z Ann: (deleted)",
            "1970-01-01T00:00:00.000Z Ann waves\n",
        ];
        assert_eq!(text, expected.join("\n"));
    }

    #[test]
    fn programs_read_json() {
        let json = to_json("Tea \"house\"", &lines());
        let read: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(read["room"], "Tea \"house\"");
        let messages = &read["messages"];
        assert_eq!(messages[0]["text"], "say \"x\\y\"\n\tand \u{1}");
        assert_eq!(messages[0]["sequence"], 3);
        assert_eq!(messages[0]["edited"], true);
        assert_eq!(messages[1]["deleted"], true);
        assert_eq!(messages[2]["act"], true);
        assert_eq!(messages[2]["reply"]["name"], "Ann");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&to_json("", &[])).unwrap()["messages"],
            serde_json::json!([])
        );
    }

    #[test]
    fn files_have_names_that_systems_take() {
        assert_eq!(file_name("a/b: ü?", "json"), "a-b--ü-.json");
    }
}
