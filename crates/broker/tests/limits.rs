//! What one client, or one principal, may use up.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests may panic")]

mod common;

use common::{Client, World, login, peer};
use effusion_broker::{Config, ConnectionEnd, Peer};
use effusion_protocol::body::{AddTopicRequest, call};
use effusion_protocol::{
    ConnectResponse, ErrorReason, ErrorReport, ProtocolVersion, ResponseCode, TopicSpecification,
    TopicType,
};

fn add(world: &mut World, client: &mut Client, path: &str) -> Result<(), ErrorReport> {
    let request = AddTopicRequest {
        path: path.to_owned(),
        specification: TopicSpecification::new(TopicType::Json),
    };
    client.call::<call::AddTopic>(world, &request).map(drop)
}

#[test]
fn a_principal_may_add_so_many_topics() {
    let mut config = Config::new([7; 32]);
    config.limits.topics_per_principal = 2;
    let mut world = World::new(config);
    let mut control = world.client("control");
    let mut again = world.client("control");
    let mut other = world.client("admin");
    add(&mut world, &mut control, "a").unwrap();
    add(&mut world, &mut again, "b").unwrap();
    for client in [&mut control, &mut again] {
        let refused = add(&mut world, client, "c").unwrap_err();
        assert_eq!(refused.reason, ErrorReason::TopicLicenceLimit);
        assert_eq!(
            refused.message,
            "The principal 'control' has added as many topics as it may: 2"
        );
        // What is there is there.
        add(&mut world, client, "a").unwrap();
    }
    add(&mut world, &mut other, "c").unwrap();
    // The count survives a restart, and goes down again.
    world.restart();
    let mut control = world.client("control");
    assert!(add(&mut world, &mut control, "d").is_err());
    control
        .call::<call::RemoveTopics>(&mut world, &">a".to_owned())
        .unwrap();
    add(&mut world, &mut control, "d").unwrap();
    assert!(add(&mut world, &mut control, "e").is_err());
}

#[test]
fn an_address_may_have_so_many_sessions() {
    let mut config = Config::new([7; 32]);
    config.limits.sessions_per_address = 2;
    let mut world = World::new(config);
    let enter = |world: &mut World, address: &str| {
        let connection = world.new_connection();
        let peer = Peer {
            address: address.to_owned(),
            ..peer()
        };
        let request = login("user", "password", ProtocolVersion::NEWEST);
        world.broker.connect(world.now, connection, request, peer);
        world.settle();
        let first = world.read_raw(connection).unwrap();
        let code = ConnectResponse::decode(first).unwrap().code;
        (connection, code)
    };
    let (first, code) = enter(&mut world, "2001:db8::1");
    assert_eq!(code, ResponseCode::Connected);
    assert_eq!(enter(&mut world, "2001:db8::2").1, ResponseCode::Connected);
    let (third, code) = enter(&mut world, "2001:db8::3");
    assert_eq!(code, ResponseCode::LicenceExceeded);
    let reason = world.closed.get(&third).copied();
    assert_eq!(reason, Some(ConnectionEnd::TooManySessions));
    assert_eq!(enter(&mut world, "10.0.0.1").1, ResponseCode::Connected);
    // A session whose client may come back still counts.
    world.broker.disconnected(world.now, first);
    let (_, code) = enter(&mut world, "2001:db8::3");
    assert_eq!(code, ResponseCode::LicenceExceeded);
    world.pass(60_000);
    assert_eq!(enter(&mut world, "2001:db8::3").1, ResponseCode::Connected);
}
