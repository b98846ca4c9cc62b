//! What was sent, what the service said to it, who was given what; and whether all of it fits together.

use std::collections::{BTreeMap, BTreeSet};

/// One try to send a message. Every try has a mark of its own in the message, so that each can be told from the others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    pub writer: usize,
    /// The message's number among its writer's.
    pub message: u64,
    pub attempt: u32,
}

/// What the service said to a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is there, under this sequence.
    Acknowledged(u64),
    /// It was refused, or never sent: it is not there.
    NotDone,
    /// Nobody knows.
    Unknown,
}

/// A try, in the order in which its writer made it.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub mark: Mark,
    /// The writer's session, counted: within one, messages are in order.
    pub session: usize,
    pub outcome: Outcome,
}

/// An event as a subscriber or a query has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub sequence: u64,
    pub mark: Mark,
}

/// A subscriber's subscriptions, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    pub subscriptions: Vec<Vec<Seen>>,
}

/// A reader's sight of the board.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoardView {
    /// The newest number.
    pub number: Option<u64>,
    /// Each number that was not above the one before it in the same subscription, after that one.
    pub backwards: Vec<(u64, u64)>,
    /// How often a value could not be read, or a delta did not fit.
    pub unreadable: usize,
}

/// A try to put a number on the board. Each has another number, the next one.
#[derive(Clone, Debug)]
pub struct Put {
    pub number: u64,
    /// The writer's session, counted, when it asked.
    pub asked_in: usize,
    /// And when it was told what became of it.
    pub answered_in: usize,
    pub outcome: Outcome,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub attempts: Vec<Attempt>,
    pub readers: Vec<Reader>,
    /// Writers that send a message only once the one before is settled, as a chat's outbox does.
    pub serial: BTreeSet<usize>,
}

/// What does not fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub lost: Vec<String>,
    pub doubled: Vec<String>,
    pub wrong: Vec<String>,
}

impl Ledger {
    /// Compares everything with what the service has in the end: `truth`, the whole series in order.
    pub fn check(&self, truth: &[Seen]) -> Findings {
        let mut findings = Findings::default();
        self.check_attempts(truth, &mut findings);
        self.check_order(truth, &mut findings);
        for (index, reader) in self.readers.iter().enumerate() {
            check_reader(index, reader, truth, &mut findings);
        }
        findings
    }

    /// Every acknowledged try is there once, under its sequence; none is there that cannot be.
    fn check_attempts(&self, truth: &[Seen], findings: &mut Findings) {
        let mut places = BTreeMap::<&Mark, Vec<u64>>::new();
        for seen in truth {
            places.entry(&seen.mark).or_default().push(seen.sequence);
        }
        for attempt in &self.attempts {
            let there = places.remove(&attempt.mark).unwrap_or_default();
            let mark = &attempt.mark;
            if there.len() > 1 {
                findings
                    .doubled
                    .push(format!("{mark:?} is there as {there:?}"));
            }
            match attempt.outcome {
                Outcome::Acknowledged(sequence) if there.is_empty() => {
                    findings
                        .lost
                        .push(format!("{mark:?}, acknowledged as {sequence}"));
                }
                Outcome::Acknowledged(sequence) if !there.contains(&sequence) => {
                    let text = format!("{mark:?}, acknowledged as {sequence}, is {there:?}");
                    findings.wrong.push(text);
                }
                Outcome::NotDone if !there.is_empty() => {
                    findings
                        .wrong
                        .push(format!("{mark:?} was refused, but is {there:?}"));
                }
                _ => {}
            }
        }
        for (mark, there) in places {
            findings
                .wrong
                .push(format!("{mark:?} was never sent, but is {there:?}"));
        }
    }

    /// What a writer said in one session is there in the order in which it was said; and what a writer with an outbox said,
    /// whatever became of its sessions, is shown in order.
    fn check_order(&self, truth: &[Seen], findings: &mut Findings) {
        let place: BTreeMap<&Mark, u64> = truth
            .iter()
            .map(|seen| (&seen.mark, seen.sequence))
            .collect();
        let mut newest = BTreeMap::<(usize, usize), (u64, &Mark)>::new();
        for attempt in &self.attempts {
            let Some(sequence) = place.get(&attempt.mark) else {
                continue;
            };
            let session = (attempt.mark.writer, attempt.session);
            if let Some((before, other)) = newest.insert(session, (*sequence, &attempt.mark))
                && before >= *sequence
            {
                findings.wrong.push(format!(
                    "{:?} ({sequence}) was said after {other:?} ({before})",
                    attempt.mark
                ));
            }
        }
        let mut newest = BTreeMap::<usize, u64>::new();
        for (writer, message) in shown(truth) {
            if let Some(before) = newest.insert(writer, message)
                && before > message
                && self.serial.contains(&writer)
            {
                let text = format!("writer {writer}: message {message} is shown after {before}");
                findings.wrong.push(text);
            }
        }
    }
}

