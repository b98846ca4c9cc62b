//! A broker with a store in memory and passwords that are hashed in the simplest way, and clients that talk to it.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test uses a part; tests may panic"
)]

pub mod requests;
pub mod topics;

use bytes::Bytes;
use effusion_broker::{
    Broker, Completion, Config, ConnectionEnd, ConnectionId, EffectError, Output, Peer, Principal,
    Snapshot, StoreOp, Ticket, Time, TokenClaims, bootstrap,
};
use effusion_protocol::body::{Call, call};
use effusion_protocol::{
    ConnectRequest, ConnectResponse, ConversationId, Credentials, ErrorReport, Message,
    ProtocolVersion, Reconnect, ResponseCode, TopicId, decode, encode,
};
use std::collections::{BTreeMap, HashMap, VecDeque};

/// The hash of a password, as this world makes it.
pub fn hash(password: &str) -> String {
    format!("hash:{password}")
}

/// A broker and all that surrounds it.
pub struct World {
    pub broker: Broker,
    pub now: Time,
    pub config: Config,
    /// What is stored durably.
    pub stored: Snapshot,
    /// Tokens that are to be believed, and what they say.
    pub tokens: BTreeMap<String, TokenClaims>,
    /// Whether store tickets wait for [`World::store_one`].
    pub hold_stores: bool,
    /// Why stores fail, if they do.
    pub store_fails: Option<String>,
    pub pending: VecDeque<(Ticket, Vec<StoreOp>)>,
    /// Whether passwords wait for [`World::check_one`].
    pub hold_checks: bool,
    /// Passwords that are being checked, and what will be found.
    pub checks: VecDeque<(Ticket, bool)>,
    /// Messages by connection, not yet read.
    pub sent: HashMap<ConnectionId, VecDeque<Bytes>>,
    pub closed: HashMap<ConnectionId, ConnectionEnd>,
    next_connection: u64,
}

pub const PEER: &str = "127.0.0.1";

pub fn peer() -> Peer {
    Peer {
        address: PEER.to_owned(),
        connector: "test".to_owned(),
        secure: false,
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new(Config::new([7; 32]))
    }
}

impl World {
    pub fn new(config: Config) -> Self {
        let snapshot = bootstrap::development_snapshot(|password| Ok::<_, ()>(hash(password)));
        Self::with(config, snapshot.unwrap())
    }

    pub fn with(config: Config, stored: Snapshot) -> Self {
        let now = Time {
            monotonic_ms: 1_000,
            wall_ms: 1_700_000_000_000,
        };
        Self {
            broker: Broker::new(config.clone(), stored.clone(), now),
            now,
            config,
            stored,
            tokens: BTreeMap::new(),
            hold_stores: false,
            store_fails: None,
            pending: VecDeque::new(),
            hold_checks: false,
            checks: VecDeque::new(),
            sent: HashMap::new(),
            closed: HashMap::new(),
            next_connection: 0,
        }
    }

    /// The service is killed and started again: only what is stored is left.
    pub fn restart(&mut self) {
        self.config.seed[0] = self.config.seed[0].wrapping_add(1);
        self.broker = Broker::new(self.config.clone(), self.stored.clone(), self.now);
        self.pending.clear();
        self.sent.clear();
    }

    /// Lets time pass, with ticks when the broker asks for them.
    pub fn pass(&mut self, milliseconds: u64) {
        let end = self.now.plus(milliseconds);
        while let Some(at) = self
            .broker
            .next_timeout()
            .filter(|at| *at <= end.monotonic_ms)
        {
            self.now = self.now.plus(at.saturating_sub(self.now.monotonic_ms));
            self.broker.tick(self.now);
            self.settle();
        }
        self.now = end;
        self.broker.tick(self.now);
        self.settle();
    }

    /// Carries out what the broker asks for.
    pub fn settle(&mut self) {
        self.carry_out();
        while self.broker.has_work() {
            self.broker.work(self.now);
            self.carry_out();
        }
    }

