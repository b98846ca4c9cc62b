use super::*;
use crate::features::diagnostics::decoder::tests::{V, recorded, request, response, subscription};
use crate::features::diagnostics::decoder::{MessageDecoder, Recorded};
use bytes::Bytes;
use effusion_protocol::ServiceId;
use effusion_protocol::body::{
    AddTopicRequest, AddTopicResult, SelectRequest, SetTopicRequest, UpdateConstraint,
};
use effusion_protocol::time_series::{
    AppendRequest, EditRequest, Event, EventMetadata, QueryRange, QueryType, RangeQueryRequest,
    RangeQueryResponse,
};
use effusion_protocol::{ConversationId, ErrorReason, ErrorReport, Message, TopicId, encode};

/// A session whose messages are watched.
#[derive(Default)]
struct Watched {
    decoder: MessageDecoder,
    watcher: Watcher,
    session: usize,
    number: usize,
}

impl Watched {
    fn session(mut self, session: usize) -> Self {
        self.session = session;
        self
    }

    fn sees(&mut self, sent: bool, hidden: usize, message: &Message) -> Vec<Goal> {
        self.number += 1;
        let recorded = Recorded {
            number: self.number,
            session: self.session,
            ..recorded(sent, hidden, message)
        };
        let decoded = self.decoder.decode(&recorded, V);
        let principal = if self.session == 1 {
            "auth-handler"
        } else {
            "ann"
        };
        let goals = decoded.happened.iter();
        goals
            .flat_map(|happening| self.watcher.goals(happening, self.session, principal))
            .map(|(goal, _)| goal)
            .filter(|goal| *goal != Goal::Connect)
            .collect()
    }

    /// A call, and what is ticked by what comes back.
    fn asks(&mut self, body: &RequestBody, back: impl FnOnce(u64) -> Message) -> Vec<Goal> {
        let conversation = self.number as u64;
        let asked = self.sees(true, 0, &request(body, conversation));
        assert_eq!(asked, [], "it was only asked for");
        self.sees(false, 0, &back(conversation))
    }

    fn calls(&mut self, request: &RequestBody, answer: &ResponseBody) -> Vec<Goal> {
        self.asks(request, |conversation| response(answer, conversation))
    }

    fn refused(&mut self, request: &RequestBody) -> Vec<Goal> {
        let report = ErrorReport {
            message: "no".to_owned(),
            reason: ErrorReason::AccessDenied,
        };
        self.asks(request, |conversation| Message::Error {
            service: None,
            conversation: ConversationId(conversation),
            body: encode(&report, V),
        })
    }

    fn adds(&mut self, path: &str, specification: TopicSpecification) -> Vec<Goal> {
        let request = RequestBody::AddTopic(AddTopicRequest {
            path: path.to_owned(),
            specification,
        });
        self.calls(&request, &ResponseBody::AddTopic(AddTopicResult::Created))
    }

    fn selects(&mut self, selector: &str) -> Vec<Goal> {
        let request = RequestBody::Subscribe(SelectRequest::new(selector));
        self.calls(&request, &ResponseBody::Subscribe(()))
    }

    fn subscribed(&mut self, path: &str, kind: TopicType) -> Vec<Goal> {
        self.sees(false, 0, &subscription(TopicId(7), path, kind))
    }

    fn value(&mut self, value: Bytes) -> Vec<Goal> {
        let topic = TopicId(7);
        self.sees(false, 0, &Message::TopicValue { topic, value })
    }
}

fn range_query(path: &str, view: QueryRange) -> RequestBody {
    RequestBody::RangeQuery(RangeQueryRequest {
        path: path.to_owned(),
        query_type: QueryType::Values,
        view,
        edits: QueryRange::ALL,
        limit: RangeQueryRequest::NO_LIMIT,
    })
}

fn found(events: Vec<Event>) -> ResponseBody {
    ResponseBody::RangeQuery(RangeQueryResponse {
        value_type: "json".to_owned(),
        selected: events.len() as u64,
        events,
    })
}

