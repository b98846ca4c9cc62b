//! Which version a client and a service of other ages agree on.

use effusion_broker::Config;
use effusion_client::machine::{Event, SessionOptions, SessionState};
use effusion_client::{ConnectError, SessionCloseReason};
use effusion_protocol::ProtocolVersion;

use super::chat::options;
use super::network::Network;
use super::service::Service;

fn last_state(network: &Network) -> SessionState {
    let states = network.clients[0].events.iter().rev();
    states
        .filter_map(|event| match event {
            Event::State(state) => Some(state.clone()),
            _ => None,
        })
        .next()
        .unwrap()
}

fn connect(oldest: u8, newest: u8, version: Option<u8>) -> SessionState {
    let version_of = |number| ProtocolVersion::new(number).unwrap();
    let mut network = Network::new(1);
    let config = Config {
        oldest_version: version_of(oldest),
        newest_version: version_of(newest),
        ..Config::new([1; 32])
    };
    network.service = Service::with(config, network.now);
    network.add_client(SessionOptions {
        version: version.map(version_of),
        ..options("client")
    });
    network.run_until(5_000);
    last_state(&network)
}

#[test]
fn the_newest_version_that_both_speak_is_found() {
    for newest in 13..=29 {
        let SessionState::Connected(info) = connect(13, newest, None) else {
            panic!("no session with a service of version {newest}");
        };
        assert_eq!(info.version.number(), newest);
    }
}

#[test]
fn a_pinned_version_is_spoken_or_nothing() {
    for version in [13, 15, 18, 29] {
        let SessionState::Connected(info) = connect(13, 29, Some(version)) else {
            panic!("no session in version {version}");
        };
        assert_eq!(info.version.number(), version);
    }
    let refused = connect(13, 18, Some(29));
    assert!(
        matches!(
            refused,
            SessionState::Closed(SessionCloseReason::NotConnected(
                ConnectError::VersionRefused(_) | ConnectError::Refused(_)
            ))
        ),
        "{refused:?}"
    );
}
