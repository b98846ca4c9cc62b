use std::ops::Range;

use super::*;
use effusion_chat::Timestamp;

pub fn reader() -> Reader {
    Reader {
        name: "ann".to_owned(),
        principal: "user".to_owned(),
    }
}

pub fn message(name: &str, text: &str) -> ChatMessage {
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

pub fn event(sequence: u64, name: &str, text: &str) -> Event {
    Event {
        sequence,
        edits: None,
        author: "user".to_owned(),
        message: message(name, text),
        at: at(sequence as i64),
    }
}

/// The event that edits another one.
pub fn edit(sequence: u64, original: u64, name: &str, text: &str) -> Event {
    Event {
        edits: Some(original),
        ..event(sequence, name, text)
    }
}

fn by(sequence: u64, name: &str, account: &str, text: &str) -> Event {
    Event {
        author: account.to_owned(),
        ..event(sequence, name, text)
    }
}

/// A room that has had these events.
fn room_with(events: impl IntoIterator<Item = Event>) -> Timeline {
    let mut room = Timeline::new(reader());
    for event in events {
        room.receive_event(event);
    }
    room
}

/// A room in which bob has said the same again and again.
fn said(sequences: Range<u64>, text: &str) -> Timeline {
    room_with(sequences.map(|sequence| event(sequence, "bob", text)))
}

fn rows(room: &Timeline) -> Vec<Row> {
    (0..room.len()).filter_map(|it| room.row_at(it)).collect()
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
    timeline.entries().map(|entry| entry.delivery).collect()
}

#[test]
fn whose_a_message_is_takes_the_name_and_where_known_the_principal() {
    let mut room = Timeline::new(reader());
    assert!(!room.receive_event(event(0, "ann", "me")));
    assert!(room.receive_event(by(1, "ann", "mallory", "not me")));
    assert!(room.receive_event(event(2, "bob", "him")));
    assert!(!room.receive_event(event(3, "System", "bob has joined")));
    let whose = [Origin::Own, Origin::Other, Origin::Other, Origin::Notice];
    assert!(room.entries().map(|entry| entry.origin).eq(whose));
}

#[test]
fn a_sent_message_is_shown_once_whichever_comes_first() {
    for acknowledged_first in [true, false] {
        let mut room = said(0..1, "hi");
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
        let shown = room.row(key).unwrap().entry;
        assert_eq!(shown.at, at(1), "the service's time counts");
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
    let all = ["his", "mine", "mine"];
    assert_eq!(texts(&room), all, "from another window of the same person");
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
    let mut room = said(0..5, "x");
    let before = order(&room);
    for sequence in 2..5 {
        assert!(!room.receive_event(event(sequence, "bob", "x")));
    }
    assert_eq!(order(&room), before);

    let mut live = Timeline::new(reader());
    live.receive_value(message("bob", "x"), at(0), true);
    assert!(!live.receive_value(message("bob", "x"), at(9), true));
    assert_eq!(live.len(), 1);
    let is_new = live.receive_value(message("bob", "x"), at(9), false);
    assert!(is_new, "said twice");
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
        for sequence in [2, 3] {
            assert_eq!(room.find(Target::Sequence(sequence)), Some(2));
        }
    }
    // Others, whichever of the two they see first.
    let mut room = Timeline::new(Reader::default());
    room.receive_event(own_event(5, 1, "twice"));
    room.receive_event(event(6, "bob", "his"));
    assert!(!room.receive_event(own_event(7, 1, "twice")));
    assert_eq!(texts(&room), ["twice", "his"]);
    let (old, older) = (event(2, "bob", "old"), event(4, "bob", "older"));
    let found = vec![old, own_event(3, 1, "twice"), older];
    room.add_older(Gap { from: 0, to: 4 }, found, false);
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
    let all = ["****", "next"];
    assert_eq!(texts(&room), all, "only the newest can be changed");
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
    assert!(!room.has_unsent(MessageId::from_bits(1)));
    assert_eq!(order(&room), [keys[1], keys[0], keys[2]]);
    assert_eq!(room.retry(keys[0]), Some(own(0, "x")));
    assert_eq!(room.next_unsent().unwrap().0, keys[0]);
    room.take_unsent();
    assert_eq!(order(&room), [keys[1]]);
    assert_eq!(room.next_unsent(), None);
}

#[test]
fn what_is_shown_already_is_not_shown_again_when_it_is_taken_up() {
    let id = MessageId::from_bits;
    let mut room = room_with([own_event(4, 1, "x"), event(5, "bob", "y")]);
    assert!(room.has_own(id(1)));
    assert!(!room.has_own(id(2)));
    // Written before a reload, and not known here to have got there.
    let key = room.send(own(1, "x"), at(9));
    room.recognise(&own_event(4, 1, "x"));
    assert_eq!(texts(&room), ["x", "y"]);
    assert_eq!(order(&room)[0], key);
    assert!(!room.has_unsent(id(1)));

    let mut live = Timeline::new(reader());
    live.receive_value(own(1, "x"), at(0), true);
    live.receive_value(named(2, message("bob", "y")), at(1), false);
    assert!(live.has_own(id(1)));
    assert!(!live.has_own(id(2)), "that is somebody else's");
}

fn gaps(timeline: &Timeline) -> Vec<Option<u64>> {
    let rows = rows(timeline).into_iter().filter(|row| row.gap);
    rows.map(|row| row.entry.sequence).collect()
}

#[test]
fn a_gap_is_not_hidden_and_can_be_filled() {
    let mut room = Timeline::new(reader());
    room.subscribed();
    room.receive_event(event(0, "bob", "old"));
    let kept = room.send(own(1, "unsent"), at(1));
    room.subscribed();
    room.receive_event(edit(6, 5, "bob", "an edit of what was missed"));
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
    let mut room = said(0..1, "old");
    room.subscribed();
    room.receive_event(event(7, "bob", "new"));
    let gap = room.gap_before(7).unwrap();
    room.add_newer(gap, vec![event(1, "bob", "x"), event(2, "bob", "y")], false);
    assert_eq!(gaps(&room), [Some(7)]);
    let gap = room.gap_before(7).unwrap();
    assert_eq!(gap, Gap { from: 3, to: 6 });
    let found = vec![event(5, "bob", "z"), event(7, "bob", "new")];
    room.add_newer(gap, found, true);
    assert_eq!(gaps(&room), []);
    assert_eq!(texts(&room), ["old", "x", "y", "z", "new"]);
    // Sequences without an event are no gap: edits have them.
    room.receive_event(event(20, "bob", "later"));
    assert_eq!(gaps(&room), []);
}

#[test]
fn a_place_far_from_the_rest_can_be_looked_at() {
    let mut room = said(100..103, "new");
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
    let mut room = said(9..10, "new");
    let found = vec![edit(8, 3, "bob", "as it is now")];
    room.add_older(Gap { from: 0, to: 8 }, found, true);
    assert_eq!(texts(&room), ["as it is now", "new"]);
    let first = room.row_at(0).unwrap().entry;
    assert_eq!((first.sequence, first.edited), (Some(3), Some(8)));
    room.receive_event(edit(10, 3, "bob", "and now"));
    assert_eq!(texts(&room), ["and now", "new"]);
}

#[test]
fn the_line_of_what_was_read_is_above_the_first_that_was_not() {
    let mut room = said(0..4, "x");
    room.set_line(Some(1));
    let lines = |room: &Timeline| -> Vec<bool> {
        rows(room).iter().map(|row| row.unread_from_here).collect()
    };
    assert_eq!(lines(&room), [false, false, true, false]);
    assert!(room.row_at(2).unwrap().heads_group);
    assert_eq!(room.newest_rank(), Some(3));
    room.set_line(Some(3));
    assert_eq!(lines(&room), [false; 4]);
}

#[test]
fn a_copy_makes_room_for_what_the_service_says() {
    let (kept, live) = (event(4, "bob", "kept"), event(0, "bob", "live"));
    let copy = || vec![(Some(4), kept.clone()), (None, live.clone())];
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
    let mut room = said(0..3, "x");
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
    let mut room = said(0..1, "before");
    room.receive_event(Event {
        at: at(1000),
        ..event(0, "bob", "after")
    });
    assert_eq!(texts(&room), ["after"]);

    let mut room = said(50..60, "before");
    room.receive_event(event(0, "bob", "after"));
    room.receive_event(event(1, "bob", "after"));
    assert_eq!(texts(&room), ["after", "after"]);
}

#[test]
fn edits_replace_the_text_and_the_newest_wins() {
    let mut room = said(0..1, "teh");
    room.receive_event(edit(1, 0, "bob", "tha"));
    room.receive_event(edit(2, 0, "bob", "the"));
    let older = vec![edit(1, 0, "bob", "tha")];
    room.add_older(Gap { from: 0, to: 0 }, older, true);
    assert_eq!(texts(&room), ["the"]);
    assert_eq!(room.entries().next().unwrap().edited, Some(2));
    room.receive_event(edit(3, 77, "bob", "of something not shown"));
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
    let rows = rows(&room);
    assert_eq!(room.row(rows[2].entry.key).as_ref(), Some(&rows[2]));
    let heads: Vec<_> = rows.iter().map(|row| row.heads_group).collect();
    assert_eq!(heads, [true, false, true, true, true, true]);
    let days: Vec<_> = rows.iter().map(|row| row.new_day).collect();
    assert_eq!(days, [Some(0), None, None, None, None, Some(1)]);
    assert_eq!(room.row(999), None);
}

#[test]
fn only_what_changes_something_says_so() {
    let mut room = said(0..1, "a");
    assert!(room.take_changed());
    assert!(!room.take_changed());
    room.receive_event(event(0, "bob", "a"));
    assert!(!room.take_changed());
    room.receive_event(edit(2, 0, "bob", "c"));
    assert!(room.take_changed());
    room.send(own(1, "x"), at(1));
    assert!(room.take_changed());
}

#[test]
fn a_hundred_thousand_messages_are_kept_in_little_room_and_found_at_once() {
    assert!(size_of::<Stored>() <= 80);
    let mut room = said(99_000..100_000, "new");
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

#[test]
fn those_who_come_in_one_after_the_other_are_told_together() {
    let joined = |name| ChatMessage::joined(name, String::new());
    let messages = [
        joined("Ann"),
        joined("Bob"),
        joined("Ann"),
        joined("Cem"),
        message("Bob", "hello"),
        joined("Dora"),
    ];
    let mut room = room_with((0..).zip(messages).map(|(sequence, message)| Event {
        message,
        ..event(sequence, "", "")
    }));
    let told = |room: &Timeline| -> Vec<String> {
        let told = |row: &Row| match row.folded {
            true => "folded".to_owned(),
            false => row.joined.join(" "),
        };
        rows(room).iter().map(told).collect()
    };
    let together = ["folded", "folded", "folded", "Ann Bob Cem", "", "Dora"];
    assert_eq!(told(&room), together);
    let empty = |room: &Timeline| -> Vec<usize> {
        let is_empty = |place: &usize| room.row_at(*place).is_some_and(|row| row.is_empty());
        (0..room.len()).filter(is_empty).collect()
    };
    assert_eq!(empty(&room), [1, 2], "the day stands above the first one");
    // What is new is told by itself.
    room.set_line(Some(1));
    assert_eq!(empty(&room), [] as [usize; 0]);
    let apart = ["folded", "Ann Bob", "folded", "Ann Cem", "", "Dora"];
    assert_eq!(told(&room), apart);
    let is_plain = |row: &Row| !row.folded || row.joined.is_empty();
    assert!(rows(&room).iter().all(is_plain));
}

/// A reply by bob to a message of a series.
fn reply_event(sequence: u64, to: Target, name: &str, quoted: &str) -> Event {
    let mut event = event(sequence, "bob", "indeed");
    event.message.reply = Some(effusion_chat::Reply {
        to,
        name: name.to_owned(),
        text: quoted.to_owned(),
    });
    event
}

/// What the newest message quotes, as `name: text (state)`.
fn quoted(timeline: &Timeline) -> String {
    let row = timeline.row_at(timeline.len() - 1);
    let Quote {
        name, text, state, ..
    } = row.and_then(|row| row.quote).expect("a reply");
    format!("{name}: {text} ({state:?})")
}

#[test]
fn a_quote_says_what_its_original_says_now() {
    let reply = reply_event(1, Target::Sequence(0), "ann", "tea or coffee?");
    let mut room = room_with([event(0, "ann", "*tea* or coffee?"), reply]);
    assert_eq!(quoted(&room), "ann: tea or coffee? (True)");
    room.receive_event(edit(2, 0, "ann", "milk?"));
    assert_eq!(quoted(&room), "ann: milk? (Edited)");
    let mut bleeped = edit(3, 0, "ann", "***");
    bleeped.message.bleeped = true;
    room.receive_event(bleeped);
    assert_eq!(quoted(&room), "ann: *** (Moderated)");
    let mut deleted = edit(4, 0, "ann", "x");
    deleted.message = deleted.message.taken_back();
    room.receive_event(deleted);
    assert_eq!(quoted(&room), "ann:  (Deleted)");
}

#[test]
fn quotes_cannot_be_forged() {
    let mut room = room_with([event(0, "ann", "I stay")]);
    let forge = |room: &mut Timeline, sequence, to, name, text| {
        room.receive_event(reply_event(sequence, Target::Sequence(to), name, text));
        quoted(room)
    };
    // Words that were not said, or not by this person.
    for (sequence, name, text) in [(1, "ann", "I quit"), (2, "cyn", "I stay"), (3, "ann", "…")] {
        let found = forge(&mut room, sequence, 0, name, text);
        assert_eq!(found, "ann: I stay (Misquoted)");
    }
    // An edit of the original is no excuse for another name.
    room.receive_event(edit(4, 0, "ann", "I go"));
    let found = forge(&mut room, 5, 0, "cyn", "I stay");
    assert_eq!(found, "ann: I go (Misquoted)");
    // Messages from the future, and the reply itself.
    for (sequence, to) in [(6, 6), (7, 700)] {
        let found = forge(&mut room, sequence, to, "ann", "I quit");
        assert_eq!(found, "ann: I quit (Missing)");
    }
    // The beginning of what was said, cut where the other page cuts.
    let found = forge(&mut room, 8, 0, "ann", "I…");
    assert_eq!(found, "ann: I go (True)");
}

#[test]
fn an_original_that_is_not_loaded_is_not_called_missing_before_that_is_known() {
    let reply = || reply_event(101, Target::Sequence(7), "ann", "early");
    let mut room = room_with([event(100, "ann", "late"), reply()]);
    let claim = |state: Quoted| format!("ann: early ({state:?})");
    assert_eq!(quoted(&room), claim(Quoted::NotLoaded));
    // Some of what was before is here, but not all.
    let gap = Gap { from: 0, to: 99 };
    room.add_older(gap, vec![event(60, "ann", "between")], false);
    assert_eq!(quoted(&room), claim(Quoted::NotLoaded));
    let gap = Gap { from: 0, to: 59 };
    let found = vec![event(6, "ann", "six"), event(8, "ann", "x")];
    room.add_older(gap, found, true);
    assert_eq!(quoted(&room), claim(Quoted::Missing));
    // Where a query has not found it.
    let mut room = room_with([reply()]);
    room.note_missing(Target::Sequence(7));
    assert!(room.take_changed());
    assert_eq!(quoted(&room), claim(Quoted::Missing));
    // It was only slow.
    let gap = Gap { from: 0, to: 100 };
    room.add_older(gap, vec![event(7, "ann", "early")], true);
    assert_eq!(quoted(&room), claim(Quoted::True));
    // Before the first one of all there is nothing.
    room.receive_event(reply_event(102, Target::Sequence(3), "ann", "earlier"));
    assert_eq!(quoted(&room), "ann: earlier (Missing)");
}

#[test]
fn in_a_live_room_quotes_go_by_id_and_name() {
    let mut room = Timeline::new(reader());
    let live = |room: &mut Timeline, message| room.receive_value(message, at(1), false);
    live(&mut room, named(7, message("cyn", "mine")));
    live(&mut room, named(7, message("eve", "me too")));
    let reply = |to, name: &str, text: &str| {
        reply_event(0, Target::Id(MessageId::from_bits(to)), name, text).message
    };
    live(&mut room, reply(7, "cyn", "mine"));
    assert_eq!(quoted(&room), "cyn: mine (True)");
    live(&mut room, reply(8, "cyn", "mine"));
    assert_eq!(quoted(&room), "cyn: mine (NotLoaded)");
    // Two who write to each other see other names.
    let mut room = Timeline::between_two(reader());
    room.receive_value(named(7, message("ann", "psst")), at(1), false);
    room.receive_value(reply(7, "ann's account", "psst"), at(2), false);
    assert_eq!(quoted(&room), "ann: psst (True)");
    room.receive_value(reply(7, "ann", "shh"), at(3), false);
    assert_eq!(quoted(&room), "ann: psst (Misquoted)");
    // What is sent quotes what is said by then.
    let old = effusion_chat::Reply {
        to: Target::Id(MessageId::from_bits(7)),
        name: "x".to_owned(),
        text: "y".to_owned(),
    };
    let now = room.requoted(old);
    assert_eq!((now.name.as_str(), now.text.as_str()), ("ann", "psst"));
}

/// The accounts that stand behind the names.
fn accounts(room: &Timeline) -> Vec<Option<String>> {
    let rows = rows(room).into_iter();
    rows.map(|row| row.sender.account).collect()
}

fn some(account: &str) -> Option<String> {
    Some(account.to_owned())
}

#[test]
fn two_people_of_one_name_are_never_merged() {
    let mut room = room_with([by(0, "cyn", "user", "x"), by(1, "bob", "user", "x")]);
    room.take_changed();
    assert_eq!(accounts(&room), [None, None]);
    room.receive_event(by(2, "bob", "eve", "x"));
    assert_eq!(accounts(&room), [None, some("user"), some("eve")]);
    let rows = rows(&room);
    assert!(rows[2].heads_group, "so soon, but by somebody else");
    assert_ne!(rows[1].sender.hue, rows[2].sender.hue);
    // Those who are here count, too, whether they have spoken or not.
    room.note_person("cyn", "mallory");
    assert!(room.take_changed());
    assert_eq!(accounts(&room)[0], some("user"));
    assert_eq!(room.label("bob", "eve"), "bob (eve)");
    assert_eq!(room.label("dan", "eve"), "dan");
    // In a live room nobody knows who it was.
    let mut live = Timeline::new(reader());
    for account in ["user", "eve"] {
        live.note_person("bob", account);
    }
    live.receive_value(message("bob", "hi"), at(1), false);
    live.send(message("ann", "ho"), at(2));
    assert_eq!(accounts(&live), [some(""), None]);
}

#[test]
fn names_that_look_alike_are_told_apart() {
    let bob = "В\u{43e}b";
    let names = (0..).zip(["Bob", bob, "Ian", "lan", "Боб"]);
    let mut room = room_with(names.map(|(sequence, name)| by(sequence, name, "user", "x")));
    let user = || some("user");
    assert_eq!(room.take_unjudged(), [bob, "Боб"]);
    let shown = [None, None, some("user · U+0049"), user(), None];
    assert_eq!(accounts(&room), shown);
    room.take_changed();
    for name in [bob, "Боб"] {
        room.judge(name, Some(effusion_chat::lookalike::skeleton(name)));
    }
    assert!(room.take_changed() && room.take_unjudged().is_empty());
    let shown = accounts(&room);
    assert_eq!(shown[..2], [user(), some("user · U+0412 U+043E")]);
    assert_eq!(shown[4], None, "it looks like nobody else's");
    // Alone, too, letters of two alphabets that look like one are shown.
    let mut room = room_with([by(0, bob, "user", "x")]);
    room.judge(bob, Some("Bob".to_owned()));
    assert_eq!(accounts(&room), [some("user · U+0412 U+043E")]);
    // What cannot be found out is not trusted.
    room.judge(bob, None);
    assert_eq!(accounts(&room), [some("user · U+0412 U+043E")]);
}

#[test]
fn a_system_that_says_anything_else_is_a_person() {
    let mut room = Timeline::new(reader());
    let says = |sequence, text: &str| by(sequence, "System", "eve", text);
    room.receive_event(says(0, "bob has joined"));
    assert!(room.receive_event(says(1, "Send me your password")));
    room.receive_event(event(2, "ann", "no"));
    let origins = |room: &Timeline| -> Vec<Origin> { room.entries().map(|it| it.origin).collect() };
    assert_eq!(origins(&room), [Origin::Notice, Origin::Other, Origin::Own]);
    assert_eq!(accounts(&room)[1..], [some("eve"), None]);
    // Nor can a notice be edited into one.
    let before = order(&room);
    room.receive_event(Event {
        edits: Some(0),
        ..says(3, "The service ends today")
    });
    assert_eq!(origins(&room)[0], Origin::Other);
    assert_ne!(order(&room)[0], before[0], "drawn anew");
}

#[test]
fn a_notice_says_what_notices_say_and_no_more() {
    let mut room = Timeline::new(reader());
    let others = [
        "Your account ends, Bob has joined",
        "anything, Bob has joined the room",
        "**Bob** has joined",
        "Bob\nhas left. Ann has joined",
        "B\u{200b}ob has joined",
        "\u{202e}boB has joined",
        "Write to https://evil.example has joined",
        " has joined",
    ];
    for (sequence, text) in (0..).zip(others) {
        let event = by(sequence, "System", "eve", text);
        assert!(room.receive_event(event), "{text}");
    }
    let mut act = event(8, "System", "Bob has joined");
    act.message.act = true;
    assert!(room.receive_event(act));
    assert_eq!(accounts(&room)[7..], [some("eve"), some("user")]);
    assert!(room.entries().all(|it| it.origin == Origin::Other));
    for name in ["SYSTEM", "System␣", "5ystern", "S y s t e m"] {
        let mut room = Timeline::new(reader());
        assert!(room.receive_event(by(0, name, "eve", "x")));
        assert_eq!(accounts(&room), [some("eve")], "{name}");
    }
}

#[test]
fn an_office_is_shown_with_the_account_that_claims_it() {
    let room = room_with([
        by(0, "Admin", "user", "x"),
        by(1, "Ann", "user", "x"),
        by(2, "control", "Control", "x"),
    ]);
    assert_eq!(accounts(&room), [some("user"), None, None]);
    assert_eq!(room.label("moderator", "eve"), "moderator (eve)");
}

#[test]
fn who_has_come_in_is_told_by_the_account_where_names_are_the_same() {
    let room = room_with([
        by(0, "Bob", "user", "x"),
        by(1, "System", "user", "Bob has joined"),
        by(2, "System", "eve", "Bob has joined"),
    ]);
    assert_eq!(room.row_at(2).unwrap().joined, ["Bob (user)", "Bob (eve)"]);
}

#[test]
fn values_that_are_no_messages_are_told_in_one_notice() {
    let said = (0..).zip(["", "", "", "", "bob has joined", ""]);
    let room = room_with(said.map(|(sequence, text)| event(sequence, "System", text)));
    let rows = rows(&room).into_iter();
    let told = rows.map(|row| (row.folded, row.unreadable, row.joined.len()));
    let folded = [(true, 0, 0); 3].into_iter();
    assert!(told.eq(folded.chain([(false, 4, 0), (false, 0, 1), (false, 1, 0)])));
}

#[test]
fn what_was_seen_stays_seen() {
    let mut room = room_with((0..10).map(|sequence| event(sequence, "ann", "x")));
    for (name, account, seen) in [
        ("Cem", "user", 4),
        ("Bob", "user", 7),
        // Another window of his has not got there.
        ("Bob", "user", 2),
        ("ann", "user", 9),
        ("ann", "eve", 5),
    ] {
        room.note_seen(name, account, Target::Sequence(seen));
    }
    let by = |room: &Timeline, rank| -> Vec<String> {
        let seen_by = room.seen_by(rank).into_iter();
        seen_by.map(|(name, _)| name).collect()
    };
    assert_eq!(by(&room, 4), ["Bob", "Cem", "ann"]);
    assert_eq!(by(&room, 7), ["Bob"]);
    assert!(by(&room, 8).is_empty(), "the reader does not count");
    room.forget_seen("Bob", "user");
    assert_eq!(by(&room, 4), ["Cem", "ann"]);
    // Another series has other messages.
    room.start_anew();
    room.receive_event(event(0, "ann", "x"));
    assert!(by(&room, 0).is_empty());

    let mut live = Timeline::new(reader());
    for id in 1..=3 {
        live.receive_value(own(id, "x"), at(id as i64), false);
    }
    let id = |id| Target::Id(MessageId::from_bits(id));
    for seen in [2, 3, 1] {
        live.note_seen("Bob", "user", id(seen));
    }
    let newest = live.newest_rank().unwrap();
    assert_eq!(by(&live, newest), ["Bob"]);
}
