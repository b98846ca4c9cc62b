//! What a script does to the authentication store.

use effusion_protocol::WholePattern;
use effusion_protocol::body::ScriptError;
use effusion_protocol::script::{AuthenticationCommand as Command, Placed, ScriptErrors};
use std::collections::{BTreeMap, VecDeque};

use crate::auth::accounts::{Accounts, Patterns};
use crate::{AnonymousPolicy, AuthenticationPolicy, Principal, PropertyTrust, Secret, StoreOp};

/// The longest name of a principal or a role.
const MAX_NAME: usize = 1_024;

/// Bytes of memory that all regular expressions of the store may take.
const MAX_PATTERNS: usize = 8 * WholePattern::MAX_MEMORY;
/// What one that is refused counts as, in bytes.
const FAILED: usize = WholePattern::MAX_MEMORY / 16;

/// The changes of a script, worked out but not made.
#[derive(Debug)]
pub(crate) struct AuthenticationChanges {
    /// Principals that change; `None` are removed.
    principals: BTreeMap<String, Option<Principal>>,
    policy: Option<AuthenticationPolicy>,
    /// The regular expressions that it brings.
    patterns: Patterns,
    /// What must be hashed or checked first.
    passwords: VecDeque<Password>,
    /// Principals whose sessions end with the changes, and whether the account goes.
    ended: BTreeMap<String, End>,
}

/// Why the sessions of a principal end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It has another password. Whoever sets one need not sign in again for it.
    NewPassword,
    Removed,
}

/// A password in a script.
#[derive(Clone, Debug)]
pub(crate) struct Password {
    principal: String,
    text: Secret,
    /// For a check: the hash to check against. If it was set by the same script it is compared at once.
    check: Option<String>,
    mistake: ScriptError,
}

impl Password {
    pub(crate) const fn is_check(&self) -> bool {
        self.check.is_some()
    }

    pub(crate) const fn hash(&self) -> Option<&String> {
        self.check.as_ref()
    }

    pub(crate) fn text(&self) -> Secret {
        self.text.clone()
    }

    /// What is wrong if the check fails.
    pub(crate) fn mistake(&self) -> ScriptError {
        self.mistake.clone()
    }
}

/// The state of the store while a script is worked out.
struct Draft<'a> {
    accounts: &'a Accounts,
    /// The principal of the session that runs the script.
    by: Option<&'a str>,
    count: usize,
    limit: usize,
    /// Bytes of memory that the script's regular expressions may still take.
    pattern_bytes: usize,
    changes: AuthenticationChanges,
}

impl AuthenticationChanges {
    /// Works out a script.
    ///
    /// # Errors
    /// What is wrong with its commands, in their order.
    pub(crate) fn of(
        accounts: &Accounts,
        by: Option<&str>,
        commands: Vec<Placed<Command>>,
        limit: usize,
        now_ms: u64,
    ) -> Result<Self, Vec<ScriptError>> {
        let mut draft = Draft {
            accounts,
            by,
            count: accounts.principals.len(),
            limit,
            pattern_bytes: WholePattern::MAX_MEMORY,
            changes: Self {
                principals: BTreeMap::new(),
                policy: None,
                patterns: Patterns::new(),
                passwords: VecDeque::new(),
                ended: BTreeMap::new(),
            },
        };
        let mut mistakes = Vec::new();
        for placed in commands {
            let place = Placed {
                command: (),
                line: placed.line,
                column: placed.column,
            };
            if let Err(message) = draft.run(placed.command, &place) {
                mistakes.push(place.error(message));
                if mistakes.len() == ScriptErrors::MAX {
                    break;
                }
            }
        }
        if mistakes.is_empty() {
            draft.revoke(now_ms);
            Ok(draft.changes)
        } else {
            Err(mistakes)
        }
    }

    pub(crate) fn next_password(&mut self) -> Option<Password> {
        self.passwords.pop_front()
    }

    /// A password is hashed.
    pub(crate) fn hashed(&mut self, password: &Password, hash: String) {
        if let Some(Some(principal)) = self.principals.get_mut(&password.principal) {
            principal.password_hash = hash;
        }
    }

