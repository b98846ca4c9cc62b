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
    /// When a principal got another password or was removed, in milliseconds since 1970: tokens that were issued before say
    /// nothing any more.
    #[serde(default)]
    pub revoked: BTreeMap<String, u64>,
}

/// The most principals of whom it is remembered that what was issued to them was taken back: the oldest are forgotten.
const MAX_REVOKED: usize = 10_000;

impl AuthenticationPolicy {
    /// What was issued to principals says nothing from now on: they get another password, or are removed.
    pub fn revoke(&mut self, names: impl IntoIterator<Item = String>, now_ms: u64) {
        let revoked = &mut self.revoked;
        revoked.extend(names.into_iter().map(|name| (name, now_ms)));
        if revoked.len() > MAX_REVOKED {
            let mut times: Vec<u64> = revoked.values().copied().collect();
            times.sort_unstable();
            let oldest = times.get(times.len() - MAX_REVOKED).copied().unwrap_or(0);
            revoked.retain(|_, at| *at >= oldest);
        }
    }
}
