//! Who is let in, and what they may do.

pub(crate) mod accounts;
pub(crate) mod authentication_script;
pub(crate) mod jwt;
mod permission_names;
mod policy;
mod rights;
pub(crate) mod scripts;
pub(crate) mod security_script;
pub(crate) mod sign_in;
mod store;
pub(crate) mod throttle;
pub(crate) mod verification;

pub use policy::{AnonymousPolicy, AuthenticationPolicy, Principal, PropertyTrust};
pub(crate) use rights::Rights;
pub use store::{Role, SecurityStore};
pub use throttle::network_of;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::{Creator, Principal as Entry};

use accounts::Accounts;

/// The two stores, and the rights that follow from them.
#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) accounts: Accounts,
    pub(crate) security: SecurityStore,
    /// The rights of each set of roles that a session has.
    rights: HashMap<BTreeSet<String>, Arc<Rights>>,
}

impl Auth {
    pub(crate) fn new(
        principals: Vec<Entry>,
        policy: AuthenticationPolicy,
        security: SecurityStore,
    ) -> Self {
        Self {
            accounts: Accounts::new(principals, policy),
            security,
            rights: HashMap::new(),
        }
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
    /// are now (source: the API documentation of `REMOVAL`), but none once its account was locked or removed.
    pub(crate) fn rights_of_creator(&mut self, creator: &Creator) -> Arc<Rights> {
        let principal = creator.principal.as_deref();
        if principal.is_some_and(|name| self.accounts.is_locked(name)) {
            return Arc::default();
        }
        self.rights_of(&creator.roles)
    }

    /// Replaces the security store. All rights are to be asked for again.
    pub(crate) fn set_security(&mut self, security: SecurityStore) {
        self.security = security;
        self.rights.clear();
    }
}
