//! Subscriptions: which sessions receive which topics.

use effusion_protocol::body::{
    PathPermission, ResponseBody, SelectRequest, UnsubscriptionNotification,
};
use effusion_protocol::{ErrorReport, TopicId, UnsubscribeReason};
use std::sync::Arc;

use crate::auth::Rights;
use crate::broker::jobs::{Slice, Task};
use crate::broker::{Broker, Caller};
use crate::services::dispatch::{Reply, Served};
use crate::sessions::{ByOther, Item, Kind, Progress, Selection, Session, SessionKey};
use crate::topics::selectors::Selector;
use crate::topics::{Halt, MAX_PATH, Onward, Priority, Topic, Walk};
use crate::{errors, wire};

/// Whether a session may use a selector (source: the API documentation, SELECT_TOPIC).
pub(crate) fn check_select(rights: &Rights, selector: &Selector) -> Result<(), ErrorReport> {
    for (prefix, whole_branch) in selector.rights_needed() {
        let has = if whole_branch {
            rights.has_throughout(PathPermission::SelectTopic, prefix)
        } else {
            rights.has(PathPermission::SelectTopic, prefix)
        };
        if !has {
            return Err(errors::denied(PathPermission::SelectTopic, prefix));
        }
    }
    Ok(())
}

/// How many topics a session is subscribed to before others are served.
const AT_ONCE: usize = 500;

/// A selection that is under way.
#[derive(Debug)]
pub(crate) struct Selecting {
    selector: Arc<Selector>,
    walk: Walk,
    has_found: bool,
}

/// Whether a session is to be subscribed to a topic.
fn wants(session: &Session, topic: &Topic) -> bool {
    session.may(
        PathPermission::ReadTopic,
        &topic.path,
        Some(&topic.settings),
    ) && match session.selections.selects(&topic.path) {
        None => false,
        Some(ByOther(true)) => true,
        Some(ByOther(false)) => session.rights.has(PathPermission::SelectTopic, &topic.path),
    }
}

impl Broker {
    /// A selector that a caller may use.
    pub(crate) fn selector_of(
        &mut self,
        caller: &Caller,
        expression: &str,
    ) -> Result<Arc<Selector>, ErrorReport> {
        let selector = self
            .selector(expression)
            .map_err(|error| errors::bad_selector(&error))?;
        let rights = &self.session(caller)?.rights;
        check_select(rights, &selector)?;
        Ok(selector)
    }

    /// The caller's session.
    pub(crate) fn session(&self, caller: &Caller) -> Result<&Session, ErrorReport> {
        self.clients
            .get(caller.session)
            .ok_or_else(errors::no_such_session)
    }

    pub(crate) fn subscribe(&mut self, caller: &Caller, request: &SelectRequest) -> Served {
        let selector = self.selector_of(caller, &request.selector)?;
        self.add_selection(caller.session, &request.scope, &selector, false)?;
        let selecting = Selecting {
            walk: Walk::new(&selector, false),
            selector,
            has_found: false,
        };
        self.begin(caller, Task::Select(Box::new(selecting)))
    }

    pub(crate) fn unsubscribe(&mut self, caller: &Caller, request: &SelectRequest) -> Served {
        let selector = self
            .selector(&request.selector)
            .map_err(|error| errors::bad_selector(&error))?;
        let scopes = [request.scope.clone()];
        self.deselect(
            caller.session,
            &scopes,
            &selector,
            UnsubscribeReason::Requested,
        )?;
        Ok(Reply::Now(ResponseBody::Unsubscribe(())))
    }

    pub(crate) fn unsubscribe_all_scopes(&mut self, caller: &Caller, expression: &str) -> Served {
        let selector = self
            .selector(expression)
            .map_err(|error| errors::bad_selector(&error))?;
        let scopes = self.session(caller)?.selections.names();
        self.deselect(
            caller.session,
            &scopes,
            &selector,
            UnsubscribeReason::Requested,
        )?;
        Ok(Reply::Now(ResponseBody::UnsubscribeAllScopes(())))
    }

