//! Topic notifications: being told of topics without subscribing to them.
//!
//! Source: the API documentation of `TopicNotifications`, and `v60TopicNotifications.jsonl`.

use bytes::Bytes;
use effusion_protocol::ConversationId;
use effusion_protocol::body::{
    TopicDescendantEvent, TopicNotificationEvent, TopicNotificationType,
};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::caller::SessionKey;
use crate::topics::{self, Selector, Topic, TopicTree, ancestors};
use crate::wire;

/// The selectors of a topic notification listener.
type Listener = Vec<Arc<Selector>>;

/// Topic notification listeners: those of each session by the number that the client gave.
#[derive(Debug, Default)]
pub(crate) struct Notifications {
    listeners: BTreeMap<SessionKey, BTreeMap<ConversationId, Listener>>,
}

/// A listener before its selectors changed.
#[derive(Debug)]
pub(crate) struct Before(Listener);

/// What a topic is to a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Nothing,
    /// The first topic on its branch below a selected path.
    Descendant,
    Selected,
}

fn weight(listener: &[Arc<Selector>]) -> usize {
    listener
        .iter()
        .map(|selector| topics::weight(selector))
        .sum()
}

fn view(
    listener: &[Arc<Selector>],
    tree: &TopicTree,
    sees: impl Fn(&Topic) -> bool,
    path: &str,
) -> View {
    let selects = |path: &str| listener.iter().any(|selector| selector.matches(path));
    if selects(path) {
        return View::Selected;
    }
    for ancestor in ancestors(path) {
        if selects(ancestor) {
            return View::Descendant;
        }
        // A topic that the session may not see must not be told by what is not said.
        if tree.at(ancestor).is_some_and(&sees) {
            break;
        }
    }
    View::Nothing
}

impl Notifications {
    /// Adds a selector to a listener, unless the session's selectors are more than `limit` paths then.
    pub(crate) fn select(
        &mut self,
        session: SessionKey,
        id: ConversationId,
        selector: &Arc<Selector>,
        limit: usize,
    ) -> Option<Before> {
        let listeners = self.listeners.entry(session).or_default();
        let mut after = listeners.get(&id).cloned().unwrap_or_default();
        after.retain(|it| it.expression() != selector.expression());
        after.push(selector.clone());
        let others = listeners.iter().filter(|(other, _)| **other != id);
        let others: usize = others.map(|(_, listener)| weight(listener)).sum();
        let fits = others + weight(&after) <= limit;
        let before = if fits {
            listeners.insert(id, after)
        } else {
            None
        };
        if listeners.is_empty() {
            self.listeners.remove(&session);
        }
        fits.then(|| Before(before.unwrap_or_default()))
    }

    /// Takes a selector from a listener.
    pub(crate) fn deselect(
        &mut self,
        session: SessionKey,
        id: ConversationId,
        selector: &Selector,
    ) -> Option<Before> {
        let listener = self.listeners.get_mut(&session)?.get_mut(&id)?;
        let before = listener.clone();
        listener.retain(|it| it.expression() != selector.expression());
        if listener.is_empty() {
            self.remove(session, id);
        }
        Some(Before(before))
    }

    pub(crate) fn remove(&mut self, session: SessionKey, id: ConversationId) {
        if let Some(listeners) = self.listeners.get_mut(&session) {
            listeners.remove(&id);
            if listeners.is_empty() {
                self.listeners.remove(&session);
            }
        }
    }

    pub(crate) fn remove_session(&mut self, session: SessionKey) {
        self.listeners.remove(&session);
    }

    /// What a listener is told of the topics that are there when one of its selectors changed. `sees` says which topics its
    /// session may see.
    pub(crate) fn differences(
        &self,
        (session, id): (SessionKey, ConversationId),
        Before(before): &Before,
        changed: &Selector,
        tree: &TopicTree,
        sees: impl Fn(&Topic) -> bool,
    ) -> Vec<Bytes> {
        let listener = self.listeners.get(&session).and_then(|all| all.get(&id));
        let after = listener.map_or(&[] as &[_], Vec::as_slice);
        let mut messages = Vec::new();
        let prefixes = changed.prefixes();
        for prefix in &prefixes {
            let is_within_other = prefixes.iter().any(|other| {
                other != prefix
                    && (other.is_empty()
                        || prefix
                            .strip_prefix(other)
                            .is_some_and(|rest| rest.starts_with('/')))
            });
            if is_within_other {
                continue;
            }
            for topic in tree.branch(prefix).filter(|it| sees(it)) {
                let was = view(before, tree, &sees, topic.path());
                let is = view(after, tree, &sees, topic.path());
                if was == is {
                    continue;
                }
                if was == View::Selected || (was == View::Descendant && is == View::Nothing) {
                    let kind = TopicNotificationType::Deselected;
                    messages.extend(message(id, topic, was, kind));
                }
                messages.extend(message(id, topic, is, TopicNotificationType::Selected));
            }
        }
        messages
    }

    /// What listeners are told of a topic that was added or removed.
    pub(crate) fn about(
        &self,
        topic: &Topic,
        tree: &TopicTree,
        kind: TopicNotificationType,
        sees: impl Fn(SessionKey, &Topic) -> bool,
    ) -> Vec<(SessionKey, Bytes)> {
        let mut messages = Vec::new();
        for (session, listeners) in &self.listeners {
            if !sees(*session, topic) {
                continue;
            }
            for (id, listener) in listeners {
                let view = view(listener, tree, |it| sees(*session, it), topic.path());
                let message = message(*id, topic, view, kind);
                messages.extend(message.map(|message| (*session, message)));
            }
        }
        messages
    }
}

fn message(
    listener: ConversationId,
    topic: &Topic,
    view: View,
    kind: TopicNotificationType,
) -> Option<Bytes> {
    let path = topic.path().to_owned();
    match view {
        View::Nothing => None,
        View::Descendant => Some(wire::descendant_event(&TopicDescendantEvent {
            listener,
            path,
            kind,
        })),
        View::Selected => Some(wire::topic_event(&TopicNotificationEvent {
            listener,
            path,
            kind,
            specification: topic.specification().clone(),
        })),
    }
}