    pub(crate) fn operations(&self) -> Vec<StoreOp> {
        let principals = self.principals.iter().map(|(name, entry)| match entry {
            Some(principal) => StoreOp::PutPrincipal(principal.clone()),
            None => StoreOp::RemovePrincipal { name: name.clone() },
        });
        principals
            .chain(self.policy.clone().map(StoreOp::PutAuthentication))
            .collect()
    }

    /// Makes the changes, which are stored by now. Returns whose sessions end.
    pub(crate) fn make(self, accounts: &mut Accounts) -> BTreeMap<String, End> {
        for (name, entry) in self.principals {
            match entry {
                Some(principal) => accounts.principals.insert(name, principal),
                None => accounts.principals.remove(&name),
            };
        }
        if let Some(policy) = self.policy {
            accounts.set_policy(policy, self.patterns);
        }
        self.ended
    }
}

impl Draft<'_> {
    fn find(&self, name: &str) -> Option<&Principal> {
        match self.changes.principals.get(name) {
            Some(entry) => entry.as_ref(),
            None => self.accounts.principals.get(name),
        }
    }

    /// An entry that is there and that the session may change.
    fn changeable(&self, name: &str) -> Result<Principal, String> {
        let principal = self
            .find(name)
            .ok_or_else(|| format!("There is no principal '{name}'"))?;
        match &principal.locked_by {
            // Not by whom: that is for those who may view the store.
            Some(lock) if self.by != Some(lock) => {
                Err(format!("The principal '{name}' is locked by another one"))
            }
            _ => Ok(principal.clone()),
        }
    }

    /// What was issued to those whose sessions end says nothing from now on.
    fn revoke(&mut self, now_ms: u64) {
        let mut removed = Vec::new();
        for (name, end) in &self.changes.ended {
            match (end, self.changes.principals.get_mut(name)) {
                (End::NewPassword, Some(Some(principal))) => principal.revoked_ms = Some(now_ms),
                _ => removed.push(name.clone()),
            }
        }
        if !removed.is_empty() {
            self.policy().revoke(removed, now_ms);
        }
    }

    /// Compiles a regular expression, unless it is in use or was in the script before.
    fn compile(&mut self, text: &str) -> Result<(), String> {
        let patterns = &mut self.changes.patterns;
        let in_use = self.accounts.patterns();
        if in_use.contains_key(text) || patterns.contains_key(text) {
            return Ok(());
        }
        let all = in_use.values().chain(patterns.values());
        let memory: usize = all.map(WholePattern::memory).sum();
        let left = MAX_PATTERNS.saturating_sub(memory).min(self.pattern_bytes);
        let compiled = WholePattern::compile_within(text, left);
        // To find out that one is too large takes as long as to make one.
        let cost = compiled.as_ref().map_or(FAILED, WholePattern::memory);
        self.pattern_bytes = self.pattern_bytes.saturating_sub(cost);
        patterns.insert(text.to_owned(), compiled?);
        Ok(())
    }

    fn put(&mut self, principal: Principal) {
        self.changes
            .principals
            .insert(principal.name.clone(), Some(principal));
    }

    fn policy(&mut self) -> &mut AuthenticationPolicy {
        let accounts = self.accounts;
        self.changes
            .policy
            .get_or_insert_with(|| accounts.policy().clone())
    }

    /// Passwords of a principal that are still to be hashed are out of date.
    fn forget_passwords(&mut self, name: &str) {
        self.changes
            .passwords
            .retain(|it| it.principal != name || it.is_check());
    }

    fn hash_later(&mut self, principal: String, password: String, place: &Placed<()>) {
        self.forget_passwords(&principal);
        self.changes.passwords.push_back(Password {
            principal,
            text: Secret::new(password),
            check: None,
            mistake: place.error(String::new()),
        });
    }

    fn run(&mut self, command: Command, place: &Placed<()>) -> Result<(), String> {
        match command {
            Command::AddPrincipal {
                principal: name,
                password,
                roles,
                locking_principal,
            } => {
                check_name(&name)?;
                if self.find(&name).is_some() {
                    return Err(format!("The principal '{name}' exists already"));
                }
                if self.count >= self.limit {
                    return Err("The store holds as many principals as it may".to_owned());
                }
                self.count += 1;
                self.put(Principal {
                    name: name.clone(),
                    password_hash: String::new(),
                    roles: checked(roles)?,
                    locked_by: locking_principal,
                    revoked_ms: None,
                });
                self.hash_later(name, password.0, place);
            }
            Command::SetPassword {
                principal: name,
                password,
            } => {
                let principal = self.changeable(&name)?;
                self.put(principal);
                self.changes
                    .ended
                    .entry(name.clone())
                    .or_insert(End::NewPassword);
                self.hash_later(name, password.0, place);
            }
            Command::VerifyPassword {
                principal: name,
                password,
            } => {
                let mistake = format!("The password of '{name}' is another one");
                let hash = self
                    .find(&name)
                    .ok_or_else(|| format!("There is no principal '{name}'"))?
                    .password_hash
                    .clone();
                let set_by_script = self
                    .changes
                    .passwords
                    .iter()
                    .find(|it| it.principal == name && !it.is_check());
                match set_by_script {
                    Some(set) if set.text.reveal() == password.0 => {}
                    Some(_) => return Err(mistake),
                    None => self.changes.passwords.push_back(Password {
                        principal: name,
                        text: Secret::new(password.0),
                        check: Some(hash),
                        mistake: place.error(mistake),
                    }),
                }
            }
            Command::AssignRoles {
                principal: name,
                roles,
            } => {
                let mut principal = self.changeable(&name)?;
                principal.roles = checked(roles)?;
                self.put(principal);
            }
            Command::RemovePrincipal { principal: name } => {
                self.changeable(&name)?;
                self.count -= 1;
                self.forget_passwords(&name);
                self.changes.ended.insert(name.clone(), End::Removed);
                self.changes.principals.insert(name, None);
            }
            Command::AllowAnonymousConnections { roles } => {
                let roles = checked(roles)?;
                self.policy().anonymous = AnonymousPolicy::Allow(roles);
            }
            Command::DenyAnonymousConnections => {
                self.policy().anonymous = AnonymousPolicy::Deny;
            }
            Command::AbstainAnonymousConnections => {
                self.policy().anonymous = AnonymousPolicy::Abstain;
            }
            Command::TrustClientProposedPropertyIn { property, values } => {
                check_property(&property)?;
                let trust = PropertyTrust::In(values.into_iter().collect());
                self.policy().trusted.insert(property, trust);
            }
            Command::TrustClientProposedPropertyMatches { property, pattern } => {
                check_property(&property)?;
                self.compile(&pattern).map_err(|reason| {
                    format!(
                        "'{pattern}' is not a regular expression that the service accepts: {reason}"
                    )
                })?;
                let trust = PropertyTrust::Matches(pattern);
                self.policy().trusted.insert(property, trust);
            }
            Command::IgnoreClientProposedProperty { property } => {
                self.policy().trusted.remove(&property);
            }
        }
        Ok(())
    }
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        Err("A name cannot be empty".to_owned())
    } else if name.len() > MAX_NAME {
        Err(format!("A name cannot be longer than {MAX_NAME} bytes"))
    } else {
        Ok(())
    }
}

