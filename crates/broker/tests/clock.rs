//! The wall clock is set back while everything goes on.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may panic"
)]

mod common;

use common::{Client, Seen, World};
use effusion_broker::Config;
use effusion_protocol::body::{AddTopicRequest, SelectRequest, call};
use effusion_protocol::{TopicSpecification, TopicType, property};

const HOUR: u64 = 3_600_000;

fn removed(client: &mut Client, world: &mut World) -> Vec<String> {
    let seen = client.see(world).into_iter().filter_map(|it| match it {
        Seen::Unsubscribed(path, _) => Some(path),
        _ => None,
    });
    seen.collect()
}

#[test]
fn removal_by_duration_does_not_notice_and_removal_by_moment_waits_for_it() {
    let mut world = World::new(Config {
        ping_period_ms: 0,
        ..Config::new([4; 32])
    });
    let (mut writer, mut reader) = (world.client("user"), world.client("client"));
    let moment = world.now.wall_ms + 60_000;
    for (path, condition) in [
        ("duration", "when no updates for 10s".to_owned()),
        ("moment", format!("when time after {moment}")),
    ] {
        let request = AddTopicRequest {
            path: path.into(),
            specification: TopicSpecification::new(TopicType::Json)
                .with(property::REMOVAL, &condition),
        };
        writer.call::<call::AddTopic>(&mut world, &request).unwrap();
    }
    reader
        .call::<call::Subscribe>(&mut world, &SelectRequest::new("?.*//"))
        .unwrap();
    world.now.wall_ms -= HOUR;
    world.pass(5_000);
    assert_eq!(removed(&mut reader, &mut world), Vec::<String>::new());
    world.pass(10_000);
    assert_eq!(removed(&mut reader, &mut world), ["duration"]);
    world.pass(100_000);
    assert_eq!(removed(&mut reader, &mut world), Vec::<String>::new());
    world.pass(HOUR);
    assert_eq!(removed(&mut reader, &mut world), ["moment"]);
}

#[test]
fn lost_sessions_are_kept_as_long_as_ever() {
    let mut world = World::default();
    let (mut early, mut late) = (world.client("user"), world.client("user"));
    early.cut(&mut world);
    late.cut(&mut world);
    world.now.wall_ms -= HOUR;
    world.pass(30_000);
    let code = early.reconnect(&mut world).code;
    assert_eq!(code, effusion_protocol::ResponseCode::Reconnected);
    world.pass(31_000);
    let code = late.reconnect(&mut world).code;
    assert_eq!(code, effusion_protocol::ResponseCode::UnknownSession);
}
