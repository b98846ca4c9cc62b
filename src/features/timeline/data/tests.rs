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
    timeline.texts().map(|(_, text, _)| text).collect()
}

fn order(timeline: &Timeline) -> Vec<Key> {
    timeline.entries().map(|entry| entry.key).collect()
}

/// The same with an id, as our page sends messages.
fn named(id: u64, message: ChatMessage) -> ChatMessage {
    ChatMessage {
        id: Some(MessageId::from_bits(id)),
        ..message
    }
}

fn own(id: u64, text: &str) -> ChatMessage {
    named(id, message("ann", text))
}

fn own_event(sequence: u64, id: u64, text: &str) -> Event {
    Event {
        message: own(id, text),
        ..event(sequence, "ann", text)
    }
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
        let key = room.send(own(7, "hello"), at(5));
        assert_eq!(states(&room), [Delivery::Received, Delivery::Sending]);
        assert_eq!(room.next_unsent(), Some((key, own(7, "hello"))));
        if acknowledged_first {
            room.acknowledge(key, Some(1));
            room.receive_event(own_event(1, 7, "hello"));
        } else {
            room.receive_event(own_event(1, 7, "hello"));
            room.acknowledge(key, Some(1));
        }
        assert_eq!(room.next_unsent(), None);
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
    let key = room.send(own(1, "mine"), at(1));
    room.acknowledge(key, None);
    room.receive_value(message("bob", "his"), at(2), false);
    room.receive_value(own(1, "mine"), at(3), false);
    assert_eq!(texts(&room), ["his", "mine"]);
    assert!(room.row(key).unwrap().last_sent);
    room.receive_value(own(1, "mine"), at(4), false);
    assert_eq!(texts(&room), ["his", "mine"], "sent again");
    room.receive_value(own(2, "mine"), at(4), false);
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
    let key = room.send(own(1, "did it arrive?"), at(1));
    room.fail(key, Fault::TimedOut);
    room.receive_event(own_event(0, 1, "did it arrive?"));
    assert_eq!(order(&room), [key]);
    assert_eq!(states(&room), [Delivery::Sent]);
}

