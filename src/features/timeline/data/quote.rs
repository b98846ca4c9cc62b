//! What a reply quotes, held against what its original says now: nobody can put words into another's mouth.

use super::{Sender, Timeline, sequence_of};
use crate::features::timeline::prose::excerpt;
use crate::ui::identity::{hue, revealed};
use effusion_chat::{Reply, Target};

/// How what a reply quotes compares with its original.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoted {
    /// The original says so.
    True,
    /// The original was edited since, and this is what it says now.
    Edited,
    /// A moderator has edited the original, and this is what it says now.
    Moderated,
    /// The original was deleted.
    Deleted,
    /// The reply quoted something else; this is what the original says.
    Misquoted,
    /// The original is not loaded: this is what the reply says that it says.
    NotLoaded,
    /// There is no original, or none any more: this is what the reply says that it said.
    Missing,
}

/// What is shown of the message that a reply answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The message.
    pub to: Target,
    /// Its author's name.
    pub name: String,
    /// How the author is told from others.
    pub sender: Sender,
    /// How it begins.
    pub text: String,
    /// How that compares with what the reply quotes.
    pub state: Quoted,
}

impl Quote {
    /// The author's name, with the account where others have one that looks the same.
    pub fn label(&self) -> String {
        self.sender.label(&self.name)
    }

    /// The name by which files tell of anything but a true quote.
    pub fn remark(&self) -> Option<&'static str> {
        match self.state {
            Quoted::True => None,
            Quoted::Edited => Some("edited since"),
            Quoted::Moderated => Some("edited by a moderator"),
            Quoted::Deleted => Some("deleted"),
            Quoted::Misquoted => Some("misquoted"),
            Quoted::NotLoaded => Some("not loaded"),
            Quoted::Missing => Some("not found"),
        }
    }
}

impl Timeline {
    /// What a reply quotes, as its original says it now. `rank` is that of the reply, if it is a message already.
    pub fn quote(&self, reply: &Reply, rank: Option<u64>) -> Quote {
        let claimed = |state| Quote {
            to: reply.to,
            name: revealed(&reply.name),
            sender: Sender {
                account: None,
                hue: hue(&reply.name),
            },
            // Other pages quote what was written, marks and all.
            text: excerpt(&reply.text, Reply::EXCERPT),
            state,
        };
        // Nobody answers what was not said yet.
        let is_later = match (reply.to, rank.and_then(sequence_of)) {
            (Target::Sequence(to), Some(own)) => to >= own,
            _ => false,
        };
        let original = (!is_later).then(|| self.original(reply)).flatten();
        let Some(original) = original else {
            let is_missing = is_later || self.is_known_missing(reply.to);
            return claimed(if is_missing {
                Quoted::Missing
            } else {
                Quoted::NotLoaded
            });
        };
        let message = original.message(&self.names);
        let text = excerpt(&message.text, Reply::EXCERPT);
        let is_same_name = self.between_two || message.name == revealed(&reply.name);
        let is_same_text = claims(&reply.text, &message.text);
        let state = if message.deleted {
            Quoted::Deleted
        } else if is_same_name && is_same_text {
            Quoted::True
        } else if !is_same_name || original.edited().is_none() {
            Quoted::Misquoted
        } else if message.bleeped {
            Quoted::Moderated
        } else {
            Quoted::Edited
        };
        Quote {
            to: reply.to,
            sender: self.sender_of(original),
            name: message.name,
            text,
            state,
        }
    }

    /// The same reply, with what its original says now.
    pub fn requoted(&self, reply: Reply) -> Reply {
        let Quote { name, text, .. } = self.quote(&reply, None);
        Reply {
            name,
            text,
            ..reply
        }
    }

    /// A query has not found this message: the service does not have it.
    pub fn note_missing(&mut self, target: Target) {
        if !self.missing.contains(&target) {
            self.missing.push(target);
            self.changed = true;
        }
    }

    fn original(&self, reply: &Reply) -> Option<&super::Stored> {
        let named = |id| self.find_id(id, self.names.find(&reply.name)?);
        let place = match reply.to {
            Target::Sequence(sequence) => self.find_sequence(sequence)?.1,
            // In a live room two people can call their messages the same.
            Target::Id(id) => named(id).or_else(|| self.find_any(id))?,
        };
        self.items.get(place)
    }

    /// Whether a message is not here though all around its place in the series is, or a query has not found it.
    fn is_known_missing(&self, target: Target) -> bool {
        if self.missing.contains(&target) {
            return true;
        }
        let Target::Sequence(sequence) = target else {
            return false;
        };
        let place = self.place_of_rank(sequence);
        match self.rank_at(place).and_then(sequence_of) {
            Some(_) if place == 0 => self.is_from_start,
            Some(_) => !self.has(place, super::GAP),
            None => false,
        }
    }
}

/// Whether a quote is of this text: the same words, or as many of its first ones as were quoted.
fn claims(quoted: &str, text: &str) -> bool {
    let short = excerpt(quoted, Reply::EXCERPT);
    let long = excerpt(text, Reply::EXCERPT);
    // Who quotes may cut elsewhere, but has to say so.
    let cut = short.strip_suffix('…');
    short == long || cut.is_some_and(|begin| !begin.is_empty() && long.starts_with(begin))
}
