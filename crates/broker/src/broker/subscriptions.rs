//! Which sessions receive which topics.

use effusion_protocol::{ErrorReport, TopicId, UnsubscribeReason};
use std::sync::Arc;

use crate::broker::Broker;
use crate::caller::SessionKey;
use crate::sessions::SelectedBy;
use crate::topics::{Priority, Selector};

impl Broker {
    /// Subscribes a session to the topics that a selector matches, now and later, for another session.
    pub(crate) fn select_for(
        &mut self,
        key: SessionKey,
        scope: &str,
        selector: &Arc<Selector>,
    ) -> Result<(), ErrorReport> {
        self.sessions
            .select(key, scope, selector, SelectedBy::Control)?;
        let selected = self.topics.tree().select(selector);
        let selected: Vec<TopicId> = selected.iter().map(|it| it.id()).collect();
        if selected.is_empty() {
            self.report_missing(key, selector);
        }
        for id in selected {
            self.subscribe_if_wanted(key, id);
        }
        Ok(())
    }

    /// Ends a session's subscriptions to the topics that a selector matches, unless something else selects them.
    pub(crate) fn deselect(
        &mut self,
        key: SessionKey,
        scopes: &[String],
        selector: &Arc<Selector>,
        reason: UnsubscribeReason,
    ) -> Result<(), ErrorReport> {
        self.sessions.deselect(key, scopes, selector)?;
        let Some(session) = self.sessions.get(key) else {
            return Ok(());
        };
        let ended: Vec<TopicId> = session
            .subscriptions()
            .iter()
            .filter_map(|id| self.topics.tree().get(*id))
            .filter(|topic| selector.matches(topic.path()) && !session.selects(topic.path()))
            .map(|topic| topic.id())
            .collect();
        for id in ended {
            self.end_subscription(key, id, reason);
        }
        Ok(())
    }

    /// A topic was added: subscribes the sessions that selected it before it was there.
    pub(super) fn subscribe_waiting(&mut self, id: TopicId) {
        let topic = self.topics.tree().get(id);
        let interested = topic.map(|topic| self.sessions.interested_in(topic.path()));
        for key in interested.unwrap_or_default() {
            self.subscribe_if_wanted(key, id);
        }
    }

    pub(crate) fn subscribe_if_wanted(&mut self, key: SessionKey, id: TopicId) {
        let (Some(session), Some(topic)) = (self.sessions.get(key), self.topics.tree().get(id))
        else {
            return;
        };
        if topic.subscribers().contains(&key) || !session.subscribes_to(topic) {
            return;
        }
        let priority = topic.settings().priority;
        self.topics.subscribe(id, key);
        self.sessions.subscribe(key, id, priority);
        self.catch_up(key);
    }

    pub(crate) fn end_subscription(
        &mut self,
        key: SessionKey,
        id: TopicId,
        reason: UnsubscribeReason,
    ) {
        let (priority, is_tidy) = match self.topics.unsubscribe(id, key) {
            Some(settings) => (settings.priority, settings.is_tidy),
            None => (Priority::Default, false),
        };
        // What waits is what the client is too slow for, or may no longer see.
        let drops = is_tidy
            || matches!(
                reason,
                UnsubscribeReason::BackPressure | UnsubscribeReason::Authorization
            );
        self.sessions.unsubscribe(key, id, priority, drops, reason);
    }

    /// A session's rights changed: ends what it may no longer receive, and begins what it may now.
    pub(super) fn refresh(&mut self, key: SessionKey) {
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        let tree = self.topics.tree();
        let ended: Vec<TopicId> = session
            .subscriptions()
            .iter()
            .filter_map(|id| tree.get(*id))
            .filter(|topic| !session.subscribes_to(topic))
            .map(|topic| topic.id())
            .collect();
        let begun: Vec<TopicId> = session
            .selections()
            .selectors()
            .flat_map(|selector| tree.select(selector))
            .map(|topic| topic.id())
            .collect();
        for id in ended {
            self.end_subscription(key, id, UnsubscribeReason::Authorization);
        }
        for id in begun {
            self.subscribe_if_wanted(key, id);
        }
    }
}
