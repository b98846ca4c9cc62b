//! Authentication: handlers that are asked, one after the other, whether a client is who it says it is.
//!
//! Source: the API documentation of `Authenticator` and `Security`. The first handler that allows or denies decides; if
//! all abstain, the client is denied. One handler is the authentication store; the others are clients that registered
//! under a name that [`crate::Config::authentication`] has.

use effusion_protocol::body::{
    AuthenticatorRequest, AuthenticatorResponse, GlobalPermission, NamedDeregistration,
    NamedRegistration, Properties, ResponseBody,
};
use effusion_protocol::{
    ConversationId, Credentials, ErrorReason, ErrorReport, ResponseCode, ServiceId,
};
use std::collections::{BTreeMap, BTreeSet};

use crate::auth::accounts::{MAX_PROPERTY, is_user_property};
use crate::auth::jwt::token_in;
use crate::auth::throttle::{Attempt, Guess, network};
use crate::auth::verification::{Asker, Check, Job};
use crate::broker::connect::Connecting;
use crate::broker::rights::Ended;
use crate::broker::{Broker, Connection, Effect};
use crate::caller::SessionKey;
use crate::caller::{Caller, Pending};
use crate::errors::{self, error};
use crate::lexer::{Token, tokens};
use crate::messaging::requests::Outgoing;
use crate::services::dispatch::{Reply, Served};
use crate::sessions::{Session, key};
use crate::{AnonymousPolicy, AuthenticationHandler, EffectError, Output, Secret, Ticket};

/// Someone who wants to be let in.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) purpose: Purpose,
    pub(crate) principal: Option<String>,
    pub(crate) credentials: Credentials,
    pub(crate) proposed: Properties,
    /// Which handler is to be asked next.
    pub(crate) stage: usize,
    /// Who is counted if the credentials are wrong; nobody, if there are none.
    attempt: Option<(Guess, Attempt)>,
    /// The hash that the password is being checked against.
    hash: Option<String>,
}

impl Candidate {
    pub(crate) const fn new(
        purpose: Purpose,
        principal: Option<String>,
        credentials: Credentials,
        proposed: Properties,
    ) -> Self {
        Self {
            purpose,
            principal,
            credentials,
            proposed,
            stage: 0,
            attempt: None,
            hash: None,
        }
    }
}

/// What someone wants to be let in for.
#[derive(Debug)]
pub(crate) enum Purpose {
    Connect(Box<Connecting>),
    /// An open session wants another principal, or to prove again that it is its own.
    Change(Caller),
}

/// As what someone is let in.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) principal: Option<String>,
    pub(crate) roles: BTreeSet<String>,
    /// User properties, the environment that the client tells, and fixed ones that a handler set.
    pub(crate) properties: Properties,
    /// Whether a handler said which user properties there are: then there are no others.
    pub(crate) has_all_properties: bool,
    /// When the session ends unless it authenticates again, in milliseconds since 1970.
    pub(crate) expires_ms: Option<u64>,
}

/// What the handler that lets someone in says of the session.
#[derive(Debug, Default)]
pub(crate) struct Grant {
    pub(crate) roles: BTreeSet<String>,
    /// In place of the trusted ones of the client, if the handler names any.
    pub(crate) properties: Option<Properties>,
    /// When the session ends unless it authenticates again, in milliseconds since 1970.
    pub(crate) expires_ms: Option<u64>,
}

/// Fixed properties that an authentication handler may set, besides `$Principal`, `$Roles` and `$ExpiryTime` (source: the
/// API documentation of `Authenticator`).
const ADJUSTABLE: [&str; 4] = [key::COUNTRY, key::LANGUAGE, key::LATITUDE, key::LONGITUDE];

/// Sessions that registered as authentication handlers, by name.
#[derive(Debug, Default)]
pub(crate) struct Authenticators {
    by_name: BTreeMap<String, Vec<(SessionKey, ConversationId)>>,
}

impl Authenticators {
    /// Ends what a session registered.
    pub(crate) fn end(&mut self, session: SessionKey) -> Vec<Ended> {
        let all = self.by_name.values().flatten();
        let ended = all
            .filter(|(key, _)| *key == session)
            .map(|(_, conversation)| (ServiceId::AuthenticatorRegistration, *conversation))
            .collect();
        self.remove_session(session);
        ended
    }