fn said(name: &str, text: &str) -> Bytes {
    let message = ChatMessage {
        name: name.to_owned(),
        text: text.to_owned(),
        ..ChatMessage::default()
    };
    message.to_json().as_cbor().clone()
}

fn history() -> TopicSpecification {
    TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, "limit 100")
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, "limit 100")
}

fn set(path: &str, value: Bytes) -> RequestBody {
    RequestBody::SetTopic(SetTopicRequest {
        path: path.to_owned(),
        topic_type: TopicType::Json,
        value,
        constraint: UpdateConstraint::Unconstrained,
    })
}

#[test]
fn a_live_room_ticks_lesson_1_and_nothing_else_does() {
    let mut live = Watched::default();
    let json = || TopicSpecification::new(TopicType::Json);
    assert_eq!(live.adds("Effusion/rooms/Tea", json()), []);
    assert_eq!(live.adds("Chat/Tea", json()), [Goal::Add]);
    assert_eq!(live.subscribed("Chat/Tea", TopicType::Json), [Goal::Stream]);
    assert_eq!(live.selects(">Chat/Tea"), [Goal::Select]);
    assert_eq!(live.selects("?Effusion/rooms//"), []);
    let done = ResponseBody::SetTopic(());
    let joined = said(SYSTEM_NAME, "Ann has joined");
    assert_eq!(live.calls(&set("Chat/Tea", joined.clone()), &done), []);
    let hello = said("Ann", "hello");
    assert_eq!(live.refused(&set("Chat/Tea", hello.clone())), []);
    let sets = live.calls(&set("Chat/Tea", hello.clone()), &done);
    assert_eq!(sets, [Goal::Set]);
    assert_eq!(live.value(joined), []);
    assert_eq!(live.value(hello), [], "it is the session's own");
    assert_eq!(live.value(said("Bob", "hi")), [Goal::Receive]);
    let mut late = Watched::default();
    late.subscribed("Chat/Tea", TopicType::Json);
    assert_eq!(late.value(said("Bob", "before")), [], "it was said before");
    assert_eq!(late.value(said("Bob", "now")), [Goal::Receive]);

    let mut other = Watched::default();
    assert_eq!(other.adds("Chat/Tea", history()), [Goal::Specification]);
    assert_eq!(other.subscribed("Chat/Tea", TopicType::TimeSeries), []);
    assert_eq!(other.selects(">Chat/Tea"), []);
    let bare = TopicSpecification::new(TopicType::TimeSeries);
    assert_eq!(other.adds("Chat/Tea", bare), []);
}

#[test]
fn a_selection_is_ticked_once_its_topic_is_known() {
    let json = TopicType::Json;
    let mut new = Watched::default();
    assert_eq!(new.selects(">Chat/Tea"), [], "it may be of any kind");
    assert_eq!(new.selects(">Chat/Cake"), []);
    assert_eq!(new.subscribed("Chat/Cake", TopicType::TimeSeries), []);
    let both = [Goal::Stream, Goal::Select];
    assert_eq!(new.subscribed("Chat/Tea", json), both);
    assert_eq!(new.subscribed("Chat/Tea", json), [Goal::Stream], "once");
    assert_eq!(new.subscribed("Chat/Cake", json), [Goal::Stream]);

    let told = |watcher: &mut Watcher, path: &str| {
        let (path, kind) = (path.to_owned(), json);
        watcher.goals(&Happening::Subscribed { path, kind }, 1, "ann")
    };
    let selected = |watcher: &mut Watcher, number: usize, kind| {
        let selector = [">Chat/", &number.to_string()].concat();
        let done = Done {
            number,
            request: Some(RequestBody::Subscribe(SelectRequest::new(&selector))),
            response: None,
            kind,
        };
        watcher.goals(&Happening::Done(Box::new(done)), 1, "ann")
    };
    let mut watcher = Watcher::default();
    // The call that is shown is the selection, whichever comes first.
    let by_call = (Goal::Select, Some(7));
    assert_eq!(selected(&mut watcher, 7, Some(json)), [by_call]);
    assert_eq!(selected(&mut watcher, 7, None), []);
    let both = [(Goal::Stream, None), by_call];
    assert_eq!(told(&mut watcher, "Chat/7"), both);
    for number in 0..=MAX_SELECTED {
        selected(&mut watcher, number, None);
    }
    assert_eq!(told(&mut watcher, "Chat/0").len(), 1, "the oldest is gone");
    assert_eq!(told(&mut watcher, "Chat/1").len(), 2);
    watcher.goals(&Happening::Opened, 2, "ann");
    let others = told(&mut watcher, "Chat/2");
    assert_eq!(others.len(), 1, "another session's is not");
}

