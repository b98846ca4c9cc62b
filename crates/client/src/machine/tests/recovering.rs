//! Lost connections: reconnecting, resending, sessions that are gone.

use effusion_protocol::{ResponseCode, ServiceId};

use super::super::{Event, SessionState, UnsubscribedReason};
use super::{Bench, CONNECTED, CONNECTED_14, hex, reconnected};
use crate::{
    ConnectError, Interruption, Renew, RequestError, SessionCloseReason, TransportErrorKind,
    machine::SessionOptions,
};

fn options(renew: Renew) -> SessionOptions {
    SessionOptions {
        renew,
        ..SessionOptions::default()
    }
}

fn closed(reason: SessionCloseReason) -> SessionState {
    SessionState::Closed(reason)
}

fn unknown(why: Interruption) -> Result<bytes::Bytes, RequestError> {
    Err(RequestError::OutcomeUnknown(why))
}

fn never(why: Interruption) -> Result<bytes::Bytes, RequestError> {
    Err(RequestError::NeverSent(why))
}

/// Whether the machine has just begun to wait for a new session.
fn is_renewing(bench: &Bench) -> bool {
    matches!(
        bench.state(),
        SessionState::Recovering { renewing: true, .. }
    )
}

#[test]
fn a_session_is_resumed_and_what_was_lost_is_sent_again() {
    let mut bench = Bench::connected(SessionOptions::default());
    let first = bench.asks(ServiceId::SetTopic, "01");
    bench.receives("00 37 05");
    let second = bench.asks(ServiceId::SetTopic, "02");
    bench.receives("06 01");
    let third = bench.asks(ServiceId::SetTopic, "03");
    bench.loses();
    assert!(matches!(
        bench.state(),
        SessionState::Recovering {
            attempts: 0,
            renewing: false,
            retry_in,
        } if (100..=200).contains(&retry_in.as_millis())
    ));
    let fourth = bench.asks(ServiceId::SetTopic, "04");
    assert!(bench.answers(third).is_empty());
    bench.forget();
    bench.waits();
    // Four messages were sent (three requests and the answer to a ping), of which the first is known to have
    // arrived; two messages have come.
    let reconnect = bench.opened[0].reconnect.clone().unwrap();
    assert_eq!(reconnect.token.as_str(), "tm+Q2wk+deyh02R88WMn2lAA");
    assert_eq!(reconnect.available_client_sequence, 2);
    assert_eq!(reconnect.last_server_sequence, 2);
    bench.opens();
    // The service has received three; then it sends what the client misses.
    bench.gets(reconnected(105, 4));
    assert!(bench.state().is_connected());
    assert_eq!(bench.sent, [hex("00 76 03 03"), hex("00 76 04 04")]);
    bench.receives("06 02");
    bench.receives("06 03");
    bench.receives("06 04");
    for ticket in [second, third, fourth] {
        assert_eq!(bench.answers(ticket), [Ok(hex(""))]);
    }
    assert!(bench.answers(first).is_empty());

    // The counters go on.
    bench.loses();
    bench.waits();
    let reconnect = bench.opened[1].reconnect.clone().unwrap();
    assert_eq!(reconnect.available_client_sequence, 6);
    assert_eq!(reconnect.last_server_sequence, 5);
}

#[test]
fn values_after_a_reconnect_apply_to_those_before() {
    let mut bench = Bench::connected(SessionOptions::default());
    bench.receives("00 57 01 01 03 612f62 0f 00");
    bench.receives("04 00000001 bf616101ff");
    bench.loses();
    bench.waits();
    bench.gets(reconnected(105, 2));
    bench.forget();
    bench.receives("05 00000001 0003 41 02 0401");
    assert!(matches!(
        &bench.events[..],
        [Event::Value { new, .. }] if *new == hex("bf616102ff")
    ));
}

#[test]
fn a_loss_that_cannot_be_repaired_closes_the_session() {
    let options = || SessionOptions {
        recovery_buffer: 4,
        ..SessionOptions::default()
    };
    // Expected: what was never sent, what is no longer kept, and nothing at all.
    for expected in [8, 3, 0] {
        let mut bench = Bench::connected(options());
        for conversation in 1..=6 {
            bench.receives(&format!("00 37 {conversation:02}"));
        }
        bench.loses();
        bench.waits();
        let reconnect = bench.opened[0].reconnect.clone().unwrap();
        assert_eq!(reconnect.available_client_sequence, 3);
        bench.gets(reconnected(105, expected));
        let ok = expected == 3;
        assert_eq!(bench.state().is_connected(), ok, "{expected}");
        if !ok {
            assert_eq!(bench.state(), closed(SessionCloseReason::MessagesLost));
            assert_eq!(bench.closed, 1);
        }
    }
}

