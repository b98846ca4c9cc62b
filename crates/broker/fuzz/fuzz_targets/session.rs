//! Whole sessions: any messages, cut out of the input, from two clients that may do everything. Whatever comes, the broker
//! goes on.

#![no_main]

use bytes::Bytes;
use effusion_broker::{Broker, Completion, Config, ConnectionId, Output, Peer, Time, bootstrap};
use effusion_protocol::{ConnectRequest, Credentials, ProtocolVersion};
use libfuzzer_sys::fuzz_target;

struct World {
    broker: Broker,
    now: Time,
}

impl World {
    fn settle(&mut self) {
        self.carry_out();
        while self.broker.has_work() {
            self.broker.work(self.now);
            self.carry_out();
        }
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.broker.poll_output() {
            let (ticket, completion) = match output {
                Output::Send { .. } | Output::Close { .. } => continue,
                Output::Store { ticket, .. } => (ticket, Completion::Stored(Ok(()))),
                Output::Hash { ticket, password } => {
                    (ticket, Completion::Hashed(Ok(password.reveal().to_owned())))
                }
                Output::Verify {
                    ticket,
                    hash,
                    password,
                } => {
                    let is_right = hash.as_deref() == Some(password.reveal());
                    (ticket, Completion::Verified(Ok(is_right)))
                }
                Output::VerifyToken { ticket, .. } => (ticket, Completion::TokenVerified(Ok(None))),
            };
            self.broker.completed(self.now, ticket, completion);
        }
    }

    fn enter(&mut self, connection: ConnectionId, version: ProtocolVersion) {
        let mut request = ConnectRequest::new(version);
        request.principal = Some("admin".to_owned());
        request.credentials = Credentials::Password("password".to_owned());
        let peer = Peer {
            address: "127.0.0.1".to_owned(),
            connector: "fuzz".to_owned(),
            secure: false,
        };
        self.broker.connect(self.now, connection, request, peer);
        self.settle();
    }
}

fuzz_target!(|data: &[u8]| {
    let snapshot = bootstrap::development_snapshot(|password| Ok::<_, ()>(password.to_owned()));
    let Ok(snapshot) = snapshot else {
        return;
    };
    let now = Time {
        monotonic_ms: 1,
        wall_ms: 1_700_000_000_000,
    };
    let mut world = World {
        broker: Broker::new(Config::new([7; 32]), snapshot, now),
        now,
    };
    let Some((first, mut rest)) = data.split_first() else {
        return;
    };
    let span = ProtocolVersion::NEWEST.number() - ProtocolVersion::OLDEST.number() + 1;
    let older = ProtocolVersion::new(ProtocolVersion::OLDEST.number() + first % span);
    world.enter(ConnectionId(0), ProtocolVersion::NEWEST);
    world.enter(ConnectionId(1), older.unwrap_or(ProtocolVersion::NEWEST));
    // Each piece: whose it is and how long, and how much time passes after it.
    while let Some((head, after)) = rest.split_at_checked(2) {
        let length = usize::from(head[0] >> 1).min(after.len());
        let (message, left) = after.split_at(length);
        rest = left;
        let connection = ConnectionId(u64::from(head[0] & 1));
        world
            .broker
            .receive(world.now, connection, Bytes::copy_from_slice(message));
        world.settle();
        world.now = world.now.plus(u64::from(head[1]) * 100);
        world.broker.tick(world.now);
        world.settle();
    }
    world.broker.shut_down(world.now);
    world.settle();
    assert_eq!(world.broker.session_count(), 0);
});
