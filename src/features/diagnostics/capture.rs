//! The messages of a connection as a file, which the protocol's example `inspect` reads.
//!
//! One JSON object a line: `connect` opens a connection, and each message of it follows with its bytes.

use std::fmt::Write as _;

use effusion_protocol::{
    ConnectResponse, ConnectSuccess, Message, ProtocolVersion, ResponseCode, SessionId,
    SessionToken,
};

use super::decoder::{Recorded, hex_digits};

/// The session of recorded messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedSession {
    /// Its id.
    pub id: SessionId,
    /// The protocol version that both sides speak.
    pub version: ProtocolVersion,
    /// The principal that opened it.
    pub principal: String,
}

/// What stands in the place of a session's token, which is a secret.
const TOKEN: [u8; 24] = *b"not-the-token-of-anybody";
/// How often a service pings unless told otherwise, in milliseconds.
const PING_PERIOD: i64 = 90_000;

/// Writes a capture of messages, the oldest first. `session` tells of a session by its number. Left out is what holds credentials,
/// and what nobody can read without a message that is no longer kept.
pub fn write<'s>(
    messages: &[Recorded],
    session: impl Fn(usize) -> Option<&'s RecordedSession>,
) -> String {
    let mut capture = String::new();
    let mut current = None;
    let mut asked = Vec::new();
    for recorded in messages {
        let number = recorded.session;
        let Some(session) = session(number) else {
            continue;
        };
        if current != Some(number) {
            current = Some(number);
            asked.clear();
            open(&mut capture, number, session);
        }
        if is_readable(recorded, session.version, &mut asked) {
            let from = if recorded.sent { "client" } else { "server" };
            line(&mut capture, number, from, &recorded.bytes);
        }
    }
    capture
}

/// The beginning of a connection. Its messages are not recorded, so they are as another session's would be.
fn open(capture: &mut String, number: usize, session: &RecordedSession) {
    let version = session.version.number();
    // Writing to a text does not fail.
    let _ = writeln!(
        capture,
        r#"{{"stream": {number}, "connect": "/diffusion?v={version}&ty=WB"}}"#
    );
    let response = ConnectResponse {
        version,
        code: ResponseCode::Connected,
        success: SessionToken::new(TOKEN).map(|token| ConnectSuccess {
            session: session.id,
            token,
            ping_period: PING_PERIOD,
            last: (version >= 16).then_some(i32::MAX),
        }),
    };
    line(capture, number, "server", &response.encode());
}

fn line(capture: &mut String, number: usize, from: &str, bytes: &[u8]) {
    let hex = hex_digits(bytes);
    // Writing to a text does not fail.
    let _ = writeln!(
        capture,
        r#"{{"stream": {number}, "from": "{from}", "hex": "{hex}"}}"#
    );
}

/// Whether a message is whole, and answers a request that is there, too, if it answers one.
fn is_readable(
    recorded: &Recorded,
    version: ProtocolVersion,
    asked: &mut Vec<(bool, u64)>,
) -> bool {
    if recorded.hidden > 0 {
        return false;
    }
    match Message::decode(recorded.bytes.clone(), version) {
        Ok(Message::Request { conversation, .. }) => {
            asked.push((recorded.sent, conversation.0));
            true
        }
        Ok(Message::Response { conversation, .. } | Message::Error { conversation, .. }) => {
            let request = (!recorded.sent, conversation.0);
            let place = asked.iter().position(|it| *it == request);
            place.map(|place| asked.swap_remove(place)).is_some()
        }
        Ok(_) => true,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests;
