//! Subscriptions that a client has not been told of yet, or not wholly: they follow when the client has read what came before.
//!
//! What a subscription brings at first can be far more than may wait for a client: a hundred thousand topics, or as many events
//! of one. It is not put into the queue at once but taken from the topics, piece by piece, and costs no more until then than
//! its place in this list. A time series that a client reads too slowly comes here, too: the series itself is then the queue.

use effusion_protocol::{TopicId, UnsubscribeReason};
use std::collections::{BTreeMap, HashMap};

use crate::topics::Priority;

/// How much of a subscription the client has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing, not even that there is one.
    Untold,
    /// The subscription, and none of the events of a time series, which begin with this sequence.
    Begun(u64),
    /// Events up to this sequence, which comes next. If it is discarded before, the client has a gap.
    Next(u64),
    /// Everything but that the subscription has ended.
    Ended(UnsubscribeReason),
}

/// Where a topic stands in the list.
type Place = (Priority, u64);

/// The topics of which a client is to be told, the urgent ones first.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    order: BTreeMap<Place, TopicId>,
    topics: HashMap<TopicId, (Place, Progress)>,
    last: u64,
}

impl Feed {
    pub(crate) fn push(&mut self, topic: TopicId, priority: Priority, progress: Progress) {
        self.last += 1;
        let place = (priority, self.last);
        if let Some((old, _)) = self.topics.insert(topic, (place, progress)) {
            self.order.remove(&old);
        }
        self.order.insert(place, topic);
    }

    /// What comes next.
    pub(crate) fn first(&self) -> Option<(TopicId, Progress)> {
        let (_, topic) = self.order.first_key_value()?;
        Some((*topic, self.progress(*topic)?))
    }

    pub(crate) fn progress(&self, topic: TopicId) -> Option<Progress> {
        self.topics.get(&topic).map(|(_, progress)| *progress)
    }

    pub(crate) fn advance(&mut self, topic: TopicId, to: Progress) {
        if let Some((_, progress)) = self.topics.get_mut(&topic) {
            *progress = to;
        }
    }

    pub(crate) fn remove(&mut self, topic: TopicId) -> Option<Progress> {
        let (place, progress) = self.topics.remove(&topic)?;
        self.order.remove(&place);
        Some(progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_urgent_comes_first() {
        let mut feed = Feed::default();
        feed.push(TopicId(1), Priority::Default, Progress::Untold);
        feed.push(TopicId(2), Priority::Default, Progress::Begun(7));
        feed.push(TopicId(3), Priority::High, Progress::Untold);
        assert_eq!(feed.first(), Some((TopicId(3), Progress::Untold)));
        assert_eq!(feed.remove(TopicId(3)), Some(Progress::Untold));
        feed.advance(TopicId(1), Progress::Next(9));
        assert_eq!(feed.first(), Some((TopicId(1), Progress::Next(9))));
        assert_eq!(feed.remove(TopicId(1)), Some(Progress::Next(9)));
        assert_eq!(feed.remove(TopicId(1)), None);
        assert_eq!(feed.progress(TopicId(2)), Some(Progress::Begun(7)));
        feed.push(TopicId(2), Priority::Low, Progress::Next(8));
        assert_eq!(feed.remove(TopicId(2)), Some(Progress::Next(8)));
        assert_eq!(feed.first(), None);
    }
}
