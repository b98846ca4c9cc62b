//! How sessions begin, lose their connections, get others, and end.

use effusion_protocol::{
    CloseReason, ConnectRequest, ConnectResponse, ConnectSuccess, ErrorReport, Message,
    ProtocolVersion, Reconnect, ResponseCode, SessionId, SessionToken, capabilities,
};
use rand::Rng;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::auth::{Admission, Rights, network};
use crate::caller::SessionKey;
use crate::{ConnectionEnd, ConnectionId, Output, Peer, Ticket, Time};

use super::session::Link;
use super::{Inbound, Outbound, Selections, Session, Sessions, Timer, key};

/// The characters of session tokens: they go into a query as they are.
const TOKEN_CHARACTERS: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What a connection is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Connection {
    /// Its principal is being authenticated.
    Connecting(Ticket),
    Session(SessionKey),
}

/// A client that wants a session.
#[derive(Debug)]
pub(crate) struct Connecting {
    pub(crate) connection: ConnectionId,
    pub(crate) version: ProtocolVersion,
    pub(crate) request: ConnectRequest,
    pub(crate) peer: Peer,
}

/// What comes of a client that wants its session back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resumption {
    /// There is no such session.
    Unknown,
    /// Messages are lost: the session cannot go on, and is to be closed.
    Lossy(SessionKey),
    /// It goes on. `is_replaced`: it had a connection still, which is closed.
    Resumed { key: SessionKey, is_replaced: bool },
}

/// What becomes of a session that lost its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It is kept for a while.
    Kept,
    /// It is to be closed.
    Over,
}

/// What becomes of a session in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timeout {
    /// A client was silent for too long, and its connection is closed.
    Unresponsive(SessionKey),
    /// A session is to be closed.
    Over(SessionKey, CloseReason),
}

impl Sessions {
    pub(crate) fn connection(&self, connection: ConnectionId) -> Option<Connection> {
        self.connections.get(&connection).copied()
    }

    /// A client waits until it is known who it is.
    pub(crate) fn set_connecting(&mut self, connection: ConnectionId, ticket: Ticket) {
        self.connections
            .insert(connection, Connection::Connecting(ticket));
    }

    /// A connection is gone, or is to be closed.
    pub(crate) fn forget_connection(&mut self, connection: ConnectionId) -> Option<Connection> {
        self.connections.remove(&connection)
    }

    /// Why there can be no further session from an address.
    pub(crate) fn refusal(&self, address: &str) -> Option<ConnectionEnd> {
        let count = self.by_network.get(&network(address));
        if self.sessions.len() >= self.limits.sessions {
            Some(ConnectionEnd::Refused(ResponseCode::LicenceExceeded))
        } else if count.is_some_and(|count| *count >= self.limits.sessions_per_address) {
            Some(ConnectionEnd::TooManySessions)
        } else {
            None
        }
    }

    /// Tells a client that it gets no session.
    pub(crate) fn refuse(
        &mut self,
        connection: ConnectionId,
        version: u8,
        code: ResponseCode,
        reason: ConnectionEnd,
    ) {
        self.connections.remove(&connection);
        let refusal = ConnectResponse::refusal(version, code);
        self.send_uncounted(connection, refusal.encode());
        self.output(Output::Close { connection, reason });
    }

    /// Opens a session, and tells its client and the listeners.
    pub(crate) fn open(&mut self, connecting: Connecting, admission: Admission, now: Time) {
        let Connecting {
            connection,
            version,
            request,
            peer,
        } = connecting;
        self.last_key += 1;
        let key = SessionKey(self.last_key);
        let id = SessionId {
            server: self.server,
            local: self.last_key,
        };
        let token = self.new_token();
        let principal = admission.principal.as_deref();
        let mut properties =
            self.fixed_properties(principal, request.client_type.as_str(), &peer, now.wall_ms);
        // Of the fixed ones, only those are among them that an authentication handler may set.
        properties.extend(admission.properties);
        properties.insert(key::SESSION_ID.to_owned(), id.to_string());
        let reconnect_timeout = request.reconnect_timeout.min(self.reconnect_timeout_ms);
        self.insert(Session {
            key,
            id,
            token,
            version,
            principal: admission.principal,
            roles: admission.roles.into(),
            rights: admission.rights,
            properties,
            link: Link::Connected(connection),
            expires: None,
            reconnect_timeout_ms: u64::from(reconnect_timeout),
            outbound: Outbound::default(),
            counted: 0,
            prepared: 0,
            details: 0,
            inbound: Inbound::default(),
            inflates: version.has_compressed_values()
                && request.capabilities & capabilities::COMPRESSION != 0,
            conflates: true,
            received: 0,
            heard: now.monotonic_ms,
            subscriptions: BTreeSet::new(),
            selections: Selections::default(),
            last_conversation: 0,
        });
        self.connections
            .insert(connection, Connection::Session(key));
        let maximum = i32::try_from(self.limits.message_bytes).unwrap_or(i32::MAX);
        let maximum =
            ConnectResponse::has_maximum_message_size(version.number()).then_some(maximum);
        self.greet(key, connection, ResponseCode::Connected, maximum);
        self.schedule_ping(key, now);
        self.limit_validity(key, admission.expires_ms, now);
        self.notify_opened(key);
    }

