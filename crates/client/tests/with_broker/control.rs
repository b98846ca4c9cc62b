//! Locks, update streams, topic notifications, missing topics, removals, fetches.

use std::collections::BTreeMap;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use effusion_client::{
    AddTopicResult, Direction, ErrorReason, FetchedSize, Interruption, Json, ProtocolVersion,
    Renew, RequestError, Session, SessionLockScope, StreamEvent, TopicNotification,
    TopicNotificationType, TopicNotifications, TopicSpecification, TopicType, UnsubscribeReason,
    UnsubscribedReason, UpdateConstraint, property,
};
use effusion_protocol::{Message, ServiceId};
use futures_util::StreamExt as _;

use super::hub::{Hub, options};
use super::session::{local, refusal, settle};

fn json() -> TopicSpecification {
    TopicSpecification::new(TopicType::Json)
}

fn long(text: &str) -> Json {
    let filler = "the same in every value, so that deltas are short ".repeat(4);
    Json::text(&[filler.as_str(), text].concat())
}

const SESSION: SessionLockScope = SessionLockScope::UnlockOnSessionLoss;
const CONNECTION: SessionLockScope = SessionLockScope::UnlockOnConnectionLoss;

#[tokio::test(start_paused = true)]
async fn a_lock_has_one_owner() {
    local(async {
        let hub = Hub::new();
        let one = hub.session("control").await;
        let two = hub.session("control").await;
        let client = hub.session("client").await;
        let denied = client.lock("L", SESSION).await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
        let first = one.lock("L", SESSION).await.unwrap();
        assert_eq!((first.name(), first.scope()), ("L", SESSION));
        assert!(first.is_owned());
        // Longer than any request waits.
        let mut waiting = two.lock("L", SESSION);
        tokio::select! {
            _ = &mut waiting => panic!("two sessions have the lock"),
            () = tokio::time::sleep(Duration::from_secs(300)) => {}
        }
        let details = two.lock_details("L").await.unwrap().unwrap();
        assert_eq!(Some(details.session), one.info().map(|info| info.id));
        assert_eq!(two.all_lock_details().await.unwrap().len(), 1);

        one.topics().add("a", json()).await.unwrap();
        let held = first.constraint();
        let value = long("one");
        one.topic_update()
            .set_if("a", &value, held.clone())
            .await
            .unwrap();
        let sequence = first.sequence();
        assert_eq!(first.unlock().await, Ok(true));
        let second = waiting.await.unwrap();
        assert!(second.sequence() > sequence);
        let late = one.topic_update().set_if("a", &value, held).await;
        assert_eq!(refusal(late), Some(ErrorReason::UnsatisfiedConstraint));

        // To drop the lock is to give it back, to drop a request is not to want it.
        let third = one.lock("L", SESSION);
        let unwanted = client_of(&hub).await;
        drop(unwanted.lock("L", SESSION));
        drop(second);
        let third = third.await.unwrap();
        let again = one.lock("L", CONNECTION).await.unwrap();
        // The same lock, and the weaker of both scopes.
        assert_eq!(again.sequence(), third.sequence());
        assert_eq!(third.scope(), CONNECTION);
        drop(third);
        settle().await;
        assert!(again.is_owned());
        assert!(two.lock_details("L").await.unwrap().is_some());
        drop(again);
        settle().await;
        assert_eq!(two.lock_details("L").await, Ok(None));
        // Even if it was granted already, and nobody has heard of it yet, or looked.
        drop(unwanted.lock("L", SESSION));
        settle().await;
        assert_eq!(two.lock_details("L").await, Ok(None));
        let unread = unwanted.lock("L", SESSION);
        settle().await;
        assert!(two.lock_details("L").await.unwrap().is_some());
        drop(unread);
        settle().await;
        assert_eq!(two.lock_details("L").await, Ok(None));
    })
    .await;
}

