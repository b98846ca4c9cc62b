//! Time series: appending with a time, editing, and queries of every kind.

use std::time::{Duration, SystemTime};

use effusion_client::{
    ErrorReason, ProtocolVersion, RangeAnchor, RangeSpan, RequestError, Session, StreamEvent,
    TimeSeriesEvent, TopicSpecification, TopicType, property,
};
use futures_util::StreamExt as _;

use super::hub::{Hub, options};
use super::session::{local, refusal};

/// The timestamp of the first event; each further one is a second later.
const FIRST: u64 = 1_600_000_000_000;

fn time(milliseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)
}

fn at(second: u64) -> SystemTime {
    time(FIRST + 1_000 * second)
}

fn numbers() -> TopicSpecification {
    TopicSpecification::new(TopicType::TimeSeries)
        .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "int64")
        .with(property::TIME_SERIES_RETAINED_RANGE, "limit 100")
}

/// Originals 0 to 4 with the values 0 to 40, then 5, which edits 1, and 6, which edits it again.
async fn series(hub: &Hub) -> Session {
    let admin = hub.session("admin").await;
    let script = "set 'ADMINISTRATOR' default path permissions [SELECT_TOPIC READ_TOPIC UPDATE_TOPIC \
        MODIFY_TOPIC EDIT_TIME_SERIES_EVENTS QUERY_OBSOLETE_TIME_SERIES_EVENTS]";
    let security = admin.security();
    security.update_security_store(script).await.unwrap();
    admin.topics().add("n", numbers()).await.unwrap();
    let events = admin.time_series();
    for number in 0..5u64 {
        let appended = events.append_at("n", &(10 * number.cast_signed()), at(number));
        let event = appended.await.unwrap();
        assert_eq!((event.sequence, event.timestamp), (number, at(number)));
        assert_eq!(event.author, "admin");
    }
    for value in [11, 12] {
        events.edit("n", 1, &value).await.unwrap();
    }
    admin
}

