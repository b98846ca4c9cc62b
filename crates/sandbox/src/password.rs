//! Password hashes, off the async threads, a few at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use effusion_host::password::{self, HashError};
use tokio::sync::Semaphore;

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
    /// The hash function, or the hash that was kept.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The threads are gone.
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
        Ok(self.run(move || password::hash(&password)).await??)
    }

    /// Whether this is the password of that hash.
    ///
    /// # Errors
    /// If too many wait already, or the hash is not valid.
    pub async fn verify(&self, hash: String, password: String) -> Result<bool, PasswordError> {
        let verified = self.run(move || password::verify(&hash, &password));
        Ok(verified.await??)
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

#[cfg(test)]
mod tests {
    use super::*;

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
