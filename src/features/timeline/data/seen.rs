//! Who has seen what. It stays seen when they have gone.

use super::Timeline;
use effusion_chat::Target;

/// Of so many people it is remembered what they have seen.
const MAX_PEOPLE: usize = 1_000;

/// The newest message that somebody has seen.
#[derive(Debug)]
pub(super) struct Seen {
    name: u32,
    account: u32,
    newest: Target,
}

impl Timeline {
    /// Somebody has seen all up to a message.
    pub fn note_seen(&mut self, name: &str, account: &str, newest: Target) {
        let (name, account) = (self.names.number(name), self.names.number(account));
        let is_whose = |it: &Seen| it.name == name && it.account == account;
        match self.seen.iter().position(is_whose) {
            Some(place) if self.is_older(newest, self.seen[place].newest) => {}
            Some(place) => self.seen[place].newest = newest,
            None if self.seen.len() < MAX_PEOPLE => self.seen.push(Seen {
                name,
                account,
                newest,
            }),
            None => {}
        }
    }

    /// Nobody goes by this name any more: whoever has seen what they have goes by another one.
    pub fn forget_seen(&mut self, name: &str, account: &str) {
        let names = &self.names;
        self.seen
            .retain(|it| names.get(it.name) != name || names.get(it.account) != account);
    }

    /// Whether a message is before another one, as another window of the same person can say. What is not here is about to come.
    fn is_older(&self, target: Target, known: Target) -> bool {
        match (target, known) {
            (Target::Sequence(target), Target::Sequence(known)) => target < known,
            _ => self
                .find(target)
                .is_some_and(|it| Some(it) < self.find(known)),
        }
    }

    /// Names and accounts of those, but for the reader, who have seen the message of this rank or a later one, in their order.
    pub fn seen_by(&self, rank: u64) -> Vec<(String, String)> {
        let has_seen = |it: &&Seen| match it.newest {
            Target::Sequence(seen) => super::sequence_of(rank).is_some_and(|own| own <= seen),
            Target::Id(_) => self.find(it.newest).is_some_and(|seen| rank <= seen),
        };
        let person = |it: &Seen| {
            let (name, account) = (self.names.get(it.name), self.names.get(it.account));
            (name.to_owned(), account.to_owned())
        };
        let mut people: Vec<_> = self.seen.iter().filter(has_seen).map(person).collect();
        people.retain(|(name, account)| {
            *name != self.reader.name || *account != self.reader.principal
        });
        people.sort_unstable();
        people
    }
}
