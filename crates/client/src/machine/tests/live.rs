//! An open session: requests and answers, topics, pings, closing.

use effusion_protocol::{ErrorReason, ServiceId, TopicType, UnsubscribeReason, property};

use super::super::{Event, SessionState, UnsubscribedReason};
use super::{Bench, CONNECTED_14, hex, to_hex};
use crate::{
    Interruption, Renew, RequestError, SessionCloseReason, TransportErrorKind,
    machine::SessionOptions,
};

/// A session with a 6.1 service.
fn connected_14(options: SessionOptions) -> Bench {
    let mut bench = Bench::new(options);
    bench.opens();
    bench.receives(CONNECTED_14);
    assert!(bench.state().is_connected());
    bench.forget();
    bench
}

/// The bytes are those of `v61ws.jsonl`, but for the conversation that the client answers in.
#[test]
fn a_captured_session_with_version_14() {
    let mut bench = connected_14(SessionOptions::default());
    let select = bench.selects("?topic/", true);
    assert_eq!(bench.last_sent(), "000301073f746f7069632f");
    bench.receives(
        "00570089040a746f7069632f706174681101135055424c4953485f56414c5545535f4f4e4c590474727565",
    );
    assert_eq!(bench.last_sent(), "015700");
    bench.receives("04000002096548656c6c6f");
    bench.receives("010301");
    assert_eq!(bench.answers(select), [Ok(hex(""))]);
    let Event::Subscribed(topic) = &bench.events[0] else {
        panic!("{:?}", bench.events);
    };
    assert_eq!(topic.path, "topic/path");
    assert_eq!(topic.specification.topic_type, TopicType::String);
    assert_eq!(
        topic.specification.get(property::PUBLISH_VALUES_ONLY),
        Some("true")
    );
    assert_eq!(
        bench.events[1],
        Event::Value {
            topic: topic.clone(),
            old: None,
            new: hex("6548656c6c6f")
        }
    );
    let add = bench.asks(
        ServiceId::AddTopic,
        "0a746f7069632f706174681101135055424c4953485f56414c5545535f4f4e4c590474727565",
    );
    assert!(bench.last_sent().starts_with("0070020a746f"));
    bench.receives("01700201");
    assert_eq!(bench.answers(add), [Ok(hex("01"))]);
    bench.closes();
    assert_eq!(bench.last_sent(), "1d");
    bench.receives("1c");
    assert_eq!(
        bench.state(),
        SessionState::Closed(SessionCloseReason::ClosedByClient)
    );
    assert_eq!(bench.closed, 1);
}

/// The error is that of `v60errors.jsonl`.
#[test]
fn a_captured_error_with_the_service_named() {
    let mut bench = connected_14(SessionOptions::default());
    let add = bench.asks(ServiceId::AddTopic, "0a746f7069632f706174681000");
    bench.receives(
        "027001374d697373696e67206d616e6461746f72792070726f70657274792054494d455f5345524945535f\
         4556454e545f56414c55455f54595045ae46",
    );
    let answers = bench.answers(add);
    let [Err(RequestError::Refused(report))] = &answers[..] else {
        panic!("{answers:?}");
    };
    assert_eq!(report.reason, ErrorReason::InvalidTopicSpecification);
    assert!(report.message.starts_with("Missing mandatory property"));
}

#[test]
fn answers_without_the_service_named() {
    let mut bench = Bench::connected(SessionOptions::default());
    let first = bench.asks(ServiceId::RemoveTopics, "02 3e61");
    assert_eq!(bench.last_sent(), "005301023e61");
    let second = bench.asks(ServiceId::SetTopic, "");
    bench.receives("07 02 02 6e6f 67");
    bench.receives("06 01 05");
    assert_eq!(bench.answers(first), [Ok(hex("05"))]);
    let refused = bench.answers(second);
    let [Err(error)] = &refused[..] else {
        panic!("{refused:?}");
    };
    assert_eq!(error.refusal(), Some(ErrorReason::AccessDenied));
    assert!(!error.may_have_happened());
    // An answer to what was answered, or to what was never asked, is passed over.
    bench.forget();
    bench.receives("06 01 05");
    bench.receives("06 7f");
    assert!(bench.events.is_empty());
}

#[test]
fn an_error_that_cannot_be_read_is_still_an_answer() {
    let mut bench = Bench::connected(SessionOptions::default());
    let ticket = bench.asks(ServiceId::SetTopic, "");
    bench.receives("07 01 7f");
    assert!(matches!(
        bench.answers(ticket)[..],
        [Err(RequestError::UnreadableResponse(_))]
    ));
}

#[test]
fn selections_have_a_scope_in_the_newest_version() {
    let mut bench = Bench::connected(SessionOptions::default());
    bench.selects(">Chat/room", true);
    assert_eq!(
        bench.last_sent(),
        format!("0003010a{}00", to_hex(b">Chat/room"))
    );
    bench.selects(">Chat/room", false);
    assert_eq!(
        bench.last_sent(),
        format!("0004020a{}00", to_hex(b">Chat/room"))
    );
}

