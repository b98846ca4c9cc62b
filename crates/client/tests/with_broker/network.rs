//! A network in virtual time: messages take a while, connections stall and break, the service is killed.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use effusion_broker::{ConnectionId, Output as BrokerOutput, Peer};
use effusion_client::TransportErrorKind;
use effusion_client::machine::{Event, Machine, Output, SessionOptions};
use effusion_protocol::ConnectRequest;

use super::random::Random;
use super::service::Service;

/// What is on its way to one end of a connection.
#[derive(Debug)]
enum Parcel {
    /// To the service: the connection is being opened.
    Connect(Box<ConnectRequest>),
    /// To the client: the connection is open.
    Opened,
    Message(Bytes),
    /// The other end has closed the connection, or a fault has.
    End,
}

/// One direction of a connection: nothing overtakes anything.
#[derive(Debug, Default)]
struct Lane {
    parcels: VecDeque<(u64, Parcel)>,
    stalled_until: u64,
    /// Nothing more comes after what is here.
    ended: bool,
}

impl Lane {
    fn put(&mut self, at: u64, parcel: Parcel) {
        if self.ended {
            return;
        }
        self.ended = matches!(parcel, Parcel::End);
        let last = self.parcels.back().map_or(0, |(at, _)| *at);
        self.parcels.push_back((at.max(last), parcel));
    }

    fn next(&self) -> Option<u64> {
        let (at, _) = self.parcels.front()?;
        Some((*at).max(self.stalled_until))
    }

    fn take(&mut self, now: u64) -> Option<Parcel> {
        if self.next()? <= now {
            self.parcels.pop_front().map(|(_, parcel)| parcel)
        } else {
            None
        }
    }
}

#[derive(Debug)]
struct Wire {
    client: usize,
    up: Lane,
    down: Lane,
}

/// A client's end.
pub struct Peerless {
    pub machine: Machine,
    wire: Option<ConnectionId>,
    /// What the machine has reported and nobody has looked at yet.
    pub events: VecDeque<Event>,
}

/// How many faults of each kind there were.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    pub cuts: usize,
    pub stalls: usize,
    pub kills: usize,
}

pub struct Network {
    pub now: u64,
    pub service: Service,
    pub clients: Vec<Peerless>,
    pub random: Random,
    pub faults: Faults,
    /// The longest that a message takes, in milliseconds.
    latency: u64,
    wires: BTreeMap<ConnectionId, Wire>,
    last_wire: u64,
    /// The service is down until then.
    down_until: u64,
}

