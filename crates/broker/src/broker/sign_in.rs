//! Letting clients in, and sessions be other principals.

use effusion_protocol::body::{AuthenticatorRequest, AuthenticatorResponse, ResponseBody};
use effusion_protocol::{ConversationId, ErrorReason, ErrorReport, ResponseCode, ServiceId};
use std::sync::Arc;

use crate::auth::{Admission, Auth, Candidate, Check, Decision, Purpose, Situation};
use crate::broker::jobs::SLICE;
use crate::broker::{Broker, Effect};
use crate::caller::{Caller, SessionKey};
use crate::messaging::Request;
use crate::sessions::{key, roles_text};
use crate::turns::Account;
use crate::{Completion, ConnectionEnd, Ticket, errors};

impl Broker {
    /// Asks the first authentication handler about a candidate.
    pub(crate) fn sign_in(&mut self, candidate: Candidate) {
        let (address, _) = self.asker(&candidate);
        self.decide(|auth, situation| auth.begin(candidate, &address, situation));
    }

    /// Where a candidate is, and on whose account it takes its turn.
    fn asker(&self, candidate: &Candidate) -> (String, Option<String>) {
        match &candidate.purpose {
            Purpose::Connect(connecting) => {
                (connecting.peer.address.clone(), candidate.principal.clone())
            }
            // Not whom the session wants to be: that one's turns are not the session's to take.
            Purpose::Change(caller) => match self.sessions.get(caller.session) {
                Some(session) => (session.address().to_owned(), session.principal().cloned()),
                None => (String::new(), None),
            },
        }
    }

