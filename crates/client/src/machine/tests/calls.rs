//! Calls by the service that the session's owner answers.

use effusion_protocol::{ErrorReason, ErrorReport, ServiceId};

use super::{Bench, hex, reconnected};
use crate::machine::{Event, ServiceCall};
use crate::{Interruption, Renew, RequestError, machine::SessionOptions};

/// A request that the SDK's handler got (`docs/protocol.md`, 6.4), as call number 5.
const REQUEST: &str = "00 58 05 10 fcc3a486ebe0fb8fc101 05 01 70 01 0a 245072696e636970616c 03 626f62 \
    04 6a736f6e 05 bf616101ff";

fn listening() -> Bench {
    let options = SessionOptions {
        renew: Renew::WhenLost,
        ..SessionOptions::default()
    };
    let mut bench = Bench::connected(options);
    bench
        .machine
        .accept_calls(ServiceId::MessagingReceiverClient);
    bench
}

fn called(bench: &Bench) -> ServiceCall {
    let calls = bench.events.iter().filter_map(|event| match event {
        Event::Called(call) => Some(call.clone()),
        _ => None,
    });
    calls.last().expect("a call")
}

#[test]
fn a_call_is_refused_unless_the_owner_takes_it() {
    let mut bench = Bench::connected(SessionOptions::default());
    bench.receives(REQUEST);
    assert!(bench.last_sent().starts_with("0705"));
    assert!(bench.events.is_empty());
    bench
        .machine
        .accept_calls(ServiceId::MessagingReceiverClient);
    bench.forget();
    bench.receives(REQUEST);
    assert!(bench.sent.is_empty());
    let call = called(&bench);
    assert_eq!(call.service(), ServiceId::MessagingReceiverClient);
    assert!(!format!("{call:?}").contains("bob"));
    bench.answers_call(call.id, Ok(hex("04 6a736f6e 05 bf617a01ff")));
    assert_eq!(bench.last_sent(), "0605046a736f6e05bf617a01ff");
    // One service does not stand for another.
    bench.receives("00 55 06 01 70 04 6a736f6e 05 bf616101ff");
    assert!(bench.last_sent().starts_with("0706"));
}

#[test]
fn an_answer_waits_for_the_connection() {
    let mut bench = listening();
    bench.receives(REQUEST);
    let call = called(&bench);
    bench.loses();
    bench.forget();
    let report = ErrorReport {
        message: "no way".to_owned(),
        reason: ErrorReason::RejectedRequest,
    };
    bench.answers_call(call.id, Err(report));
    assert!(bench.sent.is_empty());
    bench.waits();
    bench.opens();
    bench.gets(reconnected(105, 1));
    assert_eq!(bench.last_sent(), "0705066e6f20776179ab46");
}

#[test]
fn an_answer_to_a_session_that_is_gone_is_dropped() {
    for code in [106, 117] {
        let mut bench = listening();
        bench.receives(REQUEST);
        let call = called(&bench);
        let era = bench.machine.era();
        bench.loses();
        bench.answers_call(call.id, Ok(hex("")));
        bench.waits();
        bench.opens();
        bench.forget();
        bench.gets(reconnected(code, 1));
        if code == 117 {
            bench.waits();
            bench.opens();
            bench.receives(super::CONNECTED);
        }
        assert!(bench.state().is_connected(), "{:?}", bench.events);
        bench.answers_call(call.id, Ok(hex("")));
        assert!(bench.sent.is_empty(), "{code}");
        assert_eq!(bench.machine.era(), era + 1);
    }
}

#[test]
fn an_answer_that_the_service_would_not_read_fails_the_call() {
    let mut bench = Bench::new(SessionOptions::default());
    bench.opens();
    // A largest message of 64 bytes.
    let small = super::CONNECTED.replace("7fffffff", "00000040");
    bench.receives(&small);
    bench
        .machine
        .accept_calls(ServiceId::MessagingReceiverClient);
    bench.receives(REQUEST);
    let call = called(&bench);
    bench.answers_call(call.id, Ok(vec![0; 100].into()));
    let sent = bench.sent.last().unwrap();
    assert!(sent.starts_with(&[7, 5]) && sent.ends_with(&[0x6a]));
    assert!(sent.len() <= 64);
}

#[test]
fn a_request_without_timeout_waits_as_long_as_it_takes() {
    let mut bench = Bench::connected(SessionOptions {
        ping_after: 0,
        ..SessionOptions::default()
    });
    let lock = hex("01 4c 00 00");
    let service = ServiceId::AcquireSessionLock;
    let lock = bench
        .machine
        .request_without_timeout(bench.now, service, lock);
    let other = bench.asks(ServiceId::SetTopic, "");
    bench.now += 100_000;
    bench.ticks();
    let timed_out = Err(RequestError::OutcomeUnknown(Interruption::TimedOut));
    assert_eq!(bench.answers(other), [timed_out]);
    assert_eq!(bench.answers(lock), []);
    bench.receives("06 01 01 4c 07 00");
    assert_eq!(bench.answers(lock), [Ok(hex("01 4c 07 00"))]);
}
