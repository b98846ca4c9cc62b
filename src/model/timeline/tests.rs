use super::*;
use effusion_chat::Timestamp;

fn reader() -> Reader {
    Reader {
        name: "ann".to_owned(),
        principal: "user".to_owned(),
    }
}

fn message(name: &str, text: &str) -> ChatMessage {
    ChatMessage {
        text: text.to_owned(),
        name: name.to_owned(),
        timestamp: Timestamp::Text("t".to_owned()),
        ..ChatMessage::default()
    }
}

fn at(seconds: i64) -> At {
    At::instant(seconds * 1000, 0)
}

fn event(sequence: u64, name: &str, text: &str) -> Event {
    Event {
        sequence,
        edits: None,
        author: "user".to_owned(),
        message: message(name, text),
        at: at(sequence as i64),
    }
}

fn texts(timeline: &Timeline) -> Vec<&str> {
    timeline
        .entries()
        .map(|entry| entry.message.text.as_str())
        .collect()
}

fn states(timeline: &Timeline) -> Vec<Delivery> {
    timeline
        .entries()
        .map(|entry| entry.delivery.clone())
        .collect()
}

#[test]
fn whose_a_message_is_takes_the_name_and_where_known_the_principal() {
    let mut room = Timeline::new(reader());
    let mut theirs = event(1, "ann", "not me");
    theirs.author = "mallory".to_owned();
    assert!(!room.receive_event(event(0, "ann", "me")));
    assert!(room.receive_event(theirs));
    assert!(room.receive_event(event(2, "bob", "him")));
    assert!(!room.receive_event(event(3, "System", "bob has joined")));
    let origins: Vec<_> = room.entries().map(|entry| entry.origin).collect();
    assert_eq!(
        origins,
        [Origin::Own, Origin::Other, Origin::Other, Origin::Notice]
    );
}

#[test]
fn a_sent_message_is_shown_once_whichever_comes_first() {
    for acknowledged_first in [true, false] {
        let mut room = Timeline::new(reader());
        room.receive_event(event(0, "bob", "hi"));
        let key = room.send(message("ann", "hello"), at(5));
        assert_eq!(states(&room), [Delivery::Received, Delivery::Sending]);
        if acknowledged_first {
            room.acknowledge(key, Some(1));
            room.receive_event(event(1, "ann", "hello"));
        } else {
            room.receive_event(event(1, "ann", "hello"));
            room.acknowledge(key, Some(1));
        }
        assert_eq!(texts(&room), ["hi", "hello"]);
        assert_eq!(states(&room), [Delivery::Received, Delivery::Sent]);
        assert_eq!(
            room.row(key).unwrap().entry.at,
            at(1),
            "the service's time counts"
        );
    }
}

#[test]
fn a_live_rooms_echo_takes_its_place_among_others() {
    let mut room = Timeline::new(reader());
    let key = room.send(message("ann", "mine"), at(1));
    room.acknowledge(key, None);
    room.receive_value(message("bob", "his"), at(2), false);
    room.receive_value(message("ann", "mine"), at(3), false);
    assert_eq!(texts(&room), ["his", "mine"]);
    room.receive_value(message("ann", "mine"), at(4), false);
    assert_eq!(
        texts(&room),
        ["his", "mine", "mine"],
        "from another window of the same person"
    );
}

#[test]
fn others_come_above_what_is_still_on_its_way() {
    let mut room = Timeline::new(reader());
    let first = room.send(message("ann", "one"), at(1));
    let second = room.send(message("ann", "two"), at(2));
    assert!(room.receive_value(message("bob", "his"), at(3), false));
    assert_eq!(texts(&room), ["his", "one", "two"]);
    room.acknowledge(second, None);
    assert_eq!(texts(&room), ["his", "two", "one"]);
    room.fail(first, Fault::TimedOut);
    assert_eq!(states(&room)[2], Delivery::Failed(Fault::TimedOut));
}

#[test]
fn a_failed_message_can_be_sent_again_or_given_up() {
    let mut room = Timeline::new(reader());
    let key = room.send(message("ann", "one"), at(1));
    assert_eq!(room.retry(key), None, "it is on its way");
    room.cancel(key);
    assert_eq!(room.len(), 1, "it may still arrive");
    room.fail(key, Fault::TimedOut);
    assert_eq!(room.retry(key), Some(message("ann", "one")));
    assert_eq!(states(&room), [Delivery::Sending]);
    room.fail(key, Fault::TimedOut);
    room.cancel(key);
    assert!(room.is_empty());
    assert_eq!(room.retry(key), None);
}

