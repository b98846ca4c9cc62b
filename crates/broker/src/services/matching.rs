//! What is done to all sessions that match a filter.
//!
//! First it is found out which ones those are, and then it is done to one after the other, both in slices: there may be many
//! thousands.

use effusion_protocol::body::{
    FilterCount, FilterResult, GlobalPermission, Properties, ResponseBody, SendRequest,
};
use effusion_protocol::{CloseReason, ConversationId, ErrorReport, UnsubscribeReason};
use std::collections::VecDeque;
use std::sync::Arc;

use crate::broker::Broker;
use crate::broker::jobs::{Slice, Task};
use crate::caller::{Caller, SessionKey};
use crate::errors;
use crate::services::dispatch::{Reply, Served};
use crate::services::subscriptions::{Deselecting, Selecting, check_select};
use crate::sessions::filter::{Filter, Unseen};
use crate::sessions::{SelectedBy, Session};
use crate::topics::Selector;

/// Steps for doing something to a session, apart from its subscriptions.
const ACTION: usize = 10;

/// What is done to each session.
#[derive(Debug)]
pub(crate) enum Action {
    Close,
    ChangeRoles {
        remove: Vec<String>,
        add: Vec<String>,
    },
    Subscribe {
        scope: String,
        selector: Arc<Selector>,
    },
    Unsubscribe {
        /// All scopes if it is none.
        scope: Option<String>,
        selector: Arc<Selector>,
    },
    SetConflation(bool),
    SetProperties {
        set: Properties,
        remove: Vec<String>,
    },
    Send {
        conversation: ConversationId,
        request: SendRequest,
    },
}

/// What is left to do to one session.
#[derive(Debug)]
enum Rest {
    Subscribe(Selecting),
    Unsubscribe(Deselecting),
}

/// Something done to all sessions that match a filter, under way.
#[derive(Debug)]
pub(crate) struct Matching {
    filter: Filter,
    action: Action,
    /// The next session to look at, and the last one that there was at the beginning.
    next: SessionKey,
    last: SessionKey,
    /// The caller could view sessions at the beginning: whether others match was decided by what they are.
    may_view: bool,
    /// Those that match, and to which nothing was done yet.
    found: VecDeque<SessionKey>,
    count: u32,
    /// All are found.
    is_complete: bool,
    rest: Option<Rest>,
}

impl Action {
    /// What the service answers that does it.
    fn response(&self, result: FilterResult) -> ResponseBody {
        let FilterResult { selected, errors } = result.clone();
        let count = if errors.is_empty() {
            FilterCount::Selected(selected)
        } else {
            FilterCount::Errors(errors)
        };
        match self {
            Self::Close => ResponseBody::CloseClientFilter(result),
            Self::ChangeRoles { .. } => ResponseBody::ChangeRolesFilter(result),
            Self::SetConflation(_) => ResponseBody::SetConflationFilter(result),
            Self::SetProperties { .. } => ResponseBody::SetSessionPropertiesFilter(result),
            Self::Subscribe { .. } => ResponseBody::FilterSubscribe(count),
            Self::Unsubscribe { scope: Some(_), .. } => ResponseBody::FilterUnsubscribe(count),
            Self::Unsubscribe { scope: None, .. } => {
                ResponseBody::FilterUnsubscribeAllScopes(count)
            }
            Self::Send { .. } => ResponseBody::MessagingFilterSend(count),
        }
    }
}

impl Broker {
    /// Does something to all sessions that match a filter, if the caller may.
    pub(crate) fn for_matching(&mut self, caller: &Caller, filter: &str, action: Action) -> Served {
        self.check_action(caller, &action)?;
        let filter = match Filter::parse(filter) {
            Ok(filter) => filter,
            Err(mistake) => {
                return Ok(Reply::Now(action.response(FilterResult {
                    selected: 0,
                    errors: vec![mistake.report()],
                })));
            }
        };
        let matching = Matching {
            filter,
            action,
            next: SessionKey(0),
            last: self.sessions.last_key(),
            may_view: self.may_view(caller),
            found: VecDeque::new(),
            count: 0,
            is_complete: false,
            rest: None,
        };
        self.begin(caller, Task::Match(Box::new(matching)))
    }

    pub(crate) fn match_on(
        &mut self,
        caller: &Caller,
        mut matching: Box<Matching>,
        steps: &mut usize,
    ) -> Slice {
        // The right to it may be gone by now, or the right to know which sessions match.
        if let Err(report) = self.check_action(caller, &matching.action) {
            return Slice::Done(Err(report));
        }
        if matching.may_view && !self.may_view(caller) {
            let view = GlobalPermission::ViewSession;
            return Slice::Done(Err(errors::denied_global(view)));
        }
        if let Action::Subscribe { selector, .. } | Action::Unsubscribe { selector, .. } =
            &matching.action
        {
            *steps = steps.saturating_sub(selector.members());
        }
        if !matching.is_complete {
            if !self.find_some(caller, &mut matching, steps) {
                return Slice::Again(Task::Match(matching));
            }
            matching.is_complete = true;
            // Whoever closes itself, or is told by those that it wrote to, is to be answered before.
            if let Action::Close | Action::Send { .. } = matching.action {
                let response = self.matched(&matching);
                self.answer(caller.clone(), Ok(response));
            }
        }
        loop {
            if let Some(rest) = &mut matching.rest {
                let is_done = match rest {
                    Rest::Subscribe(it) => {
                        let is_done = self.select_some(it, steps);
                        if is_done {
                            self.selected(it);
                        }
                        is_done
                    }
                    Rest::Unsubscribe(it) => self.deselect_some(it, steps),
                };
                if !is_done {
                    return Slice::Again(Task::Match(matching));
                }
                matching.rest = None;
            }
            if *steps == 0 && !matching.found.is_empty() {
                return Slice::Again(Task::Match(matching));
            }
            let Some(key) = matching.found.pop_front() else {
                break;
            };
            *steps = steps.saturating_sub(ACTION);
            match self.act(caller, key, &matching.action, steps) {
                Ok(rest) => matching.rest = rest,
                Err(report) => return Slice::Done(Err(report)),
            }
        }
        Slice::Done(Ok(match matching.action {
            Action::Close | Action::Send { .. } => Reply::Later,
            _ => Reply::Now(self.matched(&matching)),
        }))
    }

