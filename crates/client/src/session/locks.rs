//! Session locks.
//!
//! Source: `docs/protocol.md`, 6.3, and the API documentation of `SessionLock`.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, ready};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use effusion_protocol::body::{
    SessionLockAcquisition, SessionLockCancellation, SessionLockDetails, SessionLockRequest,
    SessionLockScope, UpdateConstraint, call,
};
use effusion_protocol::{ProtocolVersion, ServiceId, decode, encode};
use futures_channel::oneshot;
use futures_util::StreamExt as _;

use super::Session;
use crate::machine::Ticket;
use crate::response::{Answer, poll_answer};
use crate::shared::{Shared, Waiter};
use crate::{Interruption, RequestError, Response};

impl Session {
    /// Takes a session lock; waits for it as long as another session holds it.
    ///
    /// To drop what this returns, before it is ready, is not to want the lock any more. To drop the lock is to give it
    /// back. `scope` is when it is given back by itself.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `acquire_lock` for the name as a path.
    /// [`RequestError::OutcomeUnknown`] if the session was lost while it waited: it does not have the lock then.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// use effusion_client::SessionLockScope;
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let lock = session.lock("moderator", SessionLockScope::UnlockOnSessionLoss).await?;
    /// let holder = "this session".to_owned();
    /// session.topic_update().set_if("moderator", &holder, lock.constraint()).await?;
    /// lock.unlock().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn lock(&self, name: &str, scope: SessionLockScope) -> LockRequest {
        let shared = self.shared();
        let parts = shared.lock();
        let (version, request) = (shared.version(), shared.new_conversation().0);
        let body = SessionLockRequest {
            name: name.to_owned(),
            request,
            scope,
        };
        let service = ServiceId::AcquireSessionLock;
        let ticket = parts.machine.borrow_mut().request_without_timeout(
            shared.now(),
            service,
            encode(&body, version),
        );
        LockRequest {
            shared: Arc::downgrade(shared),
            cancel: Some(SessionLockCancellation {
                name: body.name,
                request,
            }),
            version,
            ticket,
            answer: Some(shared.answer(ticket)),
        }
    }

    /// Who holds a lock, if anybody does.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `view_session`; services before 6.12 cannot tell.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// if let Some(held) = session.lock_details("moderator").await? {
    ///     println!("session {} holds it", held.session);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn lock_details(&self, name: &str) -> Response<Option<SessionLockDetails>> {
        self.shared().call::<call::GetSessionLock>(&name.to_owned())
    }

    /// Every lock that is held, by name.
    ///
    /// # Errors
    /// As [`Session::lock_details`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// for (name, held) in session.all_lock_details().await? {
    ///     println!("session {} holds {name}", held.session);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn all_lock_details(&self) -> Response<Vec<(String, SessionLockDetails)>> {
        self.shared().call::<call::GetSessionLocks>(&())
    }
}

/// A lock that is being waited for: see [`Session::lock`].
#[must_use = "dropping it is not to want the lock any more"]
pub struct LockRequest {
    shared: Weak<Shared>,
    /// How to take the request back, as long as it waits.
    cancel: Option<SessionLockCancellation>,
    version: ProtocolVersion,
    ticket: Ticket,
    answer: Option<oneshot::Receiver<Answer>>,
}

impl fmt::Debug for LockRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockRequest")
    }
}

impl Future for LockRequest {
    type Output = Result<SessionLock, RequestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &mut self.answer {
            Some(answer) => ready!(poll_answer(answer, context)),
            None => return Poll::Pending,
        };
        self.answer = None;
        self.cancel = None;
        Poll::Ready(answer.and_then(|body| granted(&self.shared, body, self.version)))
    }
}

impl Drop for LockRequest {
    fn drop(&mut self) {
        let (Some(cancel), Some(mut answer), Some(shared)) = (
            self.cancel.take(),
            self.answer.take(),
            self.shared.upgrade(),
        ) else {
            return;
        };
        if shared.state().is_closed() {
            return;
        }
        drop(shared.call::<call::CancelAcquireSessionLock>(&cancel));
        // It may be granted already, the answer being on its way or even here: then it is given back.
        let (weak, version) = (Weak::clone(&self.shared), self.version);
        let give_back = move |answer: Answer| {
            if let Ok(body) = answer {
                drop(granted(&weak, body, version));
            }
        };
        match answer.try_recv() {
            Ok(Some(answer)) => give_back(answer),
            _ => {
                shared.divert(self.ticket, Waiter::Then(Box::new(give_back)));
            }
        }
    }
}

