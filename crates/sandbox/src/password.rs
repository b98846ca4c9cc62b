//! Password hashes: argon2id, off the async threads, a few at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// Memory of one hash in KiB, passes and lanes: what the OWASP password storage cheat sheet recommends for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes and verifies passwords. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passwords {
    at_once: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    most_waiting: usize,
}

/// Why a password could not be hashed or verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many wait already: whoever asks should try again later.
    #[error("too many passwords are being checked at the moment")]
    Busy,
    /// The hash that was kept is not a hash.
    #[error("the stored password hash is not valid: {0}")]
    BadHash(String),
    /// The hash function failed.
    #[error("the password could not be hashed: {0}")]
    Failed(String),
}

impl Passwords {
    /// At most `at_once` hashes are computed at a time (each takes 19 MiB and a core for some tens of milliseconds), and
    /// at most `most_waiting` wait for their turn.
    #[must_use]
    pub fn new(at_once: usize, most_waiting: usize) -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(at_once)),
            waiting: Arc::default(),
            most_waiting,
        }
    }

    /// The hash to keep for a password, with a salt of its own, in PHC's form.
    ///
    /// # Errors
    /// If too many wait already, or hashing fails.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.run(move || hash_now(&password)).await?
    }

    /// Whether this is the password of that hash.
    ///
    /// # Errors
    /// If too many wait already, or the hash is not valid.
    pub async fn verify(&self, hash: String, password: String) -> Result<bool, PasswordError> {
        self.run(move || verify_now(&hash, &password)).await?
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let _waiting = Waiting::join(&self.waiting, self.most_waiting)?;
        let permit = Arc::clone(&self.at_once)
            .acquire_owned()
            .await
            .map_err(|error| PasswordError::Failed(error.to_string()))?;
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(|error| PasswordError::Failed(error.to_string()))
    }
}

/// A place in the queue.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(count: &'a AtomicUsize, most: usize) -> Result<Self, PasswordError> {
        let place = Self(count);
        if count.fetch_add(1, Ordering::Relaxed) >= most {
            return Err(PasswordError::Busy);
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Hashes on this thread: for the start, when nothing else runs.
///
/// # Errors
/// If hashing fails.
pub fn hash_now(password: &str) -> Result<String, PasswordError> {
    let failed = |error: &dyn std::fmt::Display| PasswordError::Failed(error.to_string());
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| failed(&error))?;
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| failed(&error))
}

/// Verifies on this thread: for the start, when nothing else runs.
///
/// # Errors
/// If the hash is not valid.
pub fn verify_now(hash: &str, password: &str) -> Result<bool, PasswordError> {
    let parsed =
        PasswordHash::new(hash).map_err(|error| PasswordError::BadHash(error.to_string()))?;
    match Argon2::default().verify_password(password.as_bytes(), &parsed) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(PasswordError::BadHash(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_only() {
        let hash = hash_now("correct horse").unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert_eq!(verify_now(&hash, "correct horse"), Ok(true));
        assert_eq!(verify_now(&hash, "correct horsE"), Ok(false));
        assert_eq!(verify_now(&hash, ""), Ok(false));
        assert_ne!(
            hash_now("correct horse").unwrap(),
            hash,
            "each has its salt"
        );
    }

    #[test]
    fn what_is_no_hash_is_an_error() {
        for bad in [
            "",
            "password",
            "$argon2id$",
            "$argon2id$v=19$m=19456,t=2,p=1$",
        ] {
            assert!(
                matches!(verify_now(bad, "x"), Err(PasswordError::BadHash(_))),
                "{bad:?} {:?}",
                verify_now(bad, "x")
            );
        }
    }

    #[tokio::test]
    async fn too_many_at_once_are_told_to_come_back() {
        let passwords = Passwords::new(1, 2);
        let attempts: Vec<_> = (0..5)
            .map(|_| {
                let passwords = passwords.clone();
                async move { passwords.hash("x".to_owned()).await }
            })
            .collect();
        let results = futures_util::future::join_all(attempts).await;
        let busy = results
            .iter()
            .filter(|result| **result == Err(PasswordError::Busy))
            .count();
        assert_eq!(busy, 3, "{results:?}");
        assert!(
            passwords.hash("x".to_owned()).await.is_ok(),
            "places are given back"
        );
    }
}
