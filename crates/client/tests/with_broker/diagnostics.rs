//! Looking into a session: its messages, counters, selections and topics.

use std::sync::{Arc, Mutex};

use effusion_client::{
    AuthenticationScript, Direction, Json, TappedMessage, TopicSpecification, TopicType,
};
use effusion_protocol::{Message, ProtocolVersion, ServiceId};

use super::hub::Hub;
use super::session::{local, settle};

fn services(seen: &Mutex<Vec<TappedMessage>>, wanted: Direction) -> Vec<ServiceId> {
    let seen = seen.lock().unwrap();
    let of_direction = seen.iter().filter(|it| it.direction == wanted);
    of_direction
        .filter_map(
            |it| match Message::decode(it.bytes.clone(), ProtocolVersion::NEWEST) {
                Ok(Message::Request { service, .. }) => Some(service),
                _ => None,
            },
        )
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_tap_sees_every_message_but_no_credentials() {
    local(async {
        let hub = Hub::new();
        let session = hub.session("auth-handler").await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        session.set_tap(Some(Box::new(move |message| {
            keep.lock().unwrap().push(message);
        })));
        session.ping().await.unwrap();
        let script = AuthenticationScript::new().add_principal("ann", "se-cret", &["CLIENT"]);
        session
            .security()
            .update_authentication_store(&script)
            .await
            .unwrap();
        hub.cut();
        settle().await;
        session.reconnect_now();
        session.ping().await.unwrap();
        assert_eq!(
            services(&seen, Direction::Sent),
            [
                ServiceId::UserPing,
                ServiceId::UpdateSystemAuthentication,
                ServiceId::UserPing
            ]
        );
        let seen = core::mem::take(&mut *seen.lock().unwrap());
        let received = seen.iter().filter(|it| it.direction == Direction::Received);
        assert_eq!(received.count(), 3);
        for message in &seen {
            let text = String::from_utf8_lossy(&message.bytes);
            assert!(!text.contains("se-cret") && !text.contains("password"));
            // The answer to a connect request begins so.
            assert_ne!(message.bytes.first(), Some(&0x23));
        }
        let hidden: Vec<usize> = seen.iter().map(|it| it.hidden).collect();
        assert_eq!(hidden.iter().filter(|hidden| **hidden > 0).count(), 1);
        session.set_tap(None);
        let before = session.traffic();
        session.ping().await.unwrap();
        let after = session.traffic();
        assert_eq!(after.messages_sent, before.messages_sent + 1);
        assert_eq!(after.messages_received, before.messages_received + 1);
        assert!(after.bytes_received > before.bytes_received);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_session_tells_what_it_has_selected() {
    local(async {
        let hub = Hub::new();
        let session = hub.session("control").await;
        let json = TopicSpecification::new(TopicType::Json);
        session.topics().add("a/b", json.clone()).await.unwrap();
        session.topics().add("a/c", json).await.unwrap();
        let stream = session.add_stream::<Json>("?a//").unwrap();
        session.topics().select("?a//").await.unwrap();
        session.topics().unsubscribe(">a/c").await.unwrap();
        let value = Json::text("hello");
        session.topic_update().set("a/b", &value).await.unwrap();
        let request = session.ping();
        session.ping().await.unwrap();
        let now = session.diagnostics();
        let expected = [("?a//".to_owned(), true), (">a/c".to_owned(), false)];
        assert_eq!(now.selections, expected);
        assert_eq!(now.streams, ["?a//"]);
        assert_eq!(now.topics.len(), 1);
        assert_eq!(now.topics[0].topic.path, "a/b");
        assert_eq!(now.topics[0].value_size, Some(6));
        assert_eq!(now.open_requests, 0);
        drop((stream, request));
        assert!(session.diagnostics().streams.is_empty());
    })
    .await;
}
