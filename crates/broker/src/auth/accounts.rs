//! Who may connect: the authentication store in use.

use effusion_protocol::WholePattern;
use std::collections::BTreeMap;

use crate::sessions::{MAX_PROPERTY, is_user_property};
use crate::{AuthenticationPolicy, Principal, PropertyTrust};

/// The one fixed session property that clients set: the SDKs always propose it.
const ENVIRONMENT: &str = "$Environment";
/// Principals and what else decides who may connect.
#[derive(Debug)]
pub(crate) struct Accounts {
    pub(super) principals: BTreeMap<String, Principal>,
    policy: AuthenticationPolicy,
    /// The policy's regular expressions, by property.
    patterns: BTreeMap<String, WholePattern>,
}

impl Accounts {
    pub(crate) fn new(principals: Vec<Principal>, policy: AuthenticationPolicy) -> Self {
        let mut accounts = Self {
            principals: principals
                .into_iter()
                .map(|principal| (principal.name.clone(), principal))
                .collect(),
            policy: AuthenticationPolicy::default(),
            patterns: BTreeMap::new(),
        };
        accounts.set_policy(policy);
        accounts
    }

    /// A principal, if it has an account.
    pub(crate) fn get(&self, principal: &str) -> Option<&Principal> {
        self.principals.get(principal)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Principal> {
        self.principals.values()
    }

    pub(crate) const fn policy(&self) -> &AuthenticationPolicy {
        &self.policy
    }

    pub(super) fn set_policy(&mut self, policy: AuthenticationPolicy) {
        self.patterns = policy
            .trusted
            .iter()
            .filter_map(|(name, trust)| match trust {
                PropertyTrust::Matches(pattern) => {
                    Some((name.clone(), WholePattern::compile(pattern).ok()?))
                }
                PropertyTrust::In(_) => None,
            })
            .collect();
        self.policy = policy;
    }

    /// Whether a principal lost its account, or all roles of it. One that never had an account is not locked: an authentication
    /// handler vouches for it.
    pub(crate) fn is_locked(&self, principal: &str) -> bool {
        match self.principals.get(principal) {
            Some(entry) => entry.roles.is_empty(),
            None => self.policy.revoked.contains_key(principal),
        }
    }

    /// Whether what was issued to a principal at a time, in milliseconds since 1970, was taken back since.
    pub(crate) fn is_revoked(&self, principal: &str, issued_ms: Option<u64>) -> bool {
        let revoked = self.policy.revoked.get(principal);
        revoked.is_some_and(|at| issued_ms.is_none_or(|issued| issued <= *at))
    }

    /// Whether a session property that a client proposes is taken over.
    pub(crate) fn trusts(&self, name: &str, value: &str) -> bool {
        if name == ENVIRONMENT {
            return value.len() <= MAX_PROPERTY;
        }
        is_user_property(name, value)
            && match self.policy.trusted.get(name) {
                None => false,
                Some(PropertyTrust::In(values)) => values.contains(value),
                Some(PropertyTrust::Matches(_)) => self
                    .patterns
                    .get(name)
                    .is_some_and(|pattern| pattern.is_match(value)),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_properties_are_taken_over() {
        let accounts = Accounts::new(
            Vec::new(),
            AuthenticationPolicy {
                trusted: [
                    ("DEPT".into(), PropertyTrust::In(["A".to_owned()].into())),
                    ("ROOM".into(), PropertyTrust::Matches("r[0-9]+".into())),
                    ("BAD".into(), PropertyTrust::Matches("(".into())),
                ]
                .into(),
                ..AuthenticationPolicy::default()
            },
        );
        assert!(accounts.trusts("$Environment", "test"));
        assert!(accounts.trusts("DEPT", "A"));
        assert!(!accounts.trusts("DEPT", "B"));
        assert!(accounts.trusts("ROOM", "r12"));
        assert!(!accounts.trusts("ROOM", "xr12"));
        assert!(!accounts.trusts("BAD", "("));
        assert!(!accounts.trusts("OTHER", "A"));
        assert!(!accounts.trusts("$Principal", "admin"));
    }
}
