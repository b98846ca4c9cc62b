//! The first connection: handshake, versions, refusals.

use effusion_protocol::{Credentials, Message, ProtocolVersion, ResponseCode};

use super::super::{SessionState, Ticket};
use super::{Bench, CONNECTED, CONNECTED_14, closed, hex, to_hex};
use crate::{ConnectError, Renew, SessionCloseReason, machine::SessionOptions};

fn not_connected(error: ConnectError) -> SessionState {
    SessionState::Closed(SessionCloseReason::NotConnected(error))
}

#[test]
fn a_session_opens() {
    let mut bench = Bench::new(SessionOptions {
        principal: Some("control".to_owned()),
        credentials: Credentials::Password("password".to_owned()),
        ..SessionOptions::default()
    });
    assert_eq!(bench.state(), SessionState::Connecting);
    let request = bench.opened[0].clone();
    assert_eq!(request.version, 29);
    assert_eq!(request.principal.as_deref(), Some("control"));
    assert_eq!(request.reconnect_timeout, 60_000);
    assert_eq!(request.reconnect, None);
    bench.opens();
    bench.receives(CONNECTED);
    let SessionState::Connected(info) = bench.state() else {
        panic!("{:?}", bench.state());
    };
    assert_eq!(info.id.to_string(), "c11fef06b0c921fc-0000000000000001");
    assert_eq!(info.version, ProtocolVersion::NEWEST);
    assert_eq!(info.maximum_message_size, Some(0x7fff_ffff));
    assert_eq!(bench.machine.session(), Some(info));
    assert!(bench.sent.is_empty());
}

#[test]
fn older_versions_are_tried_when_the_service_closes_without_a_response() {
    let mut bench = Bench::new(SessionOptions::default());
    bench.opens();
    bench.loses();
    assert_eq!(bench.opened.last().unwrap().version, 28);
    bench.opens();
    bench.loses();
    assert_eq!(bench.opened.last().unwrap().version, 27);
    for _ in 13..=27 {
        bench.opens();
        bench.loses();
    }
    assert_eq!(bench.opened.len(), 17);
    assert_eq!(bench.opened.last().unwrap().version, 13);
    assert_eq!(
        bench.state(),
        not_connected(ConnectError::NoResponse(closed()))
    );
    assert_eq!(bench.machine.next_timeout(), None);
}

#[test]
fn older_versions_are_tried_when_the_service_refuses_the_version() {
    for code in ["66", "73"] {
        let mut bench = Bench::new(SessionOptions::default());
        bench.opens();
        // The refusal names the version that was asked for: the next older one is tried.
        bench.receives(&format!("23 1d {code}"));
        assert_eq!(bench.opened.last().unwrap().version, 28);
        bench.opens();
        // The refusal names another version: that one is tried.
        bench.receives(&format!("23 0e {code}"));
        assert_eq!(bench.opened.last().unwrap().version, 14);
        bench.opens();
        bench.receives(CONNECTED_14);
        let SessionState::Connected(info) = bench.state() else {
            panic!("{:?}", bench.state());
        };
        assert_eq!(info.version.number(), 14);
        assert_eq!(info.maximum_message_size, None);
        assert_eq!(bench.closed, 2);
    }
}

fn ann() -> SessionOptions {
    SessionOptions {
        principal: Some("ann".to_owned()),
        credentials: Credentials::Password("secret".to_owned()),
        properties: vec![("$Country".to_owned(), "DE".to_owned())],
        ..SessionOptions::default()
    }
}

/// The versions of the requests that say who asks. The others say nothing at all.
fn named(bench: &Bench) -> Vec<u8> {
    let (named, anonymous): (Vec<_>, Vec<_>) =
        bench.opened.iter().partition(|it| it.principal.is_some());
    for request in anonymous {
        assert_eq!(request.credentials, Credentials::None);
        assert!(request.proposed_properties.is_empty());
    }
    named.iter().map(|it| it.version).collect()
}

#[test]
fn credentials_are_not_sent_to_find_out_the_version() {
    let mut bench = Bench::new(ann());
    for _ in 15..=29 {
        bench.opens();
        bench.loses();
    }
    // An old service that lets nobody in without a name: the version is right.
    bench.opens();
    let refusal = [0x23, 14, ResponseCode::AuthenticationFailed.code()];
    bench.gets(bytes::Bytes::copy_from_slice(&refusal));
    assert_eq!(named(&bench), [29, 14]);
    bench.opens();
    bench.receives(CONNECTED_14);
    assert!(bench.state().is_connected());
    assert_eq!(bench.machine.version().number(), 14);
}

#[test]
fn a_session_that_a_probe_has_opened_is_closed() {
    let mut bench = Bench::new(ann());
    for _ in 15..=29 {
        bench.opens();
        bench.loses();
    }
    bench.opens();
    bench.receives(CONNECTED_14);
    assert_eq!(
        bench.last_sent(),
        to_hex(&Message::Close.encode(bench.machine.version()))
    );
    assert_eq!((bench.closed, named(&bench)), (1, vec![29, 14]));
    // What was found out counts: there is no second search.
    bench.opens();
    bench.receives("23 0e 66");
    assert_eq!(named(&bench), [29, 14]);
    assert!(bench.state().is_closed());
}

