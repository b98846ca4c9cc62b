//! Scripts that change the authentication store and the security store: all of a script is done, or nothing.
//!
//! One script runs at a time. It is first worked out on a copy; then the passwords in it are hashed and checked, one
//! after the other; then the changes are stored; only then they count.

use effusion_protocol::body::{GlobalPermission, ResponseBody, ScriptError};
use effusion_protocol::script::{AuthenticationCommand, SecurityCommand};
use effusion_protocol::script::{AuthenticationScript, Placed, ScriptErrors, SecurityScript};
use effusion_protocol::{CloseReason, ErrorReport};
use std::collections::BTreeMap;

use crate::auth::authentication_script::{AuthenticationChanges, End, Password};
use crate::auth::security_script;
use crate::broker::{Broker, Effect};
use crate::caller::SessionKey;
use crate::caller::{Caller, Pending};
use crate::services::dispatch::{Reply, Served};
use crate::sessions::Session;
use crate::{Completion, EffectError, Output, SecurityStore, StoreOp, errors};

/// A script that waits for its turn.
#[derive(Debug)]
pub(crate) struct Script {
    caller: Caller,
    commands: Commands,
}

#[derive(Debug)]
enum Commands {
    Authentication(Vec<Placed<AuthenticationCommand>>),
    Security(Vec<Placed<SecurityCommand>>),
}

/// A script that runs.
#[derive(Debug)]
pub(crate) struct ScriptStage {
    caller: Caller,
    changes: Changes,
    /// What is being waited for.
    step: Step,
}

#[derive(Debug)]
enum Changes {
    Authentication(AuthenticationChanges),
    Security(SecurityStore),
}

#[derive(Debug)]
enum Step {
    /// A password is being hashed or checked.
    Password(Password),
    Store,
}

/// Why a script was not done.
enum Failure {
    Mistakes(Vec<ScriptError>),
    Fault(ErrorReport),
}

impl Broker {
    pub(crate) fn update_system_authentication(&mut self, caller: Caller, text: &str) -> Served {
        self.check_global(&caller, GlobalPermission::ModifySecurity)?;
        Ok(match AuthenticationScript::parse_placed(text) {
            Ok(commands) => self.queue_script(caller, Commands::Authentication(commands)),
            Err(ScriptErrors(mistakes)) => {
                Reply::Now(ResponseBody::UpdateSystemAuthentication(mistakes))
            }
        })
    }

    pub(crate) fn update_security(&mut self, caller: Caller, text: &str) -> Served {
        self.check_global(&caller, GlobalPermission::ModifySecurity)?;
        Ok(match SecurityScript::parse_placed(text) {
            Ok(commands) => self.queue_script(caller, Commands::Security(commands)),
            Err(ScriptErrors(mistakes)) => Reply::Now(ResponseBody::UpdateSecurity(mistakes)),
        })
    }

    fn queue_script(&mut self, caller: Caller, commands: Commands) -> Reply {
        let caller = self.set_pending(caller, Pending::Store);
        self.scripts.push_back(Script { caller, commands });
        self.run_scripts();
        Reply::Later
    }

    /// Begins the next script, unless one runs.
    fn run_scripts(&mut self) {
        while !self.is_running_script {
            let Some(Script { caller, commands }) = self.scripts.pop_front() else {
                return;
            };
            self.is_running_script = true;
            // It may have waited long. Locks are about principals, so that the session must still be there.
            if let Err(report) = self.check_global(&caller, GlobalPermission::ModifySecurity) {
                self.is_running_script = false;
                self.answer(caller, Err(report));
                continue;
            }
            let Some(session) = self.sessions.get(caller.session) else {
                self.is_running_script = false;
                continue;
            };
            let principal = session.principal.clone();
            let changes = match commands {
                Commands::Authentication(commands) => AuthenticationChanges::of(
                    &self.auth.accounts,
                    principal.as_deref(),
                    commands,
                    self.config.limits.principals,
                    self.now.wall_ms,
                )
                .map(Changes::Authentication),
                Commands::Security(commands) => {
                    security_script::apply(&self.auth.security, principal.as_deref(), &commands)
                        .map(Changes::Security)
                }
            };
            match changes {
                Ok(changes) => self.go_on(caller, changes),
                Err(mistakes) => self.end_script(caller, Err(Failure::Mistakes(mistakes))),
            }
        }
    }

