//! What the tutorial's lessons teach, step by step, and what shows that a step was done.

use std::collections::VecDeque;

use bytes::Bytes;
use effusion_chat::moderation::Rules;
use effusion_chat::{ChatMessage, MESSAGES_ROOT, MODERATION_RULES, RoomKind, SYSTEM_NAME};
use effusion_protocol::body::{GlobalPermission, RequestBody, ResponseBody};
use effusion_protocol::time_series::{QueryRange, RangeAnchor, RangeSpan};
use effusion_protocol::value::Json;
use effusion_protocol::{TopicSpecification, TopicType, property};

use crate::features::diagnostics::decoder::{Done, Happening};
use crate::features::join::service::SHARED_ACCOUNT;
use crate::i18n::{Message, messages};

/// What a step is about: what shows that it was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Goal {
    /// A session was opened.
    Connect,
    /// The topic of a live room was added, or was there.
    Add,
    /// A stream of such a topic was told of the subscription.
    Stream,
    /// Such a topic was selected.
    Select,
    /// A message was set as its value.
    Set,
    /// A stream was given a message that somebody else has set.
    Receive,
    /// A time series with the tutorial's three properties was added, or was there.
    Specification,
    /// A message was appended to a room's time series.
    Append,
    /// A message came that was appended before the subscription.
    Late,
    /// A message of the session's own was edited.
    Edit,
    /// Earlier events were queried.
    Range,
    /// A script that makes an account was sent, and carried out.
    Script,
    /// The authentication store was updated.
    Store,
    /// An account of one's own signed in after that.
    Account,
    /// The session may change the rights of others.
    Permissions,
    /// Rules of moderation were set that name something unwanted.
    Rules,
    /// Somebody's words were hidden.
    Hide,
    /// The security store was updated.
    Mute,
}

/// What helps with a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Help {
    /// Nothing.
    None,
    /// To join a room of this kind.
    Join(RoomKind),
    /// A second window in a room of this kind.
    SecondWindow(RoomKind),
    /// The form for an account, in a second window.
    CreateAccount,
}

/// One thing to do.
#[derive(Debug)]
pub struct Step {
    /// What shows that it was done.
    pub goal: Goal,
    /// Names it in what the browser keeps.
    pub name: &'static str,
    /// What to do.
    pub text: &'static Message,
    /// What comes of it.
    pub expect: &'static Message,
    /// What helps with it.
    pub help: Help,
    /// The program that does the same with the vendor's SDK.
    pub javascript: &'static str,
    /// The program that does the same with `effusion-client`.
    pub rust: &'static str,
}

/// One lesson.
#[derive(Debug)]
pub struct Lesson {
    /// Its title.
    pub title: &'static Message,
    /// What it is about.
    pub text: &'static Message,
    /// What to do, in order.
    pub steps: &'static [Step],
    /// The page of the manual.
    pub manual: &'static str,
    /// The title of that page.
    pub manual_title: &'static Message,
}

/// The steps of a lesson, a row for each: its goal, its name, what to do, what comes of it, and what helps.
macro_rules! steps {
    ($($goal:ident $name:literal: $text:ident => $expect:ident, $help:expr;)*) => {
        &[$(Step {
            goal: Goal::$goal,
            name: $name,
            text: &messages::$text,
            expect: &messages::$expect,
            help: $help,
            javascript: include_str!(concat!("snippets/", $name, ".mjs")),
            rust: include_str!(concat!("snippets/", $name, ".rs")),
        }),*]
    };
}