async fn client_of(hub: &Hub) -> Session {
    hub.session("control").await
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_lost_with_what_it_is_tied_to() {
    local(async {
        let hub = Hub::new();
        let control = options("control").renew(Renew::WhenLost);
        let one = hub.connect(control).await.unwrap();
        let by_session = one.lock("session", SESSION).await.unwrap();
        let by_connection = one.lock("connection", CONNECTION).await.unwrap();
        hub.cut();
        by_connection.lost().await;
        assert!(by_session.is_owned() && !by_connection.is_owned());
        assert_eq!(by_connection.unlock().await, Ok(false));
        one.ping().await.unwrap();
        let held = one.all_lock_details().await.unwrap();
        assert_eq!(held.len(), 1);
        let waiting = one.lock("held", SESSION).await.unwrap();
        let two = hub.session("control").await;
        let never = two.lock("held", SESSION);
        hub.restart();
        by_session.lost().await;
        assert!(!by_session.is_owned());
        assert_eq!(
            never.await.unwrap_err(),
            RequestError::OutcomeUnknown(Interruption::SessionClosed)
        );
        one.ping().await.unwrap();
        assert!(!waiting.is_owned());
        assert_eq!(one.all_lock_details().await.unwrap().len(), 0);
    })
    .await;
}

/// The services of what a session sends from here on.
fn watch(session: &Session) -> Arc<Mutex<Vec<ServiceId>>> {
    let seen = Arc::<Mutex<Vec<ServiceId>>>::default();
    let keep = Arc::clone(&seen);
    session.set_tap(Some(Box::new(move |message| {
        let decoded = Message::decode(message.bytes, ProtocolVersion::NEWEST);
        if let (Direction::Sent, Ok(Message::Request { service, .. })) =
            (message.direction, decoded)
        {
            keep.lock().unwrap().push(service);
        }
    })));
    seen
}

#[tokio::test(start_paused = true)]
async fn an_update_stream_sends_what_changed() {
    local(async {
        let hub = Hub::new();
        let session = hub.session("control").await;
        let reader = hub.session("client").await;
        let mut values = reader.add_stream::<Json>("a").unwrap();
        reader.topics().select("a").await.unwrap();
        let seen = watch(&session);
        let updates = session.topic_update();
        let mut stream = updates.update_stream::<Json>("a").specification(json());
        assert_eq!(stream.get(), None);
        let added = stream.set(&long("one")).await;
        assert_eq!(added, Ok(AddTopicResult::Created));
        for text in ["two", "two", "three"] {
            assert_eq!(stream.set(&long(text)).await, Ok(AddTopicResult::Exists));
            assert_eq!(stream.get(), Some(long(text)));
        }
        stream.validate().await.unwrap();
        assert_eq!(
            core::mem::take(&mut *seen.lock().unwrap()),
            [
                ServiceId::StreamAddAndSetTopic,
                ServiceId::StreamApplyDelta,
                ServiceId::StreamApplyDelta,
                ServiceId::StreamApplyDelta,
                ServiceId::CheckUpdateStream,
            ]
        );
        settle().await;
        let mut last = None;
        while let Ok(Some(event)) =
            tokio::time::timeout(Duration::from_secs(1), values.next()).await
        {
            if let StreamEvent::Value { new, .. } = event {
                last = Some(new);
            }
        }
        assert_eq!(last, Some(long("three")));

        // Somebody else's update ends the stream.
        session.topic_update().set("a", &long("x")).await.unwrap();
        let ended = stream.set(&long("four")).await;
        assert_eq!(refusal(ended), Some(ErrorReason::InvalidUpdateStream));
        assert_eq!(stream.get(), None);
        let ended = stream.validate().await;
        assert_eq!(refusal(ended), Some(ErrorReason::InvalidUpdateStream));
        core::mem::take(&mut *seen.lock().unwrap());
        let mut whole = updates.update_stream::<Json>("a").suppress_deltas();
        assert_eq!(whole.validate().await, Ok(AddTopicResult::Exists));
        whole.set(&long("five")).await.unwrap();
        whole.set(&long("six")).await.unwrap();
        assert_eq!(
            core::mem::take(&mut *seen.lock().unwrap()),
            [
                ServiceId::CreateUpdateStream,
                ServiceId::StreamSet,
                ServiceId::StreamSet
            ]
        );
        let found = reader.fetch("a").with_values().fetch().await.unwrap();
        assert_eq!(found.topics[0].value::<Json>(), Ok(Some(long("six"))));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn update_streams_are_refused() {
    local(async {
        let hub = Hub::new();
        let session = hub.session("control").await;
        let client = hub.session("client").await;
        let updates = session.topic_update();
        let mut nowhere = updates.update_stream::<i64>("none");
        let refused = nowhere.set(&1).await;
        assert_eq!(refusal(refused), Some(ErrorReason::NoSuchTopic));
        session.topics().add("a", json()).await.unwrap();
        let mut denied = client.topic_update().update_stream::<Json>("a");
        let refused = denied.set(&long("x")).await;
        assert_eq!(refusal(refused), Some(ErrorReason::AccessDenied));
        let mut other = updates
            .update_stream::<i64>("a")
            .specification(TopicSpecification::new(TopicType::Int64));
        let refused = other.set(&1).await;
        assert_eq!(refusal(refused), Some(ErrorReason::TopicExistsMismatch));
        let none = UpdateConstraint::NoTopic;
        let mut only_new = updates
            .update_stream::<Json>("a")
            .specification(json())
            .constraint(none);
        let refused = only_new.validate().await;
        assert_eq!(refusal(refused), Some(ErrorReason::UnsatisfiedConstraint));
        let old = options("control").version(ProtocolVersion::new(14).unwrap());
        let old = hub.connect(old).await.unwrap();
        let mut stream = old.topic_update().update_stream::<Json>("a");
        let refused = stream.set(&long("x")).await;
        assert_eq!(refusal(refused), Some(ErrorReason::Unsupported));

        // A stream does not outlive its session.
        let control = options("control").renew(Renew::WhenLost);
        let renewed = hub.connect(control).await.unwrap();
        let mut stream = renewed
            .topic_update()
            .update_stream::<i64>("b")
            .specification(TopicSpecification::new(TopicType::Int64));
        stream.set(&1).await.unwrap();
        hub.restart();
        renewed.ping().await.ok();
        renewed.ping().await.unwrap();
        let ended = stream.set(&2).await;
        assert_eq!(refusal(ended), Some(ErrorReason::InvalidUpdateStream));
        // What was not confirmed is sent again.
        assert!(stream.is_recoverable());
        stream.recover().await.unwrap();
        assert_eq!((stream.get(), stream.is_recoverable()), (Some(2), false));
        let found = renewed.fetch("b").with_values().fetch().await.unwrap();
        assert_eq!(found.topics[0].value::<i64>(), Ok(Some(2)));
        let other = hub.session("control").await;
        other.topic_update().set("b", &3i64).await.unwrap();
        assert!(stream.set(&4).await.is_err());
        assert!(!stream.is_recoverable());
        let refused = stream.recover().await;
        assert_eq!(refusal(refused), Some(ErrorReason::InvalidUpdateStream));
        let sending = stream.set(&5);
        renewed.close().await;
        assert!(sending.await.is_err());
        assert!(!stream.is_recoverable());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn patches_change_json() {
    local(async {
        let hub = Hub::new();
        let session = hub.session("control").await;
        let updates = session.topic_update();
        let value = Json::from_tree(&serde_json::json!({ "a": 1 }));
        updates.add_and_set("p", json(), &value).await.unwrap();
        let everything = || UpdateConstraint::Unconstrained;
        let patch = r#"[{"op":"add","path":"/b","value":2},{"op":"test","path":"/a","value":1}]"#;
        let failed = updates.apply_json_patch("p", patch, everything()).await;
        assert_eq!(failed, Ok(None));
        let patch = r#"[{"op":"add","path":"/c","value":2},{"op":"test","path":"/a","value":2}]"#;
        let failed = updates.apply_json_patch("p", patch, everything()).await;
        assert_eq!(failed, Ok(Some(1)));
        let found = session.fetch("p").with_values().fetch().await.unwrap();
        let value = found.topics[0].value::<Json>().unwrap().unwrap();
        assert_eq!(value.to_text().unwrap(), r#"{"a":1,"b":2}"#);
        let nonsense = updates.apply_json_patch("p", "{", everything()).await;
        assert!(matches!(nonsense, Err(RequestError::Refused(_))));
        let only_new = updates.add_and_set_if("p", json(), &value, UpdateConstraint::NoTopic);
        let refused = only_new.await;
        assert_eq!(refusal(refused), Some(ErrorReason::UnsatisfiedConstraint));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn adding_and_setting_with_services_before_6_2() {
    for version in [13, 14] {
        local(async {
            let hub = Hub::new();
            let version = ProtocolVersion::new(version).unwrap();
            let old = options("control").version(version);
            let session = hub.connect(old).await.unwrap();
            let updates = session.topic_update();
            let added = updates.add_and_set("a", json(), &long("one")).await;
            assert_eq!(added, Ok(AddTopicResult::Created));
            let added = updates.add_and_set("a", json(), &long("two")).await;
            assert_eq!(added, Ok(AddTopicResult::Exists));
            let text = TopicSpecification::new(TopicType::String);
            let mismatch = updates.add_and_set("a", text, &"x".to_owned()).await;
            assert_eq!(refusal(mismatch), Some(ErrorReason::TopicExistsMismatch));
            let found = hub.session("client").await;
            let found = found.fetch("a").with_values().fetch().await.unwrap();
            assert_eq!(found.topics[0].value::<Json>(), Ok(Some(long("two"))));
            let no_topic = UpdateConstraint::NoTopic;
            let constrained = updates.add_and_set_if("b", json(), &long("x"), no_topic);
            assert_eq!(refusal(constrained.await), Some(ErrorReason::Unsupported));
            let client = options("client").version(version);
            let client = hub.connect(client).await.unwrap();
            let denied = client.topic_update().add_and_set("c", json(), &long("x"));
            assert_eq!(refusal(denied.await), Some(ErrorReason::AccessDenied));
        })
        .await;
    }
}

async fn told(events: &mut TopicNotifications) -> (String, TopicNotificationType) {
    match events.next().await {
        Some(TopicNotification::Topic { path, kind, .. }) => (path, kind),
        Some(TopicNotification::Descendant { path, kind }) => (format!("{path}/…"), kind),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn topic_notifications_come_without_subscriptions() {
    use TopicNotificationType::{Added, Deselected, Removed, Selected};
    local(async {
        let hub = Hub::new();
        let control = options("admin").renew(Renew::WhenLost);
        let admin = hub.connect(control).await.unwrap();
        admin.topics().add("Chat/one", json()).await.unwrap();
        let mut events = admin.topics().add_notification_listener();
        events.select("?Chat/").await.unwrap();
        assert_eq!(told(&mut events).await, ("Chat/one".to_owned(), Selected));
        admin.topics().add("Chat/two", json()).await.unwrap();
        assert_eq!(told(&mut events).await, ("Chat/two".to_owned(), Added));
        admin.topics().add("Chat/two/deep", json()).await.unwrap();
        admin.topics().remove(">Chat/one").await.unwrap();
        let mut seen = vec![told(&mut events).await, told(&mut events).await];
        seen.sort_unstable();
        assert!(seen.contains(&("Chat/one".to_owned(), Removed)), "{seen:?}");
        assert!(
            seen.iter()
                .any(|(path, _)| path.starts_with("Chat/two/deep"))
        );
        events.deselect("?Chat/").await.unwrap();
        let mut ended = [told(&mut events).await, told(&mut events).await];
        ended.sort_unstable();
        assert_eq!(ended[0], ("Chat/two".to_owned(), Deselected));
        let bad = events.select("*[").await;
        assert!(matches!(bad, Err(RequestError::Refused(_))));

        // In a new session all is told again.
        events.select(">Chat/two").await.unwrap();
        assert_eq!(told(&mut events).await, ("Chat/two".to_owned(), Selected));
        settle().await;
        hub.restart();
        loop {
            match events.next().await {
                Some(TopicNotification::Restarted) => break,
                Some(TopicNotification::Descendant { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        loop {
            let (path, kind) = told(&mut events).await;
            if path == "Chat/two" {
                assert_eq!(kind, Selected);
                break;
            }
        }
        admin.close().await;
        while events.next().await.is_some() {}
        let late = events.select("a").await;
        assert!(matches!(late, Err(RequestError::NeverSent(_))));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn notifications_end_for_what_another_selector_deselects() {
    use TopicNotificationType::{Added, Deselected, Selected};
    local(async {
        let hub = Hub::new();
        let control = options("admin").renew(Renew::WhenLost);
        let admin = hub.connect(control).await.unwrap();
        let topics = admin.topics();
        let mut events = topics.add_notification_listener();
        let told_of = |path: &str, kind| (path.to_owned(), kind);
        events.select("?Chat//").await.unwrap();
        for path in ["Chat/one", "Chat/two"] {
            topics.add(path, json()).await.unwrap();
            assert_eq!(told(&mut events).await, told_of(path, Added));
        }
        events.deselect(">Chat/one").await.unwrap();
        assert_eq!(told(&mut events).await, told_of("Chat/one", Deselected));
        events.deselect("?Chat/x.*").await.unwrap();
        topics.add("Chat/x", json()).await.unwrap();
        topics.remove(">Chat/one").await.unwrap();
        topics.add("Chat/one", json()).await.unwrap();
        topics.add("Chat/three", json()).await.unwrap();
        assert_eq!(told(&mut events).await, told_of("Chat/three", Added));
        // It counts in another session too.
        settle().await;
        hub.restart();
        assert_eq!(events.next().await, Some(TopicNotification::Restarted));
        topics.add("Chat/four", json()).await.unwrap();
        let mut last = BTreeMap::new();
        while !last.contains_key("Chat/four") {
            let (path, kind) = told(&mut events).await;
            last.insert(path, kind);
        }
        assert_eq!(last["Chat/one"], Deselected);
        assert_eq!(last["Chat/two"], Selected);
        assert_eq!(last["Chat/four"], Added);
        // What is selected again counts again.
        events.select(">Chat/one").await.unwrap();
        assert_eq!(told(&mut events).await, told_of("Chat/one", Selected));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn missing_topics_are_reported() {
    local(async {
        let hub = Hub::new();
        let control = hub.session("control").await;
        let client = hub.session("client").await;
        let denied = client.topics().add_missing_topic_handler("rooms").await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
        let missing = control.topics().add_missing_topic_handler("rooms").await;
        let mut missing = missing.unwrap();
        let conflict = control.topics().add_missing_topic_handler("rooms").await;
        assert_eq!(refusal(conflict), Some(ErrorReason::HandlerConflict));
        client.topics().select(">elsewhere").await.unwrap();
        client.topics().select(">rooms/new").await.unwrap();
        let told = missing.next().await.unwrap();
        assert_eq!(told.selector, ">rooms/new");
        assert_eq!(told.session, client.info().map(|info| info.id));
        let principal = ("$Principal".to_owned(), "client".to_owned());
        assert!(told.properties.contains(&principal));
        let mut stream = client.add_stream::<Json>("rooms/new").unwrap();
        control.topics().add("rooms/new", json()).await.unwrap();
        assert!(matches!(
            stream.next().await,
            Some(StreamEvent::Subscribed { .. })
        ));
        control.close().await;
        assert_eq!(missing.next().await, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn topics_go_with_their_session_or_by_selector() {
    local(async {
        let hub = Hub::new();
        let owner = hub.session("control").await;
        let reader = hub.session("control").await;
        let removed = UnsubscribedReason::Service(UnsubscribeReason::Removal);
        let presence = json().with(property::REMOVAL, "when this session closes");
        owner.topics().add("people/ann", presence).await.unwrap();
        owner.topics().add("people/x", json()).await.unwrap();
        let mut stream = reader.add_stream::<Json>("?people/").unwrap();
        reader.topics().select("?people/").await.unwrap();
        for _ in 0..2 {
            assert!(matches!(
                stream.next().await,
                Some(StreamEvent::Subscribed { .. })
            ));
        }
        owner.close().await;
        match stream.next().await {
            Some(StreamEvent::Unsubscribed { topic, reason }) => {
                assert_eq!((topic.path.as_str(), reason), ("people/ann", removed));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(reader.topics().remove("?people//").await, Ok(Some(1)));
        assert_eq!(reader.topics().remove("?people//").await, Ok(Some(0)));
        let bad = json().with(property::REMOVAL, "when it pleases");
        let refused = reader.topics().add("people/y", bad).await;
        let invalid = ErrorReason::InvalidTopicSpecification;
        assert_eq!(refusal(refused), Some(invalid));
        let client = hub.session("client").await;
        reader.topics().add("people/z", json()).await.unwrap();
        let denied = client.topics().remove("?people//").await;
        // Either is right: to refuse, or to remove what may be removed, which is nothing.
        assert!(
            matches!(denied, Ok(Some(0))) || refusal(denied) == Some(ErrorReason::AccessDenied)
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn fetches_come_in_pages() {
    local(async {
        let hub = Hub::new();
        let session = hub.session("control").await;
        for index in 0..7 {
            let path = format!("f/{index}");
            let value = long(&index.to_string());
            let added = session.topic_update().add_and_set(&path, json(), &value);
            added.await.unwrap();
        }
        let paths = async |first: effusion_client::Fetch<'_>| {
            let (mut paths, mut pages) = (Vec::new(), 0);
            let mut next = Some(first);
            while let Some(fetch) = next {
                let page = fetch.clone().fetch().await.unwrap();
                paths.extend(page.topics.iter().map(|topic| topic.path.clone()));
                pages += 1;
                next = fetch.next_page(&page);
            }
            (paths, pages)
        };
        let all: Vec<String> = (0..7).map(|index| format!("f/{index}")).collect();
        assert_eq!(paths(session.fetch("?f/").first(3)).await, (all.clone(), 3));
        let (mut backwards, pages) = paths(session.fetch("?f/").last(3)).await;
        backwards.sort_unstable();
        assert_eq!((backwards, pages), (all, 3));
        let range = session.fetch("?f/").from("f/2").to("f/4");
        assert_eq!(paths(range).await.0, ["f/2", "f/3", "f/4"]);
        let range = session.fetch("?f/").after("f/2").before("f/4");
        assert_eq!(paths(range).await.0, ["f/3"]);
        let branches = session.fetch("?f/").limit_deep_branches(1, 2).fetch().await;
        assert_eq!(branches.unwrap().topics.len(), 2);
        let small = session.fetch("?f/").with_values().maximum_result_size(300);
        let small = small.fetch().await.unwrap();
        assert!(small.has_more && small.topics.len() == 1);
        let sized = session
            .fetch("f/1")
            .with_sizes()
            .with_unpublished_delayed_topics()
            .fetch()
            .await
            .unwrap();
        let FetchedSize::Value(size) = sized.topics[0].size else {
            panic!("{sized:?}");
        };
        assert!(size > 100);
        let none = session.fetch("?f/").topic_types(&[TopicType::String]);
        assert!(none.fetch().await.unwrap().topics.is_empty());
        let bad = session.fetch("*[").fetch().await;
        assert!(matches!(bad, Err(RequestError::Refused(_))));
    })
    .await;
}
