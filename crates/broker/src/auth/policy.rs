//! The authentication store: principals, and what else decides who may connect.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Someone who can open sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// The name.
    pub name: String,
    /// The password's hash: opaque text from [`crate::Output::Hash`].
    pub password_hash: String,
    /// The roles of its sessions.
    pub roles: BTreeSet<String>,
    /// If set, only a session of this principal may change the entry (source: the manual, "locked principals").
    pub locked_by: Option<String>,
    /// When it got another password, in milliseconds since 1970: tokens that were issued before say nothing any more.
    #[serde(default)]
    pub revoked_ms: Option<u64>,
}

/// What happens to a session that names no principal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AnonymousPolicy {
    /// It is refused.
    #[default]
    Deny,
    /// Other authentication handlers decide; with none, it is refused.
    Abstain,
    /// It is opened, with these roles and those that the security store gives anonymous sessions.
    Allow(BTreeSet<String>),
}

/// When a session property that a client proposes is taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PropertyTrust {
    /// If the value is one of these.
    In(BTreeSet<String>),
    /// If the whole value matches this regular expression.
    Matches(String),
}

/// The authentication store without its principals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationPolicy {
    /// Sessions that name no principal.
    pub anonymous: AnonymousPolicy,
    /// Session properties that clients may propose, by name.
    pub trusted: BTreeMap<String, PropertyTrust>,
    /// When principals were removed, in milliseconds since 1970: tokens that were issued before say nothing any more.
    #[serde(default)]
    pub revoked: BTreeMap<String, u64>,
    /// The last removal that is no longer among those, as there were too many. Whose it was is not known: no token that was
    /// issued before says anything.
    #[serde(default)]
    pub all_revoked_ms: Option<u64>,
}

/// The most principals of whom it is remembered by name that they were removed.
const MAX_REVOKED: usize = 10_000;

impl AuthenticationPolicy {
    /// Principals are removed: what was issued to them says nothing from now on.
    pub fn revoke(&mut self, names: impl IntoIterator<Item = String>, now_ms: u64) {
        self.revoked
            .extend(names.into_iter().map(|name| (name, now_ms)));
        let Some(last) = self.revoked.len().checked_sub(MAX_REVOKED + 1) else {
            return;
        };
        let mut times: Vec<u64> = self.revoked.values().copied().collect();
        let (_, last, _) = times.select_nth_unstable(last);
        let last = Some(*last);
        self.all_revoked_ms = self.all_revoked_ms.max(last);
        self.revoked.retain(|_, at| Some(*at) > last);
    }

    /// When what was issued to a principal was taken back last, as far as that does not stand with its account.
    pub(crate) fn revoked_ms(&self, principal: &str) -> Option<u64> {
        let removed = self.revoked.get(principal).copied();
        removed.max(self.all_revoked_ms)
    }
}
