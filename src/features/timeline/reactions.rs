//! Who reacted how to which message.

use effusion_chat::{Reaction, Target};

/// One emoji below a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chip {
    /// The emoji.
    pub emoji: String,
    /// Who gave it, in that order.
    pub by: Vec<Who>,
}

/// Somebody who reacts. Of several with one account the name tells them apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The principal, for which the service vouches.
    pub principal: String,
    /// The name that it goes by.
    pub name: String,
}

impl Chip {
    /// Whether somebody has given it.
    pub fn is_by(&self, principal: &str, name: &str) -> bool {
        self.by
            .iter()
            .any(|who| who.principal == principal && who.name == name)
    }
}

/// How many emoji one message bears at most: whoever writes more to the topic is passed over.
const MAX_CHIPS: usize = 24;

/// The reactions of a room, as its events tell them.
#[derive(Debug, Default)]
pub struct Reactions {
    messages: Vec<(Target, Vec<Chip>)>,
    newest: Option<u64>,
}

impl Reactions {
    /// What stands below a message.
    pub fn of(&self, target: Target) -> &[Chip] {
        self.messages
            .iter()
            .rfind(|(known, _)| *known == target)
            .map_or(&[], |(_, chips)| chips)
    }

    /// Takes an event in: its place in the series, its author, its value. Events come in order, some of them again after a
    /// new subscription. Answers the message that looks different now.
    pub fn take(&mut self, sequence: u64, author: &str, reaction: Reaction) -> Option<Target> {
        if self.newest.is_some_and(|newest| sequence <= newest) {
            return None;
        }
        self.newest = Some(sequence);
        let (to, emoji, given) = (reaction.to, reaction.emoji, reaction.given);
        let who = Who {
            principal: author.to_owned(),
            name: reaction.name,
        };
        let place = match self.messages.iter().rposition(|(known, _)| *known == to) {
            Some(place) => place,
            None if given => {
                self.messages.push((to, Vec::new()));
                self.messages.len() - 1
            }
            None => return None,
        };
        let (_, chips) = self.messages.get_mut(place)?;
        let known = chips.iter().position(|chip| chip.emoji == emoji);
        match (known, given) {
            (Some(chip), true) if chips[chip].by.contains(&who) => return None,
            (Some(chip), true) => chips[chip].by.push(who),
            (None, true) if chips.len() < MAX_CHIPS => chips.push(Chip {
                emoji,
                by: vec![who],
            }),
            (Some(chip), false) => {
                chips[chip].by.retain(|other| *other != who);
                chips.retain(|chip| !chip.by.is_empty());
            }
            (None, _) => return None,
        }
        Some(to)
    }

    /// The series is another one.
    pub fn start_anew(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaction(to: u64, emoji: &str, name: &str, given: bool) -> Reaction {
        Reaction {
            to: Target::Sequence(to),
            emoji: emoji.to_owned(),
            name: name.to_owned(),
            given,
        }
    }

    /// What stands below a message: each emoji, and who gave it.
    fn shown(reactions: &Reactions, to: u64) -> String {
        let chips = reactions.of(Target::Sequence(to)).iter().map(|chip| {
            let names: Vec<_> = chip.by.iter().map(|who| who.name.as_str()).collect();
            [&chip.emoji, " ", &names.join(" ")].concat()
        });
        chips.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn reactions_are_counted_by_who_gave_them() {
        let mut reactions = Reactions::default();
        reactions.take(0, "user", reaction(7, "👍", "Ann", true));
        reactions.take(1, "user", reaction(7, "👍", "Bob", true));
        reactions.take(2, "user", reaction(7, "❤️", "Ann", true));
        let again = reactions.take(3, "user", reaction(7, "👍", "Ann", true));
        assert_eq!(again, None, "given already");
        assert_eq!(shown(&reactions, 7), "👍 Ann Bob, ❤️ Ann");
        assert!(reactions.of(Target::Sequence(7))[0].is_by("user", "Bob"));
        assert!(!reactions.of(Target::Sequence(7))[0].is_by("other", "Bob"));
        assert_eq!(shown(&reactions, 8), "");
    }

    #[test]
    fn what_is_taken_back_goes() {
        let mut reactions = Reactions::default();
        reactions.take(0, "user", reaction(7, "👍", "Ann", true));
        reactions.take(1, "user", reaction(7, "👍", "Bob", true));
        let target = reactions.take(2, "eve", reaction(7, "👍", "Ann", false));
        assert_eq!(target, Some(Target::Sequence(7)));
        let both = "👍 Ann Bob";
        let rule = "nobody takes back what another principal gave";
        assert_eq!(shown(&reactions, 7), both, "{rule}");
        reactions.take(3, "user", reaction(7, "👍", "Ann", false));
        assert_eq!(shown(&reactions, 7), "👍 Bob");
        reactions.take(4, "user", reaction(7, "👍", "Bob", false));
        assert_eq!(shown(&reactions, 7), "");
    }

    #[test]
    fn what_comes_again_counts_once() {
        let mut reactions = Reactions::default();
        let events = [true, false].map(|given| reaction(7, "👍", "Ann", given));
        for _ in 0..2 {
            for (sequence, event) in (0..).zip(&events) {
                reactions.take(sequence, "user", event.clone());
            }
            assert_eq!(shown(&reactions, 7), "");
        }
        reactions.start_anew();
        reactions.take(0, "user", events[0].clone());
        assert_eq!(shown(&reactions, 7), "👍 Ann");
    }

    #[test]
    fn a_message_bears_only_so_many() {
        let mut reactions = Reactions::default();
        for n in 0..100 {
            reactions.take(n, "eve", reaction(7, &n.to_string(), "Eve", true));
        }
        assert_eq!(reactions.of(Target::Sequence(7)).len(), MAX_CHIPS);
    }
}
