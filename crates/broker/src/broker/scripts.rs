//! Scripts that change the stores, and what follows from them for sessions.

use effusion_protocol::body::{GlobalPermission, ResponseBody, ScriptError};
use effusion_protocol::{CloseReason, ErrorReport, ServiceId};
use std::collections::BTreeMap;

use crate::Output;
use crate::auth::{End, Script, ScriptStep, Waiting};
use crate::broker::jobs::SLICE;
use crate::broker::{Broker, Effect};
use crate::caller::{Caller, SessionKey};
use crate::sessions::Session;
use crate::turns::Account;

impl Broker {
    /// Begins the next script, unless one runs.
    pub(crate) fn run_scripts(&mut self) {
        while let Some(script) = self.auth.next_script() {
            // It may have waited long. Locks are about principals, so that the session must still be there.
            if let Err(report) = self.check_global(&script.caller, GlobalPermission::ModifySecurity)
            {
                self.auth.script_done();
                self.answer(script.caller, Err(report));
                continue;
            }
            self.run_script(script);
        }
    }

    fn run_script(&mut self, script: Script) {
        let session = self.sessions.get(script.caller.session);
        let principal = session.and_then(|session| session.principal()).cloned();
        let wall_ms = self.now.wall_ms;
        let step = self.auth.run_script(script, principal.as_deref(), wall_ms);
        self.script_step(step);
    }

    pub(super) fn script_step(&mut self, step: ScriptStep) {
        match step {
            ScriptStep::Wait(stage, waiting) => {
                let session = self.sessions.get(stage.session());
                let account = session.map_or_else(|| Account::new("", None), Session::account);
                let ticket = self.new_ticket(Effect::Script(stage));
                match waiting {
                    // One of many passwords takes its turn with those of other clients.
                    Waiting::Check(check) => self.queue_on(account, ticket, check),
                    Waiting::Store(operations) => {
                        self.output(Output::Store { ticket, operations });
                    }
                }
            }
            ScriptStep::Accounts(caller, ended) if ended.is_empty() => {
                self.end_script(caller, Ok(Vec::new()));
            }
            ScriptStep::Accounts(caller, ended) => {
                self.jobs.revoking = Some(Revoking {
                    caller,
                    ended,
                    next: SessionKey(0),
                    last: self.sessions.last_key(),
                });
                self.revoke_on(&mut SLICE.clone());
            }
            ScriptStep::Rights(caller) => {
                let auth = &mut self.auth;
                let changed = self.sessions.renew_rights(|roles| auth.rights_of(roles));
                self.rights_changed(&changed, &mut SLICE.clone());
                self.end_script(caller, Ok(Vec::new()));
            }
            ScriptStep::Mistakes(caller, mistakes) => self.end_script(caller, Ok(mistakes)),
            ScriptStep::Failed(caller, report) => self.end_script(caller, Err(report)),
        }
    }

    /// Ends some of the sessions of principals that have another password, or no account any more. The script is done when all
    /// have ended.
    pub(super) fn revoke_on(&mut self, steps: &mut usize) {
        let Some(mut revoking) = self.jobs.revoking.take() else {
            return;
        };
        let own = revoking.caller.session;
        loop {
            if *steps == 0 {
                self.jobs.revoking = Some(revoking);
                return;
            }
            let ended = &revoking.ended;
            let is_ended = |session: &Session| {
                let principal = session.principal();
                principal.is_some_and(|it| ended.contains_key(it))
            };
            let next = self.sessions.between(revoking.next, revoking.last).next();
            let Some((key, ends)) = next.map(|it| (it.key(), is_ended(it))) else {
                break;
            };
            revoking.next = SessionKey(key.0 + 1);
            *steps -= 1;
            // The caller is told before its own session ends.
            if ends && key != own {
                *steps = steps.saturating_sub(self.steps_to_close(key));
                self.close(key, CloseReason::Revoked);
            }
        }
        let principal = self.sessions.get(own).and_then(Session::principal);
        let ends = principal.and_then(|it| revoking.ended.get(it)).copied();
        self.end_script(revoking.caller, Ok(Vec::new()));
        if ends == Some(End::Removed) {
            self.close(own, CloseReason::Revoked);
        }
    }

    fn end_script(&mut self, caller: Caller, result: Result<Vec<ScriptError>, ErrorReport>) {
        self.auth.script_done();
        let response = result.map(|mistakes| match caller.service {
            ServiceId::UpdateSecurity => ResponseBody::UpdateSecurity(mistakes),
            _ => ResponseBody::UpdateSystemAuthentication(mistakes),
        });
        self.answer(caller, response);
        self.run_scripts();
    }
}

/// Sessions that end because of a script, under way.
#[derive(Debug)]
pub(crate) struct Revoking {
    caller: Caller,
    ended: BTreeMap<String, End>,
    /// The next session to look at, and the last one that there was when the script had changed the store.
    next: SessionKey,
    last: SessionKey,
}
