//! What the rules make of what is said: strikes, and what they lead to. No clock and no I/O: time and messages come in, actions
//! go out.

use std::collections::HashMap;

use super::rules::{Filter, Rules, RulesError};
use crate::{ChatMessage, RoomName, Target};

/// One minute, in milliseconds.
const MINUTE: i64 = 60_000;

/// A message as a moderator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Where.
    pub room: RoomName,
    /// Who, as the service says: the event's author. Empty where nobody can tell, as in a live room.
    pub principal: String,
    /// Which message, if it can be named; the value of a live room without an id cannot.
    pub target: Option<Target>,
    /// The message.
    pub message: ChatMessage,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Put another message in the place of one: by an edit of its event, or as the new value of a live room.
    Bleep {
        /// Where.
        room: RoomName,
        /// Which event; none in a live room.
        target: Option<Target>,
        /// What to put there.
        message: ChatMessage,
        /// The entries of the rules that were found.
        found: Vec<String>,
        /// Who said it; may be empty.
        principal: String,
    },
    /// Tell somebody in a direct message.
    Warn {
        /// Whom.
        principal: String,
        /// Where it was said.
        room: RoomName,
        /// How many strikes count now.
        strikes: u32,
    },
    /// Withdraw the right to write in a room.
    Mute {
        /// Whose.
        principal: String,
        /// Where.
        room: RoomName,
        /// When it ends, in milliseconds since 1970; none if it is to be undone by somebody.
        until: Option<i64>,
    },
    /// Withdraw the right to read in a room, too.
    Remove {
        /// Whose.
        principal: String,
        /// Where.
        room: RoomName,
        /// When it ends, in milliseconds since 1970; none if it is to be undone by somebody.
        until: Option<i64>,
    },
    /// Take all roles from a principal, and close its sessions.
    Lock {
        /// Whose.
        principal: String,
    },
}

/// Keeps watch over rooms.
#[derive(Debug)]
pub struct Watch {
    rules: Rules,
    filter: Filter,
    /// When each strike was given, by principal; sorted.
    strikes: HashMap<String, Vec<i64>>,
}

impl Watch {
    /// Keeps watch by these rules.
    ///
    /// # Errors
    /// As [`Rules::filter`].
    pub fn new(rules: Rules) -> Result<Self, RulesError> {
        Ok(Self {
            filter: rules.filter()?,
            rules,
            strikes: HashMap::new(),
        })
    }

    /// Goes on by other rules. Strikes stay.
    ///
    /// # Errors
    /// As [`Rules::filter`]; the rules are then as before.
    pub fn change_rules(&mut self, rules: Rules) -> Result<(), RulesError> {
        self.filter = rules.filter()?;
        self.rules = rules;
        Ok(())
    }

    /// The rules in force.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How many strikes of a principal count at a time, in milliseconds since 1970.
    #[must_use]
    pub fn strikes(&self, principal: &str, now: i64) -> u32 {
        let since = self.strikes_since(now);
        let strikes = self.strikes.get(principal);
        strikes.map_or(0, |times| {
            times.iter().filter(|time| **time > since).count() as u32
        })
    }

    /// Takes a strike back, as when what a moderator did is undone.
    pub fn forgive(&mut self, principal: &str) {
        self.strikes.remove(principal);
    }

    /// Looks at a message that was said before anybody kept watch: it is bleeped, but nobody gets a strike for it.
    #[must_use]
    pub fn look_back(&self, said: &Said) -> Option<Action> {
        if said.message.deleted || self.rules.exempt.contains(&said.principal) {
            return None;
        }
        let bleeped = self.filter.check(&said.message.text)?;
        Some(Action::Bleep {
            room: said.room.clone(),
            target: said.target,
            message: ChatMessage {
                text: bleeped.text,
                bleeped: true,
                ..said.message.clone()
            },
            found: bleeped.found,
            principal: said.principal.clone(),
        })
    }

    /// Looks at a message at a time, in milliseconds since 1970.
    pub fn see(&mut self, said: &Said, now: i64) -> Vec<Action> {
        let mut actions: Vec<_> = self.look_back(said).into_iter().collect();
        if !actions.is_empty() && !said.principal.is_empty() {
            self.strike(&said.principal, &said.room, now, &mut actions);
        }
        actions
    }

    fn strike(&mut self, principal: &str, room: &RoomName, now: i64, actions: &mut Vec<Action>) {
        let since = self.strikes_since(now);
        // Nobody's strikes are kept for longer than they count.
        self.strikes.retain(|_, times| {
            times.retain(|time| *time > since);
            !times.is_empty()
        });
        let times = self.strikes.entry(principal.to_owned()).or_default();
        times.push(now);
        let strikes = times.len() as u32;
        let principal = principal.to_owned();
        if self.rules.warn {
            actions.push(Action::Warn {
                principal: principal.clone(),
                room: room.clone(),
                strikes,
            });
        }
        let lasts = i64::from(self.rules.mute_lasts);
        let until = (lasts > 0).then(|| now.saturating_add(lasts * MINUTE));
        let reached = |after: u32| after > 0 && strikes >= after;
        // The hardest that applies; the softer ones are part of it.
        if reached(self.rules.lock_after) {
            actions.push(Action::Lock { principal });
        } else if reached(self.rules.remove_after) {
            actions.push(Action::Remove {
                principal,
                room: room.clone(),
                until,
            });
        } else if reached(self.rules.mute_after) {
            actions.push(Action::Mute {
                principal,
                room: room.clone(),
                until,
            });
        }
    }