    /// Fails if a caller may not do something to the sessions that match.
    fn check_action(&self, caller: &Caller, action: &Action) -> Result<(), ErrorReport> {
        if let Action::Send { request, .. } = action {
            return self.check_send_to_session(caller, &request.path);
        }
        if let Action::SetProperties { .. } = action {
            self.check_global(caller, GlobalPermission::ViewSession)?;
        }
        self.check_global(caller, GlobalPermission::ModifySession)?;
        match action {
            Action::Subscribe { selector, .. } | Action::Unsubscribe { selector, .. } => {
                check_select(self.session(caller)?.rights(), selector)
            }
            _ => Ok(()),
        }
    }

    fn may_view(&self, caller: &Caller) -> bool {
        self.check_global(caller, GlobalPermission::ViewSession)
            .is_ok()
    }

    fn matched(&self, matching: &Matching) -> ResponseBody {
        matching.action.response(FilterResult {
            selected: matching.count,
            errors: Vec::new(),
        })
    }

    /// Finds some of the sessions that match; whether those were the last. How many match tells of their properties: to a caller
    /// that may not view them, other sessions have none.
    fn find_some(&self, caller: &Caller, matching: &mut Matching, steps: &mut usize) -> bool {
        let (filter, unseen) = (&matching.filter, Unseen::default());
        let may_view = matching.may_view;
        let matches = |session: &Session| {
            if may_view || session.key() == caller.session {
                filter.matches(session)
            } else {
                filter.matches(&unseen)
            }
        };
        for session in self.sessions.between(matching.next, matching.last) {
            if *steps == 0 {
                matching.next = session.key();
                return false;
            }
            *steps = steps.saturating_sub(filter.steps());
            if matches(session) {
                matching.found.push_back(session.key());
                matching.count = matching.count.saturating_add(1);
            }
        }
        // What ends itself ends last: until then, somebody waits for the rest.
        if let Action::Close = matching.action
            && let Some(own) = matching.found.iter().position(|it| *it == caller.session)
        {
            matching.found.remove(own);
            matching.found.push_back(caller.session);
        }
        true
    }

    /// Does it to one session; returns what is left to do to it.
    fn act(
        &mut self,
        caller: &Caller,
        key: SessionKey,
        action: &Action,
        steps: &mut usize,
    ) -> Result<Option<Rest>, ErrorReport> {
        // It may have ended meanwhile.
        if self.sessions.get(key).is_none() {
            return Ok(None);
        }
        match action {
            Action::Close => {
                *steps = steps.saturating_sub(self.steps_to_close(key));
                self.close(key, CloseReason::ClosedByController);
            }
            Action::ChangeRoles { remove, add } => {
                *steps = steps.saturating_sub(self.sessions.listening_steps());
                self.set_roles(key, remove, add, steps)?;
            }
            Action::Subscribe { scope, selector } => {
                let by = SelectedBy::Control;
                let selecting = self.start_select(key, scope, selector, by)?;
                let selecting = selecting.asked_by(caller.session);
                return Ok(Some(Rest::Subscribe(selecting)));
            }
            Action::Unsubscribe { scope, selector } => {
                let reason = UnsubscribeReason::Control;
                let deselecting = self.start_deselect(key, scope.as_ref(), selector, reason)?;
                return Ok(Some(Rest::Unsubscribe(deselecting)));
            }
            Action::SetConflation(conflates) => self.sessions.set_conflates(key, *conflates),
            Action::SetProperties { set, remove } => {
                let listening = self.sessions.listening_steps();
                *steps = steps.saturating_sub(set.len() + remove.len() + listening);
                self.sessions.set_properties(key, set, remove)?;
            }
            Action::Send {
                conversation,
                request,
            } => {
                *steps = steps.saturating_sub(request.value.len() / BYTES_A_STEP);
                self.send_to_matching(caller.session, *conversation, key, request);
            }
        }
        Ok(None)
    }

    /// Steps for closing a session: its subscriptions end, and listeners are told.
    pub(crate) fn steps_to_close(&self, key: SessionKey) -> usize {
        let session = self.sessions.get(key);
        session.map_or(0, |it| it.subscriptions().len()) + self.sessions.listening_steps()
    }
}

/// Bytes that are copied in a step.
const BYTES_A_STEP: usize = 1024;
