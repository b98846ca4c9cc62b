//! Connecting: who may open a session, and who gets one back.

use bytes::Bytes;
use effusion_protocol::{
    CloseReason, ConnectRequest, ConnectResponse, ConnectSuccess, ProtocolVersion, Reconnect,
    ResponseCode, SessionToken, capabilities,
};
use rand::Rng;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::auth::sign_in::{Admission, Candidate, Purpose};
use crate::broker::{Broker, Connection};
use crate::caller::SessionKey;
use crate::sessions::timers::Timer;
use crate::sessions::{CatchUp, Link, Outbound, Selections, Session, key};
use crate::{ConnectionEnd, ConnectionId, Output, Peer};

/// The characters of session tokens: they go into a query as they are.
const TOKEN_CHARACTERS: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A client that wants a session.
#[derive(Debug)]
pub(crate) struct Connecting {
    pub(crate) connection: ConnectionId,
    pub(crate) version: ProtocolVersion,
    pub(crate) request: ConnectRequest,
    pub(crate) peer: Peer,
}

impl Broker {
    pub(crate) fn connecting(
        &mut self,
        connection: ConnectionId,
        request: ConnectRequest,
        peer: Peer,
    ) {
        let (oldest, newest) = (self.config.oldest_version, self.config.newest_version);
        let version = match ProtocolVersion::new(request.version) {
            Some(version) if version >= oldest && version <= newest => version,
            _ => {
                // The nearest version that is spoken here.
                let spoken = request.version.clamp(oldest.number(), newest.number());
                self.refuse(connection, spoken, ResponseCode::Downgrade);
                return;
            }
        };
        if let Some(reconnect) = request.reconnect.clone() {
            self.reconnect(connection, version, &reconnect);
            return;
        }
        if self.sessions.len() >= self.config.limits.sessions {
            self.refuse(connection, version.number(), ResponseCode::LicenceExceeded);
            return;
        }
        if self.is_full(&peer) {
            self.turn_away_from_full(connection, version.number());
            return;
        }
        let (principal, credentials) = (request.principal.clone(), request.credentials.clone());
        let proposed = request.proposed_properties.clone();
        let connecting = Connecting {
            connection,
            version,
            request,
            peer,
        };
        let purpose = Purpose::Connect(Box::new(connecting));
        self.sign_in(Candidate::new(purpose, principal, credentials, proposed));
    }

    /// A connecting client is who it says it is.
    pub(crate) fn admit(&mut self, connecting: Connecting, admission: Admission) {
        let (connection, version) = (connecting.connection, connecting.version.number());
        self.connections.remove(&connection);
        if self.sessions.len() >= self.config.limits.sessions {
            self.refuse(connection, version, ResponseCode::LicenceExceeded);
        } else if self.is_full(&connecting.peer) {
            self.turn_away_from_full(connection, version);
        } else {
            self.open(connecting, admission);
        }
    }

    /// A connecting client is not let in.
    pub(crate) fn turn_away(&mut self, connecting: &Connecting, code: ResponseCode) {
        self.connections.remove(&connecting.connection);
        self.refuse(connecting.connection, connecting.version.number(), code);
    }

    /// Whether there are as many sessions from an address as there may be.
    fn is_full(&self, peer: &Peer) -> bool {
        self.sessions.count_at(&peer.address) >= self.config.limits.sessions_per_address
    }

    fn turn_away_from_full(&mut self, connection: ConnectionId, version: u8) {
        let refusal = ConnectResponse::refusal(version, ResponseCode::LicenceExceeded);
        self.sessions.send_uncounted(connection, refusal.encode());
        let reason = ConnectionEnd::TooManySessions;
        self.output(Output::Close { connection, reason });
    }

    /// A connecting client has to wait before its credentials are looked at.
    pub(crate) fn put_off(&mut self, connecting: &Connecting, wait_ms: u64) {
        // Not the code of wrong credentials: these may be right.
        let (connection, version) = (connecting.connection, connecting.version.number());
        let refusal = ConnectResponse::refusal(version, ResponseCode::Rejected);
        self.sessions.send_uncounted(connection, refusal.encode());
        let reason = ConnectionEnd::TooManyAttempts { wait_ms };
        self.output(Output::Close { connection, reason });
    }

    fn refuse(&mut self, connection: ConnectionId, version: u8, code: ResponseCode) {
        self.sessions
            .send_uncounted(connection, ConnectResponse::refusal(version, code).encode());
        self.output(Output::Close {
            connection,
            reason: ConnectionEnd::Refused(code),
        });
    }

    /// A client that speaks before it has a session.
    pub(crate) fn refuse_early(&mut self, connection: ConnectionId) {
        self.disconnected(self.now, connection);
        self.refuse(
            connection,
            self.config.newest_version.number(),
            ResponseCode::ProtocolError,
        );
    }

