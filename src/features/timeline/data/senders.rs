//! Who goes by which name: two people with names that look the same are told apart by their accounts.

use std::ops::Range;

use super::names::Names;
use crate::ui::identity::{ascii_look, claims_office, hue, is_like_system, is_mixed, spelled};

/// What a name is taken to look like if that cannot be found out.
const SYSTEM_LOOK: &str = "Systern";

/// How somebody is told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// What stands behind the name where others have one that looks the same: the account, empty where nobody knows it.
    pub account: Option<String>,
    /// The hue of the name.
    pub hue: u32,
}

impl Sender {
    /// The name, with what tells it from others.
    pub fn label(&self, name: &str) -> String {
        match self.account.as_deref() {
            None | Some("") => name.to_owned(),
            Some(account) => [name, " (", account, ")"].concat(),
        }
    }
}

/// Everybody who was seen in a room.
#[derive(Debug, Default)]
pub(super) struct Senders {
    /// Numbers of names and accounts, in the order of what the names look like.
    known: Vec<(String, (u32, u32))>,
    /// Numbers of names that are not of ASCII characters, in order, and what they look like if that is known.
    looks: Vec<(u32, Option<String>)>,
    /// Names whose look is to be found out.
    unjudged: Vec<u32>,
}

impl Senders {
    /// Somebody was seen. True if somebody else has to be told apart from now on.
    pub(super) fn note(&mut self, names: &Names, name: u32, account: u32) -> bool {
        if !names.get(name).is_ascii()
            && let Err(place) = self.place_of(name)
        {
            self.looks.insert(place, (name, None));
            self.unjudged.push(name);
        }
        let look = self.look(names, name);
        let alike = self.alike(&look);
        let mut known = self.known[alike.clone()].iter();
        let is_new = !known.any(|(_, pair)| *pair == (name, account));
        if is_new {
            self.known.insert(alike.end, (look, (name, account)));
        }
        is_new && !alike.is_empty()
    }

    /// Names whose look is to be found out; each is given away once.
    pub(super) fn take_unjudged(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.unjudged)
    }

    /// What a name looks like; where that cannot be found out, it is not trusted.
    pub(super) fn judge(&mut self, name: u32, look: Option<String>) {
        let Ok(place) = self.place_of(name) else {
            return;
        };
        let look = look.unwrap_or_else(|| SYSTEM_LOOK.to_owned());
        let is_it = |(_, pair): &mut (String, (u32, u32))| pair.0 == name;
        let moved: Vec<_> = self.known.extract_if(.., is_it).collect();
        for (_, pair) in moved {
            self.known
                .insert(self.alike(&look).end, (look.clone(), pair));
        }
        self.looks[place].1 = Some(look);
    }

    /// How somebody is told from others. Without an account, nobody knows it.
    pub(super) fn sender(&self, names: &Names, name: u32, account: Option<u32>) -> Sender {
        let text = names.get(name);
        let look = self.look(names, name);
        let known = &self.known[self.alike(&look)];
        let is_mixed = is_mixed(text, &look);
        let account = account.map_or("", |account| names.get(account));
        if known.len() < 2 && !is_mixed && !is_claimed(&look, account) {
            return Sender {
                account: None,
                hue: hue(text),
            };
        }
        let is_alone = known.iter().all(|(_, (other, _))| *other == name);
        let spelled = spelled(text);
        let shown = if is_alone && !is_mixed || spelled.is_empty() {
            account.to_owned()
        } else if account.is_empty() {
            spelled
        } else {
            [account, " · ", &spelled].concat()
        };
        Sender {
            account: Some(shown),
            hue: hue(&[text, "\n", account].concat()),
        }
    }

    /// What a name looks like, as far as it is known.
    fn look(&self, names: &Names, name: u32) -> String {
        let text = names.get(name);
        let found = || self.looks[self.place_of(name).ok()?].1.clone();
        ascii_look(text)
            .or_else(found)
            .unwrap_or_else(|| text.to_owned())
    }

    /// Where the look of a name is, or where it would be.
    fn place_of(&self, name: u32) -> Result<usize, usize> {
        self.looks.binary_search_by_key(&name, |(known, _)| *known)
    }

    /// Where those are whose names look like this.
    fn alike(&self, look: &str) -> Range<usize> {
        let start = self
            .known
            .partition_point(|(known, _)| known.as_str() < look);
        let alike = self.known[start..].partition_point(|(known, _)| known == look);
        start..start + alike
    }
}

/// Whether a name of this look says more of its bearer than the account does.
pub(super) fn is_claimed(look: &str, account: &str) -> bool {
    is_like_system(look) || claims_office(look, account)
}
