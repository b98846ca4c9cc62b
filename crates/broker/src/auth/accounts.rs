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
    /// The policy's regular expressions, by their texts.
    patterns: Patterns,
}

/// Regular expressions, by their texts.
pub(super) type Patterns = BTreeMap<String, WholePattern>;

impl Accounts {
    pub(crate) fn new(principals: Vec<Principal>, policy: AuthenticationPolicy) -> Self {
        let mut accounts = Self {
            principals: principals
                .into_iter()
                .map(|principal| (principal.name.clone(), principal))
                .collect(),
            policy: AuthenticationPolicy::default(),
            patterns: Patterns::new(),
        };
        accounts.set_policy(policy, Patterns::new());
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

    /// The regular expressions in use, by their texts.
    pub(super) const fn patterns(&self) -> &Patterns {
        &self.patterns
    }

    /// Replaces the policy. Of its regular expressions, those are compiled that are neither in use nor among `compiled`.
    pub(super) fn set_policy(&mut self, policy: AuthenticationPolicy, mut compiled: Patterns) {
        compiled.append(&mut self.patterns);
        for trust in policy.trusted.values() {
            if let PropertyTrust::Matches(text) = trust {
                let known = compiled.remove(text);
                let pattern = known.or_else(|| WholePattern::compile(text).ok());
                self.patterns
                    .extend(pattern.map(|pattern| (text.clone(), pattern)));
            }
        }
        self.policy = policy;
    }

    /// Whether a principal lost its account, or all roles of it. One that never had an account is not locked: an authentication
    /// handler vouches for it. If it is not known by name who lost an account, everyone without one may have.
    pub(crate) fn is_locked(&self, principal: &str) -> bool {
        match self.principals.get(principal) {
            Some(entry) => entry.roles.is_empty(),
            None => self.policy.revoked_ms(principal).is_some(),
        }
    }

    /// Whether what was issued to a principal at a time, in milliseconds since 1970, was taken back since.
    pub(crate) fn is_revoked(&self, principal: &str, issued_ms: Option<u64>) -> bool {
        let account = self.principals.get(principal).and_then(|it| it.revoked_ms);
        let revoked = account.max(self.policy.revoked_ms(principal));
        revoked.is_some_and(|at| issued_ms.is_none_or(|issued| issued <= at))
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
                Some(PropertyTrust::Matches(text)) => self
                    .patterns
                    .get(text)
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

    #[test]
    fn a_regular_expression_is_compiled_once() {
        let policy = |text: &str| AuthenticationPolicy {
            trusted: [("P".into(), PropertyTrust::Matches(text.into()))].into(),
            ..AuthenticationPolicy::default()
        };
        let mut accounts = Accounts::new(Vec::new(), AuthenticationPolicy::default());
        // One that is not what its text says shows that it is not compiled again.
        let other = WholePattern::compile("b").unwrap();
        accounts.set_policy(policy("a"), [("a".to_owned(), other)].into());
        assert!(accounts.trusts("P", "b") && !accounts.trusts("P", "a"));
        accounts.set_policy(policy("a"), Patterns::new());
        assert!(accounts.trusts("P", "b"));
        accounts.set_policy(policy("c"), Patterns::new());
        assert!(accounts.trusts("P", "c"));
        assert_eq!(accounts.patterns().len(), 1, "those out of use are dropped");
    }

    #[test]
    fn what_was_issued_to_who_lost_its_account_never_counts_again() {
        let mut policy = AuthenticationPolicy::default();
        for at in (1_000..=25_000).step_by(1_000) {
            policy.revoke((at - 999..=at).map(|it| format!("gone {it}")), at);
        }
        assert!(policy.revoked.len() <= 10_000);
        let mut accounts = Accounts::new(Vec::new(), policy);
        for gone in [1_000, 12_000, 25_000] {
            let name = format!("gone {gone}");
            assert!(accounts.is_revoked(&name, Some(gone)), "{gone}");
            assert!(accounts.is_revoked(&name, None), "{gone}");
            assert!(accounts.is_locked(&name), "{gone}");
        }
        assert!(!accounts.is_revoked("gone 25000", Some(25_001)));
        assert!(!accounts.is_revoked("another", Some(24_000)));
        // A new password stands with the account, however many others there are.
        let account = Principal {
            name: "ann".to_owned(),
            password_hash: String::new(),
            roles: ["CLIENT".to_owned()].into(),
            locked_by: None,
            revoked_ms: Some(30_000),
        };
        accounts.principals.insert("ann".to_owned(), account);
        assert!(accounts.is_revoked("ann", Some(30_000)) && !accounts.is_locked("ann"));
        assert!(!accounts.is_revoked("ann", Some(30_001)));
    }
}