#[test]
fn a_new_subscription_repeats_nothing() {
    let mut room = Timeline::new(reader());
    for sequence in 0..5 {
        room.receive_event(event(sequence, "bob", "x"));
    }
    let before = order(&room);
    for sequence in 2..5 {
        assert!(!room.receive_event(event(sequence, "bob", "x")));
    }
    assert_eq!(order(&room), before);

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
fn a_message_that_comes_twice_is_shown_once_to_everyone() {
    // The sender: the acknowledgement of the second is late, or early.
    for early in [true, false] {
        let mut room = Timeline::new(reader());
        let key = room.send(own(1, "twice"), at(1));
        if early {
            room.acknowledge(key, Some(3));
        }
        room.receive_event(own_event(2, 1, "twice"));
        room.receive_event(own_event(3, 1, "twice"));
        room.acknowledge(key, Some(3));
        assert_eq!(order(&room), [key], "{early}");
        assert_eq!(
            room.find(Target::Sequence(2)),
            room.find(Target::Sequence(3))
        );
        assert_eq!(room.find(Target::Sequence(2)), Some(2));
    }
    // Others, whichever of the two they see first.
    let mut room = Timeline::new(Reader::default());
    room.receive_event(own_event(5, 1, "twice"));
    room.receive_event(event(6, "bob", "his"));
    assert!(!room.receive_event(own_event(7, 1, "twice")));
    assert_eq!(texts(&room), ["twice", "his"]);
    room.add_older(
        Gap { from: 0, to: 4 },
        vec![
            event(2, "bob", "old"),
            own_event(3, 1, "twice"),
            event(4, "bob", "older"),
        ],
        false,
    );
    assert_eq!(texts(&room), ["old", "twice", "older", "his"]);
    // Somebody else cannot take an id away.
    let mut theirs = own_event(8, 1, "mine now");
    theirs.author = "mallory".to_owned();
    room.receive_event(theirs);
    assert_eq!(texts(&room).last(), Some(&"mine now"));
}

#[test]
fn a_live_room_replaces_what_a_moderator_changed() {
    let mut room = Timeline::new(reader());
    let said = |text: &str| named(9, message("bob", text));
    room.receive_value(said("damn"), at(1), false);
    room.receive_value(said("****"), at(2), false);
    assert_eq!(texts(&room), ["****"]);
    room.receive_value(message("cyn", "next"), at(3), false);
    room.receive_value(said("something else"), at(4), false);
    assert_eq!(
        texts(&room),
        ["****", "next"],
        "only the newest can be changed"
    );
    room.receive_value(said("x").taken_back(), at(5), false);
    assert_eq!(texts(&room), ["", "next"]);
}

#[test]
fn messages_are_sent_in_order_and_what_failed_waits_for_its_author() {
    let mut room = Timeline::new(reader());
    let keys: Vec<_> = (0..3).map(|id| room.send(own(id, "x"), at(1))).collect();
    assert_eq!(room.next_unsent().unwrap().0, keys[0]);
    room.fail(keys[0], Fault::TimedOut);
    assert_eq!(room.next_unsent().unwrap().0, keys[1]);
    room.recognise(&own_event(4, 1, "x"));
    assert_eq!(room.next_unsent().unwrap().0, keys[2]);
    assert!(!room.is_unsent(keys[1]));
    assert_eq!(order(&room), [keys[1], keys[0], keys[2]]);
    assert_eq!(room.retry(keys[0]), Some(own(0, "x")));
    assert_eq!(room.next_unsent().unwrap().0, keys[0]);
    room.take_unsent();
    assert_eq!(order(&room), [keys[1]]);
    assert_eq!(room.next_unsent(), None);
}

#[test]
fn what_is_shown_already_is_not_shown_again_when_it_is_taken_up() {
    let id = |bits| MessageId::from_bits(bits);
    let mut room = Timeline::new(reader());
    room.receive_event(own_event(4, 1, "x"));
    room.receive_event(event(5, "bob", "y"));
    assert!(room.has_own(id(1)));
    assert!(!room.has_own(id(2)));
    // Written before a reload, and not known here to have got there.
    let key = room.send(own(1, "x"), at(9));
    room.recognise(&own_event(4, 1, "x"));
    assert_eq!(texts(&room), ["x", "y"]);
    assert_eq!(order(&room)[0], key);
    assert!(!room.is_unsent(key));

    let mut live = Timeline::new(reader());
    live.receive_value(own(1, "x"), at(0), true);
    live.receive_value(named(2, message("bob", "y")), at(1), false);
    assert!(live.has_own(id(1)));
    assert!(!live.has_own(id(2)), "that is somebody else's");
}

fn gaps(timeline: &Timeline) -> Vec<Option<u64>> {
    (0..timeline.len())
        .filter_map(|place| timeline.row_at(place))
        .filter(|row| row.gap)
        .map(|row| row.entry.sequence)
        .collect()
}

#[test]
fn a_gap_is_not_hidden_and_can_be_filled() {
    let mut room = Timeline::new(reader());
    room.subscribed();
    room.receive_event(event(0, "bob", "old"));
    let kept = room.send(own(1, "unsent"), at(1));
    room.subscribed();
    room.receive_event(Event {
        edits: Some(5),
        ..event(6, "bob", "an edit of what was missed")
    });
    room.receive_event(event(7, "bob", "new"));
    assert_eq!(texts(&room), ["old", "new", "unsent"]);
    assert_eq!(order(&room)[2], kept);
    assert_eq!(gaps(&room), [Some(7)]);
    let gap = room.gap_before(7).unwrap();
    assert_eq!(gap, Gap { from: 1, to: 6 });
    room.add_older(gap, vec![event(4, "bob", "x"), event(5, "bob", "y")], false);
    assert_eq!(gaps(&room), [Some(4)]);
    let gap = room.gap_before(4).unwrap();
    assert_eq!(gap, Gap { from: 1, to: 3 });
    room.add_older(gap, vec![event(2, "bob", "z")], true);
    assert_eq!(gaps(&room), []);
    assert_eq!(texts(&room), ["old", "z", "x", "y", "new", "unsent"]);
    assert_eq!(room.gap_before(0), None);

    // From the other end.
    let mut room = Timeline::new(reader());
    room.receive_event(event(0, "bob", "old"));
    room.subscribed();
    room.receive_event(event(7, "bob", "new"));
    let gap = room.gap_before(7).unwrap();
    room.add_newer(gap, vec![event(1, "bob", "x"), event(2, "bob", "y")], false);
    assert_eq!(gaps(&room), [Some(7)]);
    let gap = room.gap_before(7).unwrap();
    assert_eq!(gap, Gap { from: 3, to: 6 });
    room.add_newer(
        gap,
        vec![event(5, "bob", "z"), event(7, "bob", "new")],
        true,
    );
    assert_eq!(gaps(&room), []);
    assert_eq!(texts(&room), ["old", "x", "y", "z", "new"]);
    // Sequences without an event are no gap: edits have them.
    room.receive_event(event(20, "bob", "later"));
    assert_eq!(gaps(&room), []);
}

#[test]
fn a_place_far_from_the_rest_can_be_looked_at() {
    let mut room = Timeline::new(reader());
    for sequence in 100..103 {
        room.receive_event(event(sequence, "bob", "new"));
    }
    room.add_around((40..43).map(|it| event(it, "bob", "far")).collect());
    assert_eq!(gaps(&room), [Some(100)]);
    assert_eq!(room.gap_before(100), Some(Gap { from: 43, to: 99 }));
    assert_eq!(room.gap_before(40), Some(Gap { from: 0, to: 39 }));
    room.add_around((20..23).map(|it| event(it, "bob", "farther")).collect());
    assert_eq!(gaps(&room), [Some(40), Some(100)]);
    room.add_around((23..41).map(|it| event(it, "bob", "between")).collect());
    assert_eq!(room.find(Target::Sequence(30)), Some(30));
    assert_eq!(room.len(), 3 + 23);
}

#[test]
fn edited_messages_are_found_by_queries() {
    let mut room = Timeline::new(reader());
    room.receive_event(event(9, "bob", "new"));
    let edit = Event {
        edits: Some(3),
        ..event(8, "bob", "as it is now")
    };
    room.add_older(Gap { from: 0, to: 8 }, vec![edit.clone()], true);
    assert_eq!(texts(&room), ["as it is now", "new"]);
    let first = room.row_at(0).unwrap().entry;
    assert_eq!((first.sequence, first.edited), (Some(3), Some(8)));
    room.receive_event(Event {
        sequence: 10,
        message: message("bob", "and now"),
        ..edit
    });
    assert_eq!(texts(&room), ["and now", "new"]);
}

#[test]
fn the_line_of_what_was_read_is_above_the_first_that_was_not() {
    let mut room = Timeline::new(reader());
    for sequence in 0..4 {
        room.receive_event(event(sequence, "bob", "x"));
    }
    room.set_line(Some(1));
    let lines = |room: &Timeline| -> Vec<bool> {
        (0..room.len())
            .filter_map(|place| Some(room.row_at(place)?.unread_from_here))
            .collect()
    };
    assert_eq!(lines(&room), [false, false, true, false]);
    assert!(room.row_at(2).unwrap().heads_group);
    assert_eq!(room.newest_rank(), Some(3));
    room.set_line(Some(3));
    assert_eq!(lines(&room), [false; 4]);
}

#[test]
fn a_copy_makes_room_for_what_the_service_says() {
    let copy = || {
        vec![
            (Some(4), event(4, "bob", "kept")),
            (None, event(0, "bob", "live")),
        ]
    };
    let mut room = Timeline::new(reader());
    room.add_copy(copy());
    let waiting = room.send(own(1, "waits"), at(1));
    assert_eq!(texts(&room), ["kept", "live", "waits"]);
    room.subscribed();
    assert_eq!(order(&room), [waiting]);
    room.receive_event(event(2, "bob", "true"));
    room.add_copy(copy());
    assert_eq!(texts(&room), ["true", "waits"]);
}

#[test]
fn heights_are_estimates_until_they_are_measured() {
    let mut room = Timeline::new(reader());
    for sequence in 0..3 {
        room.receive_event(event(sequence, "bob", "x"));
    }
    let estimate = room.top(1);
    assert!(room.measure(1, estimate + 10));
    assert!(!room.measure(1, estimate + 10));
    assert!(!room.measure(77, 5));
    assert_eq!(room.top(3), 3 * estimate + 10);
    assert_eq!(room.at_height(2 * estimate), 1);
    assert_eq!(room.at_height(2 * estimate + 10), 2);
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
    room.add_older(Gap { from: 0, to: 0 }, vec![edit(1, "tha")], true);
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
    let rows: Vec<_> = (0..room.len())
        .filter_map(|place| room.row_at(place))
        .collect();
    assert_eq!(room.row(rows[2].entry.key).as_ref(), Some(&rows[2]));
    let heads: Vec<_> = rows.iter().map(|row| row.heads_group).collect();
    assert_eq!(heads, [true, false, true, true, true, true]);
    let days: Vec<_> = rows.iter().map(|row| row.new_day).collect();
    assert_eq!(days, [Some(0), None, None, None, None, Some(1)]);
    assert_eq!(room.row(999), None);
}

#[test]
fn only_what_changes_something_says_so() {
    let mut room = Timeline::new(reader());
    room.receive_event(event(0, "bob", "a"));
    assert!(room.take_changed());
    assert!(!room.take_changed());
    room.receive_event(event(0, "bob", "a"));
    assert!(!room.take_changed());
    room.receive_event(Event {
        edits: Some(0),
        ..event(2, "bob", "c")
    });
    assert!(room.take_changed());
    room.send(own(1, "x"), at(1));
    assert!(room.take_changed());
}

#[test]
fn a_hundred_thousand_messages_are_kept_in_little_room_and_found_at_once() {
    assert!(size_of::<Stored>() <= 80);
    let mut room = Timeline::new(reader());
    for sequence in 99_000..100_000 {
        room.receive_event(event(sequence, "bob", "new"));
    }
    let mut to = 98_999;
    while room.oldest_sequence() > Some(0) {
        let from = to + 1 - 1_000.min(to + 1);
        let page = (from..=to).map(|it| event(it, "bob", "old")).collect();
        room.add_older(Gap { from: 0, to }, page, from == 0);
        to = from.saturating_sub(1);
    }
    assert_eq!(room.len(), 100_000);
    assert_eq!(gaps(&room), []);
    for place in [0, 1, 50_000, 99_999] {
        assert_eq!(room.rank_at(place), Some(place as u64));
        assert_eq!(room.place_of_rank(place as u64), place);
        assert_eq!(room.at_height(room.top(place)), place);
    }
    room.start_anew();
    assert!(room.is_empty());
}