    /// Comes to a decision, and does what follows from it.
    fn decide(&mut self, step: impl FnOnce(&mut Auth, Situation<'_>) -> Decision) {
        let sessions = &self.sessions;
        let is_connected = |key| {
            sessions
                .get(key)
                .is_some_and(|it| it.connection().is_some())
        };
        let situation = Situation {
            now: self.now.monotonic_ms,
            is_connected: &is_connected,
        };
        match step(&mut self.auth, situation) {
            Decision::Check(candidate, check) => self.queue_check(candidate, check),
            Decision::Ask(candidate, session, conversation) => {
                self.ask_authenticator(candidate, session, conversation);
            }
            Decision::Allow(Purpose::Connect(connecting), admission) => {
                self.admit(*connecting, admission);
            }
            Decision::Allow(Purpose::Change(caller), admission) => {
                self.principal_changed(caller, admission);
            }
            Decision::Deny(Purpose::Connect(connecting), code) => {
                self.turn_away(&connecting, code, ConnectionEnd::Refused(code));
            }
            Decision::Deny(Purpose::Change(caller), code) => {
                let result = match code {
                    ResponseCode::AuthenticationFailed => Ok(accepted(caller.service, false)),
                    code => Err(errors::error(
                        ErrorReason::CommunicationFailure,
                        code.description(),
                    )),
                };
                self.end_change(caller, result);
            }
            Decision::Wait(Purpose::Connect(connecting), wait_ms) => {
                // Not the code of wrong credentials: these may be right.
                let reason = ConnectionEnd::TooManyAttempts { wait_ms };
                self.turn_away(&connecting, ResponseCode::Rejected, reason);
            }
            Decision::Wait(Purpose::Change(caller), wait_ms) => {
                let seconds = wait_ms.div_ceil(1000);
                let report = errors::error(
                    ErrorReason::RejectedRequest,
                    format!("Too many sign-ins failed: try again in {seconds} s"),
                );
                self.end_change(caller, Err(report));
            }
        }
    }

    /// Keeps a candidate until something is known.
    fn park(&mut self, candidate: Box<Candidate>) -> Ticket {
        let connection = match &candidate.purpose {
            Purpose::Connect(connecting) => Some(connecting.connection),
            Purpose::Change(_) => None,
        };
        let ticket = self.new_ticket(Effect::Authenticate(candidate));
        if let Some(connection) = connection {
            self.sessions.set_connecting(connection, ticket);
        }
        ticket
    }

    fn queue_check(&mut self, candidate: Box<Candidate>, check: Check) {
        let (address, principal) = self.asker(&candidate);
        let ticket = self.park(candidate);
        self.queue_on(Account::new(&address, principal.as_deref()), ticket, check);
    }

    /// Has a check wait for its turn on an account.
    pub(super) fn queue_on(&mut self, account: Account, ticket: Ticket, check: Check) {
        let dropped = self.auth.queue(account, ticket, check);
        match dropped.and_then(|ticket| self.effects.remove(&ticket)) {
            Some(Effect::Authenticate(candidate)) => {
                self.decide(|auth, it| auth.deny(*candidate, ResponseCode::NotReady, it));
            }
            Some(Effect::Script(stage)) => self.script_step(Auth::give_up_script(*stage)),
            _ => {}
        }
        self.run_checks();
    }

    /// Has as many credentials checked as may be at a time.
    pub(super) fn run_checks(&mut self) {
        while let Some(job) = self.auth.next_check() {
            let candidate = match self.effects.get_mut(&job.ticket) {
                Some(Effect::Authenticate(candidate)) => Some(&mut **candidate),
                Some(Effect::Script(_)) => None,
                // The client is gone.
                _ => {
                    self.effects.remove(&job.ticket);
                    continue;
                }
            };
            let output = self.auth.begin_check(candidate, job);
            self.output(output);
        }
    }

    /// A password or a JWT was checked.
    pub(super) fn checked(&mut self, candidate: Box<Candidate>, completion: Completion) {
        self.decide(|auth, situation| match completion {
            Completion::TokenVerified(result) => auth.jwt_checked(*candidate, result, situation),
            other => auth.password_checked(candidate, other.verified(), situation),
        });
    }

    fn ask_authenticator(
        &mut self,
        candidate: Box<Candidate>,
        session: SessionKey,
        handler: ConversationId,
    ) {
        let principal = candidate.principal.as_deref();
        let roles = self.auth.roles_in_store(principal);
        let mut properties = match &candidate.purpose {
            Purpose::Connect(connecting) => self.sessions.fixed_properties(
                principal,
                connecting.request.client_type.as_str(),
                &connecting.peer,
                self.now.wall_ms,
            ),
            Purpose::Change(caller) => {
                let session = self.sessions.get(caller.session);
                let properties = session.map(|session| session.properties().clone());
                properties.unwrap_or_default()
            }
        };
        properties.insert(key::ROLES.to_owned(), roles_text(&roles));
        let request = AuthenticatorRequest {
            principal: candidate.principal.clone().unwrap_or_default(),
            credentials: candidate.credentials.clone(),
            properties: properties.into_iter().collect(),
            proposed: candidate.proposed.clone(),
            handler,
        };
        let ticket = self.park(candidate);
        let asked = Request::Authentication { ticket, handler };
        let timeout_ms = self.config.authenticator_timeout_ms;
        self.ask(
            session,
            ServiceId::Authenticator,
            &request,
            asked,
            timeout_ms,
        );
    }

    /// A client that authenticates others decided, or failed to.
    pub(super) fn authenticator_decided(
        &mut self,
        ticket: Ticket,
        result: Result<AuthenticatorResponse, ErrorReport>,
    ) {
        if let Some(Effect::Authenticate(candidate)) = self.effects.remove(&ticket) {
            self.decide(|auth, it| auth.authenticator_decided(candidate, result, it));
        }
    }

    fn principal_changed(&mut self, caller: Caller, admission: Admission) {
        let key = caller.session;
        // Another sign-in of the session may follow from here on.
        self.auth.end_change(key);
        let is_other = self.sessions.get(key).is_some_and(|session| {
            session.principal() != admission.principal.as_ref()
                || !Arc::ptr_eq(session.rights(), &admission.rights)
        });
        self.sessions.change_principal(key, admission, self.now);
        if is_other {
            self.rights_changed(&[key], &mut SLICE.clone());
        }
        let response = accepted(caller.service, true);
        self.answer(caller, Ok(response));
    }

    fn end_change(&mut self, caller: Caller, result: Result<ResponseBody, ErrorReport>) {
        self.auth.end_change(caller.session);
        self.answer(caller, result);
    }
}

fn accepted(service: ServiceId, is_accepted: bool) -> ResponseBody {
    match service {
        ServiceId::ChangePrincipal => ResponseBody::ChangePrincipal(is_accepted),
        _ => ResponseBody::Reauthenticate(is_accepted),
    }
}
