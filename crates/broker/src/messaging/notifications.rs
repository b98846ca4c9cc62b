//! Topic notifications: being told of topics without subscribing to them.
//!
//! Source: the API documentation of `TopicNotifications`, and `v60TopicNotifications.jsonl`.

use bytes::Bytes;
use core::ops::{Add as _, Range};
use effusion_protocol::body::{
    TopicDescendantEvent, TopicNotificationEvent, TopicNotificationType,
};
use effusion_protocol::{ConversationId, ErrorReport, TopicId};
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::caller::SessionKey;
use crate::sessions::{Extent, SelectedBy, Selection, Selections};
use crate::topics::{BYTES_A_STEP, Selector, Topic, TopicTree};
use crate::{Limits, wire};

/// A listener has one scope.
const SCOPE: &str = "";

/// The listeners of a session.
#[derive(Debug, Default)]
struct Listeners {
    /// What each selects, by the numbers that the client gave.
    all: BTreeMap<ConversationId, Selections>,
    /// One that has changed and is being told what that changes for it: a session has one such job at a time.
    former: Option<Former>,
}

/// What a listener selected before that changed.
#[derive(Debug)]
struct Former {
    listener: ConversationId,
    selections: Selections,
    /// It counts for topics that were added or removed until then.
    until: Moment,
}

impl Listeners {
    /// How much they are, without what is remembered of a former one.
    fn extent(&self) -> Extent {
        let all = self.all.values().map(Selections::extent);
        all.fold(Extent::default(), Extent::add)
    }

    fn former_bytes(&self) -> usize {
        let former = self.former.as_ref();
        former.map_or(0, |it| it.selections.extent().memory)
    }

    /// The listeners from one on, as they count for a topic that was added or removed at a moment.
    fn range(
        &self,
        from: ConversationId,
        moment: Moment,
    ) -> impl Iterator<Item = (ConversationId, &Selections)> {
        let former = self.former.as_ref().filter(|it| moment <= it.until);
        self.all.range(from..).map(move |(id, present)| {
            let former = former.filter(|it| it.listener == *id);
            (*id, former.map_or(present, |it| &it.selections))
        })
    }
}

/// Counts the topics that were added or removed.
type Moment = u64;

/// Topic notification listeners.
#[derive(Debug, Default)]
pub(crate) struct Notifications {
    listeners: BTreeMap<SessionKey, Listeners>,
    /// Bytes of memory that they take.
    bytes: usize,
    untold: BTreeMap<TopicId, Untold>,
    /// The same topics, in the order in which they were added or removed.
    order: BTreeMap<Moment, TopicId>,
    /// When the last was.
    last: Moment,
}

/// How far listeners have been told that a topic was added or removed.
#[derive(Debug)]
struct Untold {
    moment: Moment,
    /// The next session.
    session: SessionKey,
    /// Its next listener.
    listener: ConversationId,
}

/// The topics of which a session is to be told before it is told what a change of its listener changes.
#[derive(Debug)]
pub(crate) struct Earlier(Range<Moment>);

/// What a topic is to a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    Nothing,
    /// The first topic on its branch below a selected path.
    Descendant,
    Selected,
}

/// What a topic is to a listener. `above` are the topics at the paths above it, that of the shortest path first.
fn view(
    listener: &Selections,
    above: &[Option<&Topic>],
    sees: impl Fn(&Topic) -> bool,
    path: &str,
) -> View {
    // The last that was said of each path, its own at the end.
    let mut said = vec![None; above.len() + 1];
    for selection in listener.scopes().get(SCOPE).into_iter().flatten() {
        let matches = selection.selector.matches_each(path);
        for (said, _) in said.iter_mut().zip(matches).filter(|it| it.1) {
            *said = Some(selection.selects());
        }
    }
    match said.pop().flatten() {
        Some(true) => return View::Selected,
        Some(false) => return View::Nothing,
        None => {}
    }
    for (said, topic) in said.into_iter().zip(above).rev() {
        if said == Some(true) {
            return View::Descendant;
        }
        // A topic that the session may not see must not be told by what is not said.
        if topic.is_some_and(&sees) {
            break;
        }
    }
    View::Nothing
}

/// How many steps it takes to find the topics above a path.
fn steps_above(path: &str) -> usize {
    1 + path.split('/').count() * path.len() / (16 * BYTES_A_STEP)
}

