//! Session locks: names that one session holds at a time.

use effusion_protocol::body::SessionLockScope;
use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::caller::Caller;
use crate::caller::SessionKey;

/// A lock that is held.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) by: SessionKey,
    pub(crate) sequence: u64,
    pub(crate) scope: SessionLockScope,
    waiting: VecDeque<Waiting>,
}

/// A request that waits for a lock.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) caller: Caller,
    /// Chosen by the client, to cancel the request by.
    pub(crate) request: u64,
    pub(crate) scope: SessionLockScope,
}

/// A request that is answered now.
#[derive(Debug)]
pub(crate) struct Granted {
    pub(crate) caller: Caller,
    pub(crate) name: String,
    pub(crate) sequence: u64,
    pub(crate) scope: SessionLockScope,
}

/// All locks that are held.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    held: BTreeMap<String, Held>,
    /// How many each session holds.
    counts: HashMap<SessionKey, usize>,
    last_sequence: u64,
}

impl Locks {
    pub(crate) fn is_held(&self, name: &str, by: SessionKey, sequence: u64) -> bool {
        self.held
            .get(name)
            .is_some_and(|held| held.by == by && held.sequence == sequence)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Held> {
        self.held.get(name)
    }

    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    /// How many locks a session holds.
    pub(crate) fn count(&self, session: SessionKey) -> usize {
        self.counts.get(&session).copied().unwrap_or_default()
    }

    /// Nobody holds a lock any more; gives those who wait for it.
    fn free(&mut self, name: &str) -> VecDeque<Waiting> {
        let Some(held) = self.held.remove(name) else {
            return VecDeque::new();
        };
        if let Some(count) = self.counts.get_mut(&held.by) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.counts.remove(&held.by);
            }
        }
        held.waiting
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Held)> {
        self.held.iter()
    }

    /// Takes a lock, or waits for it.
    pub(crate) fn acquire(&mut self, name: &str, waiting: Waiting) -> Vec<Granted> {
        let Some(held) = self.held.get_mut(name) else {
            return self.assign(name, [waiting].into());
        };
        if held.by != waiting.caller.session {
            held.waiting.push_back(waiting);
            return Vec::new();
        }
        // Held already; of two scopes the weaker one counts (source: the API documentation).
        held.scope = held.scope.max(waiting.scope);
        vec![Granted {
            caller: waiting.caller,
            name: name.to_owned(),
            sequence: held.sequence,
            scope: held.scope,
        }]
    }

    /// Stops waiting; returns the request that waited.
    pub(crate) fn cancel(&mut self, name: &str, by: SessionKey, request: u64) -> Option<Caller> {
        let waiting = &mut self.held.get_mut(name)?.waiting;
        let index = waiting
            .iter()
            .position(|it| it.caller.session == by && it.request == request)?;
        waiting.remove(index).map(|it| it.caller)
    }

    /// Gives a lock back; returns whether it was held, and who has it now.
    pub(crate) fn release(
        &mut self,
        name: &str,
        by: SessionKey,
        sequence: u64,
    ) -> (bool, Vec<Granted>) {
        if !self.is_held(name, by, sequence) {
            return (false, Vec::new());
        }
        let waiting = self.free(name);
        (true, self.assign(name, waiting))
    }

    /// A session lost its connection, or is gone altogether. Locks that last as long as a connection go to others; requests for
    /// such locks wait no longer, and are given back to be answered.
    pub(crate) fn lost(
        &mut self,
        session: SessionKey,
        is_closed: bool,
    ) -> (Vec<Granted>, Vec<Caller>) {
        let mut refused = Vec::new();
        for held in self.held.values_mut() {
            held.waiting.retain(|it| {
                let ends = it.caller.session == session
                    && (is_closed || it.scope == SessionLockScope::UnlockOnConnectionLoss);
                if ends {
                    refused.push(it.caller.clone());
                }
                !ends
            });
        }
        let names: Vec<String> = self
            .held
            .iter()
            .filter(|(_, held)| {
                held.by == session
                    && (is_closed || held.scope == SessionLockScope::UnlockOnConnectionLoss)
            })
            .map(|(name, _)| name.clone())
            .collect();
        let mut granted = Vec::new();
        for name in names {
            let waiting = self.free(&name);
            granted.extend(self.assign(&name, waiting));
        }
        (granted, refused)
    }

    /// Rights changed: takes locks back from sessions that may no longer have them, and gives them to others. The requests of
    /// such sessions wait no longer, and are given back to be answered.
    pub(crate) fn withdraw(
        &mut self,
        may_have: impl Fn(SessionKey, &str) -> bool,
    ) -> (Vec<Granted>, Vec<Caller>) {
        let (mut granted, mut refused) = (Vec::new(), Vec::new());
        let mut free = Vec::new();
        for (name, held) in &mut self.held {
            held.waiting.retain(|it| {
                let may = may_have(it.caller.session, name);
                if !may {
                    refused.push(it.caller.clone());
                }
                may
            });
            if !may_have(held.by, name) {
                free.push(name.clone());
            }
        }
        for name in free {
            let waiting = self.free(&name);
            granted.extend(self.assign(&name, waiting));
        }
        (granted, refused)
    }

    /// Gives a free lock to the first that waits, and returns all requests of that session, which are granted.
    fn assign(&mut self, name: &str, mut waiting: VecDeque<Waiting>) -> Vec<Granted> {
        let Some(by) = waiting.front().map(|first| first.caller.session) else {
            return Vec::new();
        };
        let (own, others): (VecDeque<_>, VecDeque<_>) =
            waiting.drain(..).partition(|it| it.caller.session == by);
        self.last_sequence += 1;
        let sequence = self.last_sequence;
        let scope = own
            .iter()
            .map(|it| it.scope)
            .max()
            .unwrap_or(SessionLockScope::UnlockOnSessionLoss);
        *self.counts.entry(by).or_default() += 1;
        self.held.insert(
            name.to_owned(),
            Held {
                by,
                sequence,
                scope,
                waiting: others,
            },
        );
        own.into_iter()
            .map(|it| Granted {
                caller: it.caller,
                name: name.to_owned(),
                sequence,
                scope,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use SessionLockScope::{UnlockOnConnectionLoss, UnlockOnSessionLoss};

    fn waiting(session: u64, request: u64, scope: SessionLockScope) -> Waiting {
        Waiting {
            caller: Caller::test(SessionKey(session), request),
            request,
            scope,
        }
    }

    fn holders(granted: &[Granted]) -> Vec<(u64, u64)> {
        granted
            .iter()
            .map(|it| (it.caller.session.0, it.sequence))
            .collect()
    }

    #[test]
    fn one_session_holds_a_lock_at_a_time() {
        let mut locks = Locks::default();
        let granted = locks.acquire("L", waiting(1, 1, UnlockOnSessionLoss));
        assert_eq!(holders(&granted), [(1, 1)]);
        assert!(
            locks
                .acquire("L", waiting(2, 2, UnlockOnSessionLoss))
                .is_empty()
        );
        assert!(
            locks
                .acquire("L", waiting(3, 3, UnlockOnSessionLoss))
                .is_empty()
        );
        assert!(
            locks
                .acquire("L", waiting(2, 4, UnlockOnConnectionLoss))
                .is_empty()
        );
        let again = locks.acquire("L", waiting(1, 5, UnlockOnConnectionLoss));
        assert_eq!(
            again.first().map(|it| (it.sequence, it.scope)),
            Some((1, UnlockOnConnectionLoss))
        );
        assert!(!locks.release("L", SessionKey(2), 1).0);
        assert!(!locks.release("L", SessionKey(1), 9).0);
        let (released, granted) = locks.release("L", SessionKey(1), 1);
        assert!(released);
        assert_eq!(holders(&granted), [(2, 2), (2, 2)]);
        assert!(locks.is_held("L", SessionKey(2), 2));
        assert!(locks.cancel("L", SessionKey(3), 9).is_none());
        assert!(locks.cancel("L", SessionKey(3), 3).is_some());
        assert!(locks.release("L", SessionKey(2), 2).1.is_empty());
        assert!(locks.get("L").is_none());
    }

    #[test]
    fn locks_are_taken_back_from_who_may_no_longer_have_them() {
        let mut locks = Locks::default();
        for (request, session) in [1, 2, 3].into_iter().zip(1..) {
            locks.acquire("L", waiting(session, request, UnlockOnSessionLoss));
        }
        assert_eq!(locks.count(SessionKey(1)), 1);
        let (granted, refused) = locks.withdraw(|session, _| session == SessionKey(3));
        assert_eq!(holders(&granted), [(3, 2)]);
        assert_eq!(refused, [Caller::test(SessionKey(2), 2)]);
        let counts = [1, 2, 3].map(|session| locks.count(SessionKey(session)));
        assert_eq!(counts, [0, 0, 1]);
    }

    #[test]
    fn a_lost_session_gives_its_locks_back() {
        let mut locks = Locks::default();
        locks.acquire("A", waiting(1, 1, UnlockOnSessionLoss));
        locks.acquire("B", waiting(1, 2, UnlockOnConnectionLoss));
        locks.acquire("A", waiting(2, 3, UnlockOnSessionLoss));
        locks.acquire("B", waiting(2, 4, UnlockOnSessionLoss));
        assert_eq!(holders(&locks.lost(SessionKey(1), false).0), [(2, 3)]);
        locks.acquire("B", waiting(1, 5, UnlockOnSessionLoss));
        assert_eq!(holders(&locks.lost(SessionKey(1), true).0), [(2, 4)]);
        assert!(
            locks.lost(SessionKey(2), true).0.is_empty(),
            "1 waits no longer"
        );
    }
}
