//! What the tutorial's lessons teach, step by step, and what shows that a step was done.

use effusion_chat::{ChatMessage, MESSAGES_ROOT, MODERATION_RULES, RoomKind, SYSTEM_NAME};
use effusion_protocol::body::{GlobalPermission, RequestBody, ResponseBody};
use effusion_protocol::time_series::RangeAnchor;
use effusion_protocol::value::Json;
use effusion_protocol::{ServiceId, TopicSpecification, TopicType, property};

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
    /// A script for the authentication store was sent.
    Script,
    /// The authentication store was updated.
    Store,
    /// An account of one's own signed in after that.
    Account,
    /// The session may change the rights of others.
    Permissions,
    /// The rules of moderation were set.
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

/// The places that the programs have.
pub const PLACES: [&str; 15] = [
    "host",
    "port",
    "secure",
    "scheme",
    "authority",
    "service_path",
    "principal",
    "registrar",
    "moderator",
    "password",
    "account",
    "name",
    "text",
    "live",
    "history",
];

macro_rules! step {
    ($goal:ident, $name:literal, $text:ident, $expect:ident, $help:expr) => {
        Step {
            goal: Goal::$goal,
            name: $name,
            text: &messages::$text,
            expect: &messages::$expect,
            help: $help,
            javascript: include_str!(concat!("snippets/", $name, ".mjs")),
            rust: include_str!(concat!("snippets/", $name, ".rs")),
        }
    };
}

