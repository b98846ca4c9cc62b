//! Session locks.

use effusion_protocol::ErrorReason;
use effusion_protocol::body::{
    GlobalPermission, PathPermission, ResponseBody, SessionLockAcquisition,
    SessionLockCancellation, SessionLockDetails, SessionLockRequest, SessionLockScope,
};

use crate::broker::Broker;
use crate::caller::{Caller, Pending};
use crate::errors::{self, error};
use crate::messaging::{Held, Waiting};
use crate::services::dispatch::{Reply, Served};
use crate::topics::MAX_PATH;

/// Bytes of the names of all locks: they are listed in one answer.
const MAX_NAMES: usize = 4 << 20;

impl Broker {
    pub(crate) fn acquire_lock(&mut self, caller: Caller, it: SessionLockRequest) -> Served {
        let rights = self.session(&caller)?.rights();
        if !rights.has(PathPermission::AcquireLock, it.name.trim_matches('/')) {
            return Err(errors::denied(PathPermission::AcquireLock, &it.name));
        }
        let lasts = it.scope == SessionLockScope::UnlockOnSessionLoss;
        if !lasts && self.session(&caller)?.connection().is_none() {
            return Err(errors::connection_lost());
        }
        if it.name.len() > MAX_PATH {
            return Err(errors::invalid_data(format_args!(
                "The name of a session lock cannot be longer than {MAX_PATH} bytes"
            )));
        }
        if self.messaging.locks().count(caller.session) >= self.config.limits.selections {
            return Err(errors::too_many("session locks are held by the session"));
        }
        let locks = self.messaging.locks();
        let is_crowded = locks.len() >= self.config.limits.locks
            || locks.name_bytes() + it.name.len() > MAX_NAMES;
        if is_crowded && locks.get(&it.name).is_none() {
            return Err(errors::too_many("session locks are held"));
        }
        let caller = self.set_pending(caller, Pending::Other);
        let granted = self.messaging.locks_mut().acquire(
            &it.name,
            Waiting {
                caller,
                request: it.request,
                scope: it.scope,
            },
        );
        self.grant(granted);
        Ok(Reply::Later)
    }

    pub(crate) fn cancel_lock(&mut self, caller: &Caller, it: &SessionLockCancellation) -> Served {
        if let Some(waiting) =
            self.messaging
                .locks_mut()
                .cancel(&it.name, caller.session, it.request)
        {
            let report = error(
                ErrorReason::CallbackException,
                "The request for the session lock was cancelled",
            );
            self.answer(waiting, Err(report));
        }
        Ok(Reply::Now(ResponseBody::CancelAcquireSessionLock(())))
    }

    pub(crate) fn release_lock(&mut self, caller: &Caller, it: &SessionLockAcquisition) -> Served {
        let (released, granted) =
            self.messaging
                .locks_mut()
                .release(&it.name, caller.session, it.sequence);
        self.answer(
            caller.clone(),
            Ok(ResponseBody::ReleaseSessionLock(released)),
        );
        self.grant(granted);
        Ok(Reply::Later)
    }

    fn lock_details(&self, held: &Held) -> Option<SessionLockDetails> {
        Some(SessionLockDetails {
            server: self.config.server_name.clone(),
            session: self.sessions.get(held.by)?.id(),
            sequence: held.sequence,
        })
    }

    pub(crate) fn get_lock(&mut self, caller: &Caller, name: &str) -> Served {
        self.check_global(caller, GlobalPermission::ViewSession)?;
        let details = self
            .messaging
            .locks()
            .get(name)
            .and_then(|held| self.lock_details(held));
        Ok(Reply::Now(ResponseBody::GetSessionLock(details)))
    }

    pub(crate) fn get_locks(&mut self, caller: &Caller) -> Served {
        self.check_global(caller, GlobalPermission::ViewSession)?;
        let details = self
            .messaging
            .locks()
            .iter()
            .filter_map(|(name, held)| Some((name.to_string(), self.lock_details(held)?)))
            .collect();
        Ok(Reply::Now(ResponseBody::GetSessionLocks(details)))
    }
}
