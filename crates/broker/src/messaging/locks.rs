//! Session locks: names that one session holds at a time.
//!
//! What a session holds and waits for is found by the session, so that what becomes of it takes as long as it has locks, not as
//! there are.

use effusion_protocol::body::SessionLockScope;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use crate::caller::Caller;
use crate::caller::SessionKey;

/// A lock that is held.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) by: SessionKey,
    pub(crate) sequence: u64,
    pub(crate) scope: SessionLockScope,
    /// The requests of each session that waits, in the order in which the sessions will have the lock.
    waiting: VecDeque<Vec<Waiting>>,
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

/// What a session has to do with locks.
#[derive(Debug, Default)]
struct Involved {
    /// What it holds or waits for.
    names: BTreeSet<Arc<str>>,
    held: usize,
}

/// All locks that are held.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    held: BTreeMap<Arc<str>, Held>,
    by_session: HashMap<SessionKey, Involved>,
    /// Bytes of all names.
    name_bytes: usize,
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

    /// Bytes of the names of all locks.
    pub(crate) const fn name_bytes(&self) -> usize {
        self.name_bytes
    }

    /// How many locks a session holds.
    pub(crate) fn count(&self, session: SessionKey) -> usize {
        self.by_session.get(&session).map_or(0, |it| it.held)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Held)> {
        self.held.iter()
    }

    /// A session neither holds a lock nor waits for it any more.
    fn forget(&mut self, name: &str, session: SessionKey, was_held: bool) {
        if let Some(involved) = self.by_session.get_mut(&session) {
            involved.names.remove(name);
            involved.held = involved.held.saturating_sub(usize::from(was_held));
            if involved.names.is_empty() {
                self.by_session.remove(&session);
            }
        }
    }

    /// Takes a lock, or waits for it.
    pub(crate) fn acquire(&mut self, name: &str, waiting: Waiting) -> Vec<Granted> {
        let session = waiting.caller.session;
        let Some(held) = self.held.get_mut(name) else {
            self.name_bytes += name.len();
            return self.assign(&name.into(), [vec![waiting]].into());
        };
        if held.by == session {
            // Held already; of two scopes the weaker one counts (source: the API documentation).
            held.scope = held.scope.max(waiting.scope);
            return vec![Granted {
                caller: waiting.caller,
                name: name.to_owned(),
                sequence: held.sequence,
                scope: held.scope,
            }];
        }
        match held.waiting_of(session) {
            Some(place) => held.waiting[place].push(waiting),
            None => held.waiting.push_back(vec![waiting]),
        }
        if let Some((name, _)) = self.held.get_key_value(name) {
            let involved = self.by_session.entry(session).or_default();
            involved.names.insert(name.clone());
        }
        Vec::new()
    }

    /// Stops waiting; returns the request that waited.
    pub(crate) fn cancel(&mut self, name: &str, by: SessionKey, request: u64) -> Option<Caller> {
        let held = self.held.get_mut(name)?;
        let place = held.waiting_of(by)?;
        let own = held.waiting.get_mut(place)?;
        let index = own.iter().position(|it| it.request == request)?;
        let cancelled = own.remove(index);
        if own.is_empty() {
            held.waiting.remove(place);
            self.forget(name, by, false);
        }
        Some(cancelled.caller)
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
        (true, self.pass_on(name))
    }

    /// A session lost its connection, or is gone altogether. Locks that last as long as a connection go to others; requests for
    /// such locks wait no longer, and are given back to be answered.
    pub(crate) fn lost(
        &mut self,
        session: SessionKey,
        is_closed: bool,
    ) -> (Vec<Granted>, Vec<Caller>) {
        let ends = |scope| is_closed || scope == SessionLockScope::UnlockOnConnectionLoss;
        self.end(session, |_, scope| ends(scope))
    }

    /// A session's rights changed: takes locks back that it may no longer have, and gives them to others. Its requests for such
    /// locks wait no longer, and are given back to be answered.
    pub(crate) fn withdraw(
        &mut self,
        session: SessionKey,
        may_have: impl Fn(&str) -> bool,
    ) -> (Vec<Granted>, Vec<Caller>) {
        self.end(session, |name, _| !may_have(name))
    }

    fn end(
        &mut self,
        session: SessionKey,
        ends: impl Fn(&str, SessionLockScope) -> bool,
    ) -> (Vec<Granted>, Vec<Caller>) {
        let (mut granted, mut refused) = (Vec::new(), Vec::new());
        let involved = self.by_session.get(&session);
        let names = involved.map(|it| it.names.clone()).unwrap_or_default();
        for name in names {
            let Some(held) = self.held.get_mut(&name) else {
                continue;
            };
            if held.by == session {
                if ends(&name, held.scope) {
                    granted.extend(self.pass_on(&name));
                }
                continue;
            }
            if let Some(place) = held.waiting_of(session)
                && let Some(own) = held.waiting.get_mut(place)
            {
                let ended = own.extract_if(.., |it| ends(&name, it.scope));
                refused.extend(ended.map(|it| it.caller));
                if own.is_empty() {
                    held.waiting.remove(place);
                    self.forget(&name, session, false);
                }
            }
        }
        (granted, refused)
    }

    /// Nobody holds a lock any more: it goes to the next that waits.
    fn pass_on(&mut self, name: &str) -> Vec<Granted> {
        let Some((name, held)) = self.held.remove_entry(name) else {
            return Vec::new();
        };
        self.forget(&name, held.by, true);
        if held.waiting.is_empty() {
            self.name_bytes = self.name_bytes.saturating_sub(name.len());
        }
        self.assign(&name, held.waiting)
    }

    /// Gives a free lock to the first session that waits, and returns all its requests, which are granted.
    fn assign(&mut self, name: &Arc<str>, mut waiting: VecDeque<Vec<Waiting>>) -> Vec<Granted> {
        let own = waiting.pop_front().unwrap_or_default();
        let Some(by) = own.first().map(|first| first.caller.session) else {
            return Vec::new();
        };
        self.last_sequence += 1;
        let sequence = self.last_sequence;
        let scope = own
            .iter()
            .map(|it| it.scope)
            .max()
            .unwrap_or(SessionLockScope::UnlockOnSessionLoss);
        let involved = self.by_session.entry(by).or_default();
        involved.names.insert(name.clone());
        involved.held += 1;
        self.held.insert(
            name.clone(),
            Held {
                by,
                sequence,
                scope,
                waiting,
            },
        );
        own.into_iter()
            .map(|it| Granted {
                caller: it.caller,
                name: name.to_string(),
                sequence,
                scope,
            })
            .collect()
    }
}

