//! Sign-in: handlers that are asked, one after the other, whether a client is who it says it is.
//!
//! Source: the API documentation of `Authenticator` and `Security`. The first handler that allows or denies decides; if
//! all abstain, the client is denied. One handler is the authentication store, one checks JWTs; the others are clients that
//! registered under a name that [`crate::Config::authentication`] has.

use effusion_protocol::body::{AuthenticatorResponse, Properties};
use effusion_protocol::{
    ConversationId, Credentials, ErrorReason, ErrorReport, ResponseCode, ServiceId,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::caller::{Caller, Registration, SessionKey};
use crate::errors::error;
use crate::lexer::{Lexeme, lexemes};
use crate::sessions::{Connecting, MAX_PROPERTY, is_user_property, key};
use crate::turns::Account;
use crate::{
    AnonymousPolicy, AuthenticationHandler, EffectError, Output, Secret, Ticket, TokenClaims,
};

use super::jwt::jwt_in;
use super::throttle::{Attempt, Source};
use super::verification::{Check, Job};
use super::{Auth, Rights};

/// Someone who wants to be let in.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) purpose: Purpose,
    pub(crate) principal: Option<String>,
    pub(crate) credentials: Credentials,
    pub(crate) proposed: Properties,
    /// Which handler is to be asked next.
    stage: usize,
    /// Who is counted if the credentials are wrong; nobody, if there are none.
    attempt: Option<(Source, Attempt)>,
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
    pub(crate) rights: Arc<Rights>,
    /// User properties, the environment that the client tells, and fixed ones that a handler set.
    pub(crate) properties: Properties,
    /// Whether a handler said which user properties there are: then there are no others.
    pub(crate) has_all_properties: bool,
    /// When the session ends unless it authenticates again, in milliseconds since 1970.
    pub(crate) expires_ms: Option<u64>,
}

/// What follows for a candidate.
#[derive(Debug)]
pub(crate) enum Decision {
    /// The credentials are to be checked: see [`Auth::queue`].
    Check(Box<Candidate>, Check),
    /// A client is to be asked that registered under this number.
    Ask(Box<Candidate>, SessionKey, ConversationId),
    Allow(Purpose, Admission),
    Deny(Purpose, ResponseCode),
    /// Too many attempts failed before: this one is refused without a look at the credentials, and the next one has to wait for
    /// so many milliseconds.
    Wait(Purpose, u64),
}

/// What a decision has to know of the rest of the service.
#[derive(Clone, Copy)]
pub(crate) struct Situation<'a> {
    /// The monotonic clock's time, in milliseconds.
    pub(crate) now: u64,
    /// Whether the client of a session is there.
    pub(crate) is_connected: &'a dyn Fn(SessionKey) -> bool,
}

/// What the handler that lets someone in says of the session.
#[derive(Debug, Default)]
struct Grant {
    roles: BTreeSet<String>,
    /// In place of the trusted ones of the client, if the handler names any.
    properties: Option<Properties>,
    /// When the session ends unless it authenticates again, in milliseconds since 1970.
    expires_ms: Option<u64>,
}

/// Fixed properties that an authentication handler may set, besides `$Principal`, `$Roles` and `$ExpiryTime` (source: the
/// API documentation of `Authenticator`).
const ADJUSTABLE: [&str; 4] = [key::COUNTRY, key::LANGUAGE, key::LATITUDE, key::LONGITUDE];

/// Clients that registered as authentication handlers, by name.
#[derive(Debug, Default)]
pub(super) struct Authenticators {
    by_name: BTreeMap<String, Vec<(SessionKey, ConversationId)>>,
}

impl Authenticators {
    fn remove_session(&mut self, session: SessionKey) {
        self.by_name.retain(|_, registered| {
            registered.retain(|(key, _)| *key != session);
            !registered.is_empty()
        });
    }
}

