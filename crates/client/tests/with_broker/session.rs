//! Sessions by their handles: what the three lessons do, and what goes wrong in them.

use std::future::Future;

use effusion_client::{
    AddTopicResult, AuthenticationScript, ErrorReason, Json, ProtocolVersion, RangeAnchor, Renew,
    RequestError, Session, SessionCloseReason, SessionState, StreamEvent, StreamValue,
    TimeSeriesEvent, TopicSpecification, TopicType, TransportErrorKind, UnsubscribeReason,
    UnsubscribedReason, UpdateConstraint, ValueStream, property,
};
use futures_util::StreamExt as _;
use tokio::task::LocalSet;

use super::hub::{Hub, options};

pub async fn local<T>(test: impl Future<Output = T>) -> T {
    LocalSet::new().run_until(test).await
}

fn json() -> TopicSpecification {
    TopicSpecification::new(TopicType::Json)
}

fn series() -> TopicSpecification {
    TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
        .with(property::TIME_SERIES_RETAINED_RANGE, "limit 100")
        .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, "limit 100")
}

/// A value of a JSON topic, all versions of which are long enough for deltas to pay.
fn said(text: &str) -> Json {
    let filler = "the same in every message, so that deltas are short ".repeat(4);
    Json::object(&[("filler", Json::text(&filler)), ("text", Json::text(text))])
}

fn text(json: &Json) -> String {
    json.member("text").and_then(|text| text.as_text()).unwrap()
}

async fn next<T: StreamValue>(stream: &mut ValueStream<T>) -> StreamEvent<T> {
    stream.next().await.expect("the stream goes on")
}

async fn subscribed<T: StreamValue>(stream: &mut ValueStream<T>, path: &str) {
    match next(stream).await {
        StreamEvent::Subscribed { topic } => assert_eq!(topic.path, path),
        _ => panic!("not subscribed to {path}"),
    }
}

async fn value<T: StreamValue>(stream: &mut ValueStream<T>) -> (Option<T>, T) {
    match next(stream).await {
        StreamEvent::Value { old, new, .. } => (old, new),
        _ => panic!("no value"),
    }
}

async fn unsubscribed<T: StreamValue>(stream: &mut ValueStream<T>) -> UnsubscribedReason {
    match next(stream).await {
        StreamEvent::Unsubscribed { reason, .. } => reason,
        _ => panic!("not unsubscribed"),
    }
}

pub fn refusal<T>(result: Result<T, RequestError>) -> Option<ErrorReason> {
    result.err().and_then(|error| error.refusal())
}

/// Lets the other tasks do what they can.
pub async fn settle() {
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
}