/// Every subscription begins at the oldest event and goes on without a gap; the last one has everything. And what is shown,
/// one of each message's copies, is every message that is there, once.
fn check_reader(index: usize, reader: &Reader, truth: &[Seen], findings: &mut Findings) {
    let last = reader.subscriptions.len().saturating_sub(1);
    for (number, events) in reader.subscriptions.iter().enumerate() {
        let at = format!("reader {index}, subscription {number}");
        let mut sequences = BTreeSet::new();
        for seen in events {
            if !sequences.insert(seen.sequence) {
                findings
                    .doubled
                    .push(format!("{at}: event {} came twice", seen.sequence));
            }
        }
        let ends_early = number == last && events.len() < truth.len();
        if ends_early || reader.subscriptions.is_empty() {
            let text = format!("{at}: {} events of {}", events.len(), truth.len());
            findings.lost.push(text);
        }
        for (seen, expected) in events.iter().zip(truth) {
            if seen != expected {
                findings.wrong.push(format!(
                    "{at}: {seen:?} came where {expected:?} was expected"
                ));
                break;
            }
        }
        if events.len() > truth.len() {
            let text = format!("{at}: {} events of {}", events.len(), truth.len());
            findings.wrong.push(text);
        }
    }
    if reader.subscriptions.is_empty() && !truth.is_empty() {
        findings
            .lost
            .push(format!("reader {index} was never subscribed"));
    }
}

/// What is wrong with the board, which says `truth` in the end.
pub fn check_board(puts: &[Put], views: &[BoardView], truth: u64) -> Vec<String> {
    let mut wrong = Vec::new();
    let last = puts
        .iter()
        .rfind(|put| matches!(put.outcome, Outcome::Acknowledged(_)))
        .map_or(0, |put| put.number);
    let put = |number: u64| puts.iter().find(|put| put.number == number);
    let may_be_after = |before: u64, now: u64| {
        put(before)
            .zip(put(now))
            .is_some_and(|(before, now)| may_follow(before, now))
    };
    if truth != last && !may_be_after(last, truth) {
        wrong.push(format!(
            "the board says {truth}, but {last} was acknowledged last: {:?} after {:?}",
            put(truth),
            put(last)
        ));
    }
    for (reader, view) in views.iter().enumerate() {
        if view.number != Some(truth) || view.unreadable > 0 {
            wrong.push(format!(
                "reader {reader} sees {view:?} on the board, not {truth}"
            ));
        }
        for (before, now) in &view.backwards {
            if !may_be_after(*before, *now) {
                wrong.push(format!(
                    "reader {reader} saw {now} on the board after {before}: {:?} after {:?}",
                    put(*now),
                    put(*before)
                ));
            }
        }
    }
    wrong
}

/// Whether what was asked for earlier may be done later: on a network that holds it back, after its writer gave up that
/// session and asked for something else in another one. Nobody has promised the writer anything then. The client's tests with
/// a broker show it in virtual time, and that a constraint on the value prevents it.
///
/// Within a session, and of what was acknowledged or refused, there is no such excuse.
fn may_follow(asked_later: &Put, asked_earlier: &Put) -> bool {
    asked_earlier.outcome == Outcome::Unknown && asked_earlier.asked_in < asked_later.answered_in
}

/// The newest event of each writer.
pub fn newest(events: &[Seen]) -> BTreeMap<usize, &Seen> {
    events.iter().map(|seen| (seen.mark.writer, seen)).collect()
}