impl Notifications {
    /// Has a listener select topics, or select them no longer: for each topic, the last that was said of it counts.
    pub(crate) fn change(
        &mut self,
        session: SessionKey,
        id: ConversationId,
        selector: &Arc<Selector>,
        selects: bool,
        limits: &Limits,
    ) -> Result<Earlier, ErrorReport> {
        let own = self.listeners.entry(session).or_default();
        let before = own.all.get(&id).cloned().unwrap_or_default();
        let mut after = before.clone();
        let selected = selects.then_some(SelectedBy::Session);
        let selector = Arc::clone(selector);
        after.push(SCOPE, Selection { selector, selected });
        let (all, old, new) = (own.extent(), before.extent(), after.extent());
        // What it was is remembered until it has been told of the change.
        let taken = self.bytes + old.memory;
        (all - old + new).check(all, taken, limits)?;
        self.bytes = (taken + new.memory).saturating_sub(old.memory + own.former_bytes());
        own.all.insert(id, after);
        own.former = Some(Former {
            listener: id,
            selections: before,
            until: self.last,
        });
        Ok(Earlier(0..self.last + 1))
    }

    /// A listener has been told what its last change changes for it.
    pub(crate) fn compared(&mut self, session: SessionKey) {
        self.update(session, |listeners| {
            if let Some(former) = listeners.former.take() {
                let id = former.listener;
                let present = listeners.all.get(&id);
                if present.is_some_and(|it| it.extent().weight == 0) {
                    listeners.all.remove(&id);
                }
            }
        });
    }

    pub(crate) fn remove(&mut self, session: SessionKey, id: ConversationId) {
        self.update(session, |listeners| {
            listeners.all.remove(&id);
        });
    }

    pub(crate) fn remove_session(&mut self, session: SessionKey) {
        self.update(session, |listeners| *listeners = Listeners::default());
    }

    /// Takes something away from the listeners of a session.
    fn update(&mut self, session: SessionKey, change: impl FnOnce(&mut Listeners)) {
        let Some(listeners) = self.listeners.get_mut(&session) else {
            return;
        };
        let bytes = |it: &Listeners| it.extent().memory + it.former_bytes();
        let before = bytes(listeners);
        change(listeners);
        self.bytes = (self.bytes + bytes(listeners)).saturating_sub(before);
        if listeners.all.is_empty() && listeners.former.is_none() {
            self.listeners.remove(&session);
        }
    }

    /// What a listener is told of topics that are there when one of its selectors changed.
    pub(crate) fn comparison<'a>(
        &'a self,
        session: SessionKey,
        tree: &'a TopicTree,
    ) -> Option<Comparison<'a>> {
        let listeners = self.listeners.get(&session)?;
        let former = listeners.former.as_ref()?;
        Some(Comparison {
            id: former.listener,
            before: &former.selections,
            after: listeners.all.get(&former.listener),
            tree,
        })
    }

    /// A topic was added or removed: those are to be told who listen now, as they listen now.
    pub(crate) fn changed(&mut self, topic: TopicId) {
        self.last += 1;
        let untold = Untold {
            moment: self.last,
            session: SessionKey(0),
            listener: ConversationId(0),
        };
        self.order.insert(self.last, topic);
        if let Some(before) = self.untold.insert(topic, untold) {
            self.order.remove(&before.moment);
        }
    }

    /// Whether a session has been told of topics, as far as so many steps can tell. Goes on from where it stopped.
    pub(crate) fn has_been_told(
        &self,
        session: SessionKey,
        Earlier(topics): &mut Earlier,
        steps: &mut usize,
    ) -> bool {
        for (moment, topic) in self.order.range(topics.clone()) {
            topics.start = *moment;
            let untold = self.untold.get(topic);
            if *steps == 0 || untold.is_some_and(|it| it.session <= session) {
                return false;
            }
            *steps -= 1;
        }
        // None that is to follow is one of them.
        topics.start = topics.end;
        true
    }

    /// What the next listeners are told of a topic that was added or removed, and whether those are all.
    pub(crate) fn tell(
        &mut self,
        topic: &Topic,
        tree: &TopicTree,
        kind: TopicNotificationType,
        steps: &mut usize,
        sees: impl Fn(SessionKey, &Topic) -> bool,
    ) -> (Vec<(SessionKey, ConversationId, Bytes)>, bool) {
        let (mut messages, path) = (Vec::new(), topic.path());
        let Some(untold) = self.untold.get_mut(&topic.id()) else {
            return (messages, true);
        };
        let mut above = None;
        while let Some((&session, listeners)) = self.listeners.range(untold.session..).next() {
            *steps = steps.saturating_sub(1);
            if session != untold.session {
                (untold.session, untold.listener) = (session, ConversationId(0));
            }
            if sees(session, topic) {
                let above = above.get_or_insert_with(|| {
                    *steps = steps.saturating_sub(steps_above(path));
                    tree.above(path)
                });
                for (id, listener) in listeners.range(untold.listener, untold.moment) {
                    *steps = steps.saturating_sub(1 + above.len() / 16 + listener.steps(path));
                    let view = view(listener, above, |it| sees(session, it), path);
                    let message = message(id, topic, view, kind);
                    messages.extend(message.map(|message| (session, id, message)));
                    untold.listener.0 = id.0.saturating_add(1);
                    if *steps == 0 {
                        return (messages, false);
                    }
                }
            }
            (untold.session.0, untold.listener) = (session.0 + 1, ConversationId(0));
            if *steps == 0 {
                return (messages, false);
            }
        }
        self.order.remove(&untold.moment);
        self.untold.remove(&topic.id());
        (messages, true)
    }
}

