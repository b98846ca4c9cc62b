//! What sessions select and are subscribed to, and telling their clients of it at the pace at which they read.

use effusion_protocol::body::UnsubscriptionNotification;
use effusion_protocol::{ErrorReport, TopicId, UnsubscribeReason};
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::caller::SessionKey;
use crate::topics::{MAX_PATH, Messages, Priority, Progress, Selector};
use crate::{errors, wire};

use super::{Due, Item, Kind, SelectedBy, Selection, Sessions};

/// The next subscription that a client is to be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NextDue {
    pub(crate) topic: TopicId,
    pub(crate) due: Due,
    /// The client reads compressed values.
    pub(crate) inflates: bool,
    /// For how many bytes there is room.
    pub(crate) room: usize,
}

impl Sessions {
    /// Remembers what a session selects.
    pub(crate) fn select(
        &mut self,
        key: SessionKey,
        scope: &str,
        selector: &Arc<Selector>,
        by: SelectedBy,
    ) -> Result<(), ErrorReport> {
        if scope.len() > MAX_PATH {
            return Err(errors::invalid_data(format_args!(
                "The name of a scope cannot be longer than {MAX_PATH} bytes"
            )));
        }
        self.add_selections(key, &[scope.to_owned()], selector, Some(by))
    }

    /// Remembers what a session selects no longer.
    pub(crate) fn deselect(
        &mut self,
        key: SessionKey,
        scopes: &[String],
        selector: &Arc<Selector>,
    ) -> Result<(), ErrorReport> {
        // A deselection is to be remembered as a selection is.
        self.add_selections(key, scopes, selector, None)
    }

    fn add_selections(
        &mut self,
        key: SessionKey,
        scopes: &[String],
        selector: &Arc<Selector>,
        selected: Option<SelectedBy>,
    ) -> Result<(), ErrorReport> {
        let (limits, taken) = (self.limits, self.selected);
        let session = self.get_mut(key).ok_or_else(errors::no_such_session)?;
        let mut after = session.selections.clone();
        for scope in scopes {
            let selector = Arc::clone(selector);
            after.push(scope, Selection { selector, selected });
        }
        let (old, new) = (session.selections.extent(), after.extent());
        new.check(old, taken, &limits)?;
        let before = core::mem::replace(&mut session.selections, after);
        self.selected = (taken + new.memory).saturating_sub(old.memory);
        let old: Vec<_> = before.selectors().cloned().collect();
        self.reindex(key, &old);
        Ok(())
    }

    /// A session's selections changed: finds it by its new ones.
    fn reindex(&mut self, key: SessionKey, old: &[Arc<Selector>]) {
        for selector in old {
            self.interest.remove(key, selector);
        }
        if let Some(session) = self.sessions.get(&key) {
            for selector in session.selections.selectors() {
                self.interest.add(key, selector);
            }
        }
    }

    /// The sessions with a selector that may match a path.
    pub(crate) fn interested_in(&self, path: &str) -> BTreeSet<SessionKey> {
        self.interest.in_path(path)
    }

    /// A session is subscribed to a topic, of which it is to be told.
    pub(crate) fn subscribe(&mut self, key: SessionKey, topic: TopicId, priority: Priority) {
        let Some(session) = self.get_mut(key) else {
            return;
        };
        session.subscriptions.insert(topic);
        // Who is subscribed again has to hear of the end first.
        if let Some(Due::Ending(reason)) = session.outbound.catch_up_mut().remove(topic) {
            self.send_item(key, ending(topic, priority, reason));
        }
        if let Some(session) = self.get_mut(key) {
            session.outbound.catch_up_mut().push(
                topic,
                priority,
                Due::Updates(Progress::NotStarted),
            );
        }
    }