#[test]
fn no_more_requests_are_under_way_than_can_be_sent_again() {
    let mut bench = Bench::connected(SessionOptions {
        recovery_buffer: 10,
        ..SessionOptions::default()
    });
    let tickets: Vec<_> = (0..12)
        .map(|_| bench.asks(ServiceId::SetTopic, ""))
        .collect();
    assert_eq!(bench.sent.len(), 5);
    // The answer to the third says that the first two have arrived.
    bench.receives("06 03");
    assert_eq!(bench.sent.len(), 8);
    bench.loses();
    bench.waits();
    bench.gets(reconnected(105, 4));
    assert_eq!(bench.sent.len(), 13);
    for conversation in [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12] {
        bench.receives(&format!("06 {conversation:02x}"));
    }
    for ticket in tickets {
        assert_eq!(bench.answers(ticket).len(), 1);
    }
    // Nothing was sent twice, but for what the service had missed.
    let distinct: std::collections::BTreeSet<_> = bench.sent.iter().collect();
    assert_eq!((distinct.len(), bench.sent.len()), (12, 17));
}

#[test]
fn large_requests_wait_before_they_are_more_than_can_be_sent_again() {
    let mut bench = Bench::connected(SessionOptions::default());
    let large = "00".repeat(1_000_000);
    let tickets: Vec<_> = (0..12)
        .map(|_| bench.asks(ServiceId::SetTopic, &large))
        .collect();
    // Half of the sixteen megabytes that are kept.
    assert_eq!(bench.sent.len(), 9);
    bench.loses();
    bench.waits();
    bench.gets(reconnected(105, 1));
    assert_eq!(bench.sent.len(), 18, "all of them can be sent again");
    for conversation in 1..=12 {
        bench.receives(&format!("06 {conversation:02x}"));
    }
    for ticket in tickets {
        assert!(matches!(bench.answers(ticket)[..], [Ok(_)]));
    }
}

#[test]
fn attempts_go_on_until_the_service_has_forgotten_the_session() {
    let mut bench = Bench::connected(SessionOptions::default());
    let sent = bench.asks(ServiceId::SetTopic, "");
    bench.loses();
    let lost = bench.now;
    let waiting = bench.asks(ServiceId::SetTopic, "");
    while !bench.state().is_closed() {
        bench.waits();
        if let Some(request) = bench.opened.pop() {
            assert!(request.reconnect.is_some());
            bench.loses();
        }
    }
    assert_eq!(bench.now - lost, 60_000);
    assert_eq!(
        bench.state(),
        closed(SessionCloseReason::ConnectionLost(super::closed()))
    );
    let waits: Vec<_> = bench
        .events
        .iter()
        .filter_map(|event| match event {
            Event::State(SessionState::Recovering {
                attempts, retry_in, ..
            }) => Some((*attempts, *retry_in)),
            _ => None,
        })
        .collect();
    assert!(waits.len() > 6, "{waits:?}");
    for (index, (attempts, retry_in)) in waits.iter().enumerate() {
        assert_eq!(*attempts as usize, index);
        assert!(retry_in.as_millis() <= (200 << index).min(15_000));
    }
    // Requests time out before the session does: after a minute, when the session ends as well.
    assert_eq!(bench.answers(sent).len(), 1);
    assert!(matches!(
        bench.answers(sent)[0],
        Err(RequestError::OutcomeUnknown(_))
    ));
    assert!(matches!(
        bench.answers(waiting)[0],
        Err(RequestError::NeverSent(_))
    ));
}

#[test]
fn an_attempt_that_hangs_ends_with_the_session() {
    let mut bench = Bench::connected(SessionOptions {
        reconnect_timeout: 3_000,
        ..SessionOptions::default()
    });
    bench.loses();
    bench.waits();
    bench.opens();
    bench.waits();
    assert_eq!(bench.now, 4_000);
    assert_eq!(bench.closed, 1);
    assert_eq!(
        bench.state(),
        closed(SessionCloseReason::ConnectionLost(super::closed()))
    );
}

#[test]
fn without_reconnection_the_session_ends_with_its_connection() {
    let mut bench = Bench::connected(SessionOptions {
        reconnect_timeout: 0,
        ..SessionOptions::default()
    });
    bench.loses();
    assert_eq!(
        bench.state(),
        closed(SessionCloseReason::ConnectionLost(super::closed()))
    );
    assert!(bench.opened.is_empty());
}