impl Auth {
    /// Asks the first handler, unless too many attempts failed before.
    pub(crate) fn begin(
        &mut self,
        mut candidate: Candidate,
        address: &str,
        situation: Situation<'_>,
    ) -> Decision {
        if candidate.principal.is_some() || candidate.credentials != Credentials::None {
            let source = Source::new(candidate.principal.as_deref(), address);
            match self.throttle.begin(situation.now, &source) {
                Ok(attempt) => candidate.attempt = Some((source, attempt)),
                Err(wait_ms) => return Decision::Wait(candidate.purpose, wait_ms),
            }
        }
        self.ask_next(Box::new(candidate), situation)
    }

    /// Asks the next handler.
    fn ask_next(&mut self, mut candidate: Box<Candidate>, situation: Situation<'_>) -> Decision {
        while let Some(handler) = self.handlers.get(candidate.stage) {
            candidate.stage += 1;
            match handler {
                AuthenticationHandler::Token => {
                    if let Some(jwt) = jwt_in(&candidate.credentials) {
                        let check = Check::Jwt(Secret::new(jwt.to_owned()));
                        return Decision::Check(candidate, check);
                    }
                }
                AuthenticationHandler::Store if candidate.principal.is_some() => {
                    return Decision::Check(candidate, Check::Password);
                }
                AuthenticationHandler::Store => match &self.accounts.policy().anonymous {
                    AnonymousPolicy::Allow(roles) => {
                        let grant = Grant {
                            roles: roles.clone(),
                            ..Grant::default()
                        };
                        return self.allow(*candidate, grant, situation);
                    }
                    AnonymousPolicy::Deny => break,
                    AnonymousPolicy::Abstain => {}
                },
                AuthenticationHandler::Client(name) => {
                    let registered = self.authenticators.by_name.get(name);
                    let mut registered = registered.into_iter().flatten().copied();
                    let found = registered.find(|(key, _)| (situation.is_connected)(*key));
                    if let Some((session, conversation)) = found {
                        return Decision::Ask(candidate, session, conversation);
                    }
                }
            }
        }
        self.deny(*candidate, ResponseCode::AuthenticationFailed, situation)
    }

    /// Has credentials wait until it is their turn to be checked. If too many wait then, gives back a check that does no longer.
    pub(crate) fn queue(
        &mut self,
        account: Account,
        ticket: Ticket,
        check: Check,
    ) -> Option<Ticket> {
        let job = Job { ticket, check };
        let most = self.limits.verifications;
        let dropped = self.verifications.push(account, job, most);
        dropped.map(|job| job.ticket)
    }

    /// The check whose turn it is, unless as many are being made as may be.
    pub(crate) fn next_check(&mut self) -> Option<Job> {
        self.verifications.pop(self.limits.checks_at_once)
    }

    /// Begins with a check: what is to be done for it. A script's has no candidate.
    pub(crate) fn begin_check(&mut self, candidate: Option<&mut Candidate>, job: Job) -> Output {
        self.verifications.begin();
        let Job { ticket, check } = job;
        let candidate = match (check, candidate) {
            (Check::Jwt(token), _) => return Output::VerifyToken { ticket, token },
            (Check::Hash(password), _) => return Output::Hash { ticket, password },
            (Check::Script(hash, password), _) => {
                return Output::Verify {
                    ticket,
                    hash,
                    password,
                };
            }
            (Check::Password, Some(candidate)) => candidate,
            (Check::Password, None) => {
                return Output::Verify {
                    ticket,
                    hash: None,
                    password: Secret::new(String::new()),
                };
            }
        };
        let password = match &candidate.credentials {
            Credentials::None => Some(String::new()),
            Credentials::Password(password) => Some(password.clone()),
            // Bytes that only another handler can understand.
            Credentials::Custom(_) => None,
        };
        let principal = candidate.principal.as_deref().unwrap_or_default();
        let entry = self.accounts.get(principal);
        let entry = entry.filter(|_| password.is_some());
        candidate.hash = entry.map(|entry| entry.password_hash.clone());
        Output::Verify {
            ticket,
            hash: candidate.hash.clone(),
            password: Secret::new(password.unwrap_or_default()),
        }
    }

    /// A password or a JWT was checked, or a password hashed: others may be.
    pub(crate) const fn check_done(&mut self) {
        self.verifications.end();
    }

