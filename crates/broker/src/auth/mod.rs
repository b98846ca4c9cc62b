//! Who is let in, and what they may do: the authentication store and the security store, the rights that follow from them,
//! sign-in, and the scripts that change the stores.
//!
//! [`Auth`] owns all of it. It checks no password and stores nothing: it says what is to be done, and what follows once that is.

mod accounts;
mod authentication_script;
mod jwt;
mod permission_names;
mod policy;
mod rights;
mod scripts;
mod security_script;
mod sign_in;
mod store;
mod throttle;
mod verification;

pub(crate) use accounts::Accounts;
pub use policy::{AnonymousPolicy, AuthenticationPolicy, Principal, PropertyTrust};
pub(crate) use rights::Rights;
pub(crate) use scripts::{Commands, End, Script, ScriptStage, ScriptStep, Waiting};
pub(crate) use sign_in::{Admission, Candidate, Decision, Purpose, Situation};
pub use store::{Role, SecurityStore};
pub(crate) use throttle::network;
pub use throttle::network_of;
pub(crate) use verification::Check;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use crate::caller::SessionKey;
use crate::{AuthenticationHandler, Config, Creator, Limits};

use sign_in::Authenticators;
use throttle::Throttle;
use verification::Verifications;

/// The two stores, the rights that follow from them, and who is being let in.
#[derive(Debug)]
pub(crate) struct Auth {
    accounts: Accounts,
    security: SecurityStore,
    /// The rights of each set of roles that a session has.
    rights: HashMap<BTreeSet<String>, Arc<Rights>>,
    handlers: Vec<AuthenticationHandler>,
    authenticators: Authenticators,
    throttle: Throttle,
    /// Credentials that are being checked, and those that wait for it.
    verifications: Verifications,
    /// Sessions whose credentials are being checked: one check at a time is enough for a session.
    changing: BTreeSet<SessionKey>,
    /// Scripts that wait for their turn.
    scripts: VecDeque<Script>,
    is_running_script: bool,
    limits: Limits,
    /// Whether changes are stored before they count.
    is_durable: bool,
}

impl Auth {
    pub(crate) fn new(config: &Config, accounts: Accounts, security: SecurityStore) -> Self {
        Self {
            accounts,
            security,
            rights: HashMap::new(),
            handlers: config.authentication.clone(),
            authenticators: Authenticators::default(),
            throttle: Throttle::new(config.attempts),
            verifications: Verifications::default(),
            changing: BTreeSet::new(),
            scripts: VecDeque::new(),
            is_running_script: false,
            limits: config.limits,
            is_durable: config.durable,
        }
    }

    /// The authentication store.
    pub(crate) const fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The security store.
    pub(crate) const fn security(&self) -> &SecurityStore {
        &self.security
    }

    /// The rights of a set of roles.
    pub(crate) fn rights_of(&mut self, roles: &BTreeSet<String>) -> Arc<Rights> {
        if let Some(rights) = self.rights.get(roles) {
            return rights.clone();
        }
        // Sets that no session has any more are forgotten, before there are many of them.
        if self.rights.len() >= 1_000 {
            self.rights
                .retain(|_, rights| Arc::strong_count(rights) > 1);
        }
        let rights = Arc::new(Rights::of(&self.security, roles));
        self.rights.insert(roles.clone(), rights.clone());
        rights
    }

    /// The rights with which a removal policy is carried out: of the roles that the creator had when it made the topic, as they
    /// are now (source: the API documentation of `REMOVAL`). Of those, what its account has lost is not among them, and nothing
    /// is once the account was locked or removed.
    pub(crate) fn rights_of_creator(&mut self, creator: &Creator) -> Arc<Rights> {
        let Some(principal) = creator.principal.as_deref() else {
            return self.rights_of(&creator.roles);
        };
        if self.accounts.is_locked(principal) {
            return Arc::default();
        }
        let Some(account) = self.accounts.get(principal) else {
            return self.rights_of(&creator.roles);
        };
        let is_kept = |role: &&String| {
            account.roles.contains(*role) || self.security.named_roles.contains(*role)
        };
        let roles = creator.roles.iter().filter(is_kept).cloned().collect();
        self.rights_of(&roles)
    }
}

#[cfg(test)]
mod tests;