    pub(crate) fn remove_session(&mut self, session: SessionKey) {
        self.by_name.retain(|_, registered| {
            registered.retain(|(key, _)| *key != session);
            !registered.is_empty()
        });
    }
}

impl Broker {
    /// What a session needs to decide who is let in.
    pub(crate) const AUTHENTICATOR_RIGHTS: [GlobalPermission; 2] = [
        GlobalPermission::RegisterHandler,
        GlobalPermission::Authenticate,
    ];

    /// Asks the first handler, unless too many attempts failed before.
    pub(crate) fn sign_in(&mut self, mut candidate: Candidate) {
        if candidate.principal.is_some() || candidate.credentials != Credentials::None {
            let address = match &candidate.purpose {
                Purpose::Connect(connecting) => Some(&connecting.peer.address),
                Purpose::Change(caller) => self
                    .sessions
                    .get(caller.session)
                    .and_then(|session| session.properties.get(key::CLIENT_IP)),
            };
            let address = address.map(String::as_str).unwrap_or_default();
            let guess = Guess::new(candidate.principal.as_deref(), address);
            match self.attempts.begin(self.now.monotonic_ms, &guess) {
                Ok(attempt) => candidate.attempt = Some((guess, attempt)),
                Err(wait_ms) => {
                    match candidate.purpose {
                        Purpose::Connect(connecting) => self.put_off(&connecting, wait_ms),
                        Purpose::Change(caller) => {
                            self.end_change(&caller);
                            let seconds = wait_ms.div_ceil(1000);
                            let report = errors::error(
                                ErrorReason::RejectedRequest,
                                format!("Too many sign-ins failed: try again in {seconds} s"),
                            );
                            self.answer(caller, Err(report));
                        }
                    }
                    return;
                }
            }
        }
        self.authenticate(candidate);
    }

    /// Asks the next handler.
    pub(crate) fn authenticate(&mut self, mut candidate: Candidate) {
        while let Some(handler) = self.config.authentication.get(candidate.stage).cloned() {
            candidate.stage += 1;
            match handler {
                AuthenticationHandler::Token => {
                    if let Some(token) = token_in(&candidate.credentials) {
                        let token = Secret::new(token.to_owned());
                        self.check_token(candidate, token);
                        return;
                    }
                }
                AuthenticationHandler::Store if candidate.principal.is_some() => {
                    self.queue_check(candidate, Check::Password);
                    return;
                }
                AuthenticationHandler::Store => match &self.auth.accounts.policy().anonymous {
                    AnonymousPolicy::Allow(roles) => {
                        let mut roles = roles.clone();
                        roles.extend(self.auth.security.anonymous_roles.iter().cloned());
                        let grant = Grant {
                            roles,
                            ..Grant::default()
                        };
                        self.allow(candidate, grant);
                        return;
                    }
                    AnonymousPolicy::Deny => break,
                    AnonymousPolicy::Abstain => {}
                },
                AuthenticationHandler::Client(name) => {
                    if let Some((session, conversation)) = self.authenticator(&name) {
                        self.ask_authenticator(candidate, session, conversation);
                        return;
                    }
                }
            }
        }
        self.deny(candidate, ResponseCode::AuthenticationFailed);
    }

    /// A client that is registered under a name, and is there.
    fn authenticator(&self, name: &str) -> Option<(SessionKey, ConversationId)> {
        let is_there = |key| {
            self.sessions
                .get(key)
                .is_some_and(|session: &Session| session.connection().is_some())
        };
        let registered = self.authenticators.by_name.get(name)?;
        registered.iter().copied().find(|(key, _)| is_there(*key))
    }

    /// Keeps a candidate until something is known.
    pub(crate) fn park(&mut self, candidate: Candidate) -> Ticket {
        let connection = match &candidate.purpose {
            Purpose::Connect(connecting) => Some(connecting.connection),
            Purpose::Change(_) => None,
        };
        let ticket = self.new_ticket(Effect::Authenticate(Box::new(candidate)));
        if let Some(connection) = connection {
            self.connections
                .insert(connection, Connection::Connecting(ticket));
        }
        ticket
    }

