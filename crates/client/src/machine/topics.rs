//! The topics that the session is subscribed to, with their newest values.

use std::sync::Arc;

use bytes::Bytes;
use effusion_protocol::body::SubscriptionNotification;
use effusion_protocol::value::delta::{self, DeltaError};
use effusion_protocol::{TopicId, TopicSpecification};

/// A topic as a subscriber sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Topic {
    /// Its path.
    pub path: String,
    /// What it holds.
    pub specification: TopicSpecification,
}

#[derive(Debug)]
struct Subscription {
    topic: Arc<Topic>,
    /// The newest value as it is on the wire: deltas apply to it.
    value: Option<Bytes>,
}

/// What a topic message changed.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) topic: Arc<Topic>,
    pub(super) old: Option<Bytes>,
    pub(super) new: Bytes,
}

/// Two sorted lists: as quick as trees for as many topics as a client has, and much less code.
#[derive(Debug, Default)]
pub(super) struct Topics {
    by_id: Vec<(TopicId, Subscription)>,
    /// The ids by the topics' paths.
    by_path: Vec<(Arc<Topic>, TopicId)>,
}

impl Topics {
    fn find(&self, id: TopicId) -> Result<usize, usize> {
        self.by_id.binary_search_by_key(&id, |(id, _)| *id)
    }

    fn find_path(&self, path: &str) -> Result<usize, usize> {
        self.by_path
            .binary_search_by(|(topic, _)| topic.path.as_str().cmp(path))
    }

    fn get_mut(&mut self, id: TopicId) -> Option<&mut Subscription> {
        let index = self.find(id).ok()?;
        self.by_id
            .get_mut(index)
            .map(|(_, subscription)| subscription)
    }

    /// Takes a subscription in. A path has one subscription only: a second one takes the place of the first.
    pub(super) fn subscribed(&mut self, notification: SubscriptionNotification) -> Arc<Topic> {
        let id = notification.topic;
        let topic = Arc::new(Topic {
            path: notification.path,
            specification: notification.specification,
        });
        self.unsubscribed(id);
        if let Ok(index) = self.find_path(&topic.path)
            && let Some((_, before)) = self.by_path.get(index)
        {
            self.unsubscribed(*before);
        }
        let subscription = Subscription {
            topic: Arc::clone(&topic),
            value: None,
        };
        if let (Err(by_id), Err(by_path)) = (self.find(id), self.find_path(&topic.path)) {
            self.by_id.insert(by_id, (id, subscription));
            self.by_path.insert(by_path, (Arc::clone(&topic), id));
        }
        topic
    }

    pub(super) fn unsubscribed(&mut self, id: TopicId) -> Option<Arc<Topic>> {
        let index = self.find(id).ok()?;
        let (_, subscription) = self.by_id.remove(index);
        if let Ok(index) = self.find_path(&subscription.topic.path) {
            self.by_path.remove(index);
        }
        Some(subscription.topic)
    }

    /// Takes a whole value in; `None` for a topic that is not subscribed to.
    pub(super) fn value(&mut self, id: TopicId, new: Bytes) -> Option<Change> {
        let subscription = self.get_mut(id)?;
        let old = subscription.value.replace(new.clone());
        Some(Change {
            topic: Arc::clone(&subscription.topic),
            old,
            new,
        })
    }

    /// Takes a delta in; `None` if nothing changed, or for a topic that is not subscribed to.
    ///
    /// # Errors
    /// The topic, if the delta does not fit its value. Later deltas will not fit either, so the value is forgotten; the
    /// next whole value makes the topic good again.
    pub(super) fn delta(
        &mut self,
        id: TopicId,
        delta: &[u8],
    ) -> Option<Result<Change, (Arc<Topic>, DeltaError)>> {
        let subscription = self.get_mut(id)?;
        let new = match &subscription.value {
            // The SDK reports no event for it (docs/protocol.md, 7.2).
            Some(_) if delta == delta::NO_CHANGE => return None,
            Some(old) => delta::apply(old, delta),
            None => Err(DeltaError::OutOfRange),
        };
        match new {
            Ok(new) => self.value(id, new).map(Ok),
            Err(error) => {
                subscription.value = None;
                Some(Err((Arc::clone(&subscription.topic), error)))
            }
        }
    }

    /// Every topic with its newest value, by id.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<Topic>, Option<&Bytes>)> {
        self.by_id
            .iter()
            .map(|(_, subscription)| (&subscription.topic, subscription.value.as_ref()))
    }

    /// Ends every subscription.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = Arc<Topic>> {
        self.by_path.clear();
        core::mem::take(&mut self.by_id)
            .into_iter()
            .map(|(_, subscription)| subscription.topic)
    }
}
