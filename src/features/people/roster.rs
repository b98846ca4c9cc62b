//! Who is in a room. All sessions with the same principal and name are one person.

use crate::i18n::letters::lower;
use effusion_chat::MemberCard;

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

    /// Forgets the sessions that are not to be kept. True if there were some.
    pub fn keep(&mut self, is_kept: impl Fn(&str) -> bool) -> bool {
        let before = self.members.len();
        self.members.retain(|it| is_kept(&it.session));
        self.members.len() != before
    }

    /// Whether somebody with this name and account is here.
    pub fn includes(&self, name: &str, principal: &str) -> bool {
        let mut cards = self.members.iter().map(|member| &member.card);
        cards.any(|card| card.name == name && card.principal == principal)
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
                continue;
            }
            let person = Person {
                name: card.name.clone(),
                principal: card.principal.clone(),
                away: card.away,
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

    /// When the first of those who are typing have been at it for too long.
    pub fn typing_due(&self) -> Option<i64> {
        let typing = self.members.iter().filter(|it| it.card.typing);
        typing.map(|it| it.typing_since + TYPING_TIMEOUT).min()
    }

    /// Names and principals of the others who are typing.
    pub fn typing(&self, name: &str, principal: &str) -> Vec<(String, String)> {
        let cards = self.members.iter().map(|it| &it.card);
        let others = cards.filter(|it| it.typing && (it.name != name || it.principal != principal));
        let person = |it: &MemberCard| (it.name.clone(), it.principal.clone());
        let mut persons: Vec<_> = others.map(person).collect();
        persons.sort_unstable();
        persons.dedup();
        persons
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

    fn names(people: &People) -> Vec<String> {
        people.persons().into_iter().map(|it| it.name).collect()
    }

    #[test]
    fn sessions_of_one_person_are_one() {
        let mut people = People::default();
        assert!(people.put("1", card("bob"), 0));
        assert!(people.put("2", card("Ann"), 0));
        assert!(people.put("3", card("bob"), 0));
        assert!(!people.put("3", card("bob"), 0));
        assert_eq!(names(&people), ["Ann", "bob"]);
        // The same name of another principal is somebody else.
        let other = MemberCard {
            principal: "eve".to_owned(),
            ..card("bob")
        };
        people.put("4", other, 0);
        assert_eq!(people.count(), 3);
        assert_eq!(people.sessions("bob", "user"), ["1", "3"]);
        people.keep(|session| session != "1" && session != "3");
        assert_eq!(names(&people), ["Ann", "bob"]);
        assert!(!people.keep(|_| true));
        assert!(people.keep(|session| session == "2"));
        assert_eq!(names(&people), ["Ann"]);
        assert!(people.keep(|_| false));
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
        assert_eq!(people.typing_due(), Some(21_000));
        let names = |people: &People| -> Vec<String> {
            let typing = people.typing("Me", "user").into_iter();
            typing.map(|(name, _)| name).collect()
        };
        assert_eq!(names(&people), ["Ann", "Bob"]);
        people.put("1", typing("Bob"), 20_000);
        assert!(people.expire_typing(21_000));
        assert_eq!(names(&people), ["Ann"]);
        assert_eq!(people.typing_due(), Some(25_000));
        people.put("1", card("Bob"), 21_000);
        people.put("1", typing("Bob"), 21_000);
        assert!(!people.expire_typing(21_001));
        assert_eq!(names(&people), ["Ann", "Bob"]);
        // Another account is another person, whatever its name; so is one that goes by the reader's.
        for (session, name) in [("4", "Bob"), ("5", "Me")] {
            let other = MemberCard {
                principal: "eve".to_owned(),
                ..typing(name)
            };
            people.put(session, other, 21_001);
        }
        assert_eq!(names(&people), ["Ann", "Bob", "Bob", "Me"]);
    }
}