    /// A password was checked.
    pub(crate) fn password_checked(
        &mut self,
        candidate: Box<Candidate>,
        result: Result<bool, EffectError>,
        situation: Situation<'_>,
    ) -> Decision {
        let principal = candidate.principal.as_deref().unwrap_or_default();
        let entry = self.accounts.get(principal);
        // While it was checked, the principal may have got another password.
        let is_present = |hash: &String| entry.is_some_and(|entry| entry.password_hash == *hash);
        if entry.is_some() && !candidate.hash.as_ref().is_none_or(is_present) {
            return Decision::Check(candidate, Check::Password);
        }
        match (result, entry) {
            (Err(_), _) => self.deny(*candidate, ResponseCode::Error, situation),
            // Other handlers may know the principal.
            (Ok(_), None) => self.ask_next(candidate, situation),
            (Ok(false), Some(_)) if matches!(candidate.credentials, Credentials::Custom(_)) => {
                self.ask_next(candidate, situation)
            }
            (Ok(false), Some(_)) => {
                self.deny(*candidate, ResponseCode::AuthenticationFailed, situation)
            }
            (Ok(true), Some(entry)) => {
                let grant = Grant {
                    roles: entry.roles.clone(),
                    ..Grant::default()
                };
                self.allow(*candidate, grant, situation)
            }
        }
    }

    /// A JWT was checked.
    pub(crate) fn jwt_checked(
        &mut self,
        mut candidate: Candidate,
        result: Result<Option<TokenClaims>, EffectError>,
        situation: Situation<'_>,
    ) -> Decision {
        let claims = match result {
            Err(_) => return self.deny(candidate, ResponseCode::Error, situation),
            Ok(claims) => claims,
        };
        let accounts = &self.accounts;
        let is_believed = |claims: &TokenClaims| {
            let subject = &claims.subject;
            // It is its subject's only, whatever name comes with it.
            let is_other = candidate.principal.as_ref().is_some_and(|it| it != subject);
            // Its account is locked, or it was issued before the account got another password or was removed.
            let is_locked = accounts.get(subject).is_some() && accounts.is_locked(subject);
            let is_revoked = accounts.is_revoked(subject, claims.issued_ms);
            !(is_other || subject.is_empty() || is_locked || is_revoked)
        };
        let Some(claims) = claims.filter(is_believed) else {
            return self.deny(candidate, ResponseCode::AuthenticationFailed, situation);
        };
        // The roles that the authentication store has for a principal of this name are not given: it may be another person. But
        // what was taken from an account is not given by a token either, or a muted principal would write with one.
        let roles = match accounts.get(&claims.subject) {
            Some(account) => claims.roles.intersection(&account.roles).cloned().collect(),
            None => claims.roles,
        };
        candidate.principal = Some(claims.subject);
        let grant = Grant {
            roles,
            properties: None,
            expires_ms: Some(claims.expires_ms),
        };
        self.allow(candidate, grant, situation)
    }

    /// A client that authenticates others decided, or failed to: then it abstains.
    pub(crate) fn authenticator_decided(
        &mut self,
        mut candidate: Box<Candidate>,
        result: Result<AuthenticatorResponse, ErrorReport>,
        situation: Situation<'_>,
    ) -> Decision {
        let properties = match result {
            Ok(AuthenticatorResponse::Deny) => {
                return self.deny(*candidate, ResponseCode::AuthenticationFailed, situation);
            }
            Ok(AuthenticatorResponse::Abstain) | Err(_) => {
                return self.ask_next(candidate, situation);
            }
            Ok(AuthenticatorResponse::Allow(properties)) => properties,
        };
        let fixed = |key| {
            let found = properties.iter().find(|(name, _)| name == key);
            found.map(|(_, value)| value.as_str())
        };
        if let Some(name) = fixed(key::PRINCIPAL) {
            candidate.principal = Some(name.to_owned()).filter(|name| !name.is_empty());
        }
        let roles = fixed(key::ROLES).map(roles_of);
        let expires_ms = fixed(key::EXPIRY_TIME).and_then(|text| text.parse().ok());
        let grant = Grant {
            roles: roles.unwrap_or_else(|| self.roles_in_store(candidate.principal.as_deref())),
            properties: Some(properties),
            expires_ms,
        };
        self.allow(*candidate, grant, situation)
    }