/// The tutorial's three lessons and its challenge.
pub static LESSONS: [Lesson; 4] = [
    Lesson {
        title: &messages::lesson_1_title,
        text: &messages::lesson_1_text,
        steps: steps! {
            Connect "connect": lesson_1_connect => lesson_1_connect_expect, Help::None;
            Add "add": lesson_1_add => lesson_1_add_expect, Help::Join(RoomKind::Live);
            Stream "stream": lesson_1_stream => lesson_1_stream_expect, Help::None;
            Select "select": lesson_1_select => lesson_1_select_expect, Help::None;
            Set "set": lesson_1_set => lesson_1_set_expect, Help::None;
            Receive "receive": lesson_1_receive => lesson_1_receive_expect, Help::SecondWindow(RoomKind::Live);
        },
        manual: "https://docs.diffusiondata.com/docs/latest/manual/html/introduction/overview/topics_data.html",
        manual_title: &messages::lesson_1_manual,
    },
    Lesson {
        title: &messages::lesson_2_title,
        text: &messages::lesson_2_text,
        steps: steps! {
            Specification "specification": lesson_2_specification => lesson_2_specification_expect, Help::Join(RoomKind::History);
            Append "append": lesson_2_append => lesson_2_append_expect, Help::None;
            Late "late": lesson_2_late => lesson_2_late_expect, Help::SecondWindow(RoomKind::History);
            Edit "edit": lesson_2_edit => lesson_2_edit_expect, Help::None;
            Range "range": lesson_2_range => lesson_2_range_expect, Help::None;
        },
        manual: "https://docs.diffusiondata.com/docs/latest/manual/html/designguide/data/topics/timeseries_topics.html",
        manual_title: &messages::lesson_2_manual,
    },
    Lesson {
        title: &messages::lesson_3_title,
        text: &messages::lesson_3_text,
        steps: steps! {
            Script "script": lesson_3_script => lesson_3_script_expect, Help::CreateAccount;
            Store "store": lesson_3_store => lesson_3_store_expect, Help::None;
            Account "account": lesson_3_account => lesson_3_account_expect, Help::None;
        },
        manual: "https://docs.diffusiondata.com/docs/latest/manual/html/developerguide/client/basics/uci_session_properties.html",
        manual_title: &messages::lesson_3_manual,
    },
    Lesson {
        title: &messages::challenge_title,
        text: &messages::challenge_text,
        steps: steps! {
            Permissions "permissions": challenge_permissions => challenge_permissions_expect, Help::SecondWindow(RoomKind::History);
            Rules "rules": challenge_rules => challenge_rules_expect, Help::None;
            Hide "hide": challenge_hide => challenge_hide_expect, Help::None;
            Mute "mute": challenge_mute => challenge_mute_expect, Help::None;
        },
        manual: "https://docs.diffusiondata.com/docs/latest/manual/html/designguide/security/authorisation.html",
        manual_title: &messages::challenge_manual,
    },
];

/// The properties that the tutorial gives to the topic of a history room.
const PROPERTIES: [&str; 3] = [
    property::TIME_SERIES_EVENT_VALUE_TYPE,
    property::TIME_SERIES_RETAINED_RANGE,
    property::TIME_SERIES_SUBSCRIPTION_RANGE,
];

/// How many selections wait until it is known what they are of.
const MAX_SELECTED: usize = 16;

/// Tells by what happens in sessions which steps were done.
#[derive(Debug, Default)]
pub struct Watcher {
    /// The session that has made an account in the authentication store, and its principal.
    updated: Option<(usize, String)>,
    /// The session that has selected topics. One that makes an account does nothing else.
    in_rooms: Option<usize>,
    /// Paths that were selected before anything told of their topics, and the numbers of the messages that did it: a service need
    /// not have made a topic to accept a selection of it.
    selected: VecDeque<(String, usize)>,
}

impl Watcher {
    /// Which steps something belongs to that has happened in a session of a principal, and the number of the message that did it
    /// if that is another one.
    pub fn goals(
        &mut self,
        happening: &Happening,
        session: usize,
        principal: &str,
    ) -> Vec<(Goal, Option<usize>)> {
        match happening {
            Happening::Opened => {
                self.selected.clear();
                let is_account = self.updated.as_ref().is_some_and(|(by, registrar)| {
                    *by < session && principal != registrar && principal != SHARED_ACCOUNT
                });
                let goal = if is_account {
                    Goal::Account
                } else {
                    Goal::Connect
                };
                vec![(goal, None)]
            }
            Happening::Done(done) => {
                let by = Some(done.number);
                if matches!(done.request, Some(RequestBody::Subscribe(_))) {
                    self.in_rooms = Some(session);
                }
                if let Some(path) = selected_room(done).filter(|_| done.kind.is_none()) {
                    self.selected.truncate(MAX_SELECTED - 1);
                    self.selected.push_front((path.to_owned(), done.number));
                }
                match done_goal(done) {
                    // A moderator's.
                    Some(Goal::Store) if self.in_rooms == Some(session) => Vec::new(),
                    Some(Goal::Store) => {
                        self.updated = Some((session, principal.to_owned()));
                        vec![(Goal::Script, by), (Goal::Store, by)]
                    }
                    goal => goal.map(|goal| (goal, by)).into_iter().collect(),
                }
            }
            Happening::Subscribed { path, kind } => {
                let selected = self.selected.iter().position(|(it, _)| it == path);
                let selected = selected.and_then(|place| self.selected.remove(place));
                if *kind != TopicType::Json || !is_room(path) {
                    return Vec::new();
                }
                let selected = selected.map(|(_, number)| (Goal::Select, Some(number)));
                [(Goal::Stream, None)].into_iter().chain(selected).collect()
            }
            Happening::Value {
                path,
                value,
                own: false,
                first: false,
            } if is_said(path, value) => vec![(Goal::Receive, None)],
            // A room that is opened asks for its newest event just before it is selected.
            Happening::Event {
                path,
                event,
                newest_before,
            } if Some(event.metadata.sequence) <= *newest_before && is_said(path, &event.value) => {
                vec![(Goal::Late, None)]
            }
            Happening::Value { .. } | Happening::Event { .. } => Vec::new(),
        }
    }
}