fn checked(roles: Vec<String>) -> Result<std::collections::BTreeSet<String>, String> {
    roles.iter().try_for_each(|role| check_name(role))?;
    Ok(roles.into_iter().collect())
}

fn check_property(name: &str) -> Result<(), String> {
    if crate::sessions::is_user_property(name, "") {
        Ok(())
    } else {
        Err(format!(
            "'{name}' is not a session property that a client may propose"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use effusion_protocol::script::AuthenticationScript;

    fn accounts() -> Accounts {
        let principal = |name: &str, locked_by: Option<&str>| Principal {
            name: name.to_owned(),
            password_hash: format!("hash of {name}"),
            roles: ["CLIENT".to_owned()].into(),
            locked_by: locked_by.map(str::to_owned),
            revoked_ms: None,
        };
        Accounts::new(
            vec![principal("al", None), principal("bob", Some("boss"))],
            AuthenticationPolicy::default(),
        )
    }

    fn changes(script: &str, by: &str) -> Result<AuthenticationChanges, Vec<ScriptError>> {
        let commands = AuthenticationScript::parse_placed(script).unwrap();
        AuthenticationChanges::of(&accounts(), Some(by), commands, 3, 1_000)
    }

    fn mistakes(script: &str, by: &str) -> Vec<(u32, u32)> {
        changes(script, by)
            .err()
            .unwrap_or_default()
            .iter()
            .map(|it| (it.line, it.column))
            .collect()
    }

    #[test]
    fn a_script_is_worked_out() {
        let script = "add principal 'cy' 'pw' ['A' 'B']\nassign roles 'al' ['X']\n\
                      allow anonymous connections ['GUEST']\n\
                      trust client proposed property 'P' if value in ['1']";
        let mut changes = changes(script, "admin").unwrap();
        let password = changes.next_password().unwrap();
        assert!(!password.is_check());
        assert_eq!(password.text().reveal(), "pw");
        changes.hashed(&password, "hash of cy".to_owned());
        assert!(changes.next_password().is_none());
        assert_eq!(changes.operations().len(), 3);
        let mut accounts = accounts();
        changes.make(&mut accounts);
        let cy = accounts.principals.get("cy").unwrap();
        assert_eq!(cy.password_hash, "hash of cy");
        assert!(accounts.principals["al"].roles.contains("X"));
        assert!(accounts.trusts("P", "1"));
        assert_eq!(
            accounts.policy().anonymous,
            AnonymousPolicy::Allow(["GUEST".to_owned()].into())
        );
    }

    #[test]
    fn mistakes_are_told_with_their_places() {
        assert_eq!(
            mistakes(
                "add principal 'al' 'x'\n  remove principal 'nobody'",
                "admin"
            ),
            [(1, 1), (2, 3)]
        );
        assert_eq!(mistakes("set password 'bob' 'x'", "admin"), [(1, 1)]);
        assert_eq!(mistakes("set password 'bob' 'x'", "boss"), []);
        assert_eq!(
            mistakes("add principal 'c' 'x' add principal 'd' 'x'", "a"),
            [(1, 23)]
        );
        assert_eq!(
            mistakes(
                "remove principal 'al' add principal 'c' 'x' add principal 'd' 'x'",
                "a"
            ),
            []
        );
        assert_eq!(mistakes("add principal '' 'x'", "admin"), [(1, 1)]);
        assert_eq!(
            mistakes(
                "trust client proposed property 'P' if value matches '('",
                "a"
            ),
            [(1, 1)]
        );
        assert_eq!(
            mistakes(
                "trust client proposed property '$Roles' if value in ['A']",
                "a"
            ),
            [(1, 1)]
        );
    }

    #[test]
    fn passwords_are_checked_against_the_last_ones() {
        let mut changes = changes("verify password 'al' 'x'", "admin").unwrap();
        let check = changes.next_password().unwrap();
        assert_eq!(check.hash().map(String::as_str), Some("hash of al"));
        assert!(changes.operations().is_empty());
        assert_eq!(
            mistakes("set password 'al' 'x' verify password 'al' 'x'", "a"),
            []
        );
        assert_eq!(
            mistakes("set password 'al' 'x' verify password 'al' 'y'", "a"),
            [(1, 23)]
        );
        assert_eq!(mistakes("verify password 'nobody' 'y'", "a"), [(1, 1)]);
    }

    #[test]
    fn a_new_password_changes_its_account_alone() {
        let mut changes = changes("set password 'al' 'x'", "admin").unwrap();
        let password = changes.next_password().unwrap();
        changes.hashed(&password, "new".to_owned());
        let [StoreOp::PutPrincipal(al)] = &changes.operations()[..] else {
            panic!();
        };
        assert_eq!(al.revoked_ms, Some(1_000));
        let removed = super::tests::changes("remove principal 'al'", "admin").unwrap();
        let mut accounts = accounts();
        removed.make(&mut accounts);
        assert!(accounts.is_revoked("al", Some(1_000)));
    }

    #[test]
    fn the_regular_expressions_of_a_script_have_a_size() {
        let line = |number: usize, pattern: &str| {
            format!("trust client proposed property 'p{number}' if value matches '{pattern}'\n")
        };
        let many = |count: usize| -> String {
            let lines = (0..count).map(|it| line(it, &format!("{it}[a-z]{{100}}")));
            lines.collect()
        };
        assert!(changes(&many(3), "admin").is_ok());
        let refused = changes(&many(500), "admin").unwrap_err();
        assert!(refused[0].message.contains("memory"), "{refused:?}");
        // The same one counts once.
        let same: String = (0..500).map(|it| line(it, "[a-z]{100}")).collect();
        assert!(changes(&same, "admin").is_ok());
    }
}