#[tokio::test(start_paused = true)]
async fn lesson_1_from_window_to_window() {
    local(async {
        let hub = Hub::new();
        let one = hub.session("control").await;
        let two = hub.session("control").await;
        let added = one.topics().add("Chat/room", json()).await;
        assert_eq!(added, Ok(AddTopicResult::Created));
        let added = two.topics().add("Chat/room", json()).await;
        assert_eq!(added, Ok(AddTopicResult::Exists));
        let mismatch = two.topics().add("Chat/room", series()).await;
        assert_eq!(refusal(mismatch), Some(ErrorReason::TopicExistsMismatch));

        let mut stream = two.add_stream::<Json>(">Chat/room").unwrap();
        let mut elsewhere = two.add_stream::<Json>(">Chat/other").unwrap();
        let mut other_type = two.add_stream::<i64>(">Chat/room").unwrap();
        two.topics().select(">Chat/room").await.unwrap();
        subscribed(&mut stream, "Chat/room").await;
        for (old, new) in [(None, "one"), (Some("one"), "two"), (Some("two"), "three")] {
            one.topic_update()
                .set("Chat/room", &said(new))
                .await
                .unwrap();
            let (before, now) = value(&mut stream).await;
            assert_eq!(text(&now), new);
            assert_eq!(before.as_ref().map(text).as_deref(), old);
        }

        // A stream that comes late is told what there is.
        let mut late = two.add_stream::<Json>("Chat/room").unwrap();
        subscribed(&mut late, "Chat/room").await;
        let (old, new) = value(&mut late).await;
        assert_eq!((old, text(&new)), (None, "three".to_owned()));

        two.topics().unsubscribe(">Chat/room").await.unwrap();
        let requested = UnsubscribedReason::Service(UnsubscribeReason::Requested);
        assert_eq!(unsubscribed(&mut stream).await, requested);
        two.topics().select("?Chat/").await.unwrap();
        subscribed(&mut stream, "Chat/room").await;
        value(&mut stream).await;
        one.topics().remove(">Chat/room").await.unwrap();
        let removed = UnsubscribedReason::Service(UnsubscribeReason::Removal);
        assert_eq!(unsubscribed(&mut stream).await, removed);

        two.close().await;
        let closed = StreamEvent::Closed(SessionCloseReason::ClosedByClient);
        assert_eq!(next(&mut stream).await, closed);
        assert_eq!(stream.next().await, None);
        assert_eq!(elsewhere.next().await, Some(closed));
        assert!(matches!(
            other_type.next().await,
            Some(StreamEvent::Closed(_))
        ));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_fallback_stream_takes_what_is_left() {
    local(async {
        let hub = Hub::new();
        let session = hub.session("control").await;
        for path in ["a", "b"] {
            session.topics().add(path, json()).await.unwrap();
        }
        let text = TopicSpecification::new(TopicType::Binary);
        session.topics().add("c", text).await.unwrap();
        let mut of_a = session.add_stream::<Json>("a").unwrap();
        // A stream of another type does not take the topic.
        let other_type = session.add_stream::<i64>("b").unwrap();
        let mut rest = session.add_fallback_stream::<Json>();
        session.topics().select("?.").await.unwrap();
        subscribed(&mut of_a, "a").await;
        subscribed(&mut rest, "b").await;
        let mut late = session.add_fallback_stream::<Json>();
        subscribed(&mut late, "b").await;
        for path in ["a", "b"] {
            let set = session.topic_update().set(path, &said(path));
            set.await.unwrap();
        }
        assert_eq!(text_of(&mut rest).await, "b");
        assert_eq!(text_of(&mut late).await, "b");
        assert_eq!(text_of(&mut of_a).await, "a");
        drop(of_a);
        session.topic_update().set("a", &said("x")).await.unwrap();
        assert_eq!(text_of(&mut rest).await, "x");
        drop(other_type);
    })
    .await;
}

async fn text_of(stream: &mut ValueStream<Json>) -> String {
    text(&value(stream).await.1)
}

#[tokio::test(start_paused = true)]
async fn lesson_2_messages_that_stay() {
    local(async {
        let hub = Hub::new();
        let session = hub.session("admin").await;
        session.topics().add("Chat/ts", series()).await.unwrap();
        for (sequence, text) in ["one", "two", "three"].into_iter().enumerate() {
            let event = session
                .time_series()
                .append("Chat/ts", &said(text))
                .await
                .unwrap();
            assert_eq!(
                (event.sequence, event.author.as_str()),
                (sequence as u64, "admin")
            );
        }
        let events = session.add_stream::<TimeSeriesEvent<Json>>("Chat/ts");
        let mut events = events.unwrap();
        let mut values = session.add_stream::<Json>("Chat/ts").unwrap();
        session.topics().select("Chat/ts").await.unwrap();
        subscribed(&mut events, "Chat/ts").await;
        subscribed(&mut values, "Chat/ts").await;
        for expected in ["one", "two", "three"] {
            let (_, event) = value(&mut events).await;
            assert_eq!(
                (text(&event.value), event.is_edit()),
                (expected.to_owned(), false)
            );
            assert_eq!(text(&value(&mut values).await.1), expected);
        }

        let client = hub.session("client").await;
        let refused = client.time_series().edit("Chat/ts", 1, &said("2")).await;
        assert_eq!(refusal(refused), Some(ErrorReason::AccessDenied));
        let edit = session
            .time_series()
            .edit("Chat/ts", 1, &said("2"))
            .await
            .unwrap();
        assert_eq!(edit.sequence, 3);
        let (_, event) = value(&mut events).await;
        assert_eq!((event.metadata.sequence, event.original().sequence), (3, 1));

        let query = session.time_series().range_query();
        let all = query.clone().select_from::<Json>("Chat/ts").await.unwrap();
        let texts: Vec<_> = all.events.iter().map(|event| text(&event.value)).collect();
        assert_eq!(texts, ["one", "2", "three"]);
        assert!(all.is_complete());
        let last = query.clone().from(RangeAnchor::Last(2)).limit(1);
        let last = last.select_from::<Json>("Chat/ts").await.unwrap();
        assert_eq!((last.selected, last.events.len()), (2, 1));
        let edits = query.clone().for_edits().select_from::<Json>("Chat/ts");
        assert_eq!(edits.await.unwrap().events.len(), 4);
        let wrong = query.clone().select_from::<i64>("Chat/ts").await;
        assert!(matches!(wrong, Err(RequestError::UnreadableValue(_))));
        let nowhere = query.select_from::<Json>("Chat/none").await;
        assert_eq!(refusal(nowhere), Some(ErrorReason::NoSuchTopic));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn lesson_3_accounts() {
    local(async {
        let hub = Hub::new();
        let registrar = hub.session("auth-handler").await;
        let store = registrar.security();
        let add = AuthenticationScript::new().add_principal("ann's", "sec'ret", &["CLIENT"]);
        store.update_authentication_store(&add).await.unwrap();
        let mistake = store
            .update_authentication_store("deny anonymous connections\nnonsense")
            .await;
        match mistake {
            Err(RequestError::ScriptRefused(errors)) => {
                assert_eq!((errors.len(), errors[0].line), (1, 2));
            }
            other => panic!("{other:?}"),
        }

        let ann = options("ann's").password("sec'ret");
        let ann = hub.connect(ann).await.unwrap();
        let denied = ann.security().update_authentication_store(&add).await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
        let denied = ann.topics().add("Chat/room", json()).await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
        let wrong = hub.connect(options("ann's").password("other")).await;
        assert!(wrong.unwrap_err().is_authentication_failure());

        let admin = hub.session("admin").await;
        let principals = admin.security().authentication_store().await.unwrap();
        assert!(format!("{principals:?}").contains("ann's"));
        let roles = admin.security().security_store().await.unwrap();
        assert!(format!("{roles:?}").contains("CLIENT"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn values_of_all_kinds() {
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Point {
        x: i32,
        y: f64,
    }
    async fn there_and_back<
        T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + core::fmt::Debug + 'static,
    >(
        session: &Session,
        one: T,
        two: T,
    ) {
        let data_type = effusion_client::data_type_of::<T>();
        let path = format!("kinds/{}", data_type.name());
        let topic = TopicSpecification::new(data_type.topic_type());
        let updates = session.topic_update();
        let added = updates.add_and_set(&path, topic, &one).await;
        assert_eq!(added, Ok(AddTopicResult::Created));
        let mut stream = session.add_stream::<T>(&path).unwrap();
        session.topics().select(&path).await.unwrap();
        subscribed(&mut stream, &path).await;
        assert_eq!(value(&mut stream).await, (None, one));
        let no_value = UpdateConstraint::NoValue;
        let refused = updates.set_if(&path, &two, no_value).await;
        assert_eq!(refusal(refused), Some(ErrorReason::UnsatisfiedConstraint));
        updates.set(&path, &two).await.unwrap();
        assert_eq!(value(&mut stream).await.1, two);
    }
    local(async {
        let hub = Hub::new();
        let session = hub.session("control").await;
        there_and_back(&session, "eins".to_owned(), "zwei".to_owned()).await;
        there_and_back(&session, i64::MIN, 7).await;
        there_and_back(&session, -1.5, f64::MAX).await;
        there_and_back(
            &session,
            bytes::Bytes::from_static(&[0, 255]),
            bytes::Bytes::new(),
        )
        .await;
        there_and_back(&session, said("one"), said("two")).await;
        let incompatible = session.topic_update().set("kinds/int64", &1.0).await;
        assert!(matches!(incompatible, Err(RequestError::Refused(_))));
        let nowhere = session.topic_update().set("kinds/none", &1.0).await;
        assert_eq!(refusal(nowhere), Some(ErrorReason::NoSuchTopic));

        let point = Point { x: 1, y: 2.5 };
        session
            .topic_update()
            .set("kinds/json", &point)
            .await
            .unwrap();
        let mut points = session.add_stream::<Point>("kinds/json").unwrap();
        subscribed(&mut points, "kinds/json").await;
        assert_eq!(value(&mut points).await.1, point);
        session
            .topic_update()
            .set("kinds/json", &said("no point"))
            .await
            .unwrap();
        assert!(matches!(
            next(&mut points).await,
            StreamEvent::Unreadable { .. }
        ));

        session.topics().add("points", series()).await.unwrap();
        let mut events = session
            .add_stream::<TimeSeriesEvent<Point>>("points")
            .unwrap();
        session.topics().select("points").await.unwrap();
        session
            .time_series()
            .append("points", &point)
            .await
            .unwrap();
        subscribed(&mut events, "points").await;
        assert_eq!(value(&mut events).await.1.value, point);
        let query = session.time_series().range_query();
        let found = query.select_from::<Point>("points").await.unwrap();
        assert_eq!(found.events[0].value, point);
        let keys = std::collections::HashMap::from([(vec![1], 2)]);
        assert!(matches!(
            session.time_series().append("points", &keys).await,
            Err(RequestError::UnwritableValue(_))
        ));

        let found = session.fetch("?kinds/").with_values().with_properties();
        let first = found.clone().first(2).fetch().await.unwrap();
        assert_eq!((first.topics.len(), first.has_more), (2, true));
        let rest = found
            .after(&first.topics[1].path)
            .topic_types(&[TopicType::Int64, TopicType::String]);
        let rest = rest.fetch().await.unwrap();
        let paths: Vec<_> = rest
            .topics
            .iter()
            .map(|topic| topic.path.as_str())
            .collect();
        assert_eq!(paths, ["kinds/int64", "kinds/string"]);
        assert_eq!(rest.topics[0].value::<i64>(), Ok(Some(7)));
        assert!(rest.topics[0].value::<String>().is_err());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_is_not_noticed_by_streams_and_requests() {
    local(async {
        let hub = Hub::new();
        let session = hub.session("control").await;
        let mut states = session.states();
        assert!(states.next().await.unwrap().is_connected());
        session.topics().add("a", json()).await.unwrap();
        let mut stream = session.add_stream::<Json>("a").unwrap();
        session.topics().select("a").await.unwrap();
        subscribed(&mut stream, "a").await;
        hub.cut();
        let set = session.topic_update().set("a", &said("one"));
        let Some(SessionState::Recovering { renewing, .. }) = states.next().await else {
            panic!("{session:?}");
        };
        assert!(!renewing);
        session.reconnect_now();
        assert!(states.next().await.unwrap().is_connected());
        set.await.unwrap();
        assert_eq!(text(&value(&mut stream).await.1), "one");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_gone_is_renewed_or_closed() {
    local(async {
        let hub = Hub::new();
        let keeps = hub
            .connect(options("control").renew(Renew::WhenLost))
            .await
            .unwrap();
        let gives_up = hub.session("client").await;
        keeps.topics().add("Chat/ts", series()).await.unwrap();
        keeps
            .time_series()
            .append("Chat/ts", &said("one"))
            .await
            .unwrap();
        let mut stream = keeps.add_stream::<Json>("Chat/ts").unwrap();
        keeps.topics().select("Chat/ts").await.unwrap();
        subscribed(&mut stream, "Chat/ts").await;
        value(&mut stream).await;
        let before = keeps.info().unwrap().id;
        let mut states = keeps.states();
        hub.restart();
        let last = gives_up.states().collect::<Vec<_>>().await.pop();
        assert_eq!(
            last,
            Some(SessionState::Closed(SessionCloseReason::SessionUnknown))
        );
        assert_eq!(
            unsubscribed(&mut stream).await,
            UnsubscribedReason::SessionLost
        );
        subscribed(&mut stream, "Chat/ts").await;
        let (old, new) = value(&mut stream).await;
        assert_eq!((old, text(&new)), (None, "one".to_owned()));
        assert_ne!(keeps.info().unwrap().id, before);
        assert!(states.next().await.unwrap().is_connected());
        for expected in [false, true] {
            let state = states.next().await;
            let Some(SessionState::Recovering { renewing, .. }) = state else {
                panic!("{state:?}");
            };
            assert_eq!(renewing, expected);
        }
        assert!(states.next().await.unwrap().is_connected());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn sessions_look_at_each_other() {
    local(async {
        let hub = Hub::new();
        let admin = hub.session("admin").await;
        let guest = hub
            .connect(options("client").property("$Country", "de"))
            .await
            .unwrap();
        let id = guest.info().unwrap().id;
        let properties = admin
            .clients()
            .session_properties(id, &["$Principal"])
            .await;
        let expected = ("$Principal".to_owned(), "client".to_owned());
        assert_eq!(properties, Ok(Some(vec![expected])));
        let set = admin
            .clients()
            .set_session_properties(id, &[("mood", "merry")], &[]);
        set.await.unwrap();
        let properties = admin.clients().session_properties(id, &["*U"]).await;
        assert_eq!(properties.unwrap().unwrap().len(), 1);
        let other = admin.info().unwrap().id;
        let denied = guest.clients().session_properties(other, &["*F"]).await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));

        let text = "hello".to_owned();
        let unhandled = guest.messages().send::<_, String>("nobody", &text).await;
        assert_eq!(refusal(unhandled), Some(ErrorReason::UnhandledMessage));
        // Our sessions have no handlers for requests yet, and say so.
        let unhandled = admin
            .messages()
            .send_to_session::<_, String>(id, "any", &text)
            .await;
        assert_eq!(refusal(unhandled), Some(ErrorReason::UnhandledMessage));

        admin.clients().close(id).await.unwrap();
        let last = guest.states().collect::<Vec<_>>().await.pop();
        assert_eq!(
            last,
            Some(SessionState::Closed(SessionCloseReason::ClosedByService(
                TransportErrorKind::Closed.into()
            )))
        );
        let gone = admin.clients().session_properties(id, &["*F"]).await;
        assert_eq!(gone, Ok(None));
        assert!(admin.ping().await.is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_closes_the_session() {
    local(async {
        let hub = Hub::new();
        let session = hub.session("client").await;
        let other = session.clone();
        let mut stream = session.add_stream::<Json>("a").unwrap();
        drop(session);
        settle().await;
        assert!(other.state().is_connected());
        assert_eq!(hub.session_count(), 1);
        drop(other);
        settle().await;
        assert_eq!(hub.session_count(), 0);
        assert!(matches!(stream.next().await, Some(StreamEvent::Closed(_))));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn requests_are_made_when_they_are_called() {
    local(async {
        let hub = Hub::new();
        let session = hub.session("control").await;
        // None is awaited before the next is made, and the first not at all.
        drop(session.topics().add("a", json()));
        let one = session.topic_update().set("a", &said("one"));
        let two = session.topic_update().set("a", &said("two"));
        two.await.unwrap();
        one.await.unwrap();
        let found = session.fetch("a").with_values().fetch().await.unwrap();
        let value = found.topics[0].value::<Json>().unwrap().unwrap();
        assert_eq!(text(&value), "two");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waited_for_is_done_once_it_is_flushed() {
    local(async {
        let hub = Hub::new();
        let writer = hub.session("control").await;
        let reader = hub.session("client").await;
        let counts = TopicSpecification::new(TopicType::Int64);
        writer.topics().add("count", counts).await.unwrap();
        // More than fit the recovery buffer, and more than may wait without a connection.
        for count in 0..3_000_i64 {
            drop(writer.topic_update().set("count", &count));
        }
        writer.flush().await.unwrap();
        writer.close().await;
        let found = reader.fetch("count").with_values().fetch().await;
        let topics = found.unwrap().topics;
        assert_eq!(topics[0].value::<i64>().unwrap(), Some(2_999));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn older_versions_can_do_the_lessons_too() {
    for version in [13, 14, 15, 18, 25] {
        local(async {
            let hub = Hub::new();
            let version = ProtocolVersion::new(version).unwrap();
            let session = hub
                .connect(options("control").version(version))
                .await
                .unwrap();
            session.topics().add("a", json()).await.unwrap();
            let mut stream = session.add_stream::<Json>("?a").unwrap();
            session.topics().select("?a").await.unwrap();
            subscribed(&mut stream, "a").await;
            session.topic_update().set("a", &said("one")).await.unwrap();
            session.topic_update().set("a", &said("two")).await.unwrap();
            assert_eq!(text(&value(&mut stream).await.1), "one");
            assert_eq!(text(&value(&mut stream).await.1), "two");
            session.topics().add("ts", series()).await.unwrap();
            let event = session
                .time_series()
                .append("ts", &said("one"))
                .await
                .unwrap();
            assert_eq!(event.sequence, 0);
            let nowhere = session.topic_update().set("none", &said("one")).await;
            assert_eq!(refusal(nowhere), Some(ErrorReason::NoSuchTopic));
            session.topics().remove("a").await.unwrap();
            let removed = UnsubscribedReason::Service(UnsubscribeReason::Removal);
            assert_eq!(unsubscribed(&mut stream).await, removed);
        })
        .await;
    }
}
