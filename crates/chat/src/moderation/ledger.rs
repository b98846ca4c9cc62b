//! What the log comes to: who is kept from where at present, and what is to be given back.

use std::collections::BTreeMap;

use super::log::{Deed, LogEntry};
use super::rights::Withdrawn;
use crate::RoomName;

/// The entries of the log, by their sequence, and what they come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    entries: BTreeMap<u64, LogEntry>,
}

impl Ledger {
    /// Takes in an event of the log.
    pub fn add(&mut self, sequence: u64, entry: LogEntry) {
        self.entries.insert(sequence, entry);
    }

    /// The log is another one: forgets what was in it.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    /// One entry.
    #[must_use]
    pub fn entry(&self, sequence: u64) -> Option<&LogEntry> {
        self.entries.get(&sequence)
    }

    /// All entries from the oldest on.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = (u64, &LogEntry)> {
        self.entries
            .iter()
            .map(|(sequence, entry)| (*sequence, entry))
    }

    /// Whether an entry was undone.
    #[must_use]
    pub fn is_undone(&self, sequence: u64) -> bool {
        // What undoes comes later.
        self.entries
            .range(sequence..)
            .any(|(_, entry)| entry.deed == Deed::Undone && entry.of == Some(sequence))
    }

    /// Which rooms a principal is kept from, and how, each named once.
    #[must_use]
    pub fn restrictions(&self, principal: &str) -> Vec<(RoomName, Withdrawn)> {
        let mut rooms: BTreeMap<RoomName, Withdrawn> = BTreeMap::new();
        for (_, entry) in self.in_force(principal) {
            let withdrawn = match entry.deed {
                Deed::Removed => Withdrawn::Reading,
                Deed::Muted => Withdrawn::Writing,
                _ => continue,
            };
            if let Some(room) = &entry.room {
                let known = rooms.entry(room.clone()).or_insert(withdrawn);
                if withdrawn == Withdrawn::Reading {
                    *known = withdrawn;
                }
            }
        }
        rooms.into_iter().collect()
    }

    /// Whether a principal has lost all its roles.
    #[must_use]
    pub fn is_locked(&self, principal: &str) -> bool {
        self.in_force(principal)
            .any(|(_, entry)| entry.deed == Deed::Locked)
    }

    /// The roles that a principal had before anything was taken from it. None if nothing is.
    #[must_use]
    pub fn roles_before<'a>(&'a self, principal: &'a str) -> Option<&'a [String]> {
        self.in_force(principal)
            .find_map(|(_, entry)| entry.roles.as_deref())
    }

    /// The rooms that a principal was ever kept from: those where a lifted restriction has to be taken out.
    #[must_use]
    pub fn rooms_of(&self, principal: &str) -> Vec<RoomName> {
        let rooms = self.entries.values().filter(|entry| {
            entry.principal == principal && matches!(entry.deed, Deed::Muted | Deed::Removed)
        });
        let mut rooms: Vec<_> = rooms.filter_map(|entry| entry.room.clone()).collect();
        rooms.sort_unstable();
        rooms.dedup();
        rooms
    }

    /// The principals that something is taken from at present.
    #[must_use]
    pub fn restricted(&self) -> Vec<String> {
        let mut principals: Vec<_> = self
            .entries
            .iter()
            .filter(|(sequence, entry)| takes_rights(entry) && !self.is_undone(**sequence))
            .map(|(_, entry)| entry.principal.clone())
            .collect();
        principals.sort_unstable();
        principals.dedup();
        principals
    }

    /// What has come to its end by a time, in milliseconds since 1970, and is still in force.
    #[must_use]
    pub fn due(&self, now: i64) -> Vec<u64> {
        let ended = self.timed().filter(|(_, until)| *until <= now);
        ended.map(|(sequence, _)| sequence).collect()
    }

    /// When the first of what is in force comes to its end, in milliseconds since 1970; none if nothing ends by itself.
    #[must_use]
    pub fn next_due(&self) -> Option<i64> {
        self.timed().map(|(_, until)| until).min()
    }

    /// What is in force until some time, by its sequence.
    fn timed(&self) -> impl Iterator<Item = (u64, i64)> {
        self.entries().filter_map(|(sequence, entry)| {
            let until = entry.until.filter(|_| takes_rights(entry))?;
            (!self.is_undone(sequence)).then_some((sequence, until))
        })
    }

    fn in_force<'a>(&'a self, principal: &'a str) -> impl Iterator<Item = (u64, &'a LogEntry)> {
        self.entries().filter(move |(sequence, entry)| {
            takes_rights(entry) && entry.principal == principal && !self.is_undone(*sequence)
        })
    }
}