#[test]
fn an_offered_version_is_believed_once() {
    let mut bench = Bench::new(ann());
    for _ in 0..17 {
        bench.opens();
        bench.receives("23 1c 66");
    }
    assert_eq!(named(&bench), [29, 28]);
    assert!(bench.state().is_closed());
}

#[test]
fn a_service_that_answers_in_a_lower_version_is_spoken_to_in_it() {
    let mut bench = Bench::new(SessionOptions::default());
    bench.opens();
    bench.receives(CONNECTED_14);
    assert!(bench.state().is_connected());
    assert_eq!(bench.machine.version().number(), 14);
}

#[test]
fn a_service_that_speaks_no_version_is_refused() {
    let mut bench = Bench::new(SessionOptions::default());
    for _ in 0..17 {
        bench.opens();
        bench.receives("23 05 66");
    }
    let oldest = ProtocolVersion::OLDEST;
    assert_eq!(bench.opened.len(), 17);
    assert_eq!(
        bench.state(),
        not_connected(ConnectError::VersionRefused(oldest))
    );
}

#[test]
fn a_pinned_version_is_the_only_one() {
    let version = ProtocolVersion::new(15);
    let pinned = || SessionOptions {
        version,
        ..SessionOptions::default()
    };
    let mut bench = Bench::new(pinned());
    assert_eq!(bench.opened[0].version, 15);
    bench.opens();
    bench.loses();
    assert_eq!(
        bench.state(),
        not_connected(ConnectError::NoResponse(closed()))
    );
    for (response, error) in [
        ("23 0e 66", ConnectError::VersionRefused(version.unwrap())),
        (
            "23 0e 73",
            ConnectError::Refused(ResponseCode::ProtocolError),
        ),
        (CONNECTED_14, ConnectError::VersionRefused(version.unwrap())),
    ] {
        let mut bench = Bench::new(pinned());
        bench.opens();
        bench.receives(response);
        assert_eq!(bench.state(), not_connected(error));
        assert_eq!((bench.opened.len(), bench.closed), (1, 1));
    }
}

#[test]
fn every_refusal_has_its_error() {
    for code in ResponseCode::ALL {
        if matches!(code, ResponseCode::Downgrade | ResponseCode::ProtocolError)
            || code.is_success()
        {
            continue;
        }
        // Renewing is for sessions that were open.
        let mut bench = Bench::new(SessionOptions {
            renew: Renew::Always,
            ..SessionOptions::default()
        });
        bench.opens();
        bench.gets(bytes::Bytes::copy_from_slice(&[0x23, 0x1d, code.code()]));
        assert_eq!(bench.state(), not_connected(ConnectError::Refused(*code)));
        assert_eq!(bench.closed, 1);
        let error = ConnectError::Refused(*code);
        assert_eq!(
            error.is_authentication_failure(),
            *code == ResponseCode::AuthenticationFailed
        );
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn a_reconnection_that_nobody_asked_for_is_refused() {
    for code in [105u8, 106] {
        let mut bench = Bench::new(SessionOptions::default());
        bench.opens();
        bench.gets(super::reconnected(code, 1));
        assert!(matches!(
            bench.state(),
            SessionState::Closed(SessionCloseReason::NotConnected(ConnectError::Refused(_)))
        ));
    }
}

#[test]
fn what_is_no_service_is_said() {
    let mut bench = Bench::new(SessionOptions::default());
    bench.loses();
    assert_eq!(
        bench.state(),
        not_connected(ConnectError::Unreachable(closed()))
    );

    let mut bench = Bench::new(SessionOptions::default());
    bench.opens();
    bench.receives("48 54 54 50");
    assert!(matches!(
        bench.state(),
        SessionState::Closed(SessionCloseReason::NotConnected(
            ConnectError::UnreadableResponse(_)
        ))
    ));

    let mut bench = Bench::new(SessionOptions::default());
    bench.opens();
    bench.waits();
    assert_eq!(bench.now, 11_000);
    assert_eq!(bench.state(), not_connected(ConnectError::TimedOut));
    assert_eq!(bench.closed, 1);
}

#[test]
fn closing_before_the_session_is_open_cancels_it() {
    let mut bench = Bench::new(SessionOptions::default());
    let ticket: Ticket = bench.selects(">a", true);
    bench.closes();
    assert_eq!(bench.state(), not_connected(ConnectError::Cancelled));
    assert_eq!(bench.answers(ticket).len(), 1);
    // Whatever comes late changes nothing.
    bench.forget();
    bench.gets(hex(CONNECTED));
    bench.loses();
    bench.closes();
    bench.machine.tick(u64::MAX);
    assert!(bench.events.is_empty() && bench.closed == 0);
}