    /// A session is subscribed to a topic no longer. `drops` says whether what waits of the topic is for nobody any more.
    pub(crate) fn unsubscribe(
        &mut self,
        key: SessionKey,
        topic: TopicId,
        priority: Priority,
        drops: bool,
        reason: UnsubscribeReason,
    ) {
        let limits = self.limits;
        let Some(session) = self.get_mut(key) else {
            return;
        };
        if !session.subscriptions.remove(&topic) {
            return;
        }
        // Who was not told of the beginning needs not be told of the end.
        if session.outbound.catch_up_mut().remove(topic) == Some(Due::Updates(Progress::NotStarted))
        {
            return;
        }
        if drops {
            session.outbound.drop_waiting(topic);
        }
        if session.outbound.is_crowded(&limits) {
            // Before all that begins, as it may be at the same path.
            session
                .outbound
                .catch_up_mut()
                .push(topic, Priority::High, Due::Ending(reason));
            return;
        }
        self.send_item(key, ending(topic, priority, reason));
    }

    /// What a client is to be told next of its subscriptions, if it may be sent more.
    pub(crate) fn next_due(&self, key: SessionKey) -> Option<NextDue> {
        let session = self.get(key)?;
        if session.connection().is_none() || !session.outbound.takes_more(&self.limits) {
            return None;
        }
        let (topic, due) = session.outbound.catch_up().first()?;
        Some(NextDue {
            topic,
            due,
            inflates: session.inflates,
            room: session.outbound.room(&self.limits),
        })
    }

    /// Whether the client of a session is still to be told what was before of a topic: it is then told of all that comes.
    pub(crate) fn is_behind(&self, key: SessionKey, topic: TopicId) -> bool {
        let session = self.get(key);
        session.is_some_and(|it| it.outbound.catch_up().due(topic).is_some())
    }

    /// Whether the client of a session was not told of a subscription yet: then, whether it reads compressed values.
    pub(crate) fn is_not_started(&self, key: SessionKey, topic: TopicId) -> Option<bool> {
        let session = self.get(key)?;
        let is_untold =
            session.outbound.catch_up().due(topic) == Some(Due::Updates(Progress::NotStarted));
        is_untold.then_some(session.inflates)
    }

    /// Tells a client of a topic that it is subscribed to.
    pub(crate) fn send_updates(&mut self, key: SessionKey, topic: TopicId, messages: Messages) {
        let Some(session) = self.get_mut(key) else {
            return;
        };
        let Messages {
            notification,
            updates,
            priority,
            progress,
        } = messages;
        match progress {
            Some(progress) => session
                .outbound
                .catch_up_mut()
                .advance(topic, Due::Updates(progress)),
            None => {
                session.outbound.catch_up_mut().remove(topic);
            }
        }
        let items = notification.into_iter().map(|it| (it, Kind::Other));
        let items = items.chain(updates.into_iter().map(|it| (it, Kind::Update(topic))));
        for (message, kind) in items {
            let item = Item {
                message,
                priority,
                kind,
            };
            self.send_item(key, item);
        }
    }

    /// Tells a client that it is subscribed to a topic no longer.
    pub(crate) fn send_ending(
        &mut self,
        key: SessionKey,
        topic: TopicId,
        reason: UnsubscribeReason,
    ) {
        self.forget_due(key, topic);
        self.send_item(key, ending(topic, Priority::Default, reason));
    }

    /// A client is to be told nothing of a topic.
    pub(crate) fn forget_due(&mut self, key: SessionKey, topic: TopicId) {
        if let Some(session) = self.get_mut(key) {
            session.outbound.catch_up_mut().remove(topic);
        }
    }

    /// Has a client be told more after others were served.
    pub(crate) fn continue_later(&mut self, key: SessionKey) {
        self.continuing.insert(key);
    }

    /// A session whose client can be told more of its subscriptions at once.
    pub(crate) fn next_continuing(&mut self) -> Option<SessionKey> {
        self.continuing.pop_first()
    }

    /// Whether there is one.
    pub(crate) fn has_continuing(&self) -> bool {
        !self.continuing.is_empty()
    }
}

fn ending(topic: TopicId, priority: Priority, reason: UnsubscribeReason) -> Item {
    Item {
        message: wire::unsubscription(&UnsubscriptionNotification { topic, reason }),
        priority,
        kind: Kind::Ending,
    }
}