#[test]
fn a_reader_who_asks_for_earlier_events_ticks_the_range_query() {
    use RangeAnchor as From;
    use RangeSpan as To;
    let mut room = Watched::default();
    let mut ticks = |path: &str, anchor, span| {
        let query = range_query(path, QueryRange { anchor, span });
        room.calls(&query, &found(Vec::new())) == [Goal::Range]
    };
    let end = QueryRange::ALL.span;
    for (anchor, span, what) in [
        (From::Sequence(0), To::ToSequence(99), "earlier messages"),
        (From::Sequence(50), To::Next(100), "a gap, from above"),
        (From::Time(1), To::Next(1), "a day"),
        (From::Start, To::Next(1_000), "an export"),
    ] {
        assert!(ticks("Chat/Tea", anchor, span), "{what}");
        assert!(!ticks("Effusion/reactions/Tea", anchor, span), "{what}");
    }
    for (anchor, span, what) in [
        (From::Last(1), end, "what a room begins with"),
        (From::Last(200), end, "what may have been sent"),
        (From::Time(1), To::ToSequence(99), "what the board counts"),
    ] {
        assert!(!ticks("Chat/Tea", anchor, span), "{what}");
    }
}

#[test]
fn a_history_room_ticks_lesson_2() {
    let mut room = Watched::default();
    let metadata = |sequence| EventMetadata {
        sequence,
        timestamp: 0,
        author: "bob".to_owned(),
    };
    let append = |value| {
        RequestBody::TimeSeriesAppend(AppendRequest {
            path: "Chat/Tea".to_owned(),
            value_type: "json".to_owned(),
            value,
        })
    };
    let appended = ResponseBody::TimeSeriesAppend(metadata(1));
    let joined = append(said(SYSTEM_NAME, "Ann has joined"));
    assert_eq!(room.calls(&joined, &appended), []);
    let hello = append(said("Ann", "hello"));
    assert_eq!(room.calls(&hello, &appended), [Goal::Append]);

    let event = |sequence, name| Event {
        metadata: metadata(sequence),
        original: None,
        value: said(name, "earlier"),
    };
    let comes = |event| encode(&event, V);
    room.subscribed("Chat/Tea", TopicType::TimeSeries);
    let unknown = room.value(comes(event(0, "Bob")));
    assert_eq!(unknown, [], "nothing shows that it was there before");
    let newest = QueryRange {
        anchor: RangeAnchor::Last(1),
        ..QueryRange::ALL
    };
    let newest = range_query("Chat/Tea", newest);
    let bob = vec![event(1, "Bob")];
    assert_eq!(room.calls(&newest, &found(bob)), []);
    room.subscribed("Chat/Tea", TopicType::TimeSeries);
    assert_eq!(room.value(comes(event(0, SYSTEM_NAME))), []);
    assert_eq!(room.value(comes(event(1, "Bob"))), [Goal::Late]);
    assert_eq!(room.value(comes(event(2, "Bob"))), [], "it came later");

    let edit = |message: ChatMessage| {
        RequestBody::TimeSeriesEdit(EditRequest {
            path: "Chat/Tea".to_owned(),
            value_type: "json".to_owned(),
            original: 1,
            value: message.to_json().as_cbor().clone(),
        })
    };
    let edited = ResponseBody::TimeSeriesEdit(metadata(1));
    let message = ChatMessage::default();
    assert_eq!(room.calls(&edit(message.clone()), &edited), [Goal::Edit]);
    let hidden = ChatMessage {
        bleeped: true,
        ..message.clone()
    };
    assert_eq!(room.calls(&edit(hidden), &edited), [Goal::Hide]);
    let deleted = ChatMessage {
        deleted: true,
        ..message
    };
    assert_eq!(room.calls(&edit(deleted), &edited), []);
}