    fn open(&mut self, connecting: Connecting, admission: Admission) {
        let Admission {
            principal,
            roles,
            properties: own,
            has_all_properties: _,
            expires_ms,
        } = admission;
        let Connecting {
            connection,
            version,
            request,
            peer,
        } = connecting;
        let (key, id) = self.sessions.new_id();
        self.collectors.sessions_opened += 1;
        let token = self.new_token();
        let mut properties =
            self.fixed_properties(principal.as_deref(), request.client_type.as_str(), &peer);
        // Of the fixed ones, only those are among them that an authentication handler may set.
        properties.extend(own);
        properties.insert(key::SESSION_ID.to_owned(), id.to_string());
        let rights = self.auth.rights_of(&roles);
        self.sessions.insert(Session {
            key,
            id,
            token,
            version,
            principal,
            roles,
            rights,
            properties,
            link: Link::Connected(connection),
            expires: None,
            reconnect_timeout_ms: u64::from(
                request
                    .reconnect_timeout
                    .min(self.config.reconnect_timeout_ms),
            ),
            outbound: Outbound::default(),
            counted: 0,
            catch_up: CatchUp::default(),
            inflates: version.has_compressed_values()
                && request.capabilities & capabilities::COMPRESSION != 0,
            conflates: true,
            received: 0,
            heard: self.now.monotonic_ms,
            subscriptions: BTreeSet::new(),
            selections: Selections::default(),
            outgoing: BTreeMap::new(),
            last_conversation: 0,
            writes: 0,
            waits: 0,
            is_signing_in: false,
            deferred: VecDeque::new(),
            deferred_bytes: 0,
            write_bytes: 0,
            is_running_deferred: false,
            has_job: false,
        });
        self.connections
            .insert(connection, Connection::Session(key));
        let maximum = i32::try_from(self.config.limits.message_bytes).unwrap_or(i32::MAX);
        self.greet(
            key,
            connection,
            ResponseCode::Connected,
            ConnectResponse::has_maximum_message_size(version.number()).then_some(maximum),
        );
        self.schedule_ping(key);
        self.limit_validity(key, expires_ms);
        self.session_opened(key);
    }

    /// The properties that the server gives a session, but for its id and its roles.
    pub(crate) fn fixed_properties(
        &self,
        principal: Option<&str>,
        client_type: &str,
        peer: &Peer,
    ) -> BTreeMap<String, String> {
        let start = self.now.wall_ms.to_string();
        [
            (key::PRINCIPAL, principal.unwrap_or_default()),
            (key::CLIENT_IP, &peer.address),
            (key::CLIENT_TYPE, client_type_name(client_type)),
            (key::CONNECTOR, &peer.connector),
            (key::COUNTRY, ""),
            (key::LANGUAGE, ""),
            (key::LATITUDE, "NaN"),
            (key::LONGITUDE, "NaN"),
            (key::SERVER_NAME, &self.config.server_name),
            (key::START_TIME, &start),
            (key::TRANSPORT, "WEBSOCKET"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }

    fn greet(
        &mut self,
        key: SessionKey,
        connection: ConnectionId,
        code: ResponseCode,
        last: Option<i32>,
    ) {
        let Some(session) = self.sessions.get(key) else {
            return;
        };
        let response = ConnectResponse {
            version: session.version.number(),
            code,
            success: Some(ConnectSuccess {
                session: session.id,
                token: session.token,
                ping_period: i64::from(self.config.ping_period_ms),
                last,
            }),
        };
        self.sessions.send_uncounted(connection, response.encode());
    }

    fn new_token(&mut self) -> SessionToken {
        loop {
            let mut token = [0; SessionToken::LENGTH];
            self.random.fill_bytes(&mut token);
            for byte in &mut token {
                // 6 bits of each byte: all characters are equally likely.
                *byte = TOKEN_CHARACTERS
                    .get(usize::from(*byte & 0x3f))
                    .copied()
                    .unwrap_or(b'A');
            }
            if let Some(token) =
                SessionToken::new(token).filter(|it| self.sessions.by_token(it).is_none())
            {
                return token;
            }
        }
    }

    fn reconnect(
        &mut self,
        connection: ConnectionId,
        version: ProtocolVersion,
        reconnect: &Reconnect,
    ) {
        let Some(key) = self.sessions.by_token(&reconnect.token) else {
            self.refuse(connection, version.number(), ResponseCode::UnknownSession);
            return;
        };
        let Some(session) = self
            .sessions
            .get_mut(key)
            .filter(|it| it.version == version)
        else {
            self.refuse(connection, version.number(), ResponseCode::UnknownSession);
            return;
        };
        let next_expected = session.received + 1;
        let can_resume = u64::from(reconnect.available_client_sequence) <= next_expected;
        let missed = session.outbound.resume(reconnect.last_server_sequence);
        let (true, Ok(missed), Ok(next_expected)) =
            (can_resume, missed, i32::try_from(next_expected))
        else {
            self.close(key, CloseReason::LostMessages);
            self.refuse(
                connection,
                version.number(),
                ResponseCode::ReconnectionMessageLoss,
            );
            return;
        };
        match session.link {
            Link::Connected(old) => {
                // The client noticed the loss before the server did.
                self.connections.remove(&old);
                self.output(Output::Close {
                    connection: old,
                    reason: ConnectionEnd::Replaced,
                });
                // Which does not make the lost one last any longer.
                self.end_connection_locks(key);
            }
            Link::Waiting(until) => self.timers.cancel(until, Timer::Expire(key)),
        }
        if let Some(session) = self.sessions.get_mut(key) {
            session.link = Link::Connected(connection);
            session.heard = self.now.monotonic_ms;
        }
        self.connections
            .insert(connection, Connection::Session(key));
        self.greet(
            key,
            connection,
            ResponseCode::Reconnected,
            Some(next_expected),
        );
        for message in missed {
            self.sessions.send_uncounted(connection, message);
        }
        self.sessions.release(key);
        self.catch_up(key);
        self.session_reconnected(key);
    }
}

/// The session property's value for the client types that are known (source: the dissector, the API documentation).
fn client_type_name(letters: &str) -> &'static str {
    match letters {
        "WB" | "B" => "JAVASCRIPT_BROWSER",
        "WJ" | "J" => "JAVA",
        "WN" | "N" => "DOTNET",
        "WC" => "C",
        "WA" => "ANDROID",
        "WI" => "IOS",
        "PY" | "WPY" => "PYTHON",
        _ => "OTHER",
    }
}

/// The message by which the service ends a session.
pub(crate) fn abort(version: ProtocolVersion) -> Bytes {
    effusion_protocol::Message::Abort.encode(version)
}