#[tokio::test(start_paused = true)]
async fn an_event_may_bring_its_time() {
    local(async {
        let hub = Hub::new();
        let admin = hub.session("admin").await;
        admin.topics().add("n", numbers()).await.unwrap();
        let events = admin.time_series();
        assert_eq!(
            events.append_at("n", &1i64, at(7)).await.unwrap().timestamp,
            at(7)
        );
        assert_eq!(
            events.append_at("n", &2i64, at(7)).await.unwrap().sequence,
            1
        );
        let early = events.append_at("n", &3i64, at(6)).await;
        assert!(matches!(early, Err(RequestError::Refused(_))), "{early:?}");
        assert_eq!(events.append("n", &4i64).await.unwrap().sequence, 2);
        let nowhere = events.append_at("x", &1i64, at(9)).await;
        assert_eq!(refusal(nowhere), Some(ErrorReason::NoSuchTopic));
        let other_type = events.append_at("n", &1.5f64, time(u64::MAX >> 11)).await;
        assert!(matches!(other_type, Err(RequestError::Refused(_))));
        let client = hub.session("client").await;
        let denied = client.time_series().append_at("n", &1i64, at(9)).await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
        let denied = client.time_series().edit("n", 0, &1i64).await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn values_are_queried_from_and_to_everywhere() {
    use RangeAnchor::{Last, LastDuration, Sequence, Start, Time};
    const MILLISECOND: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);
    local(async {
        let hub = Hub::new();
        let admin = series(&hub).await;
        let values = async |from: RangeAnchor, to: RangeSpan| {
            let query = admin.time_series().range_query().from(from).to(to);
            let found = query.select_from::<i64>("n").await.unwrap();
            assert!(found.is_complete());
            found
                .events
                .iter()
                .map(|event| event.value)
                .collect::<Vec<_>>()
        };
        // What edits say when they were made is the service's clock, long after the originals.
        for (from, to, expected) in [
            (Start, RangeSpan::UntilLast(0), &[0, 12, 20, 30, 40][..]),
            (Sequence(1), RangeSpan::ToSequence(3), &[12, 20, 30]),
            (Sequence(3), RangeSpan::ToSequence(1), &[12, 20, 30]),
            (Sequence(2), RangeSpan::ToStart, &[0, 12, 20]),
            (Time(at(1)), RangeSpan::ToTime(at(2)), &[12, 20]),
            (
                Time(at(1) + MILLISECOND),
                RangeSpan::ToTime(at(3) - MILLISECOND),
                &[20],
            ),
            (Last(2), RangeSpan::UntilLast(0), &[30, 40]),
            (
                LastDuration(SECOND),
                RangeSpan::UntilLastDuration(Duration::ZERO),
                &[30, 40],
            ),
            (Start, RangeSpan::UntilLastDuration(3 * SECOND), &[0, 12]),
            (Start, RangeSpan::Next(2), &[0, 12]),
            (Start, RangeSpan::NextDuration(2 * SECOND), &[0, 12, 20]),
            (Sequence(3), RangeSpan::PreviousDuration(SECOND), &[20, 30]),
            (Sequence(9), RangeSpan::ToSequence(12), &[]),
        ] {
            assert_eq!(values(from, to).await, expected, "{from:?} {to:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn edits_are_queried_with_what_they_edit() {
    local(async {
        let hub = Hub::new();
        let admin = series(&hub).await;
        let query = || admin.time_series().range_query();
        let all = query().for_edits().select_from::<i64>("n").await.unwrap();
        let shape = |event: &TimeSeriesEvent<i64>| {
            let original = event.original.as_ref().map(|original| original.sequence);
            (event.metadata.sequence, original, event.value)
        };
        let found: Vec<_> = all.events.iter().map(shape).collect();
        assert_eq!(found[..2], [(0, None, 0), (1, None, 10)]);
        assert_eq!(found[5..], [(5, Some(1), 11), (6, Some(1), 12)]);
        assert!(
            all.events
                .iter()
                .all(|event| event.metadata.author == "admin")
        );

        let latest = query()
            .for_edits()
            .latest_edits()
            .from(RangeAnchor::Sequence(1));
        let latest = latest
            .to(RangeSpan::ToSequence(1))
            .select_from::<i64>("n")
            .await;
        let found: Vec<_> = latest.unwrap().events.iter().map(shape).collect();
        assert_eq!(found, [(1, None, 10), (6, Some(1), 12)]);
        let some = query().for_edits().edits_from(RangeAnchor::Sequence(5));
        let some = some
            .edits_to(RangeSpan::ToSequence(5))
            .select_from::<i64>("n")
            .await;
        let found: Vec<_> = some.unwrap().events.iter().map(shape).collect();
        assert_eq!(found, [(5, Some(1), 11)]);
        let values = query().for_edits().for_values().limit(2);
        let values = values.select_from::<i64>("n").await.unwrap();
        let found: Vec<_> = values.events.iter().map(shape).collect();
        assert_eq!(
            (found, values.selected),
            (vec![(3, None, 30), (4, None, 40)], 5)
        );

        let client = hub.session("client").await;
        let own = client.time_series().range_query();
        assert_eq!(
            own.clone()
                .select_from::<i64>("n")
                .await
                .unwrap()
                .events
                .len(),
            5
        );
        let denied = own.for_edits().select_from::<i64>("n").await;
        assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
        let missing = admin.time_series().edit("n", 77, &1i64).await;
        assert_eq!(refusal(missing), Some(ErrorReason::NoSuchEvent));
        let edit_of_edit = admin.time_series().edit("n", 5, &1i64).await;
        assert!(
            matches!(edit_of_edit, Err(RequestError::Refused(_))),
            "{edit_of_edit:?}"
        );
        let text = query().select_from::<String>("n").await;
        assert!(matches!(text, Err(RequestError::UnreadableValue(_))));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_may_edit_what_one_has_said() {
    local(async {
        let hub = Hub::new();
        let admin = series(&hub).await;
        let script = "set 'CLIENT' default path permissions [SELECT_TOPIC READ_TOPIC UPDATE_TOPIC \
            EDIT_OWN_TIME_SERIES_EVENTS]";
        admin
            .security()
            .update_security_store(script)
            .await
            .unwrap();
        // In an old version, too.
        for version in [29, 18] {
            let version = ProtocolVersion::new(version).unwrap();
            let client = hub
                .connect(options("client").version(version))
                .await
                .unwrap();
            let mut stream = admin.add_stream::<TimeSeriesEvent<i64>>("n").unwrap();
            admin.topics().select("n").await.unwrap();
            let own = client.time_series().append("n", &1i64).await.unwrap();
            let edit = client
                .time_series()
                .edit("n", own.sequence, &2i64)
                .await
                .unwrap();
            assert_eq!(edit.author, "client");
            let denied = client.time_series().edit("n", 0, &2i64).await;
            assert_eq!(refusal(denied), Some(ErrorReason::AccessDenied));
            loop {
                if let Some(StreamEvent::Value { new, .. }) = stream.next().await
                    && new.metadata == edit
                {
                    assert_eq!((new.original(), new.value, new.is_edit()), (&own, 2, true));
                    break;
                }
            }
        }
    })
    .await;
}
