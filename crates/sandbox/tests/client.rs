//! The client of this project against a real sandbox, over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by a panic"
)]

mod common;

use std::future::Future;

use effusion_client::{
    ConnectOptions, Credentials, Json, ServiceAddress, Session, SessionEvent,
    SessionEventParameters, SessionLockScope, StreamEvent, TopicSpecification, TopicType, property,
};
use effusion_sandbox::server::Server;
use futures_util::StreamExt as _;
use tokio::task::LocalSet;

async fn local<T>(test: impl Future<Output = T>) -> T {
    LocalSet::new().run_until(test).await
}

async fn session(server: &Server, principal: &str) -> Session {
    let url = common::url(server);
    let port = url
        .rsplit(':')
        .next()
        .and_then(|rest| rest.split('/').next());
    let options = ConnectOptions::new()
        .principal(principal)
        .password("password");
    let address = ServiceAddress::new("127.0.0.1").port(port.unwrap().parse().unwrap());
    options.connect(address).await.unwrap()
}

#[tokio::test]
async fn sessions_ask_each_other() {
    local(async {
        let server = common::start(&["--memory"]).await;
        let control = session(&server, "control").await;
        let client = session(&server, "client").await;
        let messages = control.messages();
        let mut requests = messages
            .add_request_handler::<String>("shout", &["$Principal"])
            .await
            .unwrap();
        let hello = "hello".to_owned();
        let answer = client.messages().send::<_, String>("shout", &hello);
        let request = requests.next().await.unwrap();
        assert_eq!(request.properties[0].1, "client");
        let louder = request.value.to_uppercase();
        request.responder.respond(&louder);
        assert_eq!(answer.await.as_deref(), Ok("HELLO"));

        let mut moods = client.messages().set_request_stream::<Json>("mood");
        let everybody = "$Principal is 'client'";
        let asked = messages.send_to_filter::<_, String>(everybody, "mood", &Json::text("?"));
        let mut answers = asked.await.unwrap();
        moods.next().await.unwrap().responder.reject("a secret");
        let (_, answer) = answers.next().await.unwrap();
        assert!(answer.unwrap_err().to_string().contains("a secret"));
        assert!(answers.next().await.is_none());
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn who_is_there_and_who_is_not() {
    local(async {
        let server = common::start(&["--memory"]).await;
        let control = session(&server, "control").await;
        let named = SessionEventParameters::new()
            .filter("$Principal is 'user'")
            .properties(&["$Principal"]);
        let events = control.clients().add_session_event_listener(named).await;
        let mut events = events.unwrap();
        let user = session(&server, "user").await;
        let id = user.info().unwrap().id;
        let properties = vec![("$Principal".to_owned(), "user".to_owned())];
        let opened = SessionEvent::Opened {
            session: id,
            properties,
        };
        assert_eq!(events.next().await, Some(opened));

        // Presence: a topic that goes with its session, and is seen to go.
        let presence = TopicSpecification::new(TopicType::String)
            .with(property::REMOVAL, "when this session closes");
        let here = "here".to_owned();
        let added = user
            .topic_update()
            .add_and_set("people/user", presence, &here);
        added.await.unwrap();
        let mut people = control.add_stream::<String>("?people/").unwrap();
        control.topics().select("?people/").await.unwrap();
        assert!(matches!(
            people.next().await,
            Some(StreamEvent::Subscribed { .. })
        ));
        assert!(matches!(
            people.next().await,
            Some(StreamEvent::Value { .. })
        ));
        let lock = user.lock("moderator", SessionLockScope::UnlockOnSessionLoss);
        let lock = lock.await.unwrap();
        let waiting = control.lock("moderator", SessionLockScope::UnlockOnSessionLoss);
        control.clients().close(id).await.unwrap();
        assert!(matches!(
            people.next().await,
            Some(StreamEvent::Unsubscribed { .. })
        ));
        match events.next().await {
            Some(SessionEvent::Closed { session, .. }) => assert_eq!(session, id),
            other => panic!("{other:?}"),
        }
        let mine = waiting.await.unwrap();
        lock.lost().await;
        assert!(mine.is_owned() && !lock.is_owned() && mine.sequence() > lock.sequence());
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_client_decides_who_comes_in() {
    local(async {
        let server = common::start(&["--memory"]).await;
        let control = session(&server, "control").await;
        let name = "before-system-handler";
        let mut asked = control.security().set_authenticator(name).await.unwrap();
        tokio::task::spawn_local(async move {
            while let Some(request) = asked.next().await {
                match (request.principal.as_str(), request.credentials) {
                    ("guest", Credentials::Password(_)) => {
                        request.responder.allow(&[("$Roles", "\"CLIENT\"")]);
                    }
                    ("admin", _) => request.responder.deny(),
                    _ => request.responder.abstain(),
                }
            }
        });
        // The store does not know this one.
        let guest = session(&server, "guest").await;
        let own = guest.clients().own_properties(&["$Principal"]).await;
        assert_eq!(own.unwrap().unwrap()[0].1, "guest");
        let url = common::url(&server);
        let denied = common::Client::connect(&url, &common::request("admin")).await;
        assert!(denied.is_err());
        assert!(
            common::Client::connect(&url, &common::request("user"))
                .await
                .is_ok()
        );
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_larger_than_what_may_wait_is_given_whole() {
    local(async {
        // By a little queue, and by the usual one, which is above what WebSocket libraries take by themselves.
        for (queue, count, length) in [("100000", 60, 20_000), ("16777216", 20, 1_000_000)] {
            let server = common::start(&["--memory", "--max-queue-bytes", queue]).await;
            let session = session(&server, "user").await;
            let room = TopicSpecification::new(TopicType::TimeSeries)
                .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
                .with(property::TIME_SERIES_RETAINED_RANGE, "limit 1000")
                .with(property::TIME_SERIES_SUBSCRIPTION_RANGE, "limit 0");
            session.topics().add("Chat/long", room).await.unwrap();
            let text = Json::text(&"x".repeat(length));
            let series = session.time_series();
            for _ in 0..count {
                series.append("Chat/long", &text).await.unwrap();
            }
            for _ in 0..3 {
                // With something else before it and behind it.
                let query = session.time_series().range_query();
                let before = series.append("Chat/long", &Json::text("before"));
                let found = query.select_from::<Json>("Chat/long");
                let after = series.append("Chat/long", &Json::text("after"));
                let (before, found, after) = tokio::join!(before, found, after);
                assert!(before.is_ok() && after.is_ok());
                assert!(found.unwrap().events.len() >= count);
            }
            server.stop().await;
        }
    })
    .await;
}
