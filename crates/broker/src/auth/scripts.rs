//! Scripts that change the authentication store and the security store: all of a script is done, or nothing.
//!
//! One script runs at a time. It is first worked out on a copy; then the passwords in it are hashed and checked, one
//! after the other; then the changes are stored; only then they count.

use effusion_protocol::ErrorReport;
use effusion_protocol::body::ScriptError;
use effusion_protocol::script::{AuthenticationCommand, Placed, SecurityCommand};
use std::collections::BTreeMap;

use crate::caller::{Caller, SessionKey};
use crate::{Completion, EffectError, SecurityStore, StoreOp, errors};

use super::authentication_script::{AuthenticationChanges, Password};
use super::{Auth, Check, security_script};

pub(crate) use super::authentication_script::End;

/// A script that waits for its turn.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) caller: Caller,
    pub(crate) commands: Commands,
}

#[derive(Debug)]
pub(crate) enum Commands {
    Authentication(Vec<Placed<AuthenticationCommand>>),
    Security(Vec<Placed<SecurityCommand>>),
}

/// A script that runs, and waits.
#[derive(Debug)]
pub(crate) struct ScriptStage {
    caller: Caller,
    changes: Changes,
    /// The password that is being hashed or checked; if there is none, the changes are being stored.
    password: Option<Password>,
}

#[derive(Debug)]
enum Changes {
    Authentication(AuthenticationChanges),
    Security(SecurityStore),
}

/// What a script waits for.
#[derive(Debug)]
pub(crate) enum Waiting {
    /// A password to be hashed or checked: see [`Auth::queue`].
    Check(Check),
    Store(Vec<StoreOp>),
}

/// What follows for a script.
#[derive(Debug)]
pub(crate) enum ScriptStep {
    Wait(Box<ScriptStage>, Waiting),
    /// It changed the authentication store: these principals' sessions end.
    Accounts(Caller, BTreeMap<String, End>),
    /// It changed the security store: all rights are to be asked for again.
    Rights(Caller),
    /// It changed nothing: these are its mistakes.
    Mistakes(Caller, Vec<ScriptError>),
    /// It changed nothing: it could not be done.
    Failed(Caller, ErrorReport),
}

impl ScriptStage {
    /// The session that runs it.
    pub(crate) const fn session(&self) -> SessionKey {
        self.caller.session
    }
}

impl Auth {
    /// Has a script wait for its turn.
    pub(crate) fn queue_script(&mut self, script: Script) {
        self.scripts.push_back(script);
    }

    /// The next script, unless one runs: then, [`Auth::run_script`] or [`Auth::script_done`] is to be called.
    pub(crate) fn next_script(&mut self) -> Option<Script> {
        if self.is_running_script {
            return None;
        }
        let script = self.scripts.pop_front();
        self.is_running_script = script.is_some();
        script
    }

    /// The script that runs is over.
    pub(crate) const fn script_done(&mut self) {
        self.is_running_script = false;
    }

    /// Runs a script for a principal.
    pub(crate) fn run_script(
        &mut self,
        script: Script,
        by: Option<&str>,
        wall_ms: u64,
    ) -> ScriptStep {
        let Script { caller, commands } = script;
        let changes = match commands {
            Commands::Authentication(commands) => {
                let most = self.limits.principals;
                AuthenticationChanges::of(&self.accounts, by, commands, most, wall_ms)
                    .map(Changes::Authentication)
            }
            Commands::Security(commands) => {
                security_script::apply(&self.security, by, &commands).map(Changes::Security)
            }
        };
        match changes {
            Ok(changes) => self.go_on(caller, changes),
            Err(mistakes) => ScriptStep::Mistakes(caller, mistakes),
        }
    }

    /// Does the next thing that a script needs.
    fn go_on(&mut self, caller: Caller, mut changes: Changes) -> ScriptStep {
        let (operations, password) = match &mut changes {
            Changes::Security(store) => (vec![StoreOp::PutSecurity(store.clone())], None),
            Changes::Authentication(changes) => match changes.next_password() {
                Some(password) => (Vec::new(), Some(password)),
                None => (changes.operations(), None),
            },
        };
        let waiting = match &password {
            Some(password) if password.is_check() => {
                Waiting::Check(Check::Script(password.hash().cloned(), password.text()))
            }
            Some(password) => Waiting::Check(Check::Hash(password.text())),
            None if operations.is_empty() || !self.is_durable => return self.make(caller, changes),
            None => Waiting::Store(operations),
        };
        let stage = ScriptStage {
            caller,
            changes,
            password,
        };
        ScriptStep::Wait(Box::new(stage), waiting)
    }

    /// A script waits for a check that is not made, as too many wait.
    pub(crate) fn give_up_script(stage: ScriptStage) -> ScriptStep {
        let report = errors::too_many("passwords wait to be checked");
        ScriptStep::Failed(stage.caller, report)
    }

    /// What a script waited for is done.
    pub(crate) fn continue_script(
        &mut self,
        stage: ScriptStage,
        completion: Completion,
    ) -> ScriptStep {
        let ScriptStage {
            caller,
            mut changes,
            password,
        } = stage;
        let failed =
            |caller, error: EffectError| ScriptStep::Failed(caller, errors::not_stored(error));
        let Some(password) = password else {
            return match completion.stored() {
                Ok(()) => self.make(caller, changes),
                Err(error) => failed(caller, error),
            };
        };
        if password.is_check() {
            match completion.verified() {
                Ok(true) => {}
                Ok(false) => return ScriptStep::Mistakes(caller, vec![password.mistake()]),
                Err(error) => return failed(caller, error),
            }
        } else {
            match completion.hashed() {
                Ok(hash) => {
                    if let Changes::Authentication(changes) = &mut changes {
                        changes.hashed(&password, hash);
                    }
                }
                Err(error) => return failed(caller, error),
            }
        }
        self.go_on(caller, changes)
    }

    /// Makes the changes, which are stored by now.
    fn make(&mut self, caller: Caller, changes: Changes) -> ScriptStep {
        match changes {
            Changes::Authentication(changes) => {
                ScriptStep::Accounts(caller, changes.make(&mut self.accounts))
            }
            Changes::Security(store) => {
                self.security = store;
                self.rights.clear();
                ScriptStep::Rights(caller)
            }
        }
    }
}