#[test]
fn values_come_whole_or_as_deltas() {
    let mut bench = Bench::connected(SessionOptions::default());
    bench.receives("00 57 01 01 03 612f62 0f 00");
    assert_eq!(bench.last_sent(), "0601");
    bench.receives("04 00000001 bf616101ff");
    bench.receives("05 00000001 0003 41 02 0401");
    bench.receives("05 00000001 f6");
    let values: Vec<_> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Value { old, new, .. } => Some((old.clone(), new.clone())),
            _ => None,
        })
        .collect();
    let (one, two) = (hex("bf616101ff"), hex("bf616102ff"));
    assert_eq!(values, [(None, one.clone()), (Some(one), two.clone())]);
    let topics: Vec<_> = bench.machine.topics().collect();
    assert_eq!(
        (topics[0].0.path.as_str(), topics[0].1),
        ("a/b", Some(&two))
    );

    // A delta that does not fit is told, once; so are those after it, until a whole value comes.
    bench.forget();
    bench.receives("05 00000001 1864 05");
    bench.receives("05 00000001 0001");
    assert!(matches!(
        bench.events[..],
        [Event::Broken { .. }, Event::Broken { .. }]
    ));
    bench.receives("04 00000001 bf616101ff");
    assert!(matches!(bench.events[2], Event::Value { old: None, .. }));
    // Of topics that are not subscribed to nothing is known.
    bench.forget();
    bench.receives("04 00000009 00");
    bench.receives("05 00000009 f6");
    assert!(bench.events.is_empty() && bench.closed == 0);
}

#[test]
fn subscriptions_end() {
    let mut bench = Bench::connected(SessionOptions::default());
    bench.receives("00 57 01 01 03 612f62 0f 00");
    bench.receives("00 2a 02 01 02");
    assert_eq!(bench.last_sent(), "0602");
    assert!(matches!(
        bench.events[1],
        Event::Unsubscribed {
            reason: UnsubscribedReason::Service(UnsubscribeReason::Removal),
            ..
        }
    ));
    assert_eq!(bench.machine.topics().count(), 0);
    bench.forget();
    bench.receives("00 2a 03 01 02");
    assert!(bench.events.is_empty());
    assert_eq!(bench.last_sent(), "0603");
}

#[test]
fn a_path_has_one_subscription() {
    let mut bench = Bench::connected(SessionOptions::default());
    bench.receives("00 57 01 01 03 612f62 0f 00");
    bench.receives("00 57 02 02 03 612f62 11 00");
    bench.receives("00 57 03 02 01 63 11 00");
    let paths: Vec<_> = bench
        .machine
        .topics()
        .map(|(topic, _)| topic.path.clone())
        .collect();
    assert_eq!(paths, ["c"]);
}

#[test]
fn pings_are_answered() {
    let mut bench = Bench::connected(SessionOptions::default());
    bench.receives("00 37 01");
    assert_eq!(bench.last_sent(), "0601");
    bench.receives("00 38 07");
    assert_eq!(bench.last_sent(), "0607");
}

#[test]
fn what_the_client_does_not_serve_is_refused() {
    let mut bench = Bench::connected(SessionOptions::default());
    // A request for a handler, a service that a client never has, and one that nobody knows (0x3f0).
    bench.receives("00 58 01");
    assert!(bench.last_sent().starts_with("0701") && bench.last_sent().ends_with("6d"));
    bench.receives("00 03 02");
    assert!(bench.last_sent().starts_with("0702") && bench.last_sent().ends_with("68"));
    bench.receives("00 f007 03");
    assert!(bench.last_sent().starts_with("0703") && bench.last_sent().ends_with("64"));
    assert!(bench.events.is_empty() && bench.closed == 0);
}

#[test]
fn a_message_that_makes_no_sense_ends_the_session() {
    for message in ["", "22", "00", "00 57 01", "04 0000", "01 03 01"] {
        let mut bench = Bench::connected(SessionOptions::default());
        bench.receives(message);
        assert!(
            matches!(
                bench.state(),
                SessionState::Closed(SessionCloseReason::InvalidMessage(_))
            ),
            "{message}"
        );
        assert_eq!(bench.closed, 1);
    }
}

#[test]
fn the_service_ends_the_session() {
    let mut bench = Bench::connected(SessionOptions {
        renew: Renew::WhenLost,
        ..SessionOptions::default()
    });
    let ticket = bench.asks(ServiceId::UserPing, "");
    bench.is_aborted(TransportErrorKind::Closed);
    assert_eq!(
        bench.state(),
        SessionState::Closed(SessionCloseReason::ClosedByService(
            TransportErrorKind::Closed.into()
        ))
    );
    let unknown = Err(RequestError::OutcomeUnknown(Interruption::SessionClosed));
    assert_eq!(bench.answers(ticket), [unknown]);
    let late = bench.asks(ServiceId::UserPing, "");
    let never = Err(RequestError::NeverSent(Interruption::SessionClosed));
    assert_eq!(bench.answers(late), [never]);
}

