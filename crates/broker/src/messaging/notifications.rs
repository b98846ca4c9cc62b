//! Topic notifications: being told of topics without subscribing to them.
//!
//! Source: the API documentation of `TopicNotifications`, and `v60TopicNotifications.jsonl`.

use effusion_protocol::body::{
    PathPermission, ResponseBody, TopicDescendantEvent, TopicNotificationEvent,
    TopicNotificationSelection, TopicNotificationType,
};
use effusion_protocol::{ConversationId, TopicId};
use std::sync::Arc;

use crate::broker::{Broker, Caller};
use crate::services::dispatch::{Reply, Served};
use crate::sessions::{Session, SessionKey};
use crate::topics::selectors::Selector;
use crate::topics::{Topic, TopicTree, ancestors};
use crate::{errors, wire};

/// The selectors of a topic notification listener.
pub(crate) type Listener = Vec<Arc<Selector>>;

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
        .map(|selector| crate::topics::selectors::weight(selector))
        .sum()
}

fn view(listener: &[Arc<Selector>], tree: &TopicTree, session: &Session, path: &str) -> View {
    let selects = |path: &str| listener.iter().any(|selector| selector.matches(path));
    if selects(path) {
        return View::Selected;
    }
    for ancestor in ancestors(path) {
        if selects(ancestor) {
            return View::Descendant;
        }
        // A topic that the session may not see must not be told by what is not said.
        if tree.at(ancestor).is_some_and(|it| may_see(session, it)) {
            break;
        }
    }
    View::Nothing
}

fn may_see(session: &Session, topic: &Topic) -> bool {
    let rights = &session.rights;
    rights.has(PathPermission::SelectTopic, &topic.path)
        && session.may(
            PathPermission::ReadTopic,
            &topic.path,
            Some(&topic.settings),
        )
}

impl Broker {
    pub(crate) fn notify_of(
        &mut self,
        caller: &Caller,
        request: &TopicNotificationSelection,
    ) -> Served {
        let selector = self.selector_of(caller, &request.selector)?;
        let limit = self.config.limits.selections;
        let others: usize = self
            .session(caller)?
            .listeners
            .iter()
            .filter(|(id, _)| **id != request.listener)
            .map(|(_, listener)| weight(listener))
            .sum();
        let before = self.change_listener(caller.session, request.listener, |listener| {
            listener.retain(|it| it.expression() != selector.expression());
            if others + weight(listener) + crate::topics::selectors::weight(&selector) > limit {
                return false;
            }
            listener.push(selector.clone());
            true
        });
        let before = before.ok_or_else(|| errors::too_many("topic notification selections"))?;
        self.tell_differences(caller.session, request.listener, &before, &selector);
        Ok(Reply::Now(ResponseBody::TopicNotificationSelection(())))
    }

    pub(crate) fn notify_no_more(
        &mut self,
        caller: &Caller,
        request: &TopicNotificationSelection,
    ) -> Served {
        let selector = self
            .selector(&request.selector)
            .map_err(|error| errors::bad_selector(&error))?;
        let before = self.change_listener(caller.session, request.listener, |listener| {
            listener.retain(|it| it.expression() != selector.expression());
            true
        });
        if let Some(before) = before {
            self.tell_differences(caller.session, request.listener, &before, &selector);
        }
        Ok(Reply::Now(ResponseBody::TopicNotificationDeselection(())))
    }

    pub(crate) fn remove_listener(&mut self, caller: &Caller, listener: ConversationId) -> Served {
        if let Some(session) = self.clients.get_mut(caller.session) {
            session.listeners.remove(&listener);
            if session.listeners.is_empty() {
                self.listening.remove(&caller.session);
            }
        }
        Ok(Reply::Now(
            ResponseBody::TopicNotificationDeregistration(()),
        ))
    }

    /// Changes a listener; answers what it was, unless `change` refuses.
    fn change_listener(
        &mut self,
        key: SessionKey,
        id: ConversationId,
        change: impl FnOnce(&mut Listener) -> bool,
    ) -> Option<Listener> {
        let session = self.clients.get_mut(key)?;
        let before = session.listeners.get(&id).cloned().unwrap_or_default();
        let mut after = before.clone();
        if !change(&mut after) {
            return None;
        }
        if after.is_empty() {
            session.listeners.remove(&id);
        } else {
            session.listeners.insert(id, after);
        }
        if session.listeners.is_empty() {
            self.listening.remove(&key);
        } else {
            self.listening.insert(key);
        }
        Some(before)
    }

    /// Tells a listener what a changed selector means for the topics that are there.
    fn tell_differences(
        &mut self,
        key: SessionKey,
        id: ConversationId,
        before: &Listener,
        changed: &Selector,
    ) {
        let Some(session) = self.clients.get(key) else {
            return;
        };
        let nothing = Listener::new();
        let after = session.listeners.get(&id).unwrap_or(&nothing);
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
            for topic in self.tree.branch(prefix).filter(|it| may_see(session, it)) {
                let was = view(before, &self.tree, session, &topic.path);
                let is = view(after, &self.tree, session, &topic.path);
                if was == is {
                    continue;
                }
                match was {
                    View::Selected => {
                        let kind = TopicNotificationType::Deselected;
                        messages.push(message(id, topic, View::Selected, kind));
                    }
                    View::Descendant if is == View::Nothing => {
                        let kind = TopicNotificationType::Deselected;
                        messages.push(message(id, topic, View::Descendant, kind));
                    }
                    View::Descendant | View::Nothing => {}
                }
                if is != View::Nothing {
                    messages.push(message(id, topic, is, TopicNotificationType::Selected));
                }
            }
        }
        for message in messages.into_iter().flatten() {
            self.clients.send(key, message);
        }
    }

    /// Tells all listeners of a topic that was added, or is about to be removed.
    pub(crate) fn notify_listeners(&mut self, id: TopicId, kind: TopicNotificationType) {
        if self.listening.is_empty() {
            return;
        }
        let Some(topic) = self.tree.get(id) else {
            return;
        };
        let mut messages = Vec::new();
        for key in &self.listening {
            let Some(session) = self.clients.get(*key).filter(|it| may_see(it, topic)) else {
                continue;
            };
            for (listener, selectors) in &session.listeners {
                let view = view(selectors, &self.tree, session, &topic.path);
                if let Some(message) = message(*listener, topic, view, kind) {
                    messages.push((*key, message));
                }
            }
        }
        for (key, message) in messages {
            self.clients.send(key, message);
        }
    }
}

fn message(
    listener: ConversationId,
    topic: &Topic,
    view: View,
    kind: TopicNotificationType,
) -> Option<bytes::Bytes> {
    let path = topic.path.to_string();
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
            specification: (*topic.specification).clone(),
        })),
    }
}
