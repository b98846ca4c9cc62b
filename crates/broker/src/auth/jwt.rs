//! Sign-in by token, and sessions that end unless they authenticate again.
//!
//! Source: the API documentation of `Security.reauthenticate`, of the session property `$ExpiryTime` and of the close
//! reason `EXPIRED`. Diffusion leaves tokens to authentication handlers; here, one is built in.

use core::mem;
use effusion_protocol::{CloseReason, Credentials, ResponseCode};

use crate::auth::sign_in::{Candidate, Grant};
use crate::auth::verification::Check;
use crate::broker::Broker;
use crate::caller::SessionKey;
use crate::sessions::key;
use crate::sessions::timers::Timer;
use crate::{EffectError, Secret, TokenClaims};

/// The longest text that is taken for a token.
const MAX_TOKEN: usize = 16 * 1024;

/// The token in credentials, if they are one. SDKs send it as a password, or as bytes.
///
/// What looks like a token is one: a token that must not be believed is refused, and never tried as a password.
pub(crate) fn token_in(credentials: &Credentials) -> Option<&str> {
    let text = match credentials {
        Credentials::None => return None,
        Credentials::Password(text) => text.as_str(),
        Credentials::Custom(bytes) => core::str::from_utf8(bytes).ok()?,
    };
    let is_base64url = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // The first part is a JSON object: `{` and what may follow it begin with "e" in base64, and with "ey" unless
    // there is a line break. The last part is empty if the token is not signed.
    let mut parts = text.split('.');
    let is_token = text.len() <= MAX_TOKEN
        && matches!(
            (parts.next(), parts.next(), parts.next(), parts.next()),
            (Some(head), Some(claims), Some(signature), None)
                if head.starts_with('e')
                    && head.len() > 8
                    && !claims.is_empty()
                    && [head, claims, signature].into_iter().all(is_base64url)
        );
    is_token.then_some(text)
}

impl Broker {
    pub(crate) fn check_token(&mut self, candidate: Candidate, token: Secret) {
        self.queue_check(candidate, Check::Token(token));
    }

    /// A token was checked.
    pub(crate) fn token_checked(
        &mut self,
        mut candidate: Candidate,
        result: Result<Option<TokenClaims>, EffectError>,
    ) {
        let claims = match result {
            Err(_) => return self.deny(candidate, ResponseCode::Error),
            Ok(None) => return self.deny(candidate, ResponseCode::AuthenticationFailed),
            Ok(Some(claims)) => claims,
        };
        let TokenClaims {
            subject,
            roles,
            issued_ms,
            expires_ms,
        } = claims;
        // A token is its subject's only, whatever name comes with it.
        let is_other = candidate
            .principal
            .as_ref()
            .is_some_and(|name| *name != subject);
        if is_other || subject.is_empty() {
            return self.deny(candidate, ResponseCode::AuthenticationFailed);
        }
        // Its account is locked, or it was issued before the account got another password or was removed.
        let accounts = &self.auth.accounts;
        let is_locked = accounts.principals.contains_key(&subject) && accounts.is_locked(&subject);
        if is_locked || accounts.is_revoked(&subject, issued_ms) {
            return self.deny(candidate, ResponseCode::AuthenticationFailed);
        }
        candidate.principal = Some(subject);
        // Not the roles that the authentication store has for a principal of this name: it may be another person.
        let mut roles = roles;
        roles.extend(self.auth.security.named_roles.iter().cloned());
        self.allow(
            candidate,
            Grant {
                roles,
                properties: None,
                expires_ms: Some(expires_ms),
            },
        );
    }

    /// Sets when a session ends unless it authenticates again; `None` is never.
    pub(crate) fn limit_validity(&mut self, key: SessionKey, expires_ms: Option<u64>) {
        // The wall clock may be set while the session lasts; what is left of the time is counted by the other one.
        let now = self.now;
        let at = expires_ms.map(|expires| {
            let left = expires.saturating_sub(now.wall_ms);
            now.monotonic_ms.saturating_add(left)
        });
        let Some(session) = self.sessions.get_mut(key) else {
            return;
        };
        match expires_ms {
            Some(expires) => session
                .properties
                .insert(key::EXPIRY_TIME.to_owned(), expires.to_string()),
            None => session.properties.remove(key::EXPIRY_TIME),
        };
        let before = mem::replace(&mut session.expires, at);
        if let Some(before) = before {
            self.timers.cancel(before, Timer::Outdated(key));
        }
        if let Some(at) = at {
            self.timers.set(at, Timer::Outdated(key));
        }
    }

    /// A session's time is up.
    pub(crate) fn outdated(&mut self, key: SessionKey) {
        let now = self.now.monotonic_ms;
        let is_over = self
            .sessions
            .get(key)
            .is_some_and(|session| session.expires.is_some_and(|at| at <= now));
        if is_over {
            self.close(key, CloseReason::Expired);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_token_is_told_from_a_password() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
        assert_eq!(token_in(&Credentials::Password(token.into())), Some(token));
        assert_eq!(
            token_in(&Credentials::Custom(Bytes::from(token))),
            Some(token)
        );
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.";
        assert_eq!(
            token_in(&Credentials::Password(unsigned.into())),
            Some(unsigned),
            "it is to be refused as a token"
        );
        for other in [
            "password",
            "",
            "..",
            "a.b.c",
            "e.e.e",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0",
            "eyJhbGciOiJIUzI1NiJ9..c2ln",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln.c2ln",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi iJhIn0.c2ln",
        ] {
            let credentials = Credentials::Password(other.into());
            assert_eq!(token_in(&credentials), None, "{other:?}");
        }
        let long = format!("{token}{}", "a".repeat(MAX_TOKEN));
        assert_eq!(token_in(&Credentials::Password(long)), None);
        assert_eq!(token_in(&Credentials::None), None);
        let binary = Credentials::Custom(Bytes::from_static(&[0xff, b'.', b'.']));
        assert_eq!(token_in(&binary), None);
    }
}