/// The tutorial's three lessons and its challenge.
pub static LESSONS: [Lesson; 4] = [
    Lesson {
        title: &messages::lesson_1_title,
        text: &messages::lesson_1_text,
        steps: &[
            step!(
                Connect,
                "connect",
                lesson_1_connect,
                lesson_1_connect_expect,
                Help::None
            ),
            step!(
                Add,
                "add",
                lesson_1_add,
                lesson_1_add_expect,
                Help::Join(RoomKind::Live)
            ),
            step!(
                Stream,
                "stream",
                lesson_1_stream,
                lesson_1_stream_expect,
                Help::None
            ),
            step!(
                Select,
                "select",
                lesson_1_select,
                lesson_1_select_expect,
                Help::None
            ),
            step!(Set, "set", lesson_1_set, lesson_1_set_expect, Help::None),
            step!(
                Receive,
                "receive",
                lesson_1_receive,
                lesson_1_receive_expect,
                Help::SecondWindow(RoomKind::Live)
            ),
        ],
        manual: "https://docs.diffusiondata.com/docs/latest/manual/html/introduction/overview/topics_data.html",
        manual_title: &messages::lesson_1_manual,
    },
    Lesson {
        title: &messages::lesson_2_title,
        text: &messages::lesson_2_text,
        steps: &[
            step!(
                Specification,
                "specification",
                lesson_2_specification,
                lesson_2_specification_expect,
                Help::Join(RoomKind::History)
            ),
            step!(
                Append,
                "append",
                lesson_2_append,
                lesson_2_append_expect,
                Help::None
            ),
            step!(
                Late,
                "late",
                lesson_2_late,
                lesson_2_late_expect,
                Help::SecondWindow(RoomKind::History)
            ),
            step!(
                Edit,
                "edit",
                lesson_2_edit,
                lesson_2_edit_expect,
                Help::None
            ),
            step!(
                Range,
                "range",
                lesson_2_range,
                lesson_2_range_expect,
                Help::None
            ),
        ],
        manual: "https://docs.diffusiondata.com/docs/latest/manual/html/designguide/data/topics/timeseries_topics.html",
        manual_title: &messages::lesson_2_manual,
    },
    Lesson {
        title: &messages::lesson_3_title,
        text: &messages::lesson_3_text,
        steps: &[
            step!(
                Script,
                "script",
                lesson_3_script,
                lesson_3_script_expect,
                Help::CreateAccount
            ),
            step!(
                Store,
                "store",
                lesson_3_store,
                lesson_3_store_expect,
                Help::None
            ),
            step!(
                Account,
                "account",
                lesson_3_account,
                lesson_3_account_expect,
                Help::None
            ),
        ],
        manual: "https://docs.diffusiondata.com/docs/latest/manual/html/developerguide/client/basics/uci_session_properties.html",
        manual_title: &messages::lesson_3_manual,
    },
    Lesson {
        title: &messages::challenge_title,
        text: &messages::challenge_text,
        steps: &[
            step!(
                Permissions,
                "permissions",
                challenge_permissions,
                challenge_permissions_expect,
                Help::SecondWindow(RoomKind::History)
            ),
            step!(
                Rules,
                "rules",
                challenge_rules,
                challenge_rules_expect,
                Help::None
            ),
            step!(
                Hide,
                "hide",
                challenge_hide,
                challenge_hide_expect,
                Help::None
            ),
            step!(
                Mute,
                "mute",
                challenge_mute,
                challenge_mute_expect,
                Help::None
            ),
        ],
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

/// Tells by what happens in sessions which steps were done.
#[derive(Debug, Default)]
pub struct Watcher {
    /// The session that has updated the authentication store, and its principal.
    updated: Option<(usize, String)>,
}

impl Watcher {
    /// Which step something belongs to that has happened in a session of a principal, and the number of the message that did it
    /// if that is another one.
    pub fn goal(
        &mut self,
        happening: &Happening,
        session: usize,
        principal: &str,
    ) -> Option<(Goal, Option<usize>)> {
        let goal = match happening {
            Happening::Opened => match &self.updated {
                Some((by, registrar))
                    if *by < session && principal != registrar && principal != SHARED_ACCOUNT =>
                {
                    Goal::Account
                }
                _ => Goal::Connect,
            },
            Happening::Asked(ServiceId::UpdateSystemAuthentication) => Goal::Script,
            Happening::Asked(_) => return None,
            Happening::Done(done) => {
                let goal = done_goal(done)?;
                if goal == Goal::Store {
                    self.updated = Some((session, principal.to_owned()));
                }
                return Some((goal, Some(done.number)));
            }
            Happening::Subscribed {
                path,
                kind: TopicType::Json,
            } if is_room(path) => Goal::Stream,
            Happening::Subscribed { .. } => return None,
            Happening::Value { path, value, own } => {
                let json = Json::from_cbor(value.clone());
                let is_others = is_room(path) && !own && is_said(&json);
                return is_others.then_some((Goal::Receive, None));
            }
            Happening::Event {
                path,
                event,
                newest_before,
            } => {
                // A room that is opened asks for its newest event just before it is selected.
                let is_earlier = Some(event.metadata.sequence) <= *newest_before;
                let is_message = is_room(path) && is_said(&Json::from_cbor(event.value.clone()));
                return (is_message && is_earlier).then_some((Goal::Late, None));
            }
        };
        Some((goal, None))
    }
}

/// Which step a call belongs to that has succeeded.
fn done_goal(done: &Done) -> Option<Goal> {
    use RequestBody as Q;
    use ResponseBody as P;
    let is_live = done.kind == Some(TopicType::Json);
    match (&done.request, &done.response) {
        (Some(Q::AddTopic(it)), _) if is_room(&it.path) => added(&it.specification),
        (Some(Q::Subscribe(it)), _) => {
            let path = it.selector.strip_prefix('>')?;
            (is_room(path) && is_live).then_some(Goal::Select)
        }
        (Some(Q::SetTopic(it)), _) if it.path == MODERATION_RULES => Some(Goal::Rules),
        (Some(Q::SetTopic(it)), _) => {
            let is_message = is_room(&it.path) && it.topic_type == TopicType::Json;
            (is_message && is_said(&Json::from_cbor(it.value.clone()))).then_some(Goal::Set)
        }
        (Some(Q::TimeSeriesAppend(it)), _) => {
            let is_message = is_room(&it.path) && is_said(&Json::from_cbor(it.value.clone()));
            is_message.then_some(Goal::Append)
        }
        (Some(Q::TimeSeriesEdit(it)), _) if is_room(&it.path) => {
            let message = ChatMessage::from_json(&Json::from_cbor(it.value.clone()))?;
            Some(if message.bleeped {
                Goal::Hide
            } else {
                Goal::Edit
            })
        }
        // A room's last event is asked for by itself when the room is opened.
        (Some(Q::RangeQuery(it)), _) => {
            (is_room(&it.path) && it.view.anchor != RangeAnchor::Last(1)).then_some(Goal::Range)
        }
        (_, P::UpdateSystemAuthentication(errors)) => errors.is_empty().then_some(Goal::Store),
        (_, P::UpdateSecurity(errors)) => errors.is_empty().then_some(Goal::Mute),
        (_, P::GetGlobalPermissions(granted)) => {
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

fn is_room(path: &str) -> bool {
    path.starts_with(MESSAGES_ROOT)
}

/// Whether a value is what a person has said, and no notice that somebody has joined.
fn is_said(value: &Json) -> bool {
    let message = ChatMessage::from_json(value);
    message.is_some_and(|message| message.name != SYSTEM_NAME && !message.text.is_empty())
}

#[cfg(test)]
mod tests;
