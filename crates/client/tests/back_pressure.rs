//! What a slow reader costs: a service sends more than anybody reads.
#![cfg(feature = "native")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use effusion_client::{
    Overflow, Session, SessionCloseReason, SessionState, StreamEvent, StreamOptions,
    TopicSpecification, TopicType, ValueStream,
};
use effusion_protocol::body::SubscriptionNotification;
use effusion_protocol::{ConversationId, Message, ResponseCode, ServiceId, TopicId, encode};
use futures_util::StreamExt as _;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

mod by_hand;

use by_hand::{Service, VERSION};

const VALUE: usize = 64 << 10;

/// A value of so many bytes that begins with its number.
fn value(number: usize, size: usize) -> Bytes {
    let mut value = BytesMut::with_capacity(size);
    value.put_u64(number as u64);
    value.resize(size, 0);
    value.freeze()
}

fn number(value: &Bytes) -> usize {
    u64::from_be_bytes(value[..8].try_into().unwrap()) as usize
}

/// The topic that the service floods a session with, and another one.
const FLOOD: TopicId = TopicId(7);
const BESIDE: TopicId = TopicId(8);

/// A session, and a service that sends it so many values of one topic; the counter says how many it could.
async fn flooded(values: usize) -> (Session, Arc<AtomicUsize>, JoinHandle<()>) {
    flooded_with(values, |number| vec![(FLOOD, value(number, VALUE))]).await
}

/// [`flooded`] with what `of` makes of each number.
async fn flooded_with(
    values: usize,
    of: impl Fn(usize) -> Vec<(TopicId, Bytes)> + Send + 'static,
) -> (Session, Arc<AtomicUsize>, JoinHandle<()>) {
    let service = Service::new().await;
    let address = service.address();
    let sent = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&sent);
    let serving = tokio::spawn(async move {
        let (mut connection, _) = service.accept().await;
        connection.answer(ResponseCode::Connected, 1 << 20).await;
        // The session says that it is ready by a ping.
        connection.respond(ServiceId::UserPing, b"").await;
        for (conversation, topic, path) in [(1, FLOOD, "flood"), (2, BESIDE, "beside")] {
            let notification = SubscriptionNotification {
                topic,
                path: path.to_owned(),
                specification: TopicSpecification::new(TopicType::Binary),
            };
            let subscribed = Message::Request {
                service: ServiceId::SubscriptionNotification,
                conversation: ConversationId(conversation),
                body: encode(&notification, VERSION),
            };
            connection.send(subscribed.encode(VERSION)).await;
        }
        for number in 0..values {
            for (topic, value) in of(number) {
                let message = Message::TopicValue { topic, value };
                connection.send(message.encode(VERSION)).await;
            }
            count.fetch_add(1, Ordering::Relaxed);
        }
        while connection.receive().await.is_some() {}
    });
    let session = effusion_client::connect(address).await.unwrap();
    (session, sent, serving)
}

/// Waits until the service sends no more, and says how much it has sent.
async fn settled(sent: &AtomicUsize) -> usize {
    let mut last = usize::MAX;
    loop {
        let now = sent.load(Ordering::Relaxed);
        if now == last && now > 0 {
            return now;
        }
        last = now;
        sleep(Duration::from_millis(400)).await;
    }
}

async fn next(stream: &mut ValueStream<Bytes>) -> Option<StreamEvent<Bytes>> {
    timeout(Duration::from_secs(10), stream.next())
        .await
        .unwrap()
}

