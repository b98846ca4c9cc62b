//! Password hashes: argon2id, off the async threads, a few at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;

/// Memory of one hash in KiB, passes and lanes: what the OWASP password storage cheat sheet recommends for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Bytes that glibc's allocator gives back to the system as soon as they are free, whatever it learns from use.
const GIVEN_BACK: usize = (32 << 20) + 1024;

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
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(failed)?;
    let salt = Salt::generate();
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(failed)?,
        salt: Some(salt),
        hash: Some(argon2id(params, password, &salt).map_err(failed)?),
    };
    Ok(hash.to_string())
}

/// Verifies on this thread: for the start, when nothing else runs. Takes as long for a wrong password as for the right
/// one.
///
/// # Errors
/// If the hash is not valid.
pub fn verify_now(hash: &str, password: &str) -> Result<bool, PasswordError> {
    let bad = |reason: &dyn ToString| PasswordError::BadHash(reason.to_string());
    let parsed = PasswordHash::new(hash).map_err(|error| bad(&error))?;
    let (Some(salt), Some(expected)) = (&parsed.salt, &parsed.hash) else {
        return Err(bad(&"it has no salt or no hash"));
    };
    if parsed.algorithm != Algorithm::Argon2id.ident()
        || parsed.version != Some(Version::V0x13.into())
    {
        return Err(bad(&"it is not of argon2id, version 19"));
    }
    let params = Params::try_from(&parsed).map_err(|error| bad(&error))?;
    let found = argon2id(params, password, salt).map_err(|error| bad(&error))?;
    // This comparison takes the same time wherever the two differ.
    Ok(found == *expected)
}

fn argon2id(
    params: Params,
    password: &str,
    salt: &Salt,
) -> Result<Output, argon2::password_hash::Error> {
    let blocks = params.block_count();
    let mut out = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
    // More than is used, and so never touched: glibc gives memory back to the system at once only if it is of 32 MiB
    // or more. Without this, each thread would keep several times what a hash needs.
    let mut memory = Vec::with_capacity(blocks.max(GIVEN_BACK / Block::SIZE));
    memory.resize(blocks, Block::default());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(
        password.as_bytes(),
        salt,
        &mut out,
        &mut memory,
    )?;
    Ok(Output::new(&out)?)
}

fn failed(error: impl ToString) -> PasswordError {
    PasswordError::Failed(error.to_string())
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
    fn a_hash_of_another_program_verifies() {
        // What the reference program writes: printf password | argon2 saltsalt -id -t 2 -m 8 -p 1 -l 24 -e
        let hash = "$argon2id$v=19$m=256,t=2,p=1$c2FsdHNhbHQ$mdagG53WeWlHhlW/NGt0Y25VLjS8m/nx";
        assert_eq!(verify_now(hash, "password"), Ok(true));
        assert_eq!(verify_now(hash, "passwort"), Ok(false));
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