impl Held {
    /// The place of a session among those that wait.
    fn waiting_of(&self, session: SessionKey) -> Option<usize> {
        let of = |own: &Vec<Waiting>| own.first().map(|it| it.caller.session);
        self.waiting.iter().position(|own| of(own) == Some(session))
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
        let (granted, refused) = locks.withdraw(SessionKey(2), |_| false);
        assert!(granted.is_empty());
        assert_eq!(refused, [Caller::test(SessionKey(2), 2)]);
        let (granted, refused) = locks.withdraw(SessionKey(1), |_| false);
        assert_eq!(holders(&granted), [(3, 2)]);
        assert!(refused.is_empty());
        assert!(locks.withdraw(SessionKey(3), |_| true).0.is_empty());
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

    #[test]
    fn nothing_is_left_of_what_was_given_back() {
        let mut locks = Locks::default();
        for name in ["A", "BB"] {
            for session in 1..4 {
                locks.acquire(name, waiting(session, session, UnlockOnSessionLoss));
            }
        }
        assert_eq!(locks.name_bytes(), 3);
        assert!(locks.cancel("A", SessionKey(2), 2).is_some());
        for session in 1..4 {
            locks.lost(SessionKey(session), true);
        }
        assert_eq!((locks.len(), locks.name_bytes()), (0, 0));
        assert!(locks.by_session.is_empty());
    }
}
