//! Sessions that look after others: properties, events, roles, principals, closing.

use effusion_client::{
    CloseReason, Credentials, ErrorReason, GlobalPermission, Json, PathPermission, PropertyChange,
    ProtocolVersion, Renew, RequestError, Session, SessionCloseReason, SessionEvent,
    SessionEventParameters, SessionEvents, SessionId, SessionState, SessionUpdateType, StreamEvent,
    TopicSpecification, TopicType, TransportErrorKind,
};
use futures_util::StreamExt as _;

use super::hub::{Hub, options};
use super::session::{local, refusal, settle};

const CLIENTS: &str = "$Principal is 'client'";

fn id(session: &Session) -> SessionId {
    session.info().unwrap().id
}

fn pair(key: &str, value: &str) -> (String, String) {
    (key.to_owned(), value.to_owned())
}

async fn next(events: &mut SessionEvents) -> SessionEvent {
    events.next().await.expect("an event")
}

#[tokio::test(start_paused = true)]
async fn properties_are_read_and_set() {
    local(async {
        let hub = Hub::new();
        let control = hub.session("control").await;
        let client = hub.session("client").await;
        let own = client.clients().own_properties(&["$Principal"]).await;
        assert_eq!(own, Ok(Some(vec![pair("$Principal", "client")])));
        let clients = control.clients();
        let set = clients.set_session_properties_by_filter(CLIENTS, &[("mood", "merry")], &[]);
        assert_eq!(set.await, Ok(1));
        let changed = clients.set_session_properties(id(&client), &[("mood", "sad")], &["x"]);
        assert_eq!(changed.await, Ok(vec![pair("mood", "merry")]));
        let own = client.clients().own_properties(&["*U"]).await;
        assert_eq!(own, Ok(Some(vec![pair("mood", "sad")])));
        let removed = clients.set_session_properties_by_filter("mood is 'sad'", &[], &["mood"]);
        assert_eq!(removed.await, Ok(1));
        let wrong = clients.set_session_properties_by_filter("mood", &[], &["mood"]);
        assert!(matches!(wrong.await, Err(RequestError::FilterRefused(_))));
        let denied = client
            .clients()
            .set_session_properties_by_filter(CLIENTS, &[], &["mood"]);
        assert_eq!(refusal(denied.await), Some(ErrorReason::AccessDenied));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_of_sessions() {
    local(async {
        let hub = Hub::new();
        let control = hub.session("control").await;
        let one = hub.session("client").await;
        let parameters = SessionEventParameters::new()
            .filter(CLIENTS)
            .properties(&["$Principal", "mood"]);
        let listen = || {
            control
                .clients()
                .add_session_event_listener(parameters.clone())
        };
        let mut events = listen().await.unwrap();
        let principal = pair("$Principal", "client");
        assert_eq!(
            next(&mut events).await,
            SessionEvent::Opened {
                session: id(&one),
                properties: vec![principal.clone()]
            }
        );
        let two = hub.session("client").await;
        let _other = hub.session("admin").await;
        match next(&mut events).await {
            SessionEvent::Opened { session, .. } => assert_eq!(session, id(&two)),
            other => panic!("{other:?}"),
        }
        let moody = control
            .clients()
            .set_session_properties(id(&two), &[("mood", "merry")], &[]);
        moody.await.unwrap();
        assert_eq!(
            next(&mut events).await,
            SessionEvent::Updated {
                session: id(&two),
                update: SessionUpdateType::PropertiesUpdated,
                changes: vec![
                    (
                        "$Principal".to_owned(),
                        PropertyChange::Unchanged("client".to_owned())
                    ),
                    ("mood".to_owned(), PropertyChange::Added("merry".to_owned())),
                ]
            }
        );
        let gone = id(&two);
        two.close().await;
        match next(&mut events).await {
            SessionEvent::Closed {
                session, reason, ..
            } => assert_eq!((session, reason), (gone, CloseReason::ClosedByClient)),
            other => panic!("{other:?}"),
        }
        drop(events);
        let again = hub.session("client").await;
        settle().await;
        let mut events = listen().await.unwrap();
        let mut open = [next(&mut events).await, next(&mut events).await];
        open.sort_by_key(|event| match event {
            SessionEvent::Opened { session, .. } => *session,
            other => panic!("{other:?}"),
        });
        drop(again);
        assert!(matches!(
            next(&mut events).await,
            SessionEvent::Closed { .. }
        ));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_be_refused_or_begin_again() {
    local(async {
        let hub = Hub::new();
        let client = hub.session("client").await;
        let everybody = SessionEventParameters::new();
        let denied = client
            .clients()
            .add_session_event_listener(everybody.clone());
        assert_eq!(refusal(denied.await), Some(ErrorReason::AccessDenied));
        let control = options("control").renew(Renew::WhenLost);
        let control = hub.connect(control).await.unwrap();
        let nonsense = everybody.clone().filter("nonsense");
        let wrong = control.clients().add_session_event_listener(nonsense);
        assert!(matches!(wrong.await, Err(RequestError::FilterRefused(_))));
        let late = everybody.clone().after(
            std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(u64::MAX >> 1),
        );
        let late = control.clients().add_session_event_listener(late);
        let mut late = late.await.unwrap();
        let events = control.clients().add_session_event_listener(everybody);
        let mut events = events.await.unwrap();
        for _ in 0..2 {
            assert!(matches!(
                next(&mut events).await,
                SessionEvent::Opened { .. }
            ));
        }
        hub.restart();
        loop {
            match next(&mut events).await {
                SessionEvent::Restarted => break,
                SessionEvent::Updated { .. } => {}
                other => panic!("{other:?}"),
            }
        }
        let opened = next(&mut events).await;
        let session = id(&control);
        let properties = Vec::new();
        assert_eq!(
            opened,
            SessionEvent::Opened {
                session,
                properties
            }
        );
        assert_eq!(late.next().await, Some(SessionEvent::Restarted));
        control.close().await;
        assert_eq!(events.next().await, None);
        assert_eq!(late.next().await, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn older_services_have_listeners_without_filters() {
    local(async {
        let hub = Hub::new();
        let version = ProtocolVersion::new(18).unwrap();
        let control = hub
            .connect(options("control").version(version))
            .await
            .unwrap();
        let filtered = SessionEventParameters::new().filter(CLIENTS);
        let refused = control.clients().add_session_event_listener(filtered);
        assert_eq!(refusal(refused.await), Some(ErrorReason::Unsupported));
        let everybody = SessionEventParameters::new().properties(&["$Principal"]);
        let events = control.clients().add_session_event_listener(everybody);
        let mut events = events.await.unwrap();
        let properties = vec![pair("$Principal", "control")];
        let session = id(&control);
        assert_eq!(
            next(&mut events).await,
            SessionEvent::Opened {
                session,
                properties
            }
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn roles_and_principals_change() {
    local(async {
        let hub = Hub::new();
        let control = hub.session("control").await;
        let client = hub.session("client").await;
        let json = || TopicSpecification::new(TopicType::Json);
        let add = async |path: &str| refusal(client.topics().add(path, json()).await);
        let own = async || client.security().path_permissions("a").await.unwrap();
        assert_eq!(add("a").await, Some(ErrorReason::AccessDenied));
        assert!(!own().await.contains(&PathPermission::ModifyTopic));
        let clients = control.clients();
        let role = &["TOPIC_CONTROL"];
        clients.change_roles(id(&client), role, &[]).await.unwrap();
        assert_eq!(add("a").await, None);
        assert!(own().await.contains(&PathPermission::ModifyTopic));
        let taken = clients.change_roles_by_filter(CLIENTS, &[], role).await;
        assert_eq!(taken, Ok(1));
        assert_eq!(add("b").await, Some(ErrorReason::AccessDenied));
        let denied = client.clients().change_roles(id(&client), role, &[]).await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
        let wrong = clients.change_roles_by_filter("(", &[], role).await;
        assert!(matches!(wrong, Err(RequestError::FilterRefused(_))));
        let own = client.security().global_permissions().await.unwrap();
        assert!(!own.contains(&GlobalPermission::ViewSession));

        let password = |text: &str| Credentials::Password(text.to_owned());
        let security = client.security();
        let refused = security.change_principal("control", password("x")).await;
        assert_eq!(refused, Ok(false));
        assert_eq!(add("b").await, Some(ErrorReason::AccessDenied));
        let changed = security.change_principal("control", password("password"));
        assert_eq!(changed.await, Ok(true));
        assert_eq!(add("b").await, None);
        // The new credentials are those that reconnect.
        hub.cut();
        settle().await;
        client.ping().await.unwrap();
        assert_eq!(add("c").await, None);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_service_ends_with_a_right_ends_here_with_the_reason() {
    local(async {
        let hub = Hub::new();
        let admin = hub.session("admin").await;
        let control = hub.session("control").await;
        let messages = control.messages();
        let handler = messages.add_request_handler::<String>("shout", &[]);
        let mut requests = handler.await.unwrap();
        let missing = control.topics().add_missing_topic_handler("m");
        let mut missing = missing.await.unwrap();
        let parameters = SessionEventParameters::new();
        let events = control.clients().add_session_event_listener(parameters);
        let mut events = events.await.unwrap();
        settle().await;
        assert!(requests.end_reason().is_none() && events.end_reason().is_none());
        // What was told before is still there to be read.
        let question = admin.messages().send::<_, String>("shout", &"x".to_owned());
        settle().await;
        let roles = &["CLIENT_CONTROL", "TOPIC_CONTROL", "AUTHENTICATION_HANDLER"];
        let session = id(&control);
        admin
            .clients()
            .change_roles(session, &[], roles)
            .await
            .unwrap();
        assert!(requests.next().await.is_some());
        assert!(requests.next().await.is_none());
        assert_eq!(refusal(question.await), Some(ErrorReason::UnhandledMessage));
        while events.next().await.is_some() {}
        assert!(missing.next().await.is_none());
        for reason in [
            requests.end_reason(),
            missing.end_reason(),
            events.end_reason(),
        ] {
            assert_eq!(reason.unwrap().reason, ErrorReason::AccessDenied);
        }
        // The session goes on, and may register again once it has the right.
        admin
            .clients()
            .change_roles(session, roles, &[])
            .await
            .unwrap();
        let again = messages.add_request_handler::<String>("shout", &[]);
        let again = again.await.unwrap();
        drop(requests);
        let question = admin.messages().send::<_, String>("shout", &"y".to_owned());
        let mut again = again;
        again
            .next()
            .await
            .unwrap()
            .responder
            .respond(&"Y".to_owned());
        assert_eq!(question.await.as_deref(), Ok("Y"));
        // What ends with the session has no reason of its own.
        control.close().await;
        assert!(again.next().await.is_none());
        assert!(again.end_reason().is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_old_way_to_change_the_principal() {
    local(async {
        let hub = Hub::new();
        let version = ProtocolVersion::new(15).unwrap();
        let client = hub
            .connect(options("client").version(version))
            .await
            .unwrap();
        let password = Credentials::Password("password".to_owned());
        let security = client.security();
        let changed = security.change_principal("admin", password);
        assert_eq!(changed.await, Ok(true));
        let store = client.security().authentication_store().await;
        assert!(store.is_ok());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn others_are_subscribed_and_closed() {
    local(async {
        let hub = Hub::new();
        let admin = hub.session("admin").await;
        let one = hub.session("client").await;
        let two = hub.session("client").await;
        let json = TopicSpecification::new(TopicType::Json);
        admin.topics().add("motd", json).await.unwrap();
        let mut first = one.add_stream::<Json>("motd").unwrap();
        let mut second = two.add_stream::<Json>("motd").unwrap();
        let clients = admin.clients();
        clients.subscribe(id(&one), ">motd").await.unwrap();
        assert!(matches!(
            first.next().await,
            Some(StreamEvent::Subscribed { .. })
        ));
        assert_eq!(clients.subscribe_by_filter(CLIENTS, ">motd").await, Ok(2));
        assert!(matches!(
            second.next().await,
            Some(StreamEvent::Subscribed { .. })
        ));
        let selections = clients.topic_selections(id(&one)).await.unwrap();
        assert!(format!("{selections:?}").contains("motd"));
        clients.unsubscribe(id(&one), ">motd").await.unwrap();
        assert!(matches!(
            first.next().await,
            Some(StreamEvent::Unsubscribed { .. })
        ));
        let ended = clients.unsubscribe_by_filter(CLIENTS, ">motd").await;
        assert_eq!(ended, Ok(2));
        assert!(matches!(
            second.next().await,
            Some(StreamEvent::Unsubscribed { .. })
        ));
        let wrong = clients.subscribe_by_filter("and", ">motd").await;
        assert!(matches!(wrong, Err(RequestError::FilterRefused(_))));
        let denied = one.clients().subscribe(id(&two), ">motd").await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));

        assert_eq!(clients.set_conflated(id(&one), false).await, Ok(()));
        let all = clients.set_conflated_by_filter(CLIENTS, true).await;
        assert_eq!(all, Ok(2));
        let denied = one.clients().set_conflated(id(&two), true).await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));

        let denied = one.clients().close_by_filter(CLIENTS).await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
        assert_eq!(clients.close_by_filter(CLIENTS).await, Ok(2));
        for session in [one, two] {
            let last = session.states().collect::<Vec<_>>().await.pop();
            let reason = SessionCloseReason::ClosedByService(TransportErrorKind::Closed.into());
            assert_eq!(last, Some(SessionState::Closed(reason)));
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn scopes_select_for_themselves() {
    local(async {
        let hub = Hub::new();
        let admin = options("admin").renew(Renew::WhenLost);
        let admin = hub.connect(admin).await.unwrap();
        let json = TopicSpecification::new(TopicType::Json);
        admin.topics().add("a", json).await.unwrap();
        let mut stream = admin.add_stream::<Json>("a").unwrap();
        let mut is_subscribed = async || match stream.next().await {
            Some(StreamEvent::Subscribed { .. }) => true,
            Some(StreamEvent::Unsubscribed { .. }) => false,
            other => panic!("{other:?}"),
        };
        let topics = admin.topics();
        topics.select_in_scope(">a", "sidebar").await.unwrap();
        assert!(is_subscribed().await);
        topics.select(">a").await.unwrap();
        topics.unsubscribe(">a").await.unwrap();
        // The scope is selected again in a new session.
        hub.restart();
        assert!(!is_subscribed().await);
        assert!(is_subscribed().await);
        let selections = admin.clients().topic_selections(id(&admin)).await;
        let scopes = selections.unwrap().scopes;
        assert!(scopes.iter().any(|(scope, _)| scope == "sidebar"));
        topics.unsubscribe_in_scope(">a", "sidebar").await.unwrap();
        assert!(!is_subscribed().await);
        topics.select_in_scope(">a", "one").await.unwrap();
        topics.select_in_scope(">a", "two").await.unwrap();
        assert!(is_subscribed().await);
        topics.unsubscribe_all_scopes(">a").await.unwrap();
        assert!(!is_subscribed().await);
        topics.select_in_scope(">a", "one").await.unwrap();
        assert!(is_subscribed().await);
        let clients = admin.clients();
        let ended = clients.unsubscribe_all_scopes(id(&admin), ">a").await;
        assert_eq!(ended, Ok(()));
        assert!(!is_subscribed().await);
        let ended = clients.unsubscribe_all_scopes_by_filter("$Principal is 'admin'", ">a");
        assert_eq!(ended.await, Ok(1));

        let version = ProtocolVersion::new(25).unwrap();
        let old = hub.connect(options("client").version(version)).await;
        let refused = old.unwrap().topics().select_in_scope(">a", "s").await;
        assert_eq!(refusal(refused), Some(ErrorReason::Unsupported));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_whose_authentication_is_revoked_ends() {
    local(async {
        let hub = Hub::new();
        let control = hub.session("control").await;
        let client = hub.session("client").await;
        let other = hub.session("client").await;
        let denied = client.security().revoke_authentication(id(&other)).await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
        let denied = client.clients().topic_selections(id(&other)).await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
        let denied = client.all_lock_details().await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
        let gone = id(&other);
        let revoked = control.security().revoke_authentication(gone).await;
        revoked.unwrap();
        let last = other.states().collect::<Vec<_>>().await.pop();
        let reason = SessionCloseReason::ClosedByService(TransportErrorKind::Closed.into());
        assert_eq!(last, Some(SessionState::Closed(reason)));
        let again = control.security().revoke_authentication(gone).await;
        assert_eq!(refusal(again), Some(ErrorReason::NoSuchSession));
        let nobody = control.clients().set_conflated(gone, true).await;
        assert_eq!(refusal(nobody), Some(ErrorReason::NoSuchSession));
    })
    .await;
}
