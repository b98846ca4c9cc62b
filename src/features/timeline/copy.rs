//! A copy of what was said in a room last, for reading it without a connection.

use crate::features::timeline::{At, Delivery, Event, Timeline};
use effusion_chat::ChatMessage;
use effusion_protocol::value::Json;

/// How many messages of a room are kept.
pub const MAX_COPIED: usize = 200;

/// An event, and its place in the series, if it has one.
pub type Kept = (Option<u64>, Event);

/// What is kept of a room.
pub fn of(timeline: &Timeline) -> String {
    let mut newest: Vec<Json> = timeline
        .entries()
        .rev()
        .filter(|entry| matches!(entry.delivery, Delivery::Received | Delivery::Sent))
        .take(MAX_COPIED)
        .map(|entry| {
            let whole = |number: u64| Json::integer(i64::try_from(number).unwrap_or(i64::MAX));
            let mut members = vec![
                ("m", entry.message.to_json()),
                ("a", Json::text(&entry.author)),
            ];
            members.extend(entry.sequence.map(|sequence| ("s", whole(sequence))));
            members.extend(entry.edited.map(|edited| ("e", whole(edited))));
            members.push(match &entry.at {
                At::Instant { ms, .. } => ("t", Json::integer(*ms)),
                At::Written(text) => ("w", Json::text(text)),
            });
            Json::object(&members)
        })
        .collect();
    newest.reverse();
    // What has just been written can be read.
    Json::array(&newest).to_text().unwrap_or_default()
}

/// Reads [`of`]; `at` knows the reader's calendar.
pub fn read(record: &str, at: impl Fn(i64) -> At) -> Vec<Kept> {
    let items = Json::from_text(record).ok().and_then(|json| json.items());
    let items = items.unwrap_or_default();
    items.iter().filter_map(|item| one(item, &at)).collect()
}

fn one(item: &Json, at: impl Fn(i64) -> At) -> Option<Kept> {
    let number = |name| item.member(name).and_then(|it| it.as_number());
    let sequence = number("s").map(|it| it as u64);
    let edited = number("e").map(|it| it as u64);
    let time = match number("t") {
        Some(ms) => at(ms as i64),
        None => At::Written(item.member("w")?.as_text()?),
    };
    let event = Event {
        sequence: edited.or(sequence).unwrap_or_default(),
        edits: edited.and(sequence.or(Some(0))),
        author: item.member("a")?.as_text()?,
        message: ChatMessage::from_json(&item.member("m")?)?,
        at: time,
    };
    Some((sequence, event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::timeline::Entry;
    use crate::features::timeline::data::tests::{edit, event, message, reader};

    #[test]
    fn a_copy_reads_as_the_room_did() {
        let mut room = Timeline::new(reader());
        for sequence in 0..300 {
            room.receive_event(event(sequence, "ann", "said"));
        }
        room.receive_event(edit(300, 250, "ann", "edited"));
        let noon = At::Written("noon".to_owned());
        room.receive_value(message("ann", "live"), noon, false);
        room.send(message("ann", "not sent"), At::instant(0, 0));

        let kept = read(&of(&room), |ms| At::instant(ms, 0));
        assert_eq!(kept.len(), MAX_COPIED);
        let mut copy = Timeline::new(reader());
        copy.add_copy(kept);
        let plain = |entry: Entry| Entry {
            key: 0,
            rank: 0,
            ..entry
        };
        let shown: Vec<_> = room
            .entries()
            .rev()
            .skip(1)
            .take(MAX_COPIED)
            .map(plain)
            .collect();
        let copied: Vec<_> = copy.entries().rev().map(plain).collect();
        assert_eq!(copied, shown);
        assert!(read("[1", |ms| At::instant(ms, 0)).is_empty());
    }
}
