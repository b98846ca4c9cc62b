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
}