    /// Has credentials wait until it is their turn to be checked.
    pub(crate) fn queue_check(&mut self, candidate: Candidate, check: Check) {
        let asker = self.asker(&candidate);
        let ticket = self.park(candidate);
        let most = self.config.limits.verifications;
        if let Some(dropped) = self.checks.push(asker, Job { ticket, check }, most)
            && let Some(Effect::Authenticate(candidate)) = self.take_effect(dropped.ticket)
        {
            self.deny(*candidate, ResponseCode::NotReady);
        }
        self.run_checks();
    }

    fn asker(&self, candidate: &Candidate) -> Asker {
        let (address, principal) = match &candidate.purpose {
            Purpose::Connect(connecting) => {
                (Some(&connecting.peer.address), candidate.principal.clone())
            }
            // Not whom the session wants to be: that one's turns are not the session's to take.
            Purpose::Change(caller) => match self.sessions.get(caller.session) {
                Some(session) => (
                    session.properties.get(key::CLIENT_IP),
                    session.principal.clone(),
                ),
                None => (None, None),
            },
        };
        Asker {
            address: network(address.map(String::as_str).unwrap_or_default()),
            principal,
        }
    }

    /// Has as many credentials checked as may be at a time.
    pub(crate) fn run_checks(&mut self) {
        while let Some(job) = self.checks.pop(self.config.limits.checks_at_once) {
            let Some(Effect::Authenticate(candidate)) = self.effect_mut(job.ticket) else {
                // The client is gone.
                self.take_effect(job.ticket);
                continue;
            };
            let password = match &candidate.credentials {
                Credentials::None => Some(String::new()),
                Credentials::Password(password) => Some(password.clone()),
                // Bytes that only another handler can understand.
                Credentials::Custom(_) => None,
            };
            let principal = candidate.principal.clone().unwrap_or_default();
            let entry = self.auth.accounts.principals.get(&principal);
            let hash = entry
                .filter(|_| password.is_some())
                .map(|entry| entry.password_hash.clone());
            let ticket = job.ticket;
            if let Some(Effect::Authenticate(candidate)) = self.effect_mut(ticket) {
                candidate.hash.clone_from(&hash);
            }
            self.checks.running += 1;
            self.output(match job.check {
                Check::Token(token) => Output::VerifyToken { ticket, token },
                Check::Password => Output::Verify {
                    ticket,
                    hash,
                    password: Secret::new(password.unwrap_or_default()),
                },
            });
        }
    }

    /// A password was checked.
    pub(crate) fn password_checked(
        &mut self,
        candidate: Candidate,
        result: Result<bool, EffectError>,
    ) {
        let principal = candidate.principal.as_deref().unwrap_or_default();
        let entry = self.auth.accounts.principals.get(principal);
        // While it was checked, the principal may have got another password.
        let is_present = |hash: &String| entry.is_some_and(|entry| entry.password_hash == *hash);
        if entry.is_some() && !candidate.hash.as_ref().is_none_or(is_present) {
            return self.queue_check(candidate, Check::Password);
        }
        match (result, entry) {
            (Err(_), _) => self.deny(candidate, ResponseCode::Error),
            // Other handlers may know the principal.
            (Ok(_), None) => self.authenticate(candidate),
            (Ok(false), Some(_)) if matches!(candidate.credentials, Credentials::Custom(_)) => {
                self.authenticate(candidate);
            }
            (Ok(false), Some(_)) => self.deny(candidate, ResponseCode::AuthenticationFailed),
            (Ok(true), Some(entry)) => {
                let mut roles = entry.roles.clone();
                roles.extend(self.auth.security.named_roles.iter().cloned());
                let grant = Grant {
                    roles,
                    ..Grant::default()
                };
                self.allow(candidate, grant);
            }
        }
    }