/// Which step a call belongs to that has succeeded.
fn done_goal(done: &Done) -> Option<Goal> {
    use RequestBody as Q;
    use ResponseBody as P;
    let is_live = done.kind == Some(TopicType::Json);
    match (&done.request, &done.response) {
        (Some(Q::AddTopic(it)), _) if is_room(&it.path) => added(&it.specification),
        (Some(Q::Subscribe(_)), _) => {
            (selected_room(done).is_some() && is_live).then_some(Goal::Select)
        }
        (Some(Q::SetTopic(it)), _) if it.path == MODERATION_RULES => {
            let rules = Rules::from_json(&Json::from_cbor(it.value.clone()))?;
            (!rules.words.is_empty() || !rules.patterns.is_empty()).then_some(Goal::Rules)
        }
        (Some(Q::SetTopic(it)), _) => {
            let is_message = it.topic_type == TopicType::Json && is_said(&it.path, &it.value);
            is_message.then_some(Goal::Set)
        }
        (Some(Q::TimeSeriesAppend(it)), _) => is_said(&it.path, &it.value).then_some(Goal::Append),
        (Some(Q::TimeSeriesEdit(it)), _) if is_room(&it.path) => {
            let message = ChatMessage::from_json(&Json::from_cbor(it.value.clone()))?;
            match (message.bleeped, message.deleted) {
                (true, _) => Some(Goal::Hide),
                (false, true) => None,
                (false, false) => Some(Goal::Edit),
            }
        }
        (Some(Q::RangeQuery(it)), _) => {
            (is_room(&it.path) && is_readers(&it.view)).then_some(Goal::Range)
        }
        (_, Some(P::UpdateSystemAuthentication(errors))) => {
            errors.is_empty().then_some(Goal::Store)
        }
        (_, Some(P::UpdateSecurity(errors))) => errors.is_empty().then_some(Goal::Mute),
        (_, Some(P::GetGlobalPermissions(granted))) => {
            let may = granted.contains(&GlobalPermission::ModifySecurity);
            may.then_some(Goal::Permissions)
        }
        _ => None,
    }
}

fn added(specification: &TopicSpecification) -> Option<Goal> {
    let has = |name: &&str| specification.get(name).is_some();
    match specification.topic_type {
        TopicType::Json => Some(Goal::Add),
        TopicType::TimeSeries if PROPERTIES.iter().all(has) => Some(Goal::Specification),
        _ => None,
    }
}

/// The room that a call has selected.
fn selected_room(done: &Done) -> Option<&str> {
    let Some(RequestBody::Subscribe(it)) = &done.request else {
        return None;
    };
    it.selector.strip_prefix('>').filter(|path| is_room(path))
}

/// Whether a range is what a reader asks for: from an event on, or the first event since a day. What the page queries by itself is
/// before the end, for a room that is opened and for messages that may have been sent, or all since a time, for the moderators'
/// board. What it loads to fill an empty viewport, or for an edit that was begun before a reload, has the ranges that readers ask for,
/// and counts as theirs.
fn is_readers(view: &QueryRange) -> bool {
    match view.anchor {
        RangeAnchor::Start | RangeAnchor::Sequence(_) => true,
        RangeAnchor::Time(_) => matches!(view.span, RangeSpan::Next(_)),
        RangeAnchor::Last(_) | RangeAnchor::LastMillis(_) => false,
    }
}

fn is_room(path: &str) -> bool {
    path.starts_with(MESSAGES_ROOT)
}

/// Whether a value of a topic is what a person has said in a room, and no notice that somebody has joined.
fn is_said(path: &str, value: &Bytes) -> bool {
    let message = || ChatMessage::from_json(&Json::from_cbor(value.clone()));
    is_room(path) && message().is_some_and(|it| it.name != SYSTEM_NAME && !it.text.is_empty())
}

#[cfg(test)]
mod tests;
