//! Topic notifications: being told of topics without subscribing to them.
//!
//! Source: the API documentation of `TopicNotifications`, and `v60TopicNotifications.jsonl`.

use bytes::Bytes;
use core::ops::Add as _;
use effusion_protocol::body::{
    TopicDescendantEvent, TopicNotificationEvent, TopicNotificationType,
};
use effusion_protocol::{ConversationId, ErrorReport, TopicId};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::caller::SessionKey;
use crate::sessions::{Extent, SelectedBy, Selection, Selections};
use crate::topics::{BYTES_A_STEP, Selector, Topic, TopicTree};
use crate::{Limits, wire};

/// A listener has one scope.
const SCOPE: &str = "";

/// The listeners of a session, by the numbers that the client gave.
type Listeners = BTreeMap<ConversationId, Selections>;

static NONE: Listeners = Listeners::new();

/// How much all listeners of a session are.
fn extent(listeners: &Listeners) -> Extent {
    let all = listeners.values().map(Selections::extent);
    all.fold(Extent::default(), Extent::add)
}

/// Topic notification listeners.
#[derive(Debug, Default)]
pub(crate) struct Notifications {
    listeners: BTreeMap<SessionKey, Arc<Listeners>>,
    /// Bytes of memory that they take.
    bytes: usize,
    untold: BTreeMap<TopicId, Untold>,
}

/// How far listeners have been told that a topic was added or removed.
#[derive(Debug)]
struct Untold {
    /// The next session.
    session: SessionKey,
    /// Its next listener.
    listener: ConversationId,
    /// The listeners of sessions that have changed them since: what they were counts.
    before: BTreeMap<SessionKey, Arc<Listeners>>,
}

impl Untold {
    const fn new() -> Self {
        Self {
            session: SessionKey(0),
            listener: ConversationId(0),
            before: BTreeMap::new(),
        }
    }

    /// The next session, and its listeners.
    fn next(
        &self,
        all: &BTreeMap<SessionKey, Arc<Listeners>>,
    ) -> Option<(SessionKey, Arc<Listeners>)> {
        let changed = self.before.range(self.session..).next();
        let present = all.range(self.session..).next();
        // Of two, the former comes first.
        let next = changed.into_iter().chain(present).min_by_key(|it| it.0);
        next.map(|(session, listeners)| (*session, Arc::clone(listeners)))
    }
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
    ) -> Result<Before, ErrorReport> {
        let own = self.listeners.get(&session).map_or(&NONE, Arc::as_ref);
        let before = own.get(&id).cloned().unwrap_or_default();
        let mut after = before.clone();
        let selected = selects.then_some(SelectedBy::Session);
        let selector = Arc::clone(selector);
        after.push(SCOPE, Selection { selector, selected });
        let (all, old) = (extent(own), before.extent());
        let new = all - old + after.extent();
        new.check(all, self.bytes, limits)?;
        self.update(session, |listeners| {
            listeners.remove(&id);
            if after.extent().weight > 0 {
                listeners.insert(id, after);
            }
        });
        Ok(Before(before))
    }

    pub(crate) fn remove(&mut self, session: SessionKey, id: ConversationId) {
        let before = self.untold.values_mut();
        for listeners in before.filter_map(|untold| untold.before.get_mut(&session)) {
            Arc::make_mut(listeners).remove(&id);
        }
        self.update(session, |listeners| {
            listeners.remove(&id);
        });
    }

    pub(crate) fn remove_session(&mut self, session: SessionKey) {
        if let Some(listeners) = self.listeners.remove(&session) {
            self.bytes = self.bytes.saturating_sub(extent(&listeners).memory);
        }
    }

    /// Changes the listeners of a session. Of what changed before they are told as they were.
    fn update(&mut self, session: SessionKey, change: impl FnOnce(&mut Listeners)) {
        let mut listeners = self.listeners.remove(&session).unwrap_or_default();
        for untold in self.untold.values_mut() {
            if untold.session <= session {
                let before = untold.before.entry(session);
                before.or_insert_with(|| Arc::clone(&listeners));
            }
        }
        let before = extent(&listeners).memory;
        change(Arc::make_mut(&mut listeners));
        self.bytes = (self.bytes + extent(&listeners).memory).saturating_sub(before);
        if !listeners.is_empty() {
            self.listeners.insert(session, listeners);
        }
    }

    /// What a listener is told of topics that are there when one of its selectors changed.
    pub(crate) fn comparison<'a>(
        &'a self,
        (session, id): (SessionKey, ConversationId),
        Before(before): &'a Before,
        tree: &'a TopicTree,
    ) -> Comparison<'a> {
        Comparison {
            id,
            before,
            after: self.listeners.get(&session).and_then(|all| all.get(&id)),
            tree,
        }
    }

    /// A topic was added or removed: those are to be told who listen now, as they listen now.
    pub(crate) fn changed(&mut self, topic: TopicId) {
        self.untold.insert(topic, Untold::new());
    }

    /// The topics of which a session is still to be told.
    pub(crate) fn untold(&self, session: SessionKey) -> BTreeSet<TopicId> {
        let untold = self.untold.iter().filter(|it| it.1.session <= session);
        untold.map(|it| *it.0).collect()
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
        while let Some((session, listeners)) = untold.next(&self.listeners) {
            *steps = steps.saturating_sub(1);
            if session != untold.session {
                (untold.session, untold.listener) = (session, ConversationId(0));
            }
            if sees(session, topic) {
                let above = above.get_or_insert_with(|| {
                    *steps = steps.saturating_sub(steps_above(path));
                    tree.above(path)
                });
                for (id, listener) in listeners.range(untold.listener..) {
                    *steps = steps.saturating_sub(1 + above.len() / 16 + listener.steps(path));
                    let view = view(listener, above, |it| sees(session, it), path);
                    let message = message(*id, topic, view, kind);
                    messages.extend(message.map(|message| (session, *id, message)));
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