#[test]
fn a_message_thought_lost_is_recognised_when_it_comes_back() {
    let mut room = Timeline::new(reader());
    let key = room.send(message("ann", "did it arrive?"), at(1));
    room.fail(key, Fault::TimedOut);
    room.receive_event(event(0, "ann", "did it arrive?"));
    assert_eq!(room.order(), [key]);
    assert_eq!(states(&room), [Delivery::Sent]);
}

#[test]
fn a_new_subscription_repeats_nothing() {
    let mut room = Timeline::new(reader());
    for sequence in 0..5 {
        room.receive_event(event(sequence, "bob", "x"));
    }
    let order = room.order();
    for sequence in 2..5 {
        assert!(!room.receive_event(event(sequence, "bob", "x")));
    }
    assert_eq!(room.order(), order);

    let mut live = Timeline::new(reader());
    live.receive_value(message("bob", "x"), at(0), true);
    assert!(!live.receive_value(message("bob", "x"), at(9), true));
    assert_eq!(live.len(), 1);
    assert!(
        live.receive_value(message("bob", "x"), at(9), false),
        "said twice"
    );
}

#[test]
fn a_gap_is_not_hidden() {
    let mut room = Timeline::new(reader());
    room.receive_event(event(0, "bob", "old"));
    let kept = room.send(message("ann", "unsent"), at(1));
    room.receive_event(event(7, "bob", "new"));
    assert_eq!(texts(&room), ["new", "unsent"]);
    assert_eq!(room.order()[1], kept);
    assert_eq!(room.oldest_sequence(), Some(7));
    room.add_older(
        (0..7)
            .map(|sequence| event(sequence, "bob", "old"))
            .collect(),
    );
    assert_eq!(room.len(), 9);
    assert_eq!(room.oldest_sequence(), Some(0));
}

#[test]
fn another_series_in_the_same_place_starts_anew() {
    let mut room = Timeline::new(reader());
    room.receive_event(event(0, "bob", "before"));
    let mut other = event(0, "bob", "after");
    other.at = at(1000);
    room.receive_event(other);
    assert_eq!(texts(&room), ["after"]);

    let mut room = Timeline::new(reader());
    for sequence in 50..60 {
        room.receive_event(event(sequence, "bob", "before"));
    }
    room.receive_event(event(0, "bob", "after"));
    room.receive_event(event(1, "bob", "after"));
    assert_eq!(texts(&room), ["after", "after"]);
}

#[test]
fn edits_replace_the_text_and_the_newest_wins() {
    let mut room = Timeline::new(reader());
    room.receive_event(event(0, "bob", "teh"));
    let edit = |sequence, text| Event {
        edits: Some(0),
        ..event(sequence, "bob", text)
    };
    room.receive_event(edit(1, "tha"));
    room.receive_event(edit(2, "the"));
    room.add_older(vec![edit(1, "tha")]);
    assert_eq!(texts(&room), ["the"]);
    assert_eq!(room.entries().next().unwrap().edited, Some(2));
    room.receive_event(Event {
        edits: Some(77),
        ..event(3, "bob", "of something not shown")
    });
    assert_eq!(texts(&room), ["the"]);
}

#[test]
fn rows_are_grouped_by_author_time_and_day() {
    const DAY: i64 = 24 * 60 * 60;
    let mut room = Timeline::new(reader());
    for (author, seconds) in [
        ("bob", 0),
        ("bob", 60),
        ("cyn", 61),
        ("bob", 62),
        ("bob", 62 + 301),
        ("bob", DAY),
    ] {
        room.receive_value(message(author, "x"), at(seconds), false);
    }
    let rows: Vec<_> = room
        .order()
        .into_iter()
        .filter_map(|key| room.row(key))
        .collect();
    let heads: Vec<_> = rows.iter().map(|row| row.heads_group).collect();
    assert_eq!(heads, [true, false, true, true, true, true]);
    let days: Vec<_> = rows.iter().map(|row| row.new_day).collect();
    assert_eq!(days, [Some(0), None, None, None, None, Some(1)]);
    assert_eq!(room.row(999), None);
}

#[test]
fn changes_name_the_message_and_the_one_below_it() {
    let mut room = Timeline::new(reader());
    room.receive_event(event(0, "bob", "a"));
    room.receive_event(event(1, "bob", "b"));
    room.take_changes();
    room.receive_event(Event {
        edits: Some(0),
        ..event(2, "bob", "c")
    });
    let changes = room.take_changes();
    assert_eq!(changes.touched, room.order());
    assert!(!changes.reordered);
    assert_eq!(room.take_changes(), Changes::default());
    room.send(message("ann", "x"), at(1));
    let changes = room.take_changes();
    assert_eq!(changes.touched, [2]);
    assert!(changes.reordered);
}