/// A listener's selectors before one of them changed, and after.
#[derive(Debug)]
pub(crate) struct Comparison<'a> {
    id: ConversationId,
    before: &'a Selections,
    /// None if nothing is left.
    after: Option<&'a Selections>,
    tree: &'a TopicTree,
}

impl Comparison<'_> {
    /// What the listener is told of a topic that its session sees. `sees` says which others it sees.
    pub(crate) fn difference(
        &self,
        topic: &Topic,
        sees: impl Fn(&Topic) -> bool,
        steps: &mut usize,
    ) -> Vec<Bytes> {
        let path = topic.path();
        let above = self.tree.above(path);
        *steps = steps.saturating_sub(steps_above(path));
        let mut view = |listener: &Selections| {
            *steps = steps.saturating_sub(1 + above.len() / 16 + listener.steps(path));
            view(listener, &above, &sees, path)
        };
        let was = view(self.before);
        let is = self.after.map_or(View::Nothing, &mut view);
        let mut messages = Vec::new();
        if was == is {
            return messages;
        }
        if was == View::Selected || (was == View::Descendant && is == View::Nothing) {
            let kind = TopicNotificationType::Deselected;
            messages.extend(message(self.id, topic, was, kind));
        }
        messages.extend(message(self.id, topic, is, TopicNotificationType::Selected));
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

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: SessionKey = SessionKey(1);

    fn select(notifications: &mut Notifications, number: u64) -> (Arc<Selector>, Earlier) {
        let selector = Arc::new(Selector::parse(&format!(">zz{number}")).unwrap());
        let (id, limits) = (ConversationId(number), Limits::default());
        let earlier = notifications.change(ANN, id, &selector, true, &limits);
        (selector, earlier.unwrap())
    }

    #[test]
    fn the_end_of_a_listener_copies_no_others() {
        let mut notifications = Notifications::default();
        let (kept, _) = select(&mut notifications, 1);
        notifications.compared(ANN);
        for number in 2..=4 {
            select(&mut notifications, number);
            notifications.compared(ANN);
        }
        let (bytes, copies) = (notifications.bytes, Arc::strong_count(&kept));
        for topic in 0..100 {
            notifications.changed(TopicId(topic));
        }
        notifications.remove(ANN, ConversationId(2));
        notifications.remove(ANN, ConversationId(3));
        assert_eq!(Arc::strong_count(&kept), copies);
        assert!(notifications.bytes < bytes);
        // What is remembered of a listener that has changed counts, until it is told.
        let before = notifications.bytes;
        notifications
            .change(ANN, ConversationId(1), &kept, false, &Limits::default())
            .unwrap();
        assert_eq!(Arc::strong_count(&kept), copies);
        assert_eq!(notifications.bytes, before);
        notifications.compared(ANN);
        assert!(notifications.bytes < before);
        notifications.remove_session(ANN);
        assert_eq!(notifications.bytes, 0);
    }

    #[test]
    fn looking_whether_a_session_has_been_told_takes_steps() {
        let mut notifications = Notifications::default();
        for topic in 0..100 {
            notifications.changed(TopicId(topic));
        }
        let (_, mut earlier) = select(&mut notifications, 1);
        // One that came afterwards does not keep it waiting.
        notifications.changed(TopicId(100));
        let mut told = |notifications: &Notifications, mut steps: usize| {
            let is_told = notifications.has_been_told(ANN, &mut earlier, &mut steps);
            (is_told, steps)
        };
        assert_eq!(told(&notifications, 10), (false, 10));
        for topic in 0..100 {
            let untold = notifications.untold.get_mut(&TopicId(topic)).unwrap();
            untold.session = SessionKey(2);
        }
        assert_eq!(told(&notifications, 60), (false, 0));
        assert_eq!(told(&notifications, 60), (true, 20));
        assert_eq!(told(&notifications, 60), (true, 60));
    }
}