fn takes_rights(entry: &LogEntry) -> bool {
    matches!(entry.deed, Deed::Muted | Deed::Removed | Deed::Locked)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    fn room(name: &str) -> RoomName {
        RoomName::parse(name).unwrap()
    }

    fn taken(deed: Deed, place: &str, roles: &[&str], until: Option<i64>) -> LogEntry {
        LogEntry {
            room: Some(room(place)),
            roles: Some(roles.iter().map(|role| (*role).to_owned()).collect()),
            until,
            ..LogEntry::new(deed, "ann", "heck".to_owned())
        }
    }

    fn undone(of: u64) -> LogEntry {
        LogEntry {
            of: Some(of),
            ..LogEntry::new(Deed::Undone, "ann", String::new())
        }
    }

    #[test]
    fn restrictions_add_up_and_are_lifted_one_by_one() {
        let mut ledger = Ledger::default();
        ledger.add(
            1,
            taken(Deed::Muted, "red", &["CLIENT", "TOPIC_CONTROL"], None),
        );
        ledger.add(2, taken(Deed::Removed, "red", &["Muted ann"], Some(50)));
        ledger.add(3, taken(Deed::Muted, "blue", &["Muted ann"], None));
        ledger.add(4, LogEntry::new(Deed::Warned, "bob", String::new()));
        assert_eq!(
            ledger.restrictions("ann"),
            [
                (room("blue"), Withdrawn::Writing),
                (room("red"), Withdrawn::Reading)
            ]
        );
        assert_eq!(
            ledger.roles_before("ann").unwrap(),
            ["CLIENT", "TOPIC_CONTROL"]
        );
        assert_eq!(ledger.restricted(), ["ann"]);
        assert_eq!((ledger.due(49), ledger.due(50)), (vec![], vec![2]));
        assert_eq!(ledger.next_due(), Some(50));
        ledger.add(5, undone(2));
        assert_eq!((ledger.due(50), ledger.next_due()), (vec![], None));
        assert_eq!(
            ledger.restrictions("ann"),
            [
                (room("blue"), Withdrawn::Writing),
                (room("red"), Withdrawn::Writing)
            ]
        );
        ledger.add(6, undone(1));
        ledger.add(7, undone(3));
        assert_eq!(ledger.restrictions("ann"), []);
        assert_eq!(ledger.roles_before("ann"), None);
        assert_eq!(ledger.rooms_of("ann"), [room("blue"), room("red")]);
        assert_eq!(ledger.restricted(), Vec::<String>::new());
        assert_eq!(ledger.restrictions("bob"), []);
    }

    #[test]
    fn a_lock_is_in_force_until_it_is_undone() {
        let mut ledger = Ledger::default();
        let lock = LogEntry {
            roles: Some(vec!["CLIENT".to_owned()]),
            ..LogEntry::new(Deed::Locked, "ann", String::new())
        };
        ledger.add(1, lock);
        assert!(ledger.is_locked("ann") && !ledger.is_locked("bob"));
        ledger.add(2, undone(1));
        assert!(!ledger.is_locked("ann"));
    }
}
