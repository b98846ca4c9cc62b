//! The lines of a capture.

use bytes::Bytes;
use serde_json::Value;

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Client,
    Server,
}

impl Side {
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    pub const fn arrow(self) -> &'static str {
        match self {
            Self::Client => "client → server",
            Self::Server => "server → client",
        }
    }
}

/// A line of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The upgrade request of a connection.
    Connect {
        stream: u64,
        /// What follows the `?` of the address, or the same names and values from headers.
        query: String,
    },
    /// A message.
    Message {
        stream: u64,
        from: Side,
        bytes: Bytes,
    },
}

/// Reads a line.
pub fn parse(line: &str) -> Result<Line, String> {
    let line: Value =
        serde_json::from_str(line).map_err(|error| format!("the line is not JSON: {error}"))?;
    let stream = line["stream"]
        .as_u64()
        .ok_or("the line has no number \"stream\"")?;
    if let Some(address) = line["connect"].as_str() {
        let mut query = address
            .split_once('?')
            .map_or_else(String::new, |(_, query)| query.to_owned());
        // A client may send the same names as headers (the notes say so of a 6.2 Java client).
        for (name, value) in line["headers"].as_object().into_iter().flatten() {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            query.push_str(&format!("&{}={value}", name.to_ascii_lowercase()));
        }
        return Ok(Line::Connect { stream, query });
    }
    let from = match line["from"].as_str() {
        Some("client") => Side::Client,
        Some("server") => Side::Server,
        _ => return Err("the line is neither a connect nor a message".to_owned()),
    };
    let bytes = line["hex"]
        .as_str()
        .and_then(from_hex)
        .ok_or("the message has no \"hex\" that is hexadecimal")?;
    Ok(Line::Message {
        stream,
        from,
        bytes,
    })
}

fn from_hex(text: &str) -> Option<Bytes> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(*pair.first()?)?, digit(*pair.last()?)?);
            u8::try_from(high * 16 + low).ok()
        })
        .collect()
}

pub fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