#[test]
fn an_account_that_was_made_and_signs_in_ticks_lesson_3() {
    let hidden = |conversation| Message::Request {
        service: ServiceId::UpdateSystemAuthentication,
        conversation: ConversationId(conversation),
        body: Bytes::new(),
    };
    let answer = |conversation, errors| {
        let updated = ResponseBody::UpdateSystemAuthentication(errors);
        response(&updated, conversation)
    };
    let mut registrar = Watched::default().session(1);
    assert_eq!(registrar.sees(true, 40, &hidden(1)), []);
    let error = effusion_protocol::body::ScriptError {
        message: "exists".to_owned(),
        line: 1,
        column: 1,
    };
    assert_eq!(registrar.sees(false, 0, &answer(1, vec![error])), []);
    registrar.sees(true, 40, &hidden(2));
    let made = registrar.sees(false, 0, &answer(2, Vec::new()));
    assert_eq!(made, [Goal::Script, Goal::Store]);
    let mut moderator = Watched::default().session(1);
    moderator.selects(">Chat/Tea");
    moderator.sees(true, 40, &hidden(50));
    let muted = moderator.sees(false, 0, &answer(50, Vec::new()));
    assert_eq!(muted, [], "whoever is muted gets no account");
    let mut own = registrar.session(2);
    let ping = request(&RequestBody::UserPing(()), 1);
    assert_eq!(own.sees(true, 0, &ping), [Goal::Account]);
}

#[test]
fn a_moderator_ticks_the_challenge() {
    let mut moderator = Watched::default();
    let asked = RequestBody::GetGlobalPermissions(());
    let granted = |permissions| ResponseBody::GetGlobalPermissions(permissions);
    assert_eq!(moderator.calls(&asked, &granted(Vec::new())), []);
    let may = granted(vec![GlobalPermission::ModifySecurity]);
    assert_eq!(moderator.calls(&asked, &may), [Goal::Permissions]);
    let mut applies = |rules: Rules| {
        let rules = set(MODERATION_RULES, rules.to_json().as_cbor().clone());
        moderator.calls(&rules, &ResponseBody::SetTopic(()))
    };
    assert_eq!(applies(Rules::default()), [], "nothing is unwanted");
    let list = || vec!["heck".to_owned()];
    let words = Rules {
        words: list(),
        ..Rules::default()
    };
    assert_eq!(applies(words), [Goal::Rules]);
    let patterns = Rules {
        patterns: list(),
        ..Rules::default()
    };
    assert_eq!(applies(patterns), [Goal::Rules]);
    let mute = RequestBody::UpdateSecurity(String::new());
    let muted = ResponseBody::UpdateSecurity(Vec::new());
    assert_eq!(moderator.calls(&mute, &muted), [Goal::Mute]);
}

#[test]
fn every_step_has_a_name_and_a_goal_of_its_own() {
    let steps = || LESSONS.iter().flat_map(|lesson| lesson.steps);
    let goals: std::collections::BTreeSet<Goal> = steps().map(|step| step.goal).collect();
    let names: std::collections::BTreeSet<&str> = steps().map(|step| step.name).collect();
    assert_eq!([goals.len(), names.len()], [steps().count(); 2]);
}
