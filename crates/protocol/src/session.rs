//! Session identities, tokens and the reasons for which sessions close.

use core::fmt;
use core::str::FromStr;

use crate::codec::wire_enum;
use crate::{DecodeError, Reader, Wire, Writer};

/// The identity of a session, unique among all that a cluster of servers ever opens.
///
/// In service bodies it is two varints, in the connect response two big-endian 64 bit numbers (source: the captures).
/// As text it is two hexadecimal numbers of 16 digits with a hyphen between them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    /// The server that opened the session.
    pub server: u64,
    /// The session on that server.
    pub local: u64,
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.server, self.local)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Text that is not a session id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session id is two hexadecimal numbers of 16 digits with a hyphen between them")]
pub struct SessionIdError;

impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<Self, SessionIdError> {
        let (server, local) = text.split_once('-').ok_or(SessionIdError)?;
        let parse = |part: &str| {
            if part.is_empty()
                || part.len() > 16
                || !part.bytes().all(|byte| byte.is_ascii_hexdigit())
            {
                return Err(SessionIdError);
            }
            u64::from_str_radix(part, 16).map_err(|_| SessionIdError)
        };
        Ok(Self {
            server: parse(server)?,
            local: parse(local)?,
        })
    }
}

impl Wire for SessionId {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            server: reader.varint64()?,
            local: reader.varint64()?,
        })
    }
    fn write(&self, writer: &mut Writer) {
        writer.varint64(self.server);
        writer.varint64(self.local);
    }
}

/// The secret by which a client proves, when it reconnects, that a session is its own: 24 ASCII characters.
///
/// `Debug` does not show it, so that it never reaches a log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionToken([u8; Self::LENGTH]);

impl SessionToken {
    /// Bytes in a token (source: the captures; the LGPL 5.9 client treats them as ASCII text).
    pub const LENGTH: usize = 24;

    /// The token of these bytes, or `None` if they are not printable ASCII.
    #[must_use]
    pub fn new(bytes: [u8; Self::LENGTH]) -> Option<Self> {
        bytes
            .iter()
            .all(u8::is_ascii_graphic)
            .then_some(Self(bytes))
    }

    /// The bytes, as in the connect response.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The text, as in the query of a reconnect request.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Text that is not a session token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session token is 24 printable ASCII characters")]
pub struct SessionTokenError;

impl FromStr for SessionToken {
    type Err = SessionTokenError;

    fn from_str(text: &str) -> Result<Self, SessionTokenError> {
        let bytes = text.as_bytes().try_into().map_err(|_| SessionTokenError)?;
        Self::new(bytes).ok_or(SessionTokenError)
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

wire_enum! {
    /// Why a session closed, as reported to control clients.
    ///
    /// Source: the dissector, the LGPL 5.9 client and, from 12 on, the constants that the 6.12.1 SDK exports.
    pub enum CloseReason("close reason") {
        /// The connection was lost, and the client did not reconnect in time.
        ConnectionLost = 0,
        /// Reading or writing failed.
        IoException = 1,
        /// The client did not respond to pings.
        ClientUnresponsive = 2,
        /// More messages waited for the client than its queue holds.
        MessageQueueLimitReached = 3,
        /// The client closed the session.
        ClosedByClient = 4,
        /// The client sent a message that was too large.
        MessageTooLarge = 5,
        /// The server failed.
        InternalError = 6,
        /// The client sent a message that made no sense.
        InvalidInboundMessage = 7,
        /// The session was aborted.
        Abort = 8,
        /// Messages were lost between client and server.
        LostMessages = 9,
        /// The server is closing.
        ServerClosing = 10,
        /// A control client closed the session.
        ClosedByController = 11,
        /// The session moved to another server.
        FailedOver = 12,
        /// The session's authentication expired.
        Expired = 13,
        /// The session's authentication was revoked.
        Revoked = 14,
        /// Another session of the same identity took over.
        TakenOver = 15,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_reads_what_it_shows() {
        let id = SessionId {
            server: 0x64c1_1fef_06b8_27cf,
            local: 1,
        };
        assert_eq!(id.to_string(), "64c11fef06b827cf-0000000000000001");
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in [
            "",
            "-",
            "1",
            "1-",
            "-1",
            "g-1",
            "+1-1",
            "1-2-3",
            "11111111111111111-1",
        ] {
            assert_eq!(bad.parse::<SessionId>(), Err(SessionIdError), "{bad}");
        }
    }

    #[test]
    fn a_token_is_not_shown_in_logs() {
        let token = SessionToken::new(*b"abcdefghijklmnopqrstuvwx").unwrap();
        assert_eq!(format!("{token:?}"), "SessionToken(…)");
        assert_eq!(token.as_str().parse(), Ok(token));
        assert_eq!("abcd".parse::<SessionToken>(), Err(SessionTokenError));
        assert_eq!(SessionToken::new([b' '; 24]), None);
    }
}