    /// Does the next thing that the script needs.
    fn go_on(&mut self, caller: Caller, mut changes: Changes) {
        if let Changes::Authentication(authentication) = &mut changes
            && let Some(password) = authentication.next_password()
        {
            self.checks.running += 1;
            let (hash, text) = (password.hash().cloned(), password.text());
            let is_check = password.is_check();
            let ticket = self.new_ticket(Effect::Script(Box::new(ScriptStage {
                caller,
                changes,
                step: Step::Password(password),
            })));
            self.output(if is_check {
                Output::Verify {
                    ticket,
                    hash,
                    password: text,
                }
            } else {
                Output::Hash {
                    ticket,
                    password: text,
                }
            });
            return;
        }
        let operations = match &changes {
            Changes::Authentication(authentication) => authentication.operations(),
            Changes::Security(store) => vec![StoreOp::PutSecurity(store.clone())],
        };
        if operations.is_empty() || !self.config.durable {
            self.script_stored(caller, changes, Ok(()));
            return;
        }
        let ticket = self.new_ticket(Effect::Script(Box::new(ScriptStage {
            caller,
            changes,
            step: Step::Store,
        })));
        self.output(Output::Store { ticket, operations });
    }

    /// What a script waited for is done.
    pub(crate) fn script_stage_done(&mut self, stage: ScriptStage, completion: Completion) {
        let ScriptStage {
            caller,
            mut changes,
            step,
        } = stage;
        let password = match step {
            Step::Store => {
                let result = match completion {
                    Completion::Stored(result) => result,
                    _ => Err(EffectError::wrong_kind()),
                };
                self.script_stored(caller, changes, result);
                return;
            }
            Step::Password(password) => password,
        };
        let result = if password.is_check() {
            match completion.verified() {
                Ok(true) => Ok(()),
                Ok(false) => Err(Failure::Mistakes(vec![password.mistake()])),
                Err(error) => Err(Failure::Fault(errors::not_stored(error))),
            }
        } else {
            match (completion.hashed(), &mut changes) {
                (Ok(hash), Changes::Authentication(authentication)) => {
                    authentication.hashed(&password, hash);
                    Ok(())
                }
                (Ok(_), Changes::Security(_)) => Ok(()),
                (Err(error), _) => Err(Failure::Fault(errors::not_stored(error))),
            }
        };
        match result {
            Ok(()) => self.go_on(caller, changes),
            Err(failure) => self.end_script(caller, Err(failure)),
        }
    }

    fn script_stored(&mut self, caller: Caller, changes: Changes, result: Result<(), EffectError>) {
        if let Err(error) = result {
            self.end_script(caller, Err(Failure::Fault(errors::not_stored(error))));
            return;
        }
        match changes {
            Changes::Authentication(authentication) => {
                let ended = authentication.make(&mut self.auth.accounts);
                let closing = self.sessions_that_end(&caller, &ended);
                // The caller is told before its own session ends.
                let own = caller.session;
                let caller_ends = closing.contains(&own);
                for key in closing.into_iter().filter(|key| *key != own) {
                    self.close(key, CloseReason::Revoked);
                }
                self.end_script(caller, Ok(()));
                if caller_ends {
                    self.close(own, CloseReason::Revoked);
                }
                return;
            }
            Changes::Security(store) => {
                self.auth.set_security(store);
                self.renew_rights();
            }
        }
        self.end_script(caller, Ok(()));
    }

    /// The sessions of principals that have another password, or no account any more.
    fn sessions_that_end(&self, caller: &Caller, ended: &BTreeMap<String, End>) -> Vec<SessionKey> {
        if ended.is_empty() {
            return Vec::new();
        }
        let ends = |session: &&Session| {
            let end = session.principal.as_ref().and_then(|name| ended.get(name));
            match end {
                None => false,
                Some(End::NewPassword) => session.key != caller.session,
                Some(End::Removed) => true,
            }
        };
        let sessions = self.sessions.iter().filter(ends);
        sessions.map(|session| session.key).collect()
    }

    /// The security store changed: all sessions' rights are worked out anew, and what they have because of them.
    fn renew_rights(&mut self) {
        let mut changed = Vec::new();
        for key in self.sessions.keys() {
            let Some(session) = self.sessions.get(key) else {
                continue;
            };
            let roles = session.roles.clone();
            let rights = self.auth.rights_of(&roles);
            if let Some(session) = self.sessions.get_mut(key)
                && *session.rights != *rights
            {
                session.rights = rights;
                changed.push(key);
            }
        }
        self.rights_changed(&changed);
    }

    fn end_script(&mut self, caller: Caller, result: Result<(), Failure>) {
        self.is_running_script = false;
        let mistakes = match result {
            Ok(()) => Ok(Vec::new()),
            Err(Failure::Mistakes(mistakes)) => Ok(mistakes),
            Err(Failure::Fault(report)) => Err(report),
        };
        let response = mistakes.map(|mistakes| match caller.service {
            effusion_protocol::ServiceId::UpdateSecurity => ResponseBody::UpdateSecurity(mistakes),
            _ => ResponseBody::UpdateSystemAuthentication(mistakes),
        });
        self.answer(caller, response);
        self.run_scripts();
    }
}