    /// As [`World::settle`], but what takes long is not worked on.
    pub fn carry_out(&mut self) {
        while let Some(output) = self.broker.poll_output() {
            match output {
                Output::Send {
                    connection,
                    message,
                } => self.sent.entry(connection).or_default().push_back(message),
                Output::Close { connection, reason } => {
                    self.closed.insert(connection, reason);
                }
                Output::Store { ticket, operations } => {
                    self.pending.push_back((ticket, operations));
                    if !self.hold_stores {
                        self.complete_store();
                    }
                }
                Output::Hash { ticket, password } => {
                    let hashed = Completion::Hashed(Ok(hash(password.reveal())));
                    self.broker.completed(self.now, ticket, hashed);
                }
                Output::Verify {
                    ticket,
                    hash: expected,
                    password,
                } => {
                    let is_right = expected.is_some_and(|it| it == hash(password.reveal()));
                    self.checks.push_back((ticket, is_right));
                    if !self.hold_checks {
                        self.check_one();
                    }
                }
                Output::VerifyToken { ticket, token } => {
                    let claims = self.tokens.get(token.reveal()).cloned();
                    let verified = Completion::TokenVerified(Ok(claims));
                    self.broker.completed(self.now, ticket, verified);
                }
            }
        }
    }

    /// The oldest of the passwords is checked; answers whether there was one.
    pub fn check_one(&mut self) -> bool {
        let Some((ticket, is_right)) = self.checks.pop_front() else {
            return false;
        };
        let verified = Completion::Verified(Ok(is_right));
        self.broker.completed(self.now, ticket, verified);
        self.settle();
        true
    }

    /// The store is done with its oldest ticket; answers whether there was one.
    pub fn store_one(&mut self) -> bool {
        let was_there = self.complete_store();
        self.settle();
        was_there
    }

    fn complete_store(&mut self) -> bool {
        let Some((ticket, operations)) = self.pending.pop_front() else {
            return false;
        };
        let result = match &self.store_fails {
            Some(why) => Err(EffectError(why.clone())),
            None => {
                for operation in operations {
                    apply(&mut self.stored, operation);
                }
                Ok(())
            }
        };
        self.broker
            .completed(self.now, ticket, Completion::Stored(result));
        true
    }

    pub fn new_connection(&mut self) -> ConnectionId {
        self.next_connection += 1;
        ConnectionId(self.next_connection)
    }

    pub fn connect_with(&mut self, request: ConnectRequest) -> (ConnectionId, ConnectResponse) {
        let connection = self.new_connection();
        self.broker.connect(self.now, connection, request, peer());
        self.settle();
        let first = self.read_raw(connection).expect("a connect response");
        (connection, ConnectResponse::decode(first).unwrap())
    }

    pub fn client(&mut self, principal: &str) -> Client {
        self.client_at(principal, ProtocolVersion::NEWEST)
    }

    pub fn client_at(&mut self, principal: &str, version: ProtocolVersion) -> Client {
        let request = login(principal, "password", version);
        let (connection, response) = self.connect_with(request);
        assert_eq!(response.code, ResponseCode::Connected, "{principal}");
        self.client_of(connection, version, response)
    }

    /// A client that an authenticator leaves to the store.
    pub fn client_authenticated_by(&mut self, handler: &mut Client, principal: &str) -> Client {
        use effusion_protocol::body::AuthenticatorResponse;
        let version = ProtocolVersion::NEWEST;
        let connection = self.new_connection();
        let request = login(principal, "password", version);
        self.broker.connect(self.now, connection, request, peer());
        self.settle();
        let (conversation, _) = requests::request::<call::Authenticator>(self, handler);
        let abstain = AuthenticatorResponse::Abstain;
        let service = call::Authenticator::SERVICE;
        requests::respond(self, handler, service, conversation, Ok(&abstain));
        let response = ConnectResponse::decode(self.read_raw(connection).unwrap()).unwrap();
        self.client_of(connection, version, response)
    }

    pub fn client_of(
        &self,
        connection: ConnectionId,
        version: ProtocolVersion,
        response: ConnectResponse,
    ) -> Client {
        let success = response.success.expect("a session");
        Client {
            connection,
            version,
            session: success.session,
            token: success.token,
            sent: 0,
            received: 0,
            last_conversation: 0,
            topics: BTreeMap::new(),
        }
    }

