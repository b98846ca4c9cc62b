//! Connecting: who may open a session, and who gets one back.

use bytes::Bytes;
use effusion_protocol::body::ResponseBody;
use effusion_protocol::{
    CloseReason, ConnectRequest, ConnectResponse, ConnectSuccess, Credentials, ProtocolVersion,
    Reconnect, ResponseCode, SessionToken,
};
use rand::Rng;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::broker::{Broker, Caller, Connection, Effect};
use crate::session::{Link, Outbound, Selections, Session, SessionKey, key};
use crate::timers::Timer;
use crate::{
    AnonymousPolicy, ConnectionEnd, ConnectionId, EffectError, Output, Peer, Secret, errors,
};

/// The characters of session tokens: they go into a query as they are.
const TOKEN_CHARACTERS: &[u8; 64] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A client whose password is being checked.
#[derive(Debug)]
pub(crate) struct Connecting {
    connection: ConnectionId,
    version: ProtocolVersion,
    request: ConnectRequest,
    peer: Peer,
}

/// A session that wants another principal, whose password is being checked.
#[derive(Debug)]
pub(crate) struct ChangingPrincipal {
    caller: Caller,
    principal: String,
    proposed: Vec<(String, String)>,
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
        if self.clients.len() >= self.config.limits.sessions {
            self.refuse(connection, version.number(), ResponseCode::LicenceExceeded);
            return;
        }
        let connecting = Connecting {
            connection,
            version,
            request,
            peer,
        };
        let Some(principal) = connecting.request.principal.clone() else {
            match &self.accounts.policy().anonymous {
                AnonymousPolicy::Allow(roles) => {
                    let mut roles = roles.clone();
                    roles.extend(self.security.anonymous_roles.iter().cloned());
                    self.open(connecting, None, roles);
                }
                AnonymousPolicy::Deny | AnonymousPolicy::Abstain => self.refuse(
                    connection,
                    version.number(),
                    ResponseCode::AuthenticationFailed,
                ),
            }
            return;
        };
        if self.verifications >= self.config.limits.verifications {
            self.refuse(connection, version.number(), ResponseCode::NotReady);
            return;
        }
        let password = password_of(&connecting.request.credentials);
        let ticket = self.new_ticket(Effect::Connect(Box::new(connecting)));
        self.connections
            .insert(connection, Connection::Connecting(ticket));
        self.verify(ticket, &principal, password);
    }

    fn verify(&mut self, ticket: crate::Ticket, principal: &str, password: Option<Secret>) {
        self.verifications += 1;
        let hash = self
            .accounts
            .principals
            .get(principal)
            // Credentials that are no password cannot be right.
            .filter(|_| password.is_some())
            .map(|principal| principal.password_hash.clone());
        self.output(Output::Verify {
            ticket,
            hash,
            password: password.unwrap_or_else(|| Secret::new(String::new())),
        });
    }

    /// A connecting client's password was checked.
    pub(crate) fn verified(&mut self, connecting: Connecting, result: Result<bool, EffectError>) {
        let (connection, version) = (connecting.connection, connecting.version.number());
        self.connections.remove(&connection);
        // The principal may be gone since.
        let principal = connecting
            .request
            .principal
            .as_ref()
            .and_then(|name| self.accounts.principals.get(name));
        match (result, principal) {
            (Err(_), _) => self.refuse(connection, version, ResponseCode::Error),
            (Ok(true), Some(principal)) => {
                let name = principal.name.clone();
                let mut roles = principal.roles.clone();
                roles.extend(self.security.named_roles.iter().cloned());
                if self.clients.len() >= self.config.limits.sessions {
                    self.refuse(connection, version, ResponseCode::LicenceExceeded);
                } else {
                    self.open(connecting, Some(name), roles);
                }
            }
            _ => self.refuse(connection, version, ResponseCode::AuthenticationFailed),
        }
    }

    fn refuse(&mut self, connection: ConnectionId, version: u8, code: ResponseCode) {
        self.clients
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

    fn open(&mut self, connecting: Connecting, principal: Option<String>, roles: BTreeSet<String>) {
        let Connecting {
            connection,
            version,
            request,
            peer,
        } = connecting;
        let (key, id) = self.clients.new_id();
        let token = self.new_token();
        let mut properties: BTreeMap<String, String> = request
            .proposed_properties
            .into_iter()
            .filter(|(name, value)| self.accounts.trusts(name, value))
            .collect();
        let client_type = client_type(request.client_type.as_str());
        for (name, value) in [
            (key::SESSION_ID, id.to_string()),
            (key::PRINCIPAL, principal.clone().unwrap_or_default()),
            (key::CLIENT_IP, peer.address),
            (key::CLIENT_TYPE, client_type.to_owned()),
            (key::CONNECTOR, peer.connector),
            (key::COUNTRY, String::new()),
            (key::LANGUAGE, String::new()),
            (key::LATITUDE, "NaN".to_owned()),
            (key::LONGITUDE, "NaN".to_owned()),
            (key::SERVER_NAME, self.config.server_name.clone()),
            (key::START_TIME, self.now.wall_ms.to_string()),
            (key::TRANSPORT, "WEBSOCKET".to_owned()),
        ] {
            properties.insert(name.to_owned(), value);
        }
        let rights = self.rights_of(&roles);
        self.clients.insert(Session {
            key,
            id,
            token,
            version,
            principal,
            roles,
            rights,
            properties,
            link: Link::Connected(connection),
            reconnect_timeout_ms: u64::from(
                request
                    .reconnect_timeout
                    .min(self.config.reconnect_timeout_ms),
            ),
            outbound: Outbound::default(),
            received: 0,
            heard: self.now.monotonic_ms,
            subscriptions: BTreeSet::new(),
            selections: Selections::default(),
            listeners: BTreeMap::new(),
            outgoing: BTreeMap::new(),
            last_conversation: 0,
            writes: 0,
            waits: 0,
            deferred: VecDeque::new(),
            is_running_deferred: false,
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
        self.session_opened(key);
    }

    fn greet(
        &mut self,
        key: SessionKey,
        connection: ConnectionId,
        code: ResponseCode,
        last: Option<i32>,
    ) {
        let Some(session) = self.clients.get(key) else {
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
        self.clients.send_uncounted(connection, response.encode());
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
                SessionToken::new(token).filter(|it| self.clients.by_token(it).is_none())
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
        let Some(key) = self.clients.by_token(&reconnect.token) else {
            self.refuse(connection, version.number(), ResponseCode::UnknownSession);
            return;
        };
        let Some(session) = self.clients.get_mut(key).filter(|it| it.version == version) else {
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
            }
            Link::Waiting(until) => self.timers.cancel(until, Timer::Expire(key)),
        }
        if let Some(session) = self.clients.get_mut(key) {
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
            self.clients.send_uncounted(connection, message);
        }
        self.session_reconnected(key);
    }

    /// A session wants to be another principal's, or to prove again that it is its own.
    pub(crate) fn change_principal(
        &mut self,
        caller: Caller,
        principal: String,
        credentials: &Credentials,
        proposed: Vec<(String, String)>,
    ) -> crate::dispatch::Served {
        if self.verifications >= self.config.limits.verifications {
            return Err(errors::too_many("passwords are being checked"));
        }
        let password = password_of(credentials);
        let caller = self.hold(caller, crate::broker::Hold::Wait);
        let ticket = self.new_ticket(Effect::ChangePrincipal(Box::new(ChangingPrincipal {
            caller,
            principal: principal.clone(),
            proposed,
        })));
        self.verify(ticket, &principal, password);
        Ok(crate::dispatch::Reply::Later)
    }

    pub(crate) fn principal_verified(
        &mut self,
        changing: ChangingPrincipal,
        result: Result<bool, EffectError>,
    ) {
        let ChangingPrincipal {
            caller,
            principal,
            proposed,
        } = changing;
        let key = caller.session;
        let is_right = match result {
            Ok(is_right) => is_right,
            Err(error) => {
                self.answer(caller, Err(errors::invalid_data(error)));
                return;
            }
        };
        let entry = self.accounts.principals.get(&principal);
        let is_accepted = is_right && entry.is_some();
        if let (true, Some(entry)) = (is_right, entry) {
            let mut roles = entry.roles.clone();
            roles.extend(self.security.named_roles.iter().cloned());
            let trusted: Vec<_> = proposed
                .into_iter()
                .filter(|(name, value)| self.accounts.trusts(name, value))
                .collect();
            let rights = self.rights_of(&roles);
            self.change_session(key, |session| {
                session
                    .properties
                    .insert(key::PRINCIPAL.to_owned(), principal.clone());
                session.properties.extend(trusted);
                session.principal = Some(principal);
                session.roles = roles;
                session.rights = rights;
            });
            self.refresh(key);
        }
        let response = match caller.service {
            effusion_protocol::ServiceId::ChangePrincipal => {
                ResponseBody::ChangePrincipal(is_accepted)
            }
            _ => ResponseBody::Reauthenticate(is_accepted),
        };
        self.answer(caller, Ok(response));
    }
}

/// The password of credentials; none are an empty one.
fn password_of(credentials: &Credentials) -> Option<Secret> {
    match credentials {
        Credentials::None => Some(Secret::new(String::new())),
        Credentials::Password(password) => Some(Secret::new(password.clone())),
        Credentials::Custom(_) => None,
    }
}

/// The session property's value for the client types that are known (source: the dissector, the API documentation).
fn client_type(letters: &str) -> &'static str {
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
