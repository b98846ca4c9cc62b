//! Opening connections: the handshake, older versions, attempts and the waits between them.
//!
//! Source: `docs/protocol.md`, 1.1 to 1.4. Where the SDK gives up, this client may try again: that is said at the place.

use core::time::Duration;

use bytes::Bytes;
use effusion_protocol::{
    ConnectResponse, ConnectSuccess, Message, ProtocolVersion, Reconnect, ResponseCode,
};

use super::{Aim, Event, Interruption, Machine, Negotiation, OpenSession, Output, Phase};
use super::{Recovery, SessionInfo, SessionOptions, SessionState};
use crate::{ConnectError, SessionCloseReason, TransportError, TransportErrorKind};

impl Machine {
    /// Opens a connection.
    pub(super) fn open(&mut self, now: u64, aim: Aim) {
        if !self.version_settled && aim != Aim::Reconnect {
            // The first attempt of a series asks for what the options say.
            self.version = self.options.version.unwrap_or(ProtocolVersion::NEWEST);
            self.negotiation = Negotiation::Asking;
        }
        self.open_in_version(now, aim);
    }

    fn open_in_version(&mut self, now: u64, aim: Aim) {
        let reconnect = match (&self.session, aim) {
            (Some(session), Aim::Reconnect) => Some(Reconnect {
                token: session.token,
                available_client_sequence: session.recovery.available(),
                last_server_sequence: session.recovery.last_received(),
            }),
            _ => None,
        };
        self.phase = Phase::Connecting {
            aim,
            opened: false,
            deadline: now.saturating_add(self.options.connect_timeout),
        };
        let query = match self.negotiation {
            Negotiation::Probing => SessionOptions::probe(self.version),
            _ => self.options.query(self.version, reconnect),
        };
        self.outputs.push_back(Output::Open { query });
    }

    /// Waits before the next attempt, the longer the more have failed.
    pub(super) fn wait(&mut self, now: u64, aim: Aim) {
        if self.attempts >= self.options.attempts {
            let reason = SessionCloseReason::ConnectionLost(self.failure.clone());
            match aim {
                Aim::Reconnect => self.session_gone(now, reason),
                Aim::First | Aim::Renew => self.end(reason),
            }
            return;
        }
        let delay = self.random.delay(
            self.attempts,
            self.options.first_delay,
            self.options.longest_delay,
        );
        self.phase = Phase::Waiting {
            aim,
            until: now.saturating_add(delay),
        };
        self.event(Event::State(SessionState::Recovering {
            attempts: self.attempts,
            retry_in: Duration::from_millis(delay),
            renewing: aim == Aim::Renew,
        }));
        self.attempts = self.attempts.saturating_add(1);
    }

    /// Forgets failed attempts, if what came of the last one was of use: a service that takes connections and drops them
    /// at once is not to be asked ever so often.
    pub(super) const fn forgive(&mut self, now: u64, live_since: u64) {
        if now.saturating_sub(live_since) >= self.options.longest_delay {
            self.attempts = 0;
        }
    }

    /// When the service will have forgotten a session whose connection is lost.
    pub(super) fn reconnect_deadline(&self) -> u64 {
        let lost_at = self.session.as_ref().map_or(0, |session| session.lost_at);
        lost_at.saturating_add(u64::from(self.options.reconnect_timeout))
    }

    pub(super) fn not_after_session(&self, aim: Aim, time: u64) -> Option<u64> {
        Some(if aim == Aim::Reconnect {
            time.min(self.reconnect_deadline())
        } else {
            time
        })
    }

    /// The connection of an open session is gone.
    pub(super) fn connection_lost(&mut self, now: u64, error: TransportError) {
        self.failure = error;
        if let Some(session) = &mut self.session {
            session.lost_at = now;
        }
        if let Phase::Live { since, .. } = self.phase {
            self.forgive(now, since);
        }
        if self.options.reconnect_timeout == 0 {
            self.lost_for_good(now);
        } else {
            self.wait(now, Aim::Reconnect);
        }
    }

    /// The connection of an open session will not come back.
    pub(super) fn lost_for_good(&mut self, now: u64) {
        let failure = self.failure.clone();
        self.session_gone(now, SessionCloseReason::ConnectionLost(failure));
    }

    /// A connection came to nothing, without a word from the service.
    pub(super) fn attempt_failed(&mut self, now: u64, error: TransportError) {
        let Phase::Connecting { aim, opened, .. } = self.phase else {
            return;
        };
        match aim {
            Aim::First => {
                let error = match error.kind() {
                    TransportErrorKind::TimedOut => ConnectError::TimedOut,
                    _ if !opened => ConnectError::Unreachable(error),
                    // Closed without a response: so does a service that does not understand the version.
                    _ if self.try_older(now, aim, None) => return,
                    _ => ConnectError::NoResponse(error),
                };
                self.end(SessionCloseReason::NotConnected(error));
            }
            Aim::Reconnect | Aim::Renew => {
                self.failure = error;
                self.wait(now, aim);
            }
        }
    }