    pub fn read_raw(&mut self, connection: ConnectionId) -> Option<Bytes> {
        self.sent.get_mut(&connection)?.pop_front()
    }
}

pub fn login(principal: &str, password: &str, version: ProtocolVersion) -> ConnectRequest {
    let mut request = ConnectRequest::new(version);
    if !principal.is_empty() {
        request.principal = Some(principal.to_owned());
        request.credentials = Credentials::Password(password.to_owned());
    }
    request
}

/// What a store does.
pub fn apply(stored: &mut Snapshot, operation: StoreOp) {
    let find =
        |stored: &mut Snapshot, path: &str| stored.topics.iter().position(|(it, _)| it == path);
    match operation {
        StoreOp::PutTopic { path, topic } => {
            stored.topics.retain(|(it, _)| *it != path);
            stored.topics.push((path, topic));
        }
        StoreOp::PutValue { path, value } => {
            let index = find(stored, &path).expect("a value of a stored topic");
            stored.topics[index].1.value = Some(value);
        }
        StoreOp::RemoveTopic { path } => stored.topics.retain(|(it, _)| *it != path),
        StoreOp::AppendEvent { path, event } => {
            let index = find(stored, &path).expect("an event of a stored topic");
            stored.topics[index].1.events.push(event);
        }
        StoreOp::RemoveEvents { path, sequences } => {
            if let Some(index) = find(stored, &path) {
                stored.topics[index]
                    .1
                    .events
                    .retain(|it| !sequences.contains(&it.metadata.sequence));
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

pub fn principal(name: &str, roles: &[&str]) -> Principal {
    Principal {
        name: name.to_owned(),
        password_hash: hash("password"),
        roles: roles.iter().map(|it| (*it).to_owned()).collect(),
        locked_by: None,
        revoked_ms: None,
    }
}

/// What a client sees of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    Subscribed(String),
    /// A value, whether it came as such or as a delta.
    Value(String, Bytes),
    Unsubscribed(String, effusion_protocol::UnsubscribeReason),
}

/// A client that keeps count as a real one does.
#[derive(Clone, Debug)]
pub struct Client {
    pub connection: ConnectionId,
    pub version: ProtocolVersion,
    pub session: effusion_protocol::SessionId,
    pub token: effusion_protocol::SessionToken,
    pub sent: u32,
    pub received: u32,
    last_conversation: u64,
    pub topics: BTreeMap<TopicId, (String, Option<Bytes>)>,
}

/// What came from the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    Seen(Seen),
    Answer(ConversationId, Result<Bytes, ErrorReport>),
    Request(Message),
    Abort,
}

impl Client {
    pub fn send(&mut self, world: &mut World, message: Bytes) {
        self.sent += 1;
        world.broker.receive(world.now, self.connection, message);
        world.settle();
    }

    /// Sends a request, and has nothing worked on that takes long.
    pub fn request_unsettled<C: Call>(
        &mut self,
        world: &mut World,
        body: &C::Request,
    ) -> ConversationId {
        self.last_conversation += 1;
        self.sent += 1;
        let conversation = ConversationId(self.last_conversation);
        let message = Message::Request {
            service: C::SERVICE,
            conversation,
            body: encode(body, self.version),
        };
        world
            .broker
            .receive(world.now, self.connection, message.encode(self.version));
        world.carry_out();
        conversation
    }

    /// Sends a request, and does not wait.
    pub fn request<C: Call>(&mut self, world: &mut World, body: &C::Request) -> ConversationId {
        self.last_conversation += 1;
        let conversation = ConversationId(self.last_conversation);
        let message = Message::Request {
            service: C::SERVICE,
            conversation,
            body: encode(body, self.version),
        };
        self.send(world, message.encode(self.version));
        conversation
    }

    /// Sends a request, and takes its answer out of what came; the rest is given back.
    pub fn call_seeing<C: Call>(
        &mut self,
        world: &mut World,
        body: &C::Request,
    ) -> (Result<C::Response, ErrorReport>, Vec<Incoming>) {
        let conversation = self.request::<C>(world, body);
        let mut incoming = self.read_all(world);
        let index = incoming
            .iter()
            .position(|it| matches!(it, Incoming::Answer(id, _) if *id == conversation));
        let Some(index) = index else {
            panic!("{:?} is not answered: {incoming:?}", C::SERVICE);
        };
        let Incoming::Answer(_, result) = incoming.remove(index) else {
            unreachable!();
        };
        let result = result.map(|body| decode(body, self.version).expect("a readable answer"));
        (result, incoming)
    }

    /// Sends a request, and gives its answer; what else came is passed over.
    pub fn call<C: Call>(
        &mut self,
        world: &mut World,
        body: &C::Request,
    ) -> Result<C::Response, ErrorReport> {
        self.call_seeing::<C>(world, body).0
    }

    pub fn read_all(&mut self, world: &mut World) -> Vec<Incoming> {
        let mut all = Vec::new();
        while let Some(bytes) = world.read_raw(self.connection) {
            self.received += 1;
            all.push(self.read(bytes));
        }
        all
    }

    /// What came about topics.
    pub fn see(&mut self, world: &mut World) -> Vec<Seen> {
        self.read_all(world)
            .into_iter()
            .filter_map(|it| match it {
                Incoming::Seen(seen) => Some(seen),
                _ => None,
            })
            .collect()
    }

    fn read(&mut self, bytes: Bytes) -> Incoming {
        match Message::decode(bytes, self.version).expect("a readable message") {
            Message::Response {
                conversation, body, ..
            } => Incoming::Answer(conversation, Ok(body)),
            Message::Error {
                conversation, body, ..
            } => {
                let report = decode(body, self.version).expect("a readable error");
                Incoming::Answer(conversation, Err(report))
            }
            Message::TopicValue { topic, value } => {
                let entry = self.topics.get_mut(&topic).expect("a subscribed topic");
                entry.1 = Some(value.clone());
                Incoming::Seen(Seen::Value(entry.0.clone(), value))
            }
            Message::TopicDelta { topic, delta } => {
                let entry = self.topics.get_mut(&topic).expect("a subscribed topic");
                let old = entry.1.as_ref().expect("a value before the delta");
                let value = effusion_protocol::value::delta::apply(old, &delta).expect("a delta");
                entry.1 = Some(value.clone());
                Incoming::Seen(Seen::Value(entry.0.clone(), value))
            }
            Message::Abort => Incoming::Abort,
            Message::Request {
                service,
                conversation,
                body,
            } => {
                if service == call::SubscriptionNotification::SERVICE {
                    let it: effusion_protocol::body::SubscriptionNotification =
                        decode(body, self.version).unwrap();
                    let known = self.topics.insert(it.topic, (it.path.clone(), None));
                    assert_eq!(known, None, "subscribed once");
                    Incoming::Seen(Seen::Subscribed(it.path))
                } else if service == call::UnsubscriptionNotification::SERVICE {
                    let it: effusion_protocol::body::UnsubscriptionNotification =
                        decode(body, self.version).unwrap();
                    let (path, _) = self.topics.remove(&it.topic).expect("a subscribed topic");
                    Incoming::Seen(Seen::Unsubscribed(path, it.reason))
                } else {
                    Incoming::Request(Message::Request {
                        service,
                        conversation,
                        body,
                    })
                }
            }
            other => panic!("not for clients: {other:?}"),
        }
    }

    /// The connection is lost.
    pub fn cut(&mut self, world: &mut World) {
        world.broker.disconnected(world.now, self.connection);
        world.settle();
        world.sent.remove(&self.connection);
    }

    /// Asks for the session back, having received so many messages.
    pub fn reconnect(&mut self, world: &mut World) -> ConnectResponse {
        let mut request = ConnectRequest::new(self.version);
        request.reconnect = Some(Reconnect {
            token: self.token,
            available_client_sequence: 1,
            last_server_sequence: self.received,
        });
        let (connection, response) = world.connect_with(request);
        self.connection = connection;
        response
    }
}
