//! Who goes by which name: two people with names that look the same are told apart by their accounts.

use std::collections::BTreeMap;

use super::names::Names;
use crate::ui::identity::{ascii_look, claims_office, hue, is_like_system, spelled};

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
    /// Numbers of names and accounts, by what the name looks like.
    known: BTreeMap<String, Vec<(u32, u32)>>,
    /// What names look like that are not of ASCII characters, and whether that is known.
    looks: BTreeMap<u32, Option<String>>,
    /// Names whose look is to be found out.
    unjudged: Vec<u32>,
}

impl Senders {
    /// Somebody was seen. True if somebody else has to be told apart from now on.
    pub(super) fn note(&mut self, names: &Names, name: u32, account: u32) -> bool {
        let text = names.get(name);
        if !text.is_ascii() && !self.looks.contains_key(&name) {
            self.looks.insert(name, None);
            self.unjudged.push(name);
        }
        let known = self.known.entry(look(&self.looks, name, text)).or_default();
        let is_new = !known.contains(&(name, account));
        if is_new {
            known.push((name, account));
        }
        is_new && known.len() > 1
    }

    /// Names whose look is to be found out; each is given away once.
    pub(super) fn take_unjudged(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.unjudged)
    }

    /// What a name looks like; where that cannot be found out, it is not trusted.
    pub(super) fn judge(&mut self, names: &Names, name: u32, look_found: Option<String>) {
        let before = look(&self.looks, name, names.get(name));
        let look = look_found.unwrap_or_else(|| SYSTEM_LOOK.to_owned());
        let mut moved = Vec::new();
        if let Some(known) = self.known.get_mut(&before) {
            known.retain(|pair| {
                let stays = pair.0 != name;
                if !stays {
                    moved.push(*pair);
                }
                stays
            });
        }
        self.known.entry(look.clone()).or_default().extend(moved);
        self.looks.insert(name, Some(look));
    }

    /// How somebody is told from others. Without an account, nobody knows it.
    pub(super) fn sender(&self, names: &Names, name: u32, account: Option<u32>) -> Sender {
        let text = names.get(name);
        let look = look(&self.looks, name, text);
        let known = self.known.get(&look).map_or(&[][..], Vec::as_slice);
        // Letters among others that are there only to look like them.
        let is_mixed =
            !text.is_ascii() && look.is_ascii() && text.contains(|c: char| c.is_ascii_alphabetic());
        let account = account.map_or("", |account| names.get(account));
        if known.len() < 2 && !is_mixed && !is_claimed(&look, account) {
            return Sender {
                account: None,
                hue: hue(text),
            };
        }
        let is_alone = known.iter().all(|(other, _)| *other == name);
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
}

/// Whether a name of this look says more of its bearer than the account does.
pub(super) fn is_claimed(look: &str, account: &str) -> bool {
    is_like_system(look) || claims_office(look, account)
}

/// What a name looks like, as far as it is known.
fn look(looks: &BTreeMap<u32, Option<String>>, name: u32, text: &str) -> String {
    let found = || looks.get(&name).cloned().flatten();
    ascii_look(text)
        .or_else(found)
        .unwrap_or_else(|| text.to_owned())
}