    /// The roles that the authentication store has for a principal.
    pub(crate) fn roles_in_store(&self, principal: Option<&str>) -> BTreeSet<String> {
        let entry = principal.and_then(|name| self.accounts.get(name));
        entry.map(|entry| entry.roles.clone()).unwrap_or_default()
    }

    /// Lets someone in.
    fn allow(&mut self, candidate: Candidate, grant: Grant, situation: Situation<'_>) -> Decision {
        let Grant {
            mut roles,
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
        if let Some((source, attempt)) = attempt {
            self.throttle.succeeded(situation.now, &source, attempt);
        }
        let defaults = match principal {
            Some(_) => &self.security.named_roles,
            None => &self.security.anonymous_roles,
        };
        roles.extend(defaults.iter().cloned());
        let accounts = &self.accounts;
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
            rights: self.rights_of(&roles),
            roles,
            properties,
            has_all_properties,
            expires_ms,
        };
        Decision::Allow(purpose, admission)
    }

    /// Does not let someone in.
    pub(crate) fn deny(
        &mut self,
        candidate: Candidate,
        code: ResponseCode,
        situation: Situation<'_>,
    ) -> Decision {
        if let (Some((source, attempt)), ResponseCode::AuthenticationFailed) =
            (&candidate.attempt, code)
        {
            self.throttle.failed(situation.now, source, *attempt);
        }
        Decision::Deny(candidate.purpose, code)
    }

    /// A session is to be asked about clients that want to be let in.
    pub(crate) fn add_authenticator(
        &mut self,
        session: SessionKey,
        name: String,
        conversation: ConversationId,
    ) -> Result<(), ErrorReport> {
        let is_known = self
            .handlers
            .iter()
            .any(|handler| matches!(handler, AuthenticationHandler::Client(it) if *it == name));
        if !is_known {
            return Err(error(
                ErrorReason::InvalidData,
                format!("The service has no authentication handler named '{name}'"),
            ));
        }
        let registered = self.authenticators.by_name.entry(name).or_default();
        if registered.iter().any(|(key, _)| *key == session) {
            return Err(error(
                ErrorReason::HandlerConflict,
                "The session has an authenticator of this name already",
            ));
        }
        registered.push((session, conversation));
        Ok(())
    }

    /// A session is to be asked no longer; returns the number of what it had registered.
    pub(crate) fn remove_authenticator(
        &mut self,
        session: SessionKey,
        name: &str,
    ) -> Option<ConversationId> {
        let registered = self.authenticators.by_name.get_mut(name)?;
        let index = registered.iter().position(|(key, _)| *key == session)?;
        Some(registered.remove(index).1)
    }

    /// Ends what a session registered.
    pub(crate) fn end_authenticators(&mut self, session: SessionKey) -> Vec<Registration> {
        let all = self.authenticators.by_name.values().flatten();
        let ended = all
            .filter(|(key, _)| *key == session)
            .map(|(_, conversation)| (ServiceId::AuthenticatorRegistration, *conversation))
            .collect();
        self.authenticators.remove_session(session);
        ended
    }

    /// A session wants to be another principal's: not before its last sign-in has ended.
    pub(crate) fn begin_change(&mut self, session: SessionKey) -> Result<(), ErrorReport> {
        if self.changing.insert(session) {
            return Ok(());
        }
        Err(error(
            ErrorReason::RejectedRequest,
            "The session's credentials are being checked already",
        ))
    }

    /// Another sign-in of the session may follow.
    pub(crate) fn end_change(&mut self, session: SessionKey) {
        self.changing.remove(&session);
    }

    /// A session is closed.
    pub(crate) fn remove_session(&mut self, session: SessionKey) {
        self.authenticators.remove_session(session);
        self.changing.remove(&session);
    }
}

/// The roles in the text of the property `$Roles`.
fn roles_of(text: &str) -> BTreeSet<String> {
    lexemes(text)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(lexeme, _)| match lexeme {
            Lexeme::Text(role) => Some(role),
            _ => None,
        })
        .collect()
}