#[test]
fn refusals_to_reconnect() {
    use SessionCloseReason as Reason;
    for (code, reason) in [
        (ResponseCode::UnknownSession, Some(Reason::SessionUnknown)),
        (
            ResponseCode::ReconnectionMessageLoss,
            Some(Reason::MessagesLost),
        ),
        (
            ResponseCode::ReconnectionUnsupported,
            Some(Reason::ConnectionLost(super::closed())),
        ),
        (ResponseCode::ProtocolError, Some(Reason::SessionUnknown)),
        (
            ResponseCode::ConnectionUnsupported,
            Some(Reason::SessionUnknown),
        ),
        (
            ResponseCode::AuthenticationFailed,
            Some(Reason::NotConnected(ConnectError::Refused(
                ResponseCode::AuthenticationFailed,
            ))),
        ),
        (ResponseCode::NotReady, None),
        (ResponseCode::LicenceExceeded, None),
        (ResponseCode::Error, None),
    ] {
        for renew in [Renew::Never, Renew::WhenLost] {
            let mut bench = Bench::connected(options(renew));
            bench.loses();
            bench.waits();
            bench.gets(bytes::Bytes::copy_from_slice(&[0x23, 0x1d, code.code()]));
            assert_eq!(bench.closed, 1);
            match &reason {
                None => {
                    bench.waits();
                    assert!(bench.opened[1].reconnect.is_some(), "{code:?}");
                }
                Some(Reason::NotConnected(_)) => {
                    assert_eq!(bench.state(), closed(reason.clone().unwrap()));
                }
                Some(reason) if renew == Renew::Never => {
                    assert_eq!(bench.state(), closed(reason.clone()), "{code:?}");
                }
                Some(_) => {
                    assert!(is_renewing(&bench), "{code:?}");
                    bench.waits();
                    assert!(bench.opened[1].reconnect.is_none());
                }
            }
        }
    }
}

#[test]
fn a_new_session_takes_the_place_of_one_that_is_gone() {
    let mut bench = Bench::connected(options(Renew::WhenLost));
    let one = bench.selects("?a/", true);
    let two = bench.selects(">a/b", false);
    let bad = bench.selects("?[", true);
    bench.receives("06 01");
    bench.receives("06 02");
    bench.receives("07 03 00 6a");
    bench.receives("00 57 01 01 03 612f63 0f 00");
    let open = bench.asks(ServiceId::SetTopic, "");
    let late = bench.selects(">late", true);
    bench.loses();
    let waiting = bench.asks(ServiceId::SetTopic, "");
    bench.waits();
    bench.forget();
    bench.receives("23 1d 75");
    assert!(is_renewing(&bench));
    assert_eq!(bench.answers(open), [unknown(Interruption::SessionLost)]);
    assert_eq!(bench.answers(waiting), [never(Interruption::SessionLost)]);
    for ticket in [one, two, bad, late] {
        assert!(bench.answers(ticket).is_empty());
    }
    let lost = |event: &Event| {
        matches!(event, Event::Unsubscribed { reason: UnsubscribedReason::SessionLost, topic }
            if topic.path == "a/c")
    };
    assert!(bench.events.iter().any(lost));
    assert_eq!(bench.machine.topics().count(), 0);
    assert_eq!(bench.machine.session(), None);

    bench.waits();
    assert_eq!(bench.opened[0].reconnect, None);
    bench.receives("23 1d 6f");
    assert!(is_renewing(&bench));
    bench.waits();
    bench.receives(CONNECTED);
    assert!(bench.state().is_connected());
    let selector = |message: &bytes::Bytes| {
        let text = message.slice(4..message.len() - 1);
        (message[1], String::from_utf8(text.to_vec()).unwrap())
    };
    let sent: Vec<_> = bench.sent.iter().map(selector).collect();
    let expected = [(3, "?a/"), (4, ">a/b"), (3, ">late")];
    assert_eq!(
        sent,
        expected.map(|(service, text)| (service, text.to_owned()))
    );
    let conversation = bench.sent[2][2];
    bench.forget();
    bench.gets(bytes::Bytes::copy_from_slice(&[6, conversation]));
    assert_eq!(bench.answers(late), [Ok(hex(""))]);
    assert_eq!(bench.events.len(), 1);
}