    /// Subscribes a session to some of the topics that it has selected.
    pub(crate) fn select_on(
        &mut self,
        caller: &Caller,
        mut selecting: Box<Selecting>,
        steps: &mut usize,
    ) -> Slice {
        let selector = selecting.selector.clone();
        let mut found = Vec::new();
        let halt = self
            .tree
            .walk(&mut selecting.walk, &selector, steps, |topic| {
                if found.len() >= AT_ONCE {
                    return Onward::StopBefore;
                }
                found.push(topic.id);
                Onward::Next
            });
        selecting.has_found |= !found.is_empty();
        for id in found {
            self.subscribe_if_wanted(caller.session, id);
        }
        if halt != Halt::End {
            return Slice::Again(Task::Select(selecting));
        }
        if !selecting.has_found {
            self.report_missing(caller.session, &selector);
        }
        Slice::Done(Ok(Reply::Now(ResponseBody::Subscribe(()))))
    }

    /// Subscribes a session to the topics that a selector matches, now and later.
    pub(crate) fn select(
        &mut self,
        key: SessionKey,
        scope: &str,
        selector: &Arc<Selector>,
        is_by_other: bool,
    ) -> Result<(), ErrorReport> {
        self.add_selection(key, scope, selector, is_by_other)?;
        let selected: Vec<TopicId> = self.tree.select(selector).iter().map(|it| it.id).collect();
        if selected.is_empty() {
            self.report_missing(key, selector);
        }
        for id in selected {
            self.subscribe_if_wanted(key, id);
        }
        Ok(())
    }

    /// Remembers what a session selects.
    fn add_selection(
        &mut self,
        key: SessionKey,
        scope: &str,
        selector: &Arc<Selector>,
        is_by_other: bool,
    ) -> Result<(), ErrorReport> {
        let limit = self.config.limits.selections;
        let Some(session) = self.clients.get_mut(key) else {
            return Err(errors::no_such_session());
        };
        if scope.len() > MAX_PATH {
            return Err(errors::invalid_data(format_args!(
                "The name of a scope cannot be longer than {MAX_PATH} bytes"
            )));
        }
        if session.selections.weight() + crate::topics::selectors::weight(selector) > limit {
            return Err(errors::too_many("topic selections"));
        }
        let old: Vec<_> = session.selections.selectors().cloned().collect();
        session.selections.push(
            scope,
            Selection {
                selector: selector.clone(),
                selects: true,
                is_by_other,
            },
        );
        self.reindex(key, &old);
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
        let limit = self.config.limits.selections;
        let Some(session) = self.clients.get_mut(key) else {
            return Err(errors::no_such_session());
        };
        let mut after = session.selections.clone();
        for scope in scopes {
            after.push(
                scope,
                Selection {
                    selector: selector.clone(),
                    selects: false,
                    is_by_other: false,
                },
            );
        }
        // A deselection is to be remembered as a selection is. One that leaves less to remember is always taken.
        let weight = after.weight();
        if weight > limit && weight > session.selections.weight() {
            return Err(errors::too_many("topic selections"));
        }
        let before = core::mem::replace(&mut session.selections, after);
        let old: Vec<_> = before.selectors().cloned().collect();
        self.reindex(key, &old);
        let Some(session) = self.clients.get(key) else {
            return Ok(());
        };
        let ended: Vec<TopicId> = session
            .subscriptions
            .iter()
            .filter_map(|id| self.tree.get(*id))
            .filter(|topic| {
                selector.matches(&topic.path) && session.selections.selects(&topic.path).is_none()
            })
            .map(|topic| topic.id)
            .collect();
        for id in ended {
            self.end_subscription(key, id, reason);
        }
        Ok(())
    }

    /// A session's selections changed: finds it by its new ones.
    fn reindex(&mut self, key: SessionKey, old: &[Arc<Selector>]) {
        for selector in old {
            self.interest.remove(key, selector);
        }
        if let Some(session) = self.clients.get(key) {
            for selector in session.selections.selectors() {
                self.interest.add(key, selector);
            }
        }
    }