#[test]
fn closing_does_not_wait_for_ever() {
    let mut bench = Bench::connected(SessionOptions::default());
    let ticket = bench.asks(ServiceId::UserPing, "");
    bench.closes();
    assert_eq!(bench.answers(ticket).len(), 1);
    assert_eq!((bench.last_sent().as_str(), bench.closed), ("1d", 0));
    // The service has other things to say first.
    bench.receives("06 01");
    bench.waits();
    assert_eq!(bench.now, 2_000);
    assert!(bench.state().is_closed());
    assert_eq!(bench.closed, 1);
}

#[test]
fn a_silent_service_is_pinged_and_then_given_up() {
    let mut bench = Bench::connected(SessionOptions::default());
    bench.waits();
    assert_eq!((bench.now, bench.last_sent().as_str()), (31_000, "003801"));
    // It answers: all is well for another 30 s.
    bench.now += 9_999;
    bench.receives("06 01");
    bench.waits();
    assert_eq!((bench.now, bench.last_sent().as_str()), (70_999, "003802"));
    bench.waits();
    assert_eq!((bench.now, bench.closed), (80_999, 1));
    assert!(matches!(
        bench.state(),
        SessionState::Recovering { attempts: 0, .. }
    ));
}

#[test]
fn without_pings_of_its_own_the_client_counts_on_those_of_the_service() {
    let mut bench = Bench::connected(SessionOptions {
        ping_after: 0,
        ..SessionOptions::default()
    });
    bench.waits();
    assert_eq!((bench.now, bench.closed), (181_000, 1));
    assert!(bench.sent.is_empty());
}

#[test]
fn requests_time_out() {
    let mut bench = Bench::connected(SessionOptions {
        request_timeout: 500,
        ..SessionOptions::default()
    });
    let first = bench.asks(ServiceId::SetTopic, "");
    bench.now += 100;
    let second = bench.asks(ServiceId::SetTopic, "");
    bench.waits();
    assert_eq!(bench.now, 1_500);
    let timed_out = Err(RequestError::OutcomeUnknown(Interruption::TimedOut));
    assert_eq!(bench.answers(first), vec![timed_out.clone()]);
    assert!(bench.answers(second).is_empty());
    bench.receives("06 01");
    bench.waits();
    assert_eq!(bench.answers(first).len(), 1);
    assert_eq!(bench.answers(second), [timed_out]);
}

#[test]
fn a_request_that_is_too_large_is_not_sent() {
    let mut bench = Bench::new(SessionOptions::default());
    bench.opens();
    let mut response = hex(super::CONNECTED).to_vec();
    response[51..].copy_from_slice(&10u32.to_be_bytes());
    bench.gets(response.into());
    bench.forget();
    let large = bench.asks(ServiceId::SetTopic, "0102030405060708");
    let fits = bench.asks(ServiceId::SetTopic, "01020304050607");
    let error = RequestError::TooLarge {
        size: 11,
        limit: 10,
    };
    assert_eq!(bench.answers(large), [Err(error)]);
    assert!(bench.answers(fits).is_empty());
    assert_eq!(bench.last_sent(), "00760201020304050607");
}

/// The zlib stream is what `zlib.compress` makes of `bf616101ff`.
#[cfg(feature = "compression")]
#[test]
fn compressed_values_are_read() {
    let mut bench = Bench::connected(SessionOptions::default());
    bench.receives("00 57 01 01 03 612f62 0f 00");
    bench.receives("84 00000001 789cdb9f98c8f81f0007680282");
    assert!(matches!(&bench.events[1], Event::Value { new, .. } if *new == hex("bf616101ff")));
    bench.receives("84 00000001 00");
    assert!(bench.state().is_closed());
}

#[test]
fn nothing_secret_is_shown() {
    let mut bench = Bench::new(SessionOptions {
        credentials: effusion_protocol::Credentials::Password("Xyzzy".to_owned()),
        ..SessionOptions::default()
    });
    let show = |bench: &mut Bench| {
        let mut shown = format!("{:?}", bench.machine);
        while let Some(output) = bench.machine.poll_output() {
            shown.push_str(&format!("{output:?}"));
        }
        // Neither as text nor as the bytes of it.
        assert!(
            !shown.contains("Xyzzy") && !shown.contains("88, 121, 122"),
            "{shown}"
        );
    };
    show(&mut bench);
    bench.machine.opened(0);
    bench.machine.received(0, hex(super::CONNECTED));
    for _ in 0..2 {
        let script = bytes::Bytes::from_static(b"\x05Xyzzy");
        let service = ServiceId::UpdateSystemAuthentication;
        bench.machine.request(0, service, script);
        show(&mut bench);
        bench.machine.lost(0, super::closed());
        show(&mut bench);
    }
}