/// The number of the next value.
async fn next_value(stream: &mut ValueStream<Bytes>) -> usize {
    loop {
        match next(stream).await.unwrap() {
            StreamEvent::Value { new, .. } => return number(&new),
            StreamEvent::Subscribed { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

/// What this process has in memory, in bytes.
#[cfg(target_os = "linux")]
fn memory() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_waits_loses_nothing_and_holds_the_service_up() {
    const VALUES: usize = 4_000;
    const WAITING: usize = 50;
    let (session, sent, serving) = flooded(VALUES).await;
    let lossless = StreamOptions::new()
        .max_events(WAITING)
        .overflow(Overflow::Wait);
    let mut stream = session
        .add_stream_with::<Bytes>(">flood", lossless)
        .unwrap();
    session.ping().await.unwrap();
    let before = settled(&sent).await;
    assert!(before < VALUES, "the service could send everything");
    let (events, bytes) = stream.backlog();
    assert!(events <= WAITING && bytes <= WAITING * (VALUE + 128));
    for number in 0..VALUES {
        assert_eq!(next_value(&mut stream).await, number);
    }
    assert!(session.state().is_connected());
    session.close().await;
    serving.await.unwrap();
}

/// Small values keep no buffers of the messages that came beside them.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn small_values_take_what_they_are_counted_as() {
    const VALUES: usize = 8_000;
    let (session, sent, serving) = flooded_with(VALUES, |number| {
        vec![
            (FLOOD, value(number, 8)),
            (BESIDE, value(number, VALUE / 4)),
        ]
    })
    .await;
    let mut stream = session.add_stream::<Bytes>(">flood").unwrap();
    let before = memory();
    session.ping().await.unwrap();
    assert_eq!(settled(&sent).await, VALUES);
    while session.traffic().messages_received < 2 * VALUES as u64 + 4 {
        sleep(Duration::from_millis(10)).await;
    }
    let grown = memory().saturating_sub(before);
    assert!(grown < 32 << 20, "{grown} bytes more");
    for number in 0..VALUES {
        assert_eq!(next_value(&mut stream).await, number);
    }
    session.close().await;
    serving.await.unwrap();
}

/// A reader that has stopped does not keep its session from being closed.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_waits_closes_when_the_service_agrees() {
    let (session, sent, serving) = flooded(200).await;
    let lossless = StreamOptions::new().max_events(10).overflow(Overflow::Wait);
    let _full = session
        .add_stream_with::<Bytes>(">flood", lossless)
        .unwrap();
    session.ping().await.unwrap();
    settled(&sent).await;
    session.close().await;
    assert_eq!(
        session.state(),
        SessionState::Closed(SessionCloseReason::ClosedByClient)
    );
    serving.await.unwrap();
}

/// 256 MiB go by a reader that does not read.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_slow_reader_is_bounded() {
    const VALUES: usize = 4_096;
    const BOUND: usize = 1 << 20;
    let (session, sent, serving) = flooded(VALUES).await;
    let newest = StreamOptions::new().max_bytes(BOUND);
    let mut stream = session.add_stream_with::<Bytes>(">flood", newest).unwrap();
    let until_overflow = newest.overflow(Overflow::Disconnect);
    let mut ending = session
        .add_stream_with::<Bytes>(">flood", until_overflow)
        .unwrap();
    let before = memory();
    session.ping().await.unwrap();
    assert_eq!(settled(&sent).await, VALUES);
    // Two subscriptions, and the answers to the connect request and the ping.
    while session.traffic().messages_received < VALUES as u64 + 4 {
        sleep(Duration::from_millis(10)).await;
    }
    let grown = memory().saturating_sub(before);
    assert!(grown < 96 << 20, "{grown} bytes more");
    let (events, bytes) = stream.backlog();
    assert!(bytes <= BOUND && events <= BOUND / VALUE);
    // The subscription is among what was missed.
    let missed = VALUES + 1 - events;
    let expected = StreamEvent::Missed {
        events: missed as u64,
    };
    assert_eq!(next(&mut stream).await, Some(expected));
    for number in missed - 1..VALUES {
        assert_eq!(next_value(&mut stream).await, number);
    }
    // The other stream has the beginning.
    let mut read = 0;
    let last = loop {
        match next(&mut ending).await.unwrap() {
            StreamEvent::Subscribed { .. } | StreamEvent::Value { .. } => read += 1,
            last => break last,
        }
    };
    assert_eq!(last, StreamEvent::Overflowed);
    assert!((2..=BOUND / VALUE + 1).contains(&read), "{read}");
    assert_eq!(next(&mut ending).await, None);
    session.close().await;
    serving.await.unwrap();
}