    /// Tries the next older version, or the one that the service offers. Whether there is one.
    fn try_older(&mut self, now: u64, aim: Aim, offered: Option<u8>) -> bool {
        if self.options.version.is_some()
            || self.version_settled
            || self.negotiation == Negotiation::Found
        {
            return false;
        }
        let asked = self.version;
        let offered = offered
            .and_then(ProtocolVersion::new)
            .filter(|offered| *offered < asked);
        let next = ProtocolVersion::new(asked.number().saturating_sub(1));
        let Some(version) = offered.or(next) else {
            return false;
        };
        self.version = version;
        // A version that the service names itself is taken at its word once; from then on nobody is told who asks before the
        // version is found.
        self.negotiation = match self.negotiation {
            _ if !self.options.has_secrets() => Negotiation::Asking,
            Negotiation::Asking if offered.is_some() => Negotiation::Offered,
            _ => Negotiation::Probing,
        };
        self.open_in_version(now, aim);
        true
    }

    /// A probe was answered. If the service understands the version, whatever else it says of an anonymous request, the
    /// session is asked for.
    fn probed(&mut self, now: u64, aim: Aim, response: &ConnectResponse) {
        let is_refused = matches!(
            response.code,
            ResponseCode::Downgrade | ResponseCode::ProtocolError
        );
        if response.code == ResponseCode::Connected {
            // Nobody is to have the session that was opened by the way.
            self.outputs
                .push_back(Output::Send(Message::Close.encode(self.version)));
            if let Some(spoken) = ProtocolVersion::new(response.version) {
                self.version = self.version.min(spoken);
            }
        }
        self.outputs.push_back(Output::Close);
        if is_refused {
            self.connect_refused(now, aim, response.code, response.version);
        } else {
            self.negotiation = Negotiation::Found;
            self.open_in_version(now, aim);
        }
    }

    /// The service's first message.
    pub(super) fn connect_response(&mut self, now: u64, aim: Aim, message: Bytes) {
        let response = match ConnectResponse::decode(message) {
            Ok(response) => response,
            Err(error) => {
                self.outputs.push_back(Output::Close);
                if aim == Aim::First {
                    let error = ConnectError::UnreadableResponse(error);
                    self.end(SessionCloseReason::NotConnected(error));
                } else {
                    self.wait(now, aim);
                }
                return;
            }
        };
        if self.negotiation == Negotiation::Probing {
            self.probed(now, aim, &response);
            return;
        }
        match (response.code, response.success) {
            (ResponseCode::Connected, Some(success)) => {
                self.connected(now, aim, response.version, &success);
            }
            (ResponseCode::Reconnected, Some(success)) if aim == Aim::Reconnect => {
                self.reconnected(now, &success);
            }
            (ResponseCode::ReconnectedWithMessageLoss, Some(success)) if aim == Aim::Reconnect => {
                self.reconnected_with_loss(now, &success);
            }
            (code, _) => {
                self.outputs.push_back(Output::Close);
                match aim {
                    Aim::Reconnect => self.reconnect_refused(now, code),
                    Aim::First | Aim::Renew => {
                        self.connect_refused(now, aim, code, response.version);
                    }
                }
            }
        }
    }

    fn connected(&mut self, now: u64, aim: Aim, version: u8, success: &ConnectSuccess) {
        let asked = self.version;
        // A service may answer with a lower version than the one asked for (docs/protocol.md, 1.2).
        let spoken = ProtocolVersion::new(version).filter(|version| {
            *version == asked
                || (*version < asked && self.options.version.is_none() && aim != Aim::Reconnect)
        });
        let Some(spoken) = spoken else {
            self.outputs.push_back(Output::Close);
            self.connect_refused(now, aim, ResponseCode::Downgrade, version);
            return;
        };
        if aim == Aim::Reconnect {
            // The service opened a new session instead of the one that was asked for.
            if self.options.renew == crate::Renew::Never {
                self.outputs.push_back(Output::Close);
                self.end(SessionCloseReason::SessionUnknown);
                return;
            }
            self.leave_session();
        }
        self.version = spoken;
        self.version_settled = true;
        self.negotiation = Negotiation::Asking;
        // What waits was written for the service that was there before, which spoke another version.
        for (id, pending) in self.requests.take(&|pending| !pending.call.is_in(spoken)) {
            self.interrupt(id, &pending, Interruption::SessionLost);
        }
        let info = SessionInfo {
            id: success.session,
            version: spoken,
            maximum_message_size: success
                .last
                .and_then(|size| usize::try_from(size).ok())
                .filter(|size| *size > 0),
        };
        self.session = Some(OpenSession {
            info,
            token: success.token,
            ping_period: u64::try_from(success.ping_period).unwrap_or(0),
            recovery: Recovery::new(self.options.recovery_buffer),
            lost_at: now,
        });
        self.go_live(now, info);
        if aim != Aim::First {
            self.select_again();
        }
        self.send_waiting();
    }

