//! Who is in a room. All sessions with the same principal and name are one person.

use crate::i18n::letters::lower;
use effusion_chat::{MemberCard, Target};

/// How long somebody counts as typing, in milliseconds. A connection can be lost before the service notices.
const TYPING_TIMEOUT: i64 = 20_000;

/// A session in the room.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    session: String,
    card: MemberCard,
    /// When it began to type, by this browser's clock.
    typing_since: i64,
}

/// Whether the reader can see the list, and is on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// Not known yet.
    #[default]
    Unknown,
    /// The reader is on the list.
    Listed,
    /// The reader sees the list, but may not be on it.
    Unlisted,
    /// The reader may not see the list.
    Hidden,
}

/// A person in a room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Person {
    /// The display name.
    pub name: String,
    /// The principal, according to the session; empty if anonymous.
    pub principal: String,
    /// Whether all windows are out of sight or idle.
    pub away: bool,
    /// The number of sessions.
    pub windows: usize,
}

/// The people in a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    members: Vec<Member>,
    /// Whether the reader can see the list, and is on it.
    pub listing: Listing,
}

impl People {
    /// Adds or updates a session. Returns whether that changes anything.
    pub fn put(&mut self, session: &str, card: MemberCard, now: i64) -> bool {
        match self.members.iter_mut().find(|it| it.session == session) {
            Some(known) => {
                let changed = known.card != card;
                if card.typing && !known.card.typing {
                    known.typing_since = now;
                }
                known.card = card;
                changed
            }
            None => {
                self.members.push(Member {
                    session: session.to_owned(),
                    card,
                    typing_since: now,
                });
                true
            }
        }
    }

    /// Removes a session.
    pub fn remove(&mut self, session: &str) {
        self.members.retain(|it| it.session != session);
    }

    /// Removes all sessions.
    pub fn clear(&mut self) {
        self.members.clear();
    }

    /// The people, sorted by name.
    pub fn persons(&self) -> Vec<Person> {
        let mut persons: Vec<Person> = Vec::new();
        for Member { card, .. } in &self.members {
            let known = persons
                .iter_mut()
                .find(|it| it.name == card.name && it.principal == card.principal);
            if let Some(known) = known {
                known.away &= card.away;
                known.windows += 1;
                continue;
            }
            let person = Person {
                name: card.name.clone(),
                principal: card.principal.clone(),
                away: card.away,
                windows: 1,
            };
            let order = |it: &Person| (lower(&it.name), it.principal.clone());
            let place = persons.partition_point(|it| order(it) <= order(&person));
            persons.insert(place, person);
        }
        persons
    }

    /// The sessions of a person.
    pub fn sessions(&self, name: &str, principal: &str) -> Vec<String> {
        let members = self.members.iter();
        members
            .filter(|it| it.card.name == name && it.card.principal == principal)
            .map(|it| it.session.clone())
            .collect()
    }

    /// How many people there are.
    pub fn count(&self) -> usize {
        self.persons().len()
    }

    /// Ends the typing of those who have been at it for too long. Returns whether there were any.
    pub fn expire_typing(&mut self, now: i64) -> bool {
        let mut any = false;
        for member in &mut self.members {
            if member.card.typing && now.saturating_sub(member.typing_since) >= TYPING_TIMEOUT {
                member.card.typing = false;
                any = true;
            }
        }
        any
    }

    /// The names of the others who are typing.
    pub fn typing(&self, name: &str, principal: &str) -> Vec<String> {
        self.named(name, principal, |it| it.card.typing)
    }

    /// The names of the others who have seen a message: `reaches` says whether a target is that message or a newer one.
    pub fn seen_by(
        &self,
        name: &str,
        principal: &str,
        reaches: impl Fn(Target) -> bool,
    ) -> Vec<String> {
        self.named(name, principal, |it| it.card.seen.is_some_and(&reaches))
    }

    fn named(&self, name: &str, principal: &str, is_one: impl Fn(&Member) -> bool) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for member in &self.members {
            let Member { card, .. } = member;
            let own = card.name == name && card.principal == principal;
            if !own && is_one(member) && !names.contains(&card.name) {
                let place = names.partition_point(|known| *known < card.name);
                names.insert(place, card.name.clone());
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(name: &str) -> MemberCard {
        MemberCard {
            name: name.to_owned(),
            principal: "user".to_owned(),
            ..MemberCard::default()
        }
    }

    fn names(people: &People) -> Vec<(String, usize)> {
        let persons = people.persons().into_iter();
        persons.map(|it| (it.name, it.windows)).collect()
    }

    #[test]
    fn sessions_of_one_person_are_one() {
        let mut people = People::default();
        assert!(people.put("1", card("bob"), 0));
        assert!(people.put("2", card("Ann"), 0));
        assert!(people.put("3", card("bob"), 0));
        assert!(!people.put("3", card("bob"), 0));
        assert_eq!(
            names(&people),
            [("Ann".to_owned(), 1), ("bob".to_owned(), 2)]
        );
        // The same name of another principal is somebody else.
        let other = MemberCard {
            principal: "eve".to_owned(),
            ..card("bob")
        };
        people.put("4", other, 0);
        assert_eq!(people.count(), 3);
        assert_eq!(people.sessions("bob", "user"), ["1", "3"]);
        people.remove("1");
        people.remove("3");
        assert_eq!(
            names(&people),
            [("Ann".to_owned(), 1), ("bob".to_owned(), 1)]
        );
        people.clear();
        assert_eq!(people.count(), 0);
    }

    #[test]
    fn somebody_is_away_if_every_window_is() {
        let mut people = People::default();
        let away = MemberCard {
            away: true,
            ..card("Ann")
        };
        people.put("1", away.clone(), 0);
        assert!(people.persons()[0].away);
        people.put("2", card("Ann"), 0);
        assert!(!people.persons()[0].away);
    }

    #[test]
    fn typing_ends_by_itself() {
        let mut people = People::default();
        let typing = |name| MemberCard {
            typing: true,
            ..card(name)
        };
        people.put("1", typing("Bob"), 1_000);
        people.put("2", typing("Ann"), 5_000);
        people.put("3", typing("Me"), 5_000);
        assert!(!people.expire_typing(6_000));
        assert_eq!(people.typing("Me", "user"), ["Ann", "Bob"]);
        people.put("1", typing("Bob"), 20_000);
        assert!(people.expire_typing(21_000));
        assert_eq!(people.typing("Me", "user"), ["Ann"]);
        people.put("1", card("Bob"), 21_000);
        people.put("1", typing("Bob"), 21_000);
        assert!(!people.expire_typing(21_001));
        assert_eq!(people.typing("Me", "user"), ["Ann", "Bob"]);
    }

    #[test]
    fn what_was_seen_reaches_back() {
        let mut people = People::default();
        let seen = |name, sequence| MemberCard {
            seen: Some(Target::Sequence(sequence)),
            ..card(name)
        };
        people.put("1", seen("Ann", 7), 0);
        people.put("2", seen("Bob", 4), 0);
        people.put("3", seen("Me", 9), 0);
        people.put("4", card("New"), 0);
        let by = |sequence| people.seen_by("Me", "user", |it| it >= Target::Sequence(sequence));
        assert_eq!(by(4), ["Ann", "Bob"]);
        assert_eq!(by(7), ["Ann"]);
        assert!(by(8).is_empty());
    }
}