impl Network {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let now = 1_000;
        let mut service = Service::new(now);
        service.store_delay = random.pick(&[0, 1, 20]);
        Self {
            now,
            service,
            clients: Vec::new(),
            latency: random.pick(&[1, 10, 80]),
            random,
            faults: Faults::default(),
            wires: BTreeMap::new(),
            last_wire: 0,
            down_until: 0,
        }
    }

    /// A client that begins to connect.
    pub fn add_client(&mut self, options: SessionOptions) -> usize {
        let seed = self.random.next();
        self.clients.push(Peerless {
            machine: Machine::new(options, self.now, seed),
            wire: None,
            events: VecDeque::new(),
        });
        let index = self.clients.len() - 1;
        self.drain(index);
        index
    }

    /// Lets a client do something, and sends what comes of it on its way.
    pub fn with<T>(&mut self, client: usize, act: impl FnOnce(&mut Machine, u64) -> T) -> T {
        let result = act(&mut self.clients[client].machine, self.now);
        self.drain(client);
        result
    }

    fn travel(&mut self) -> u64 {
        self.now + self.random.between(0, self.latency + 1)
    }

    fn drain(&mut self, client: usize) {
        while let Some(output) = self.clients[client].machine.poll_output() {
            match output {
                Output::Event(event) => self.clients[client].events.push_back(event),
                Output::Open { query } => self.open(client, &query),
                Output::Send(message) => {
                    let at = self.travel();
                    if let Some(wire) = self.wire(client) {
                        wire.up.put(at, Parcel::Message(message));
                    }
                }
                Output::Close => self.hang_up(client),
            }
        }
    }

    fn wire(&mut self, client: usize) -> Option<&mut Wire> {
        let id = self.clients[client].wire?;
        self.wires.get_mut(&id)
    }

    /// The client is done with its connection: what it has sent is on its way still, what comes is not listened to.
    fn hang_up(&mut self, client: usize) {
        let at = self.travel();
        if let Some(wire) = self.wire(client) {
            wire.up.put(at, Parcel::End);
        }
        self.clients[client].wire = None;
    }

    fn open(&mut self, client: usize, query: &str) {
        self.hang_up(client);
        self.last_wire += 1;
        let id = ConnectionId(self.last_wire);
        let request = ConnectRequest::from_query(query).unwrap();
        let mut wire = Wire {
            client,
            up: Lane::default(),
            down: Lane::default(),
        };
        let at = self.travel();
        wire.up.put(at, Parcel::Connect(Box::new(request)));
        self.wires.insert(id, wire);
        self.clients[client].wire = Some(id);
    }

    /// When something happens next.
    fn next(&self) -> Option<u64> {
        let clients = self
            .clients
            .iter()
            .filter_map(|it| it.machine.next_timeout());
        let lanes = self.wires.values().flat_map(|wire| [&wire.up, &wire.down]);
        let service = (self.down_until <= self.now)
            .then(|| self.service.next_timeout())
            .flatten();
        clients
            .chain(lanes.filter_map(Lane::next))
            .chain(service)
            .min()
    }

    /// Lets everything happen that happens until then.
    pub fn run_until(&mut self, end: u64) {
        while let Some(at) = self.next().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            self.happen();
        }
        self.now = end.max(self.now);
    }

    /// Lets everything happen that is due.
    fn happen(&mut self) {
        if self.down_until <= self.now {
            self.service.tick(self.now);
            self.collect();
        }
        let ids: Vec<_> = self.wires.keys().copied().collect();
        for id in ids {
            while let Some(parcel) = self.wires.get_mut(&id).and_then(|it| it.up.take(self.now)) {
                self.at_service(id, parcel);
            }
            while let Some(parcel) = self
                .wires
                .get_mut(&id)
                .and_then(|it| it.down.take(self.now))
            {
                self.at_client(id, parcel);
            }
        }
        self.wires.retain(|_, wire| {
            let over = |lane: &Lane| lane.ended && lane.parcels.is_empty();
            !(over(&wire.up) && over(&wire.down))
        });
        for client in 0..self.clients.len() {
            let due = self.clients[client].machine.next_timeout();
            if due.is_some_and(|due| due <= self.now) {
                self.with(client, |machine, now| machine.tick(now));
            }
        }
    }

    fn at_service(&mut self, id: ConnectionId, parcel: Parcel) {
        if self.now < self.down_until {
            // Nobody listens.
            let at = self.travel();
            if let Some(wire) = self.wires.get_mut(&id) {
                wire.up.ended = true;
                wire.up.parcels.clear();
                wire.down.put(at, Parcel::End);
            }
            return;
        }
        match parcel {
            Parcel::Connect(request) => {
                let at = self.travel();
                if let Some(wire) = self.wires.get_mut(&id) {
                    wire.down.put(at, Parcel::Opened);
                }
                let peer = Peer {
                    address: "127.0.0.1".to_owned(),
                    connector: "test".to_owned(),
                    secure: false,
                };
                self.service.input(self.now, |broker, now| {
                    broker.connect(now, id, *request, peer)
                });
            }
            Parcel::Message(message) => self
                .service
                .input(self.now, |broker, now| broker.receive(now, id, message)),
            Parcel::End => {
                self.service
                    .input(self.now, |broker, now| broker.disconnected(now, id));
                if let Some(wire) = self.wires.get_mut(&id) {
                    wire.down.put(self.now, Parcel::End);
                }
            }
            Parcel::Opened => {}
        }
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(output) = self.service.poll(self.now) {
            let at = self.travel();
            match output {
                BrokerOutput::Send {
                    connection,
                    message,
                } => {
                    if let Some(wire) = self.wires.get_mut(&connection) {
                        wire.down.put(at, Parcel::Message(message));
                    }
                }
                BrokerOutput::Close { connection, .. } => {
                    if let Some(wire) = self.wires.get_mut(&connection) {
                        wire.down.put(at, Parcel::End);
                        wire.up.ended = true;
                        wire.up.parcels.clear();
                    }
                }
                _ => {}
            }
        }
    }

    fn at_client(&mut self, id: ConnectionId, parcel: Parcel) {
        let Some(client) = self.wires.get(&id).map(|wire| wire.client) else {
            return;
        };
        if self.clients[client].wire != Some(id) {
            return;
        }
        match parcel {
            Parcel::Opened => self.with(client, |machine, now| machine.opened(now)),
            Parcel::Message(message) => {
                self.with(client, |machine, now| machine.received(now, message));
            }
            Parcel::End => {
                self.clients[client].wire = None;
                self.with(client, |machine, now| {
                    machine.lost(now, TransportErrorKind::Closed.into())
                });
            }
            Parcel::Connect(_) => {}
        }
    }

    /// A connection breaks: what is on its way is gone. Each end is told at some time, or finds out by itself.
    fn cut(&mut self, id: ConnectionId) {
        let now = self.now;
        let told = [self.random.below(4), self.random.below(4)];
        let delays = [self.random.below(3_000), self.random.below(3_000)];
        let Some(wire) = self.wires.get_mut(&id) else {
            return;
        };
        let lanes = [&mut wire.up, &mut wire.down];
        for (lane, (told, delay)) in lanes.into_iter().zip(told.into_iter().zip(delays)) {
            lane.parcels.clear();
            if !lane.ended && told > 0 {
                lane.put(now + delay, Parcel::End);
            }
            lane.ended = true;
        }
    }

    /// Holds back, for so long, everything on a client's connection, in both directions.
    pub fn hold_back(&mut self, client: usize, milliseconds: u64) {
        let until = self.now + milliseconds;
        if let Some(wire) = self.wire(client) {
            wire.up.stalled_until = until;
            wire.down.stalled_until = until;
        }
    }

    /// Does some harm; `kill` says whether to the service, too.
    pub fn do_harm(&mut self, kill: bool) {
        let ids: Vec<_> = self.wires.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let id = self.random.pick(&ids);
        match self.random.below(if kill { 10 } else { 9 }) {
            0..=4 => {
                self.faults.cuts += 1;
                self.cut(id);
            }
            5..=8 => {
                self.faults.stalls += 1;
                let until = self.now + self.random.between(500, 60_000);
                let both = self.random.once_in(2);
                if let Some(wire) = self.wires.get_mut(&id) {
                    wire.down.stalled_until = until;
                    if both {
                        wire.up.stalled_until = until;
                    }
                }
            }
            _ => {
                self.faults.kills += 1;
                let survivors = self.random.below(4) as usize;
                self.service.restart(self.now, survivors);
                self.down_until = self.now + self.random.between(10, 5_000);
                for id in ids {
                    self.cut(id);
                }
            }
        }
    }
}