fn granted(
    weak: &Weak<Shared>,
    body: Bytes,
    version: ProtocolVersion,
) -> Result<SessionLock, RequestError> {
    let acquisition: SessionLockAcquisition = decode(body, version)?;
    let Some(shared) = weak.upgrade() else {
        return Err(RequestError::OutcomeUnknown(Interruption::SessionClosed));
    };
    // A session that asks again for a lock that it has gets the same: it is given back when no handle is left.
    let parts = shared.lock();
    let mut locks = parts.locks.borrow_mut();
    locks.retain(|held| held.strong_count() > 0);
    let held = locks
        .iter()
        .filter_map(Weak::upgrade)
        .find(|held| held.name == acquisition.name && held.sequence == acquisition.sequence);
    let held = held.unwrap_or_else(|| {
        let held = Arc::new(Held {
            shared: Weak::clone(weak),
            name: acquisition.name,
            sequence: acquisition.sequence,
            scope: Mutex::new(acquisition.scope),
            era: shared.era(),
            losses: shared.losses(),
            given_back: AtomicBool::new(false),
        });
        locks.push(Arc::downgrade(&held));
        held
    });
    *held.scope.lock().unwrap_or_else(PoisonError::into_inner) = acquisition.scope;
    Ok(SessionLock { held })
}

/// A lock that the session has, as often as it asked for it.
pub(crate) struct Held {
    shared: Weak<Shared>,
    name: String,
    sequence: u64,
    scope: Mutex<SessionLockScope>,
    /// The session's era, and how often the connection had been lost, when the lock was granted.
    era: u32,
    losses: u32,
    given_back: AtomicBool,
}

impl Held {
    fn scope(&self) -> SessionLockScope {
        *self.scope.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_owned(&self) -> bool {
        let Some(shared) = self.shared.upgrade() else {
            return false;
        };
        let is_same_connection = shared.losses() == self.losses;
        let by_session = self.scope() == SessionLockScope::UnlockOnSessionLoss;
        !self.given_back.load(Ordering::Relaxed)
            && !shared.state().is_closed()
            && shared.era() == self.era
            && (is_same_connection || by_session)
    }

    fn release(&self) -> Option<Response<bool>> {
        if !self.is_owned() || self.given_back.swap(true, Ordering::Relaxed) {
            return None;
        }
        let shared = self.shared.upgrade()?;
        let acquisition = SessionLockAcquisition {
            name: self.name.clone(),
            sequence: self.sequence,
            scope: self.scope(),
        };
        Some(shared.call::<call::ReleaseSessionLock>(&acquisition))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.release());
    }
}

/// A session lock that this session has, until it is given back or lost. It is given back when all handles that were got
/// for it are dropped.
pub struct SessionLock {
    held: Arc<Held>,
}

impl SessionLock {
    /// Its name.
    ///
    /// ```no_run
    /// # fn example(lock: &effusion_client::SessionLock) {
    /// println!("{} is ours", lock.name());
    /// # }
    /// ```
    #[must_use]
    pub fn name(&self) -> &str {
        &self.held.name
    }

    /// Grows with each time that a session gets the lock: what holds for the holder of a higher one holds no more for that
    /// of a lower one.
    ///
    /// ```no_run
    /// # fn example(lock: &effusion_client::SessionLock) {
    /// println!("it was acquired with number {}", lock.sequence());
    /// # }
    /// ```
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.held.sequence
    }

    /// When it is given back by itself.
    ///
    /// ```no_run
    /// # fn example(lock: &effusion_client::SessionLock) {
    /// use effusion_client::SessionLockScope;
    ///
    /// let outlives_a_connection = lock.scope() == SessionLockScope::UnlockOnSessionLoss;
    /// # }
    /// ```
    #[must_use]
    pub fn scope(&self) -> SessionLockScope {
        self.held.scope()
    }

    /// Whether this session still has it, as far as it knows: only [`SessionLock::constraint`] has the service's word.
    ///
    /// ```no_run
    /// # fn example(lock: &effusion_client::SessionLock) {
    /// if !lock.is_owned() {
    ///     println!("somebody else may have it");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_owned(&self) -> bool {
        self.held.is_owned()
    }

    /// Waits until the lock is lost, with the session or the connection.
    ///
    /// ```no_run
    /// # async fn example(lock: &effusion_client::SessionLock) {
    /// lock.lost().await;
    /// println!("{} is no longer ours", lock.name());
    /// # }
    /// ```
    pub async fn lost(&self) {
        let Some(mut states) = self.held.shared.upgrade().map(|shared| shared.watch()) else {
            return;
        };
        while self.is_owned() && states.next().await.is_some() {}
    }

    /// A constraint that lets an update be made only as long as this session has the lock.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session, lock: &effusion_client::SessionLock) -> Result<(), effusion_client::RequestError> {
    /// session.topic_update().set_if("leader", "me", lock.constraint()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn constraint(&self) -> UpdateConstraint {
        UpdateConstraint::Locked {
            name: self.held.name.clone(),
            sequence: self.held.sequence,
        }
    }

    /// Gives the lock back, whatever other handles there are. The answer is whether this session still had it.
    ///
    /// # Errors
    /// See [`RequestError`].
    ///
    /// ```no_run
    /// # async fn example(lock: effusion_client::SessionLock) -> Result<(), effusion_client::RequestError> {
    /// let was_owned = lock.unlock().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn unlock(self) -> Result<bool, RequestError> {
        match self.held.release() {
            Some(released) => released.await,
            None => Ok(false),
        }
    }
}

impl fmt::Debug for SessionLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, sequence) = (&self.held.name, self.held.sequence);
        f.debug_tuple("SessionLock")
            .field(name)
            .field(&sequence)
            .finish()
    }
}
