//! A broker with a store in memory that takes its time, and that can be killed.

use std::collections::VecDeque;

use effusion_broker::{
    Broker, Completion, Config, Output, Snapshot, StoreOp, Ticket, Time, bootstrap,
};

/// When it all begins: 2023-11-14.
const EPOCH: u64 = 1_700_000_000_000;

pub struct Service {
    pub broker: Broker,
    /// What is stored durably.
    pub stored: Snapshot,
    config: Config,
    /// What the store has yet to do, and when it will be done; one after the other.
    storing: VecDeque<(u64, Ticket, Vec<StoreOp>)>,
    /// How long the store takes, in milliseconds.
    pub store_delay: u64,
}

fn hash(password: &str) -> String {
    ["hash of ", password].concat()
}

fn time(now: u64) -> Time {
    Time {
        monotonic_ms: now,
        wall_ms: EPOCH + now,
    }
}

impl Service {
    pub fn new(now: u64) -> Self {
        Self::with(Config::new([1; 32]), now)
    }

    pub fn with(config: Config, now: u64) -> Self {
        let stored = bootstrap::development_snapshot(|password| Ok::<_, ()>(hash(password)));
        let stored = stored.unwrap();
        Self {
            broker: Broker::new(config.clone(), stored.clone(), time(now)),
            stored,
            config,
            storing: VecDeque::new(),
            store_delay: 0,
        }
    }

    /// Kills the service and starts it again. Of what the store has not acknowledged, `survivors` tickets are there.
    pub fn restart(&mut self, now: u64, survivors: usize) {
        for (_, _, operations) in self.storing.drain(..).take(survivors) {
            operations
                .into_iter()
                .for_each(|operation| apply(&mut self.stored, operation));
        }
        self.storing.clear();
        self.config.seed[0] = self.config.seed[0].wrapping_add(1);
        self.broker = Broker::new(self.config.clone(), self.stored.clone(), time(now));
    }

    /// Makes an input to the broker.
    pub fn input(&mut self, now: u64, input: impl FnOnce(&mut Broker, Time)) {
        input(&mut self.broker, time(now));
    }

    /// The next message or close; stores and passwords are taken care of.
    pub fn poll(&mut self, now: u64) -> Option<Output> {
        loop {
            let Some(output) = self.broker.poll_output() else {
                if !self.broker.has_work() {
                    return None;
                }
                self.broker.work(time(now));
                continue;
            };
            match output {
                Output::Store { ticket, operations } => {
                    let after = self.storing.back().map_or(now, |(at, ..)| *at);
                    let at = after.max(now) + self.store_delay;
                    self.storing.push_back((at, ticket, operations));
                    self.store_due(now);
                }
                Output::Hash { ticket, password } => {
                    let hashed = Completion::Hashed(Ok(hash(password.reveal())));
                    self.broker.completed(time(now), ticket, hashed);
                }
                Output::Verify {
                    ticket,
                    hash: expected,
                    password,
                } => {
                    let right = expected.is_some_and(|it| it == hash(password.reveal()));
                    let verified = Completion::Verified(Ok(right));
                    self.broker.completed(time(now), ticket, verified);
                }
                output => return Some(output),
            }
        }
    }

    fn store_due(&mut self, now: u64) {
        while let Some((at, ..)) = self.storing.front()
            && *at <= now
            && let Some((_, ticket, operations)) = self.storing.pop_front()
        {
            operations
                .into_iter()
                .for_each(|operation| apply(&mut self.stored, operation));
            let stored = Completion::Stored(Ok(()));
            self.broker.completed(time(now), ticket, stored);
        }
    }

    /// Lets the store finish what is due, and the broker look at the clock.
    pub fn tick(&mut self, now: u64) {
        self.store_due(now);
        if self.broker.next_timeout().is_some_and(|at| at <= now) {
            self.broker.tick(time(now));
        }
    }

    pub fn next_timeout(&self) -> Option<u64> {
        let store = self.storing.front().map(|(at, ..)| *at);
        store.into_iter().chain(self.broker.next_timeout()).min()
    }
}

/// What a store does with an operation.
fn apply(stored: &mut Snapshot, operation: StoreOp) {
    let topics = &mut stored.topics;
    let topic = |path: &str| topics.iter().position(|(it, _)| it == path);
    match operation {
        StoreOp::PutTopic { path, topic } => {
            topics.retain(|(it, _)| *it != path);
            topics.push((path, topic));
        }
        StoreOp::PutValue { path, value } => {
            let index = topic(&path).unwrap();
            topics[index].1.value = Some(value);
        }
        StoreOp::RemoveTopic { path } => topics.retain(|(it, _)| *it != path),
        StoreOp::AppendEvent { path, event } => {
            let index = topic(&path).unwrap();
            topics[index].1.events.push(event);
        }
        StoreOp::RemoveEvents { path, sequences } => {
            if let Some(index) = topic(&path) {
                let events = &mut topics[index].1.events;
                events.retain(|it| !sequences.contains(&it.metadata.sequence));
            }
        }
        StoreOp::PutPrincipal(principal) => {
            stored.principals.retain(|it| it.name != principal.name);
            stored.principals.push(principal);
        }
        StoreOp::RemovePrincipal { name } => stored.principals.retain(|it| it.name != name),
        StoreOp::PutAuthentication(policy) => stored.authentication = policy,
        StoreOp::PutSecurity(security) => stored.security = security,
    }
}