    fn strikes_since(&self, now: i64) -> i64 {
        now.saturating_sub(i64::from(self.rules.strikes_last) * MINUTE)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    fn watch() -> Watch {
        Watch::new(Rules {
            words: vec!["heck".to_owned()],
            mute_after: 2,
            remove_after: 3,
            lock_after: 4,
            strikes_last: 10,
            mute_lasts: 5,
            exempt: vec!["boss".to_owned()],
            ..Rules::default()
        })
        .unwrap()
    }

    fn said(principal: &str, text: &str) -> Said {
        Said {
            room: RoomName::parse("red").unwrap(),
            principal: principal.to_owned(),
            target: Some(Target::Sequence(7)),
            message: ChatMessage {
                text: text.to_owned(),
                name: "Ann".to_owned(),
                ..ChatMessage::default()
            },
        }
    }

    fn last(actions: &[Action]) -> &'static str {
        match actions.last() {
            None => "nothing",
            Some(Action::Bleep { .. }) => "bleep",
            Some(Action::Warn { .. }) => "warn",
            Some(Action::Mute { .. }) => "mute",
            Some(Action::Remove { .. }) => "remove",
            Some(Action::Lock { .. }) => "lock",
        }
    }

    #[test]
    fn strikes_lead_from_a_warning_to_a_lock() {
        let mut watch = watch();
        let reactions: Vec<_> = (0..4)
            .map(|minute| last(&watch.see(&said("ann", "heck"), minute * MINUTE)))
            .collect();
        assert_eq!(reactions, ["warn", "mute", "remove", "lock"]);
        assert_eq!(watch.strikes("ann", 4 * MINUTE), 4);
        assert_eq!(last(&watch.see(&said("bob", "heck"), 4 * MINUTE)), "warn");
    }

    #[test]
    fn strikes_do_not_count_forever_and_can_be_forgiven() {
        let mut watch = watch();
        let _ = watch.see(&said("ann", "heck"), 0);
        assert_eq!(watch.strikes("ann", 10 * MINUTE), 0);
        assert_eq!(last(&watch.see(&said("ann", "heck"), 10 * MINUTE)), "warn");
        watch.forgive("ann");
        assert_eq!(last(&watch.see(&said("ann", "heck"), 11 * MINUTE)), "warn");
    }

    #[test]
    fn a_mute_ends_when_the_rules_say() {
        let mut watch = watch();
        let _ = watch.see(&said("ann", "heck"), 0);
        let actions = watch.see(&said("ann", "heck"), 1);
        assert_eq!(
            actions.last(),
            Some(&Action::Mute {
                principal: "ann".to_owned(),
                room: RoomName::parse("red").unwrap(),
                until: Some(1 + 5 * MINUTE),
            })
        );
    }

    #[test]
    fn the_message_stays_its_authors() {
        let mut watch = watch();
        let mut message = said("ann", "what the heck");
        message.message.id = Some(crate::MessageId::from_bits(5));
        let actions = watch.see(&message, 0);
        let Some(Action::Bleep {
            message: shown,
            target,
            found,
            ..
        }) = actions.first()
        else {
            unreachable!("{actions:?}")
        };
        assert_eq!(shown.text, "what the ████");
        assert_eq!((shown.name.as_str(), shown.bleeped), ("Ann", true));
        assert_eq!(shown.id, message.message.id);
        assert_eq!(
            (*target, found.as_slice()),
            (Some(Target::Sequence(7)), &["heck".to_owned()][..])
        );
        // What was put there is clean.
        let again = Said {
            message: shown.clone(),
            ..message
        };
        assert_eq!(watch.see(&again, 1), []);
    }

    #[test]
    fn some_are_not_judged() {
        let mut watch = watch();
        assert_eq!(watch.see(&said("boss", "heck"), 0), []);
        assert_eq!(watch.see(&said("ann", "hello"), 0), []);
        // Nobody to hold to account: the text goes all the same.
        for _ in 0..5 {
            assert_eq!(last(&watch.see(&said("", "heck"), 0)), "bleep");
        }
    }

    #[test]
    fn rules_that_cannot_be_used_leave_those_before() {
        let mut watch = watch();
        let bad = Rules {
            patterns: vec!["(".to_owned()],
            ..Rules::default()
        };
        assert!(watch.change_rules(bad).is_err());
        assert_eq!(last(&watch.see(&said("ann", "heck"), 0)), "warn");
    }
}