    fn ask_authenticator(
        &mut self,
        candidate: Candidate,
        session: SessionKey,
        handler: ConversationId,
    ) {
        let principal = candidate.principal.clone();
        let roles = principal
            .as_ref()
            .and_then(|name| self.auth.accounts.principals.get(name))
            .map(|entry| entry.roles.clone())
            .unwrap_or_default();
        let mut properties = match &candidate.purpose {
            Purpose::Connect(connecting) => self.fixed_properties(
                principal.as_deref(),
                connecting.request.client_type.as_str(),
                &connecting.peer,
            ),
            Purpose::Change(caller) => self
                .sessions
                .get(caller.session)
                .map(|session| session.properties.clone())
                .unwrap_or_default(),
        };
        properties.insert(key::ROLES.to_owned(), Session::roles_text_of(&roles));
        let request = AuthenticatorRequest {
            principal: principal.unwrap_or_default(),
            credentials: candidate.credentials.clone(),
            properties: properties.into_iter().collect(),
            proposed: candidate.proposed.clone(),
            handler,
        };
        let ticket = self.park(candidate);
        let until = self
            .now
            .monotonic_ms
            .saturating_add(u64::from(self.config.authenticator_timeout_ms));
        let outgoing = Outgoing::Authentication {
            ticket,
            handler,
            until,
        };
        self.ask(session, ServiceId::Authenticator, &request, outgoing);
    }

    /// A client that authenticates others decided, or failed to: then it abstains.
    pub(crate) fn authenticator_decided(
        &mut self,
        ticket: Ticket,
        result: Result<AuthenticatorResponse, ErrorReport>,
    ) {
        let Some(Effect::Authenticate(mut candidate)) = self.take_effect(ticket) else {
            return;
        };
        match result {
            Ok(AuthenticatorResponse::Deny) => {
                self.deny(*candidate, ResponseCode::AuthenticationFailed);
            }
            Ok(AuthenticatorResponse::Abstain) | Err(_) => self.authenticate(*candidate),
            Ok(AuthenticatorResponse::Allow(properties)) => {
                let fixed = |key| {
                    let found = properties.iter().find(|(name, _)| name == key);
                    found.map(|(_, value)| value.as_str())
                };
                if let Some(name) = fixed(key::PRINCIPAL) {
                    candidate.principal = Some(name.to_owned()).filter(|name| !name.is_empty());
                }
                let roles = fixed(key::ROLES).map(roles_of);
                let expires_ms = fixed(key::EXPIRY_TIME).and_then(|text| text.parse().ok());
                let mut roles = roles.unwrap_or_else(|| {
                    let entry = candidate.principal.as_ref();
                    entry
                        .and_then(|name| self.auth.accounts.principals.get(name))
                        .map(|entry| entry.roles.clone())
                        .unwrap_or_default()
                });
                let defaults = if candidate.principal.is_some() {
                    &self.auth.security.named_roles
                } else {
                    &self.auth.security.anonymous_roles
                };
                roles.extend(defaults.iter().cloned());
                let grant = Grant {
                    roles,
                    properties: Some(properties),
                    expires_ms,
                };
                self.allow(*candidate, grant);
            }
        }
    }

    /// Lets someone in.
    pub(crate) fn allow(&mut self, candidate: Candidate, grant: Grant) {
        let Grant {
            roles,
            properties,
            expires_ms,
        } = grant;
        let Candidate {
            purpose,
            principal,
            proposed,
            attempt,
            ..
        } = candidate;
        if let Some((guess, attempt)) = attempt {
            let now = self.now.monotonic_ms;
            self.attempts.succeeded(now, &guess, attempt);
        }
        let accounts = &self.auth.accounts;
        let has_all_properties = properties.is_some();
        let properties = match properties {
            None => proposed
                .into_iter()
                .filter(|(name, value)| accounts.trusts(name, value))
                .collect(),
            Some(properties) => {
                let environment = proposed
                    .into_iter()
                    .filter(|(name, value)| name.starts_with('$') && accounts.trusts(name, value));
                environment
                    .chain(properties.into_iter().filter(|(name, value)| {
                        is_user_property(name, value)
                            || (ADJUSTABLE.contains(&name.as_str()) && value.len() <= MAX_PROPERTY)
                    }))
                    .collect()
            }
        };
        let admission = Admission {
            principal,
            roles,
            properties,
            has_all_properties,
            expires_ms,
        };
        match purpose {
            Purpose::Connect(connecting) => self.admit(*connecting, admission),
            Purpose::Change(caller) => self.principal_changed(caller, admission),
        }
    }

