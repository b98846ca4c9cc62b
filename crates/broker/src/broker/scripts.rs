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
                let ticket = self.new_ticket(Effect::Script(stage));
                self.output(match waiting {
                    Waiting::Hash(password) => Output::Hash { ticket, password },
                    Waiting::Verify(hash, password) => Output::Verify {
                        ticket,
                        hash,
                        password,
                    },
                    Waiting::Store(operations) => Output::Store { ticket, operations },
                });
            }
            ScriptStep::Accounts(caller, ended) => {
                let closing = self.sessions_that_end(&caller, &ended);
                // The caller is told before its own session ends.
                let own = caller.session;
                for key in closing.iter().filter(|key| **key != own) {
                    self.close(*key, CloseReason::Revoked);
                }
                self.end_script(caller, Ok(Vec::new()));
                if closing.contains(&own) {
                    self.close(own, CloseReason::Revoked);
                }
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

    /// The sessions of principals that have another password, or no account any more.
    fn sessions_that_end(&self, caller: &Caller, ended: &BTreeMap<String, End>) -> Vec<SessionKey> {
        if ended.is_empty() {
            return Vec::new();
        }
        let ends = |session: &&Session| match session.principal().and_then(|it| ended.get(it)) {
            None => false,
            Some(End::NewPassword) => session.key() != caller.session,
            Some(End::Removed) => true,
        };
        let sessions = self.sessions.iter().filter(ends);
        sessions.map(|session| session.key()).collect()
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
