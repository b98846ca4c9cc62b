//! The messages of a connection as a file, which the protocol's example `inspect` reads.
//!
//! One JSON object a line: `connect` opens a connection, and each message of it follows with its bytes.

use std::collections::BTreeSet;

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
    let mut lines = Vec::new();
    let mut current = None;
    let mut asked = BTreeSet::new();
    for recorded in messages {
        let number = recorded.session;
        let Some(session) = session(number) else {
            continue;
        };
        if current != Some(number) {
            current = Some(number);
            asked.clear();
            lines.extend(opening(number, session));
        }
        if is_readable(recorded, session.version, &mut asked) {
            let from = if recorded.sent { "client" } else { "server" };
            lines.push(line(number, from, &recorded.bytes));
        }
    }
    // The last line ends, too.
    lines.push(String::new());
    lines.join("\n")
}

/// The beginning of a connection. Its messages are not recorded, so they are as another session's would be.
fn opening(number: usize, session: &RecordedSession) -> [String; 2] {
    let version = session.version.number();
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
    [
        format!(r#"{{"stream": {number}, "connect": "/diffusion?v={version}&ty=WB"}}"#),
        line(number, "server", &response.encode()),
    ]
}

fn line(number: usize, from: &str, bytes: &[u8]) -> String {
    let hex = hex_digits(bytes);
    format!(r#"{{"stream": {number}, "from": "{from}", "hex": "{hex}"}}"#)
}

/// Whether a message is whole, and answers a request that is there, too, if it answers one.
fn is_readable(
    recorded: &Recorded,
    version: ProtocolVersion,
    asked: &mut BTreeSet<(bool, u64)>,
) -> bool {
    if recorded.hidden > 0 {
        return false;
    }
    match Message::decode(recorded.bytes.clone(), version) {
        Ok(Message::Request { conversation, .. }) => {
            asked.insert((recorded.sent, conversation.0));
            true
        }
        Ok(Message::Response { conversation, .. } | Message::Error { conversation, .. }) => {
            asked.remove(&(!recorded.sent, conversation.0))
        }
        Ok(_) => true,
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests;
