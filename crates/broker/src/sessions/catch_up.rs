//! Subscriptions that a client has not been told of yet, or not wholly: they follow when the client has read what came before.
//!
//! What a subscription brings at first can be far more than may wait for a client: a hundred thousand topics, or as many events
//! of one. It is not put into the queue at once but taken from the topics, piece by piece, and costs no more until then than
//! its place in this list. A time series that a client reads too slowly comes here, too: the series itself is then the queue.

use effusion_protocol::{TopicId, UnsubscribeReason};
use std::collections::{BTreeMap, HashMap};

use crate::topics::{Priority, Progress};

/// What a client is to be told of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// What follows in the subscription.
    Updates(Progress),
    /// That the subscription has ended.
    Ending(UnsubscribeReason),
}

/// Where a topic stands in the list.
type Place = (Priority, u64);

/// The topics of which a client is to be told, the urgent ones first.
#[derive(Debug, Default)]
pub(crate) struct CatchUp {
    order: BTreeMap<Place, TopicId>,
    topics: HashMap<TopicId, (Place, Due)>,
    last: u64,
}

impl CatchUp {
    pub(crate) fn push(&mut self, topic: TopicId, priority: Priority, due: Due) {
        self.last += 1;
        let place = (priority, self.last);
        if let Some((old, _)) = self.topics.insert(topic, (place, due)) {
            self.order.remove(&old);
        }
        self.order.insert(place, topic);
    }

    /// What comes next.
    pub(crate) fn first(&self) -> Option<(TopicId, Due)> {
        let (_, topic) = self.order.first_key_value()?;
        Some((*topic, self.due(*topic)?))
    }

    pub(crate) fn due(&self, topic: TopicId) -> Option<Due> {
        self.topics.get(&topic).map(|(_, due)| *due)
    }

    pub(crate) fn advance(&mut self, topic: TopicId, to: Due) {
        if let Some((_, due)) = self.topics.get_mut(&topic) {
            *due = to;
        }
    }

    pub(crate) fn remove(&mut self, topic: TopicId) -> Option<Due> {
        let (place, due) = self.topics.remove(&topic)?;
        self.order.remove(&place);
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_urgent_comes_first() {
        let mut catch_up = CatchUp::default();
        catch_up.push(
            TopicId(1),
            Priority::Default,
            Due::Updates(Progress::NotStarted),
        );
        catch_up.push(
            TopicId(2),
            Priority::Default,
            Due::Updates(Progress::Begun(7)),
        );
        catch_up.push(
            TopicId(3),
            Priority::High,
            Due::Updates(Progress::NotStarted),
        );
        assert_eq!(
            catch_up.first(),
            Some((TopicId(3), Due::Updates(Progress::NotStarted)))
        );
        assert_eq!(
            catch_up.remove(TopicId(3)),
            Some(Due::Updates(Progress::NotStarted))
        );
        catch_up.advance(TopicId(1), Due::Updates(Progress::Next(9)));
        assert_eq!(
            catch_up.first(),
            Some((TopicId(1), Due::Updates(Progress::Next(9))))
        );
        assert_eq!(
            catch_up.remove(TopicId(1)),
            Some(Due::Updates(Progress::Next(9)))
        );
        assert_eq!(catch_up.remove(TopicId(1)), None);
        assert_eq!(
            catch_up.due(TopicId(2)),
            Some(Due::Updates(Progress::Begun(7)))
        );
        catch_up.push(TopicId(2), Priority::Low, Due::Updates(Progress::Next(8)));
        assert_eq!(
            catch_up.remove(TopicId(2)),
            Some(Due::Updates(Progress::Next(8)))
        );
        assert_eq!(catch_up.first(), None);
    }
}
