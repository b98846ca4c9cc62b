//! Request handlers: sessions that answer requests for a path and all below.

use effusion_protocol::ConversationId;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::caller::SessionKey;
use crate::topics::ancestors;

/// A session that handles requests for a path.
#[derive(Clone, Debug)]
pub(crate) struct Handler {
    pub(crate) session: SessionKey,
    /// The number that requests for it carry.
    pub(crate) conversation: ConversationId,
    /// Which properties of senders it is told.
    pub(crate) properties: BTreeSet<String>,
}

/// Request handlers by path.
#[derive(Debug, Default)]
pub(crate) struct Handlers {
    by_path: BTreeMap<Arc<str>, Vec<Handler>>,
    /// The paths for which each session has handlers.
    by_session: HashMap<SessionKey, BTreeSet<Arc<str>>>,
}

impl Handlers {
    pub(crate) fn count(&self, session: SessionKey) -> usize {
        self.by_session.get(&session).map_or(0, BTreeSet::len)
    }

    /// Registers a handler; not if the session has one for the path already.
    pub(crate) fn add(&mut self, path: &str, handler: Handler) -> bool {
        let path: Arc<str> = path.into();
        let paths = self.by_session.entry(handler.session).or_default();
        let is_new = paths.insert(path.clone());
        if is_new {
            self.by_path.entry(path).or_default().push(handler);
        }
        is_new
    }

    /// Ends the handler that a session has for a path; returns its number.
    pub(crate) fn remove(&mut self, path: &str, session: SessionKey) -> Option<ConversationId> {
        if let Some(paths) = self.by_session.get_mut(&session) {
            paths.remove(path);
            if paths.is_empty() {
                self.by_session.remove(&session);
            }
        }
        let handlers = self.by_path.get_mut(path)?;
        let index = handlers.iter().position(|it| it.session == session)?;
        let removed = handlers.remove(index);
        if handlers.is_empty() {
            self.by_path.remove(path);
        }
        Some(removed.conversation)
    }

    /// Ends the handlers of a session that it may not keep; returns the numbers of those.
    pub(crate) fn end(
        &mut self,
        session: SessionKey,
        may_keep: impl Fn(&Handler) -> bool,
    ) -> Vec<ConversationId> {
        let mut ended = Vec::new();
        let paths = self.by_session.get(&session).into_iter().flatten();
        for path in paths.cloned().collect::<Vec<_>>() {
            let own = self.by_path.get(&path).into_iter().flatten();
            let own = own.filter(|it| it.session == session && !may_keep(it));
            let before = ended.len();
            ended.extend(own.map(|it| it.conversation));
            if ended.len() > before {
                self.remove(&path, session);
            }
        }
        ended
    }

    pub(crate) fn remove_session(&mut self, session: SessionKey) {
        self.end(session, |_| false);
    }

    /// The numbers of a session's handlers.
    pub(crate) fn of_session(&self, session: SessionKey) -> BTreeSet<ConversationId> {
        let paths = self.by_session.get(&session).into_iter().flatten();
        let handlers = paths.filter_map(|path| self.by_path.get(path)).flatten();
        let own = handlers.filter(|it| it.session == session);
        own.map(|it| it.conversation).collect()
    }

    /// The handlers for the most specific path.
    pub(crate) fn find(&self, path: &str) -> &[Handler] {
        core::iter::once(path)
            .chain(ancestors(path))
            .chain(core::iter::once(""))
            .find_map(|path| self.by_path.get(path))
            .map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handler(session: u64) -> Handler {
        Handler {
            session: SessionKey(session),
            conversation: ConversationId(1),
            properties: BTreeSet::new(),
        }
    }

    #[test]
    fn the_most_specific_path_handles_a_request() {
        let mut handlers = Handlers::default();
        assert!(handlers.add("a", handler(1)));
        assert!(handlers.add("a/b", handler(2)));
        assert!(!handlers.add("a/b", handler(2)));
        let found = |handlers: &Handlers, path| handlers.find(path).first().map(|it| it.session.0);
        assert_eq!(found(&handlers, "a/b/c"), Some(2));
        assert_eq!(found(&handlers, "a/c"), Some(1));
        assert_eq!(found(&handlers, "b"), None);
        handlers.remove_session(SessionKey(2));
        assert_eq!(found(&handlers, "a/b/c"), Some(1));
        handlers.remove("a", SessionKey(1));
        assert_eq!(found(&handlers, "a"), None);
    }
}