    fn go_live(&mut self, now: u64, info: SessionInfo) {
        self.phase = Phase::Live {
            since: now,
            heard: now,
            pinged: None,
        };
        self.event(Event::State(SessionState::Connected(info)));
    }

    fn reconnected(&mut self, now: u64, success: &ConnectSuccess) {
        // The number of the client's message that the service expects next.
        let resumed = match (&mut self.session, success.last) {
            (Some(session), Some(expected)) => {
                session.token = success.token;
                session.ping_period = u64::try_from(success.ping_period).unwrap_or(0);
                let expected = expected.cast_unsigned();
                match session.recovery.resume(expected) {
                    Some(missing) => {
                        self.outputs.extend(missing.cloned().map(Output::Send));
                        Some((session.info, expected.wrapping_sub(1)))
                    }
                    None => None,
                }
            }
            _ => None,
        };
        let Some((info, confirmed)) = resumed else {
            self.outputs.push_back(Output::Close);
            self.session_gone(now, SessionCloseReason::MessagesLost);
            return;
        };
        self.requests.confirmed(confirmed);
        self.go_live(now, info);
        self.send_waiting();
    }

    /// The session goes on, but both sides forget what was on its way and count from 1 again.
    fn reconnected_with_loss(&mut self, now: u64, success: &ConnectSuccess) {
        let Some(session) = &mut self.session else {
            return;
        };
        session.token = success.token;
        session.recovery = Recovery::new(self.options.recovery_buffer);
        let info = session.info;
        for (id, pending) in self.requests.take(&super::Pending::is_sent) {
            self.interrupt(id, &pending, Interruption::MessagesLost);
        }
        self.requests.forget_sequences();
        self.begin_era();
        self.drop_subscriptions();
        self.go_live(now, info);
        self.select_again();
        self.send_waiting();
    }

    fn reconnect_refused(&mut self, now: u64, code: ResponseCode) {
        match code {
            // The service cannot take anybody now, but may still know the session.
            code if is_temporary(code) => self.wait(now, Aim::Reconnect),
            ResponseCode::ReconnectionMessageLoss => {
                self.session_gone(now, SessionCloseReason::MessagesLost);
            }
            ResponseCode::AuthenticationFailed => {
                self.end(SessionCloseReason::NotConnected(ConnectError::Refused(
                    code,
                )));
            }
            ResponseCode::Downgrade | ResponseCode::ProtocolError => {
                // Another service than before, perhaps an older one.
                self.version_settled = false;
                self.session_gone(now, SessionCloseReason::SessionUnknown);
            }
            ResponseCode::ReconnectionUnsupported => self.lost_for_good(now),
            _ => self.session_gone(now, SessionCloseReason::SessionUnknown),
        }
    }

    fn connect_refused(&mut self, now: u64, aim: Aim, code: ResponseCode, version: u8) {
        let about_version = matches!(code, ResponseCode::Downgrade | ResponseCode::ProtocolError);
        if about_version && aim == Aim::Renew && self.version_settled {
            // Another service than before, perhaps an older one: begin again with the newest version.
            self.version_settled = false;
            self.wait(now, aim);
            return;
        }
        if about_version && self.try_older(now, aim, Some(version)) {
            return;
        }
        if aim == Aim::Renew && is_temporary(code) {
            self.wait(now, aim);
            return;
        }
        let error = if code == ResponseCode::Downgrade {
            ConnectError::VersionRefused(self.version)
        } else {
            ConnectError::Refused(code)
        };
        self.end(SessionCloseReason::NotConnected(error));
    }

    /// Selects what was selected in an earlier session.
    fn select_again(&mut self) {
        for selection in self.selections.iter().rev() {
            let call = super::Call::Selection(selection.clone());
            self.requests.add_first(call);
        }
    }
}

/// Whether the same request may succeed a little later.
const fn is_temporary(code: ResponseCode) -> bool {
    matches!(
        code,
        ResponseCode::Rejected
            | ResponseCode::LicenceExceeded
            | ResponseCode::NotReady
            | ResponseCode::Error
    )
}