    pub(crate) fn deny(&mut self, candidate: Candidate, code: ResponseCode) {
        if let (Some((guess, attempt)), ResponseCode::AuthenticationFailed) =
            (&candidate.attempt, code)
        {
            let now = self.now.monotonic_ms;
            self.attempts.failed(now, guess, *attempt);
        }
        match candidate.purpose {
            Purpose::Connect(connecting) => self.turn_away(&connecting, code),
            Purpose::Change(caller) => {
                self.end_change(&caller);
                let result = match code {
                    ResponseCode::AuthenticationFailed => Ok(accepted(caller.service, false)),
                    code => Err(errors::error(
                        ErrorReason::CommunicationFailure,
                        code.description(),
                    )),
                };
                self.answer(caller, result);
            }
        }
    }

    /// A session wants to be another principal's, or to prove again that it is its own.
    pub(crate) fn change_principal(
        &mut self,
        caller: Caller,
        principal: String,
        credentials: Credentials,
        proposed: Properties,
    ) -> Served {
        let session = self.sessions.get_mut(caller.session);
        let session = session.ok_or_else(errors::no_such_session)?;
        if session.is_signing_in {
            return Err(error(
                ErrorReason::RejectedRequest,
                "The session's credentials are being checked already",
            ));
        }
        session.is_signing_in = true;
        let caller = self.set_pending(caller, Pending::Other);
        let principal = Some(principal).filter(|name| !name.is_empty());
        let purpose = Purpose::Change(caller);
        self.sign_in(Candidate::new(purpose, principal, credentials, proposed));
        Ok(Reply::Later)
    }

    /// Another sign-in of the session may follow.
    fn end_change(&mut self, caller: &Caller) {
        if let Some(session) = self.sessions.get_mut(caller.session) {
            session.is_signing_in = false;
        }
    }

    fn principal_changed(&mut self, caller: Caller, admission: Admission) {
        self.end_change(&caller);
        let Admission {
            principal,
            roles,
            properties,
            has_all_properties,
            expires_ms,
        } = admission;
        let rights = self.auth.rights_of(&roles);
        self.change_session(caller.session, |session| {
            let name = principal.clone().unwrap_or_default();
            session.properties.insert(key::PRINCIPAL.to_owned(), name);
            if has_all_properties {
                session.properties.retain(|name, _| name.starts_with('$'));
            }
            session.properties.extend(properties);
            session.principal = principal;
            session.roles = roles;
            session.rights = rights;
        });
        self.limit_validity(caller.session, expires_ms);
        self.rights_changed(&[caller.session]);
        let response = accepted(caller.service, true);
        self.answer(caller, Ok(response));
    }

    pub(crate) fn register_authenticator(
        &mut self,
        caller: &Caller,
        it: NamedRegistration,
    ) -> Served {
        for permission in Self::AUTHENTICATOR_RIGHTS {
            self.check_global(caller, permission)?;
        }
        let is_known = self.config.authentication.iter().any(
            |handler| matches!(handler, AuthenticationHandler::Client(name) if *name == it.name),
        );
        if !is_known {
            return Err(error(
                ErrorReason::InvalidData,
                format!(
                    "The service has no authentication handler named '{}'",
                    it.name
                ),
            ));
        }
        let registered = self.authenticators.by_name.entry(it.name).or_default();
        if registered.iter().any(|(key, _)| *key == caller.session) {
            return Err(error(
                ErrorReason::HandlerConflict,
                "The session has an authenticator of this name already",
            ));
        }
        registered.push((caller.session, it.handler));
        Ok(Reply::Now(ResponseBody::AuthenticatorRegistration(())))
    }

    pub(crate) fn deregister_authenticator(
        &mut self,
        caller: &Caller,
        it: &NamedDeregistration,
    ) -> Served {
        if let Some(registered) = self.authenticators.by_name.get_mut(&it.name) {
            registered.retain(|(key, _)| *key != caller.session);
        }
        Ok(Reply::Now(ResponseBody::AuthenticatorDeregistration(())))
    }
}

fn accepted(service: ServiceId, is_accepted: bool) -> ResponseBody {
    match service {
        ServiceId::ChangePrincipal => ResponseBody::ChangePrincipal(is_accepted),
        _ => ResponseBody::Reauthenticate(is_accepted),
    }
}

/// The roles in the text of the property `$Roles`.
fn roles_of(text: &str) -> BTreeSet<String> {
    tokens(text)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(token, _)| match token {
            Token::Text(role) => Some(role),
            _ => None,
        })
        .collect()
}
