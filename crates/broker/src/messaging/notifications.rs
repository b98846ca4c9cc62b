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
use crate::sessions::{SelectedBy, Selection, Selections};
use crate::topics::{Selector, Topic, TopicTree, ancestors};
use crate::wire;

/// A listener has one scope.
const SCOPE: &str = "";

/// Topic notification listeners: those of each session by the number that the client gave.
#[derive(Debug, Default)]
pub(crate) struct Notifications {
    listeners: BTreeMap<SessionKey, BTreeMap<ConversationId, Selections>>,
}

/// What a listener selected before that changed.
#[derive(Debug)]
pub(crate) struct Before(Selections);

/// What a topic is to a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Nothing,
    /// The first topic on its branch below a selected path.
    Descendant,
    Selected,
}

fn view(
    listener: &Selections,
    tree: &TopicTree,
    sees: impl Fn(&Topic) -> bool,
    path: &str,
) -> View {
    // The last that was said of a path.
    let says = |path: &str| {
        let mut said = listener.scopes().get(SCOPE)?.iter().rev();
        said.find(|it| it.selector.matches(path))
            .map(Selection::selects)
    };
    match says(path) {
        Some(true) => return View::Selected,
        Some(false) => return View::Nothing,
        None => {}
    }
    for ancestor in ancestors(path) {
        if says(ancestor) == Some(true) {
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
    /// Has a listener select topics, or select them no longer: for each topic, the last that was said of it counts. Does nothing
    /// if the session's selectors would be more than `limit` paths then.
    pub(crate) fn change(
        &mut self,
        session: SessionKey,
        id: ConversationId,
        selector: &Arc<Selector>,
        selects: bool,
        limit: usize,
    ) -> Option<Before> {
        let listeners = self.listeners.entry(session).or_default();
        let before = listeners.remove(&id).unwrap_or_default();
        let mut after = before.clone();
        let selected = selects.then_some(SelectedBy::Session);
        let selector = Arc::clone(selector);
        after.push(SCOPE, Selection { selector, selected });
        let others: usize = listeners.values().map(Selections::weight).sum();
        let fits = others + after.weight() <= limit;
        let now = if fits { after } else { before.clone() };
        if now.weight() > 0 {
            listeners.insert(id, now);
        }
        if listeners.is_empty() {
            self.listeners.remove(&session);
        }
        fits.then_some(Before(before))
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
        let nothing = Selections::default();
        let after = listener.unwrap_or(&nothing);
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