#[test]
fn a_new_session_refuses_a_selection() {
    let mut bench = Bench::connected(options(Renew::WhenLost));
    bench.selects(">a", true);
    bench.receives("06 01");
    bench.loses();
    bench.waits();
    bench.receives("23 1d 75");
    bench.waits();
    bench.forget();
    bench.receives(CONNECTED);
    assert_eq!(bench.sent, [hex("00 03 02 02 3e61 00")]);
    bench.receives("07 02 00 67");
    assert!(matches!(
        &bench.events[1],
        Event::SelectionFailed { selector, error: RequestError::Refused(_) } if selector == ">a"
    ));
}

#[test]
fn a_service_that_was_replaced_by_an_older_one() {
    let mut bench = Bench::connected(options(Renew::WhenLost));
    bench.loses();
    bench.waits();
    bench.receives("23 0e 73");
    bench.waits();
    assert_eq!(bench.opened.last().unwrap().version, 29);
    bench.opens();
    // What was written in the one version is not sent in the other.
    let written = bench.asks(ServiceId::SetTopic, "");
    let selected = bench.selects(">a", true);
    bench.receives("23 0e 73");
    assert_eq!(bench.opened.last().unwrap().version, 14);
    bench.forget();
    bench.receives(CONNECTED_14);
    assert!(bench.state().is_connected());
    assert_eq!(bench.answers(written), [never(Interruption::SessionLost)]);
    assert_eq!(bench.sent, [hex("00 03 02 02 3e61")]);
    bench.receives("01 03 02");
    assert_eq!(bench.answers(selected), [Ok(hex(""))]);
}

#[test]
fn a_service_that_opens_a_new_session_unasked() {
    let mut bench = Bench::connected(options(Renew::Never));
    bench.loses();
    bench.waits();
    bench.receives(CONNECTED);
    assert_eq!(bench.state(), closed(SessionCloseReason::SessionUnknown));

    let mut bench = Bench::connected(options(Renew::WhenLost));
    let ticket = bench.asks(ServiceId::SetTopic, "");
    bench.loses();
    bench.waits();
    bench.receives(CONNECTED);
    assert!(bench.state().is_connected());
    assert_eq!(bench.answers(ticket), [unknown(Interruption::SessionLost)]);
}

#[test]
fn a_reconnection_with_loss_begins_to_count_anew() {
    let mut bench = Bench::connected(SessionOptions::default());
    bench.selects(">a", true);
    bench.receives("06 01");
    bench.receives("00 57 01 01 01 61 0f 00");
    let sent = bench.asks(ServiceId::SetTopic, "");
    bench.loses();
    let waiting = bench.asks(ServiceId::SetTopic, "");
    bench.waits();
    bench.forget();
    bench.gets(reconnected(106, 0));
    assert!(bench.state().is_connected());
    assert_eq!(bench.answers(sent), [unknown(Interruption::MessagesLost)]);
    assert!(bench.answers(waiting).is_empty());
    assert!(matches!(bench.events[1], Event::Unsubscribed { .. }));
    assert_eq!(bench.sent, [hex("00 03 04 02 3e61 00"), hex("00 76 03")]);
    bench.receives("06 03");
    assert_eq!(bench.answers(waiting), [Ok(hex(""))]);
    bench.loses();
    bench.waits();
    let reconnect = bench.opened.last().unwrap().reconnect.clone().unwrap();
    assert_eq!(reconnect.available_client_sequence, 3);
    assert_eq!(reconnect.last_server_sequence, 1);
}

#[test]
fn a_renewed_session_after_the_service_closed_the_old_one() {
    let mut bench = Bench::connected(options(Renew::Always));
    bench.is_aborted(TransportErrorKind::Closed);
    assert!(is_renewing(&bench));
    bench.waits();
    // Nobody answers for an hour: the machine keeps trying.
    let begin = bench.now;
    while bench.now < begin + 3_600_000 {
        if bench.opened.pop().is_some() {
            bench.loses();
        }
        bench.waits();
    }
    assert!(!bench.state().is_closed());
    bench.closes();
    assert_eq!(bench.state(), closed(SessionCloseReason::ClosedByClient));
}

#[test]
fn a_renewed_session_with_a_wrong_password() {
    let mut bench = Bench::connected(options(Renew::Always));
    bench.is_aborted(TransportErrorKind::Closed);
    bench.waits();
    bench.receives("23 1d 74");
    let error = ConnectError::Refused(ResponseCode::AuthenticationFailed);
    assert_eq!(
        bench.state(),
        closed(SessionCloseReason::NotConnected(error))
    );
}