    fn greet(
        &mut self,
        key: SessionKey,
        connection: ConnectionId,
        code: ResponseCode,
        last: Option<i32>,
    ) {
        let Some(session) = self.get(key) else {
            return;
        };
        let response = ConnectResponse {
            version: session.version.number(),
            code,
            success: Some(ConnectSuccess {
                session: session.id,
                token: session.token,
                ping_period: i64::from(self.ping_period_ms),
                last,
            }),
        };
        self.send_uncounted(connection, response.encode());
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
            let token = SessionToken::new(token);
            if let Some(token) = token.filter(|it| self.by_token(it).is_none()) {
                return token;
            }
        }
    }

    /// A client wants its session back: sends again what it missed, and what waited for it.
    pub(crate) fn resume(
        &mut self,
        connection: ConnectionId,
        version: ProtocolVersion,
        reconnect: &Reconnect,
        now: Time,
    ) -> Resumption {
        let key = self.by_token(&reconnect.token);
        let session = key.and_then(|key| self.sessions.get_mut(&key));
        let Some(session) = session.filter(|it| it.version == version) else {
            return Resumption::Unknown;
        };
        let key = session.key;
        let next_expected = session.received + 1;
        let can_resume = u64::from(reconnect.available_client_sequence) <= next_expected;
        let missed = session.outbound.resume(reconnect.last_server_sequence);
        let (true, Ok(missed), Ok(next_expected)) =
            (can_resume, missed, i32::try_from(next_expected))
        else {
            return Resumption::Lossy(key);
        };
        let old = core::mem::replace(&mut session.link, Link::Connected(connection));
        session.heard = now.monotonic_ms;
        match old {
            Link::Connected(old) => {
                // The client noticed the loss before the server did.
                self.connections.remove(&old);
                self.output(Output::Close {
                    connection: old,
                    reason: ConnectionEnd::Replaced,
                });
            }
            Link::Waiting(until) => self.timers.cancel(until, Timer::Expire(key)),
        }
        self.connections
            .insert(connection, Connection::Session(key));
        let code = ResponseCode::Reconnected;
        self.greet(key, connection, code, Some(next_expected));
        for message in missed {
            self.send_uncounted(connection, message);
        }
        self.release(key);
        Resumption::Resumed {
            key,
            is_replaced: matches!(old, Link::Connected(_)),
        }
    }

    /// A session's connection is gone.
    pub(crate) fn lose_connection(&mut self, key: SessionKey, now: Time) -> Option<Loss> {
        let session = self.sessions.get_mut(&key)?;
        let until = now
            .monotonic_ms
            .saturating_add(session.reconnect_timeout_ms);
        session.link = Link::Waiting(until);
        if session.reconnect_timeout_ms == 0 {
            return Some(Loss::Over);
        }
        self.timers.set(until, Timer::Expire(key));
        Some(Loss::Kept)
    }

    /// Ends a session; its client is told if it is there. [`Sessions::notify_closed`] tells the listeners.
    pub(crate) fn close(&mut self, key: SessionKey, reason: CloseReason) -> Option<Session> {
        let session = self.remove(key)?;
        match session.link {
            Link::Connected(connection) => {
                self.connections.remove(&connection);
                self.send_uncounted(connection, Message::Abort.encode(session.version));
                self.output(Output::Close {
                    connection,
                    reason: ConnectionEnd::Session(reason),
                });
            }
            Link::Waiting(until) => self.timers.cancel(until, Timer::Expire(key)),
        }
        if let Some(at) = session.expires {
            self.timers.cancel(at, Timer::Outdated(key));
        }
        Some(session)
    }

    /// When [`Sessions::handle_timeout`] is to be called, by the monotonic clock.
    pub(crate) fn next_timeout(&self) -> Option<u64> {
        self.timers.next()
    }

    /// Does what is due first: pings a client, or says what is to become of a session.
    pub(crate) fn handle_timeout(&mut self, now: Time) -> Option<Timeout> {
        match self.timers.due(now.monotonic_ms)? {
            Timer::Ping(key) => self.ping_due(key, now),
            Timer::Expire(key) => {
                let session = self.get(key)?;
                let is_over =
                    matches!(session.link, Link::Waiting(until) if until <= now.monotonic_ms);
                is_over.then_some(Timeout::Over(key, CloseReason::ConnectionLost))
            }
            Timer::Outdated(key) => {
                let expires = self.get(key)?.expires;
                let is_over = expires.is_some_and(|at| at <= now.monotonic_ms);
                is_over.then_some(Timeout::Over(key, CloseReason::Expired))
            }
        }
    }

    fn schedule_ping(&mut self, key: SessionKey, now: Time) {
        let period = u64::from(self.ping_period_ms);
        if period > 0 {
            let at = now.monotonic_ms.saturating_add(period);
            self.timers.set(at, Timer::Ping(key));
        }
    }

    /// Pings a client, unless it was silent for so long that its connection must be lost.
    fn ping_due(&mut self, key: SessionKey, now: Time) -> Option<Timeout> {
        let period = u64::from(self.ping_period_ms);
        let session = self.get(key)?;
        let silence = now.monotonic_ms.saturating_sub(session.heard);
        let connection = session.connection();
        self.schedule_ping(key, now);
        let connection = connection?;
        if silence < 2 * period {
            self.ping(key);
            return None;
        }
        self.connections.remove(&connection);
        self.output(Output::Close {
            connection,
            reason: ConnectionEnd::Unresponsive,
        });
        Some(Timeout::Unresponsive(key))
    }

    /// Sets when a session ends unless it authenticates again, in milliseconds since 1970; `None` is never.
    fn limit_validity(&mut self, key: SessionKey, expires_ms: Option<u64>, now: Time) {
        // The wall clock may be set while the session lasts; what is left of the time is counted by the other one.
        let at = expires_ms.map(|expires| {
            let left = expires.saturating_sub(now.wall_ms);
            now.monotonic_ms.saturating_add(left)
        });
        let Some(session) = self.sessions.get_mut(&key) else {
            return;
        };
        match expires_ms {
            Some(expires) => session
                .properties
                .insert(key::EXPIRY_TIME.to_owned(), expires.to_string()),
            None => session.properties.remove(key::EXPIRY_TIME),
        };
        if let Some(before) = core::mem::replace(&mut session.expires, at) {
            self.timers.cancel(before, Timer::Outdated(key));
        }
        if let Some(at) = at {
            self.timers.set(at, Timer::Outdated(key));
        }
    }

    /// A session is another principal's, or has proved again that it is its own.
    pub(crate) fn change_principal(&mut self, key: SessionKey, admission: Admission, now: Time) {
        let Admission {
            principal,
            roles,
            rights,
            properties,
            has_all_properties,
            expires_ms,
        } = admission;
        self.change(key, |session| {
            let name = principal.clone().unwrap_or_default();
            session.properties.insert(key::PRINCIPAL.to_owned(), name);
            if has_all_properties {
                session.properties.retain(|name, _| name.starts_with('$'));
            }
            session.properties.extend(properties);
            session.principal = principal;
            session.roles = roles.into();
            session.rights = rights;
        });
        self.limit_validity(key, expires_ms, now);
    }

    pub(crate) fn set_roles(
        &mut self,
        key: SessionKey,
        roles: BTreeSet<String>,
        rights: Arc<Rights>,
    ) -> Result<(), ErrorReport> {
        self.check_roles(key, &roles)?;
        self.change(key, |session| {
            session.roles = roles.into();
            session.rights = rights;
        });
        Ok(())
    }
}