/// The messages as a chat shows them: one of each, at the place of its first copy.
pub fn shown(events: &[Seen]) -> Vec<(usize, u64)> {
    let mut known = BTreeSet::new();
    events
        .iter()
        .map(|seen| (seen.mark.writer, seen.mark.message))
        .filter(|message| known.insert(*message))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(message: u64, attempt: u32) -> Mark {
        Mark {
            writer: 0,
            message,
            attempt,
        }
    }

    fn truth(marks: &[(u64, u32)]) -> Vec<Seen> {
        (0..)
            .zip(marks)
            .map(|(sequence, (message, attempt))| Seen {
                sequence,
                mark: mark(*message, *attempt),
            })
            .collect()
    }

    fn ledger(outcomes: &[(u64, u32, Outcome)], subscriptions: &[Vec<Seen>]) -> Ledger {
        Ledger {
            attempts: outcomes
                .iter()
                .map(|(message, attempt, outcome)| Attempt {
                    mark: mark(*message, *attempt),
                    session: 0,
                    outcome: *outcome,
                })
                .collect(),
            readers: vec![Reader {
                subscriptions: subscriptions.to_vec(),
            }],
            serial: BTreeSet::from([0]),
        }
    }

    use Outcome::{Acknowledged, NotDone, Unknown};

    #[test]
    fn what_fits_is_not_complained_of() {
        let truth = truth(&[(0, 0), (1, 0), (1, 1)]);
        let outcomes = [
            (0, 0, Acknowledged(0)),
            (1, 0, Unknown),
            (1, 1, Acknowledged(2)),
            (2, 0, NotDone),
            (2, 1, Unknown),
        ];
        let ledger = ledger(&outcomes, &[truth[..1].to_vec(), truth.clone()]);
        assert_eq!(ledger.check(&truth), Findings::default());
        assert_eq!(shown(&truth), [(0, 0), (0, 1)]);
    }

    #[test]
    fn a_lost_message_is_found() {
        let truth = truth(&[(0, 0)]);
        let outcomes = [(0, 0, Acknowledged(0)), (1, 0, Acknowledged(1))];
        let found = ledger(&outcomes, std::slice::from_ref(&truth)).check(&truth);
        assert_eq!((found.lost.len(), found.wrong.len()), (1, 0), "{found:?}");
        let found = ledger(&outcomes[..1], &[truth.clone(), vec![]]).check(&truth);
        assert_eq!((found.lost.len(), found.wrong.len()), (1, 0), "{found:?}");
    }

    #[test]
    fn a_doubled_message_is_found() {
        let twice = truth(&[(0, 0), (0, 0)]);
        let outcomes = [(0, 0, Acknowledged(0))];
        let found = ledger(&outcomes, std::slice::from_ref(&twice)).check(&twice);
        assert_eq!(found.doubled.len(), 1, "{found:?}");
        let once = truth(&[(0, 0)]);
        let found = ledger(&outcomes, &[[once.clone(), once.clone()].concat()]).check(&once);
        assert_eq!(found.doubled.len(), 1, "{found:?}");
    }

    #[test]
    fn what_should_not_be_there_is_found() {
        let truth = truth(&[(0, 0), (7, 0)]);
        let outcomes = [(0, 0, NotDone)];
        let found = ledger(&outcomes, std::slice::from_ref(&truth)).check(&truth);
        assert_eq!(found.wrong.len(), 2, "{found:?}");
    }

    #[test]
    fn disorder_is_found() {
        let truth = truth(&[(1, 0), (0, 0)]);
        let outcomes = [(0, 0, Acknowledged(1)), (1, 0, Acknowledged(0))];
        let swapped = vec![truth[1].clone(), truth[0].clone()];
        let found = ledger(&outcomes, &[swapped]).check(&truth);
        assert_eq!(found.wrong.len(), 3, "{found:?}");
    }

    /// One, two and three on the board, the second with this outcome, the third in another session.
    fn puts(second: Outcome) -> Vec<Put> {
        let put = |number, session, outcome| Put {
            number,
            asked_in: session,
            answered_in: session,
            outcome,
        };
        vec![
            put(1, 0, Outcome::Acknowledged(1)),
            put(2, 0, second),
            put(3, 1, Outcome::Acknowledged(3)),
        ]
    }

    #[test]
    fn a_board_that_says_what_was_acknowledged_last_is_right() {
        let view = BoardView {
            number: Some(3),
            ..BoardView::default()
        };
        let wrong = check_board(&puts(Outcome::NotDone), &[view], 3);
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn a_board_that_goes_back_is_wrong_but_for_what_a_lost_session_had_asked_for() {
        let view = |backwards| BoardView {
            number: Some(3),
            backwards,
            unreadable: 0,
        };
        let late = || [view(vec![(3, 2)])];
        assert!(check_board(&puts(Outcome::Unknown), &late(), 3).is_empty());
        for second in [Outcome::Acknowledged(2), Outcome::NotDone] {
            assert_eq!(check_board(&puts(second), &late(), 3).len(), 1);
        }
        // In the session of its own, and what nobody has put there.
        let mut same = puts(Outcome::Unknown);
        same[2].answered_in = 0;
        assert_eq!(check_board(&same, &late(), 3).len(), 1);
        let twice = [view(vec![(3, 3)]), view(vec![(9, 1)])];
        assert_eq!(check_board(&puts(Outcome::Unknown), &twice, 3).len(), 2);
    }

    #[test]
    fn a_board_may_end_with_what_a_lost_session_had_asked_for() {
        let view = |number| BoardView {
            number: Some(number),
            ..BoardView::default()
        };
        assert!(check_board(&puts(Outcome::Unknown), &[view(2)], 2).is_empty());
        for second in [Outcome::Acknowledged(2), Outcome::NotDone] {
            assert_eq!(check_board(&puts(second), &[view(2)], 2).len(), 1);
        }
        // In the session of its own, and what nobody has put there.
        let mut same = puts(Outcome::Unknown);
        same[2].answered_in = 0;
        assert_eq!(check_board(&same, &[view(2)], 2).len(), 1);
        assert_eq!(check_board(&puts(Outcome::Unknown), &[view(7)], 7).len(), 1);
    }

    #[test]
    fn a_board_that_says_something_else_is_wrong() {
        let view = BoardView {
            number: Some(2),
            ..BoardView::default()
        };
        let puts = puts(Outcome::NotDone);
        assert_eq!(check_board(&puts, std::slice::from_ref(&view), 3).len(), 1);
        assert_eq!(check_board(&puts, &[view], 2).len(), 1);
        let unread = BoardView {
            number: Some(3),
            unreadable: 1,
            ..BoardView::default()
        };
        assert_eq!(check_board(&puts, &[unread], 3).len(), 1);
    }
}