#[test]
fn a_service_that_stops_is_waited_for() {
    let mut bench = Bench::connected(options(Renew::WhenLost));
    bench.is_aborted(TransportErrorKind::GoingAway);
    assert!(is_renewing(&bench));
    bench.waits();
    bench.receives(CONNECTED);
    assert!(bench.state().is_connected());
    // Without a word of why, the session stays closed.
    bench.is_aborted(TransportErrorKind::Unknown);
    assert_eq!(
        bench.state(),
        closed(SessionCloseReason::ClosedByService(
            TransportErrorKind::Unknown.into()
        ))
    );

    let mut bench = Bench::connected(options(Renew::Never));
    bench.is_aborted(TransportErrorKind::GoingAway);
    assert_eq!(bench.state(), closed(SessionCloseReason::ServiceStopping));
}

#[test]
fn a_session_that_does_not_read_is_told_that_it_was_too_slow() {
    let unknown = "23 1d 75";
    for (pause, expected) in [
        (9_000, SessionCloseReason::TooSlow),
        (11_000, SessionCloseReason::SessionUnknown),
    ] {
        let mut bench = Bench::connected(options(Renew::Never));
        bench.machine.held(bench.now);
        bench.now += pause;
        bench.loses();
        bench.waits();
        bench.opens();
        bench.receives(unknown);
        assert_eq!(bench.state(), closed(expected));
    }
    let mut bench = Bench::connected(options(Renew::WhenLost));
    bench.machine.held(bench.now);
    bench.is_aborted(TransportErrorKind::Closed);
    assert_eq!(bench.state(), closed(SessionCloseReason::TooSlow));
}

#[test]
fn a_service_that_ends_a_session_need_not_end_the_connection() {
    let mut bench = Bench::connected(options(Renew::WhenLost));
    bench.receives("1c");
    let waiting = bench.asks(ServiceId::UserPing, "");
    assert!(bench.sent.is_empty());
    bench.waits();
    assert_eq!((bench.now, bench.closed), (2_000, 1));
    assert_eq!(
        bench.state(),
        closed(SessionCloseReason::ClosedByService(
            TransportErrorKind::Closed.into()
        ))
    );
    assert_eq!(bench.answers(waiting), [never(Interruption::SessionClosed)]);
}

#[test]
fn a_connection_is_tried_out_at_once() {
    let mut bench = Bench::connected(SessionOptions::default());
    bench.machine.hurry(bench.now);
    bench.machine.hurry(bench.now);
    bench.ticks();
    assert_eq!(bench.sent.len(), 1);
    bench.now += 10_000;
    bench.ticks();
    assert!(matches!(bench.state(), SessionState::Recovering { .. }));
}

#[test]
fn a_wait_can_be_cut_short() {
    let mut bench = Bench::connected(SessionOptions::default());
    bench.loses();
    bench.machine.hurry(bench.now);
    assert_eq!(bench.machine.next_timeout(), Some(bench.now));
    bench.waits();
    assert_eq!(bench.opened.len(), 1);
    // Not while an attempt is being made.
    bench.machine.hurry(bench.now);
    assert!(
        bench
            .machine
            .next_timeout()
            .is_some_and(|time| time > bench.now)
    );
}

#[test]
fn with_a_connection_no_request_is_refused() {
    let mut bench = Bench::connected(SessionOptions {
        waiting_requests: 2,
        ..SessionOptions::default()
    });
    let tickets: Vec<_> = (0..1_000)
        .map(|_| bench.asks(ServiceId::SetTopic, ""))
        .collect();
    for ticket in tickets {
        assert!(bench.answers(ticket).is_empty());
    }
}

#[test]
fn only_so_many_requests_wait() {
    let mut bench = Bench::connected(SessionOptions {
        waiting_requests: 2,
        ..SessionOptions::default()
    });
    bench.loses();
    let tickets: Vec<_> = (0..3)
        .map(|_| bench.asks(ServiceId::SetTopic, ""))
        .collect();
    assert!(bench.answers(tickets[1]).is_empty());
    assert_eq!(
        bench.answers(tickets[2]),
        [never(Interruption::TooManyWaiting)]
    );
}

#[test]
fn a_service_that_drops_every_connection_is_not_asked_ever_so_often() {
    let mut bench = Bench::connected(options(Renew::Always));
    let begin = bench.now;
    for _ in 0..20 {
        bench.is_aborted(TransportErrorKind::Closed);
        bench.waits();
        bench.receives(CONNECTED);
        assert!(bench.state().is_connected());
    }
    assert!(bench.now - begin > 100_000, "{}", bench.now - begin);
    // A connection that was of use makes up for it.
    bench.now += 15_000;
    bench.loses();
    assert!(matches!(
        bench.state(),
        SessionState::Recovering { attempts: 0, .. }
    ));
}
