//! Checks of what clients prove themselves with: passwords and tokens.

use std::sync::Arc;

use effusion_broker::{EffectError, Secret, TokenClaims};
use tracing::{info, warn};

use crate::password::Passwords;
use crate::token::TokenVerifier;

/// Checks credentials. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Checks {
    passwords: Passwords,
    /// A hash of a password that nobody has, to take as long over a principal that does not exist.
    nobody: Arc<str>,
    tokens: Option<Arc<TokenVerifier>>,
}

impl Checks {
    /// With the pool that passwords are hashed on, a hash of any password, and the keys of tokens, if there are any.
    #[must_use]
    pub fn new(passwords: Passwords, nobody: &str, tokens: Option<TokenVerifier>) -> Self {
        Self {
            passwords,
            nobody: nobody.into(),
            tokens: tokens.map(Arc::new),
        }
    }

    /// The hash to keep for a password.
    ///
    /// # Errors
    /// If too many wait already, or hashing fails.
    pub async fn hash(&self, password: &Secret) -> Result<String, EffectError> {
        let hash = self.passwords.hash(password.reveal().to_owned()).await;
        hash.map_err(|error| EffectError(error.to_string()))
    }

    /// Whether it is the password of that hash. Without a hash it is not, but it takes as long.
    ///
    /// # Errors
    /// If too many wait already, or the hash is not valid.
    pub async fn password(
        &self,
        hash: Option<String>,
        password: &Secret,
    ) -> Result<bool, EffectError> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.to_string());
        let right = self
            .passwords
            .verify(hash, password.reveal().to_owned())
            .await;
        right.map(|right| right && exists).map_err(|error| {
            warn!(%error, "a password was not checked");
            EffectError(error.to_string())
        })
    }

    /// What a token says, or `None` if it must not be believed at this moment (in milliseconds since 1970).
    #[must_use]
    pub fn token(&self, token: &Secret, now_ms: u64) -> Option<TokenClaims> {
        match self.tokens.as_ref()?.verify(token.reveal(), now_ms) {
            Ok(claims) => Some(claims),
            Err(refusal) => {
                // The token itself is a secret, and stays one.
                info!(%refusal, "a token was refused");
                None
            }
        }
    }
}
