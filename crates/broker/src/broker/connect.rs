//! Connecting: who may open a session, and who gets one back.

use effusion_protocol::body::SessionUpdateType;
use effusion_protocol::{CloseReason, ConnectRequest, ProtocolVersion, Reconnect, ResponseCode};

use crate::auth::{Admission, Candidate, Purpose};
use crate::broker::Broker;
use crate::sessions::{Connecting, Resumption};
use crate::{ConnectionEnd, ConnectionId, Peer};

impl Broker {
    pub(super) fn connecting(
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
        if let Some(reconnect) = &request.reconnect {
            self.reconnect(connection, version, reconnect);
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
        if self.has_room(&connecting) {
            let purpose = Purpose::Connect(Box::new(connecting));
            self.sign_in(Candidate::new(purpose, principal, credentials, proposed));
        }
    }

    /// A connecting client is who it says it is.
    pub(super) fn admit(&mut self, connecting: Connecting, admission: Admission) {
        if self.has_room(&connecting) {
            self.sessions.open(connecting, admission, self.now);
        }
    }

    /// Whether there can be one more session from an address. If not, the client is told so.
    fn has_room(&mut self, connecting: &Connecting) -> bool {
        let refusal = self.sessions.refusal(&connecting.peer.address);
        if let Some(reason) = refusal {
            let code = ResponseCode::LicenceExceeded;
            self.turn_away(connecting, code, reason);
        }
        refusal.is_none()
    }

    /// A connecting client is not let in.
    pub(super) fn turn_away(
        &mut self,
        connecting: &Connecting,
        code: ResponseCode,
        reason: ConnectionEnd,
    ) {
        let version = connecting.version.number();
        self.sessions
            .refuse(connecting.connection, version, code, reason);
    }

    fn refuse(&mut self, connection: ConnectionId, version: u8, code: ResponseCode) {
        let reason = ConnectionEnd::Refused(code);
        self.sessions.refuse(connection, version, code, reason);
    }

    /// A client that speaks before it has a session.
    pub(super) fn refuse_early(&mut self, connection: ConnectionId) {
        self.disconnected(self.now, connection);
        let version = self.config.newest_version.number();
        self.refuse(connection, version, ResponseCode::ProtocolError);
    }

    fn reconnect(
        &mut self,
        connection: ConnectionId,
        version: ProtocolVersion,
        reconnect: &Reconnect,
    ) {
        match self
            .sessions
            .resume(connection, version, reconnect, self.now)
        {
            Resumption::Unknown => {
                self.refuse(connection, version.number(), ResponseCode::UnknownSession);
            }
            Resumption::Lossy(key) => {
                self.close(key, CloseReason::LostMessages);
                let code = ResponseCode::ReconnectionMessageLoss;
                self.refuse(connection, version.number(), code);
            }
            Resumption::Resumed { key, is_replaced } => {
                if is_replaced {
                    // A new connection does not make the lost one last any longer.
                    self.end_connection_locks(key);
                }
                self.catch_up(key);
                self.sessions
                    .notify_moved(key, SessionUpdateType::Reconnected);
            }
        }
    }
}