    /// A topic was added: subscribes the sessions that selected it before it was there.
    pub(crate) fn subscribe_waiting(&mut self, id: TopicId) {
        let Some(path) = self.tree.get(id).map(|topic| topic.path.clone()) else {
            return;
        };
        for key in self.interest.in_path(&path) {
            self.subscribe_if_wanted(key, id);
        }
    }

    fn subscribe_if_wanted(&mut self, key: SessionKey, id: TopicId) {
        let (Some(session), Some(topic)) = (self.clients.get_mut(key), self.tree.get_mut(id))
        else {
            return;
        };
        if topic.subscribers.contains(&key) || !wants(session, topic) {
            return;
        }
        topic.subscribers.insert(key);
        session.subscriptions.insert(id);
        let priority = topic.settings.priority;
        // Who is subscribed again has to hear of the end first.
        if let Some(Progress::Ended(reason)) = session.feed.remove(id) {
            let message = wire::unsubscription(&UnsubscriptionNotification { topic: id, reason });
            let kind = Kind::Ending;
            let item = Item {
                message,
                priority,
                kind,
            };
            self.clients.send_item(key, item);
        }
        let Some(session) = self.clients.get_mut(key) else {
            return;
        };
        session.feed.push(id, priority, Progress::Untold);
        self.feed(key);
    }

    pub(crate) fn end_subscription(
        &mut self,
        key: SessionKey,
        id: TopicId,
        reason: UnsubscribeReason,
    ) {
        let (mut priority, mut drops) = (Priority::Default, false);
        if let Some(topic) = self.tree.get_mut(id) {
            topic.subscribers.remove(&key);
            priority = topic.settings.priority;
            drops = topic.settings.is_tidy;
        }
        // What waits is what the client is too slow for, or may no longer see.
        drops |= matches!(
            reason,
            UnsubscribeReason::BackPressure | UnsubscribeReason::Authorization
        );
        if let Some(session) = self.clients.get_mut(key)
            && session.subscriptions.remove(&id)
        {
            // Who was not told of the beginning needs not be told of the end.
            if session.feed.remove(id) == Some(Progress::Untold) {
                return;
            }
            if drops {
                session.outbound.drop_waiting(id);
            }
            self.tell_end(key, id, priority, reason);
        }
    }

    /// Tells a client that a subscription has ended, now or when it has read what waits for it already.
    pub(crate) fn tell_end(
        &mut self,
        key: SessionKey,
        topic: TopicId,
        priority: Priority,
        reason: UnsubscribeReason,
    ) {
        let Some(session) = self.clients.get_mut(key) else {
            return;
        };
        if session.outbound.is_crowded(&self.config.limits) {
            // Before all that begins, as it may be at the same path.
            session
                .feed
                .push(topic, Priority::High, Progress::Ended(reason));
            return;
        }
        let item = Item {
            message: wire::unsubscription(&UnsubscriptionNotification { topic, reason }),
            priority,
            kind: Kind::Ending,
        };
        self.clients.send_item(key, item);
    }

    /// A session's rights changed: ends what it may no longer receive, and begins what it may now.
    pub(crate) fn refresh(&mut self, key: SessionKey) {
        let Some(session) = self.clients.get(key) else {
            return;
        };
        let ended: Vec<TopicId> = session
            .subscriptions
            .iter()
            .filter_map(|id| self.tree.get(*id))
            .filter(|topic| !wants(session, topic))
            .map(|topic| topic.id)
            .collect();
        let begun: Vec<TopicId> = session
            .selections
            .selectors()
            .flat_map(|selector| self.tree.select(selector))
            .map(|topic| topic.id)
            .collect();
        for id in ended {
            self.end_subscription(key, id, UnsubscribeReason::Authorization);
        }
        for id in begun {
            self.subscribe_if_wanted(key, id);
        }
    }
}
