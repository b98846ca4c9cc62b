//! Connecting: the upgrade request's query or headers, and the server's first message.

use base64ct::{Base64, Encoding as _};
use bytes::Bytes;
use core::fmt;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::collections::BTreeMap;

use crate::codec::wire_enum;
use crate::{
    DecodeError, ProtocolVersion, Reader, SessionId, SessionToken, Wire, Writer, decode, encode,
};

/// The byte that the server's first message starts with.
const PROTOCOL_BYTE: u8 = 0x23;

/// What a client can do, as bits of `ca` (source: the dissector).
pub mod capabilities {
    /// Reads messages that are compressed with zlib.
    pub const COMPRESSION: u32 = 2;
    /// Speaks the unified API.
    pub const UNIFIED: u32 = 8;
}

/// The kind of client that connects, from `ty` (source: the dissector and the captures).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientType(String);

impl ClientType {
    /// A browser over WebSocket.
    #[must_use]
    pub fn browser() -> Self {
        Self("WB".to_owned())
    }

    /// The letters on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a session proves its identity.
///
/// `Debug` does not show them, so that they never reach a log.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// None: an anonymous session, or a principal without a password.
    None,
    /// A password.
    Password(String),
    /// Bytes that an authentication handler understands.
    Custom(Bytes),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Password(_) => "Password(…)",
            Self::Custom(_) => "Custom(…)",
        })
    }
}

/// A type byte, then the length and the bytes (source: the LGPL 5.9 client and the notes).
impl Wire for Credentials {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        match u8::read(reader)? {
            0 => {
                let bytes = reader.bytes()?;
                if bytes.is_empty() {
                    Ok(Self::None)
                } else {
                    Err(reader.unknown("length of no credentials", bytes.len() as u64))
                }
            }
            1 => reader.string().map(Self::Password),
            2 => reader.bytes().map(Self::Custom),
            other => Err(reader.unknown("credentials type", u64::from(other))),
        }
    }
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::None => {
                writer.byte(0);
                writer.byte(0);
            }
            Self::Password(password) => {
                writer.byte(1);
                writer.string(password);
            }
            Self::Custom(bytes) => {
                writer.byte(2);
                writer.bytes(bytes);
            }
        }
    }
}

/// What a reconnect request holds about the session to recover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconnect {
    /// The session's token.
    pub token: SessionToken,
    /// The number of the oldest message that the client can send again.
    pub available_client_sequence: u32,
    /// The number of the last message that the client received.
    pub last_server_sequence: u32,
}

/// The upgrade request: what the client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectRequest {
    /// The protocol version asked for; the server may not support it, so it is only a number.
    pub version: u8,
    /// What kind of client.
    pub client_type: ClientType,
    /// Bits of [`capabilities`].
    pub capabilities: u32,
    /// How long, in milliseconds, the session is to be kept when its connection is lost.
    pub reconnect_timeout: u32,
    /// Properties that the client proposes for its session; the server decides.
    pub proposed_properties: Vec<(String, String)>,
    /// The principal's name; `None` is an anonymous session.
    pub principal: Option<String>,
    /// The principal's credentials.
    pub credentials: Credentials,
    /// Present if the client recovers a session.
    pub reconnect: Option<Reconnect>,
}

/// Why a query or a set of headers is not a connect request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectRequestError {
    /// A value that must be there is not.
    #[error("the connect request has no {0:?}")]
    Missing(&'static str),
    /// A value makes no sense.
    #[error("the connect request's {0:?} is not valid")]
    Invalid(&'static str),
}

/// Everything but what stands in a query without harm.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A JSON object of strings. A `serde_json::Value` would bring a page the code for writing every kind of JSON.
fn json_object(members: &[(String, String)]) -> String {
    let mut json = String::from("{");
    for (index, (name, value)) in members.iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        for (text, end) in [(name, ":"), (value, "")] {
            // Writing a string to memory does not fail.
            json.push_str(&serde_json::to_string(text).unwrap_or_default());
            json.push_str(end);
        }
    }
    json.push('}');
    json
}

impl ConnectRequest {
    /// A request for a new session.
    #[must_use]
    pub fn new(version: ProtocolVersion) -> Self {
        Self {
            version: version.number(),
            client_type: ClientType::browser(),
            capabilities: capabilities::UNIFIED,
            reconnect_timeout: 60_000,
            proposed_properties: Vec::new(),
            principal: None,
            credentials: Credentials::None,
            reconnect: None,
        }
    }

    /// The query of the upgrade request's address, without the `?`.
    ///
    /// It holds the credentials: it must not be logged.
    #[must_use]
    pub fn to_query(&self) -> String {
        let mut query = String::new();
        let mut put = |name: &str, value: &str| {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(name);
            query.push('=');
            query.extend(utf8_percent_encode(value, QUERY));
        };
        put("ty", self.client_type.as_str());
        put("v", &self.version.to_string());
        put("ca", &self.capabilities.to_string());
        put("r", &self.reconnect_timeout.to_string());
        if !self.proposed_properties.is_empty() {
            put("sp", &json_object(&self.proposed_properties));
        }
        if let Some(reconnect) = &self.reconnect {
            put("c", reconnect.token.as_str());
            put("cs", &reconnect.available_client_sequence.to_string());
            put("ss", &reconnect.last_server_sequence.to_string());
        }
        if let Some(principal) = &self.principal {
            put("username", principal);
        }
        if self.credentials != Credentials::None {
            put(
                "password",
                &Base64::encode_string(&encode(&self.credentials, ProtocolVersion::NEWEST)),
            );
        }
        query
    }

    /// Reads the query of an upgrade request's address, without the `?`.
    ///
    /// # Errors
    /// If a value is missing or makes no sense. Names that are not known are passed over.
    pub fn from_query(query: &str) -> Result<Self, ConnectRequestError> {
        let decoded: Vec<(String, String)> = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| {
                // In a query `+` may stand for a space, but clients send base64 with a bare `+` too: keep it.
                (
                    name.to_owned(),
                    percent_decode_str(value).decode_utf8_lossy().into_owned(),
                )
            })
            .collect();
        Self::from_pairs(|name| {
            decoded
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        })
    }

    /// Reads a connect request from names and values: a query's, or an upgrade request's headers
    /// (a 6.2 Java client sends the same names as headers; source: the notes).
    ///
    /// # Errors
    /// If a value is missing or makes no sense.
    pub fn from_pairs(get: impl Fn(&str) -> Option<String>) -> Result<Self, ConnectRequestError> {
        use ConnectRequestError::{Invalid, Missing};
        fn number<T: core::str::FromStr>(
            text: Option<String>,
            name: &'static str,
        ) -> Result<Option<T>, ConnectRequestError> {
            text.map(|text| text.parse().map_err(|_| ConnectRequestError::Invalid(name)))
                .transpose()
        }
        let version = number(get("v"), "v")?.ok_or(Missing("v"))?;
        let client_type = ClientType(get("ty").filter(|ty| !ty.is_empty()).ok_or(Missing("ty"))?);
        let reconnect = match get("c") {
            None => None,
            Some(token) => Some(Reconnect {
                token: token.parse().map_err(|_| Invalid("c"))?,
                available_client_sequence: number(get("cs"), "cs")?.unwrap_or(0),
                last_server_sequence: number(get("ss"), "ss")?.unwrap_or(0),
            }),
        };
        let proposed_properties = match get("sp").filter(|text| !text.is_empty()) {
            None => Vec::new(),
            Some(text) => proposed_properties(&text).ok_or(Invalid("sp"))?,
        };
        let credentials = match get("password").filter(|password| !password.is_empty()) {
            None => Credentials::None,
            Some(base64) => {
                let bytes = Base64::decode_vec(&base64).map_err(|_| Invalid("password"))?;
                decode(Bytes::from(bytes), ProtocolVersion::NEWEST)
                    .map_err(|_| Invalid("password"))?
            }
        };
        Ok(Self {
            version,
            client_type,
            capabilities: number(get("ca"), "ca")?.unwrap_or(0),
            reconnect_timeout: number::<u64>(get("r"), "r")?
                .map_or(0, |ms| u32::try_from(ms).unwrap_or(u32::MAX)),
            proposed_properties,
            principal: get("username").filter(|name| !name.is_empty()),
            credentials,
            reconnect,
        })
    }
}

/// Reads proposed session properties: a JSON object (JavaScript SDK), or names and values in turn as JSON strings with
/// commas between them (Python SDKs). Each name is there once, with its last value; they are in the order of their names.
fn proposed_properties(text: &str) -> Option<Vec<(String, String)>> {
    if let Ok(map) = serde_json::from_str::<BTreeMap<String, String>>(text) {
        return Some(map.into_iter().collect());
    }
    let list: Vec<String> = serde_json::from_str(&format!("[{text}]")).ok()?;
    let named: Option<BTreeMap<_, _>> = list
        .chunks(2)
        .map(|pair| match pair {
            [name, value] => Some((name.clone(), value.clone())),
            _ => None,
        })
        .collect();
    Some(named?.into_iter().collect())
}

wire_enum! {
    /// The server's response to a connect request.
    ///
    /// Source: the dissector and the LGPL 5.9 client.
    pub enum ResponseCode("response code") {
        /// Connected: a new session.
        Connected = 100,
        /// The server does not speak the version asked for (before 6).
        Downgrade = 102,
        /// Reconnected: the session that was asked for.
        Reconnected = 105,
        /// Reconnected, but messages were lost on the way.
        ReconnectedWithMessageLoss = 106,
        /// Refused.
        Rejected = 111,
        /// This kind of client cannot connect here.
        ConnectionUnsupported = 112,
        /// The service has as many sessions as its licence or its configuration allows.
        LicenceExceeded = 113,
        /// This connector does not reconnect.
        ReconnectionUnsupported = 114,
        /// The request made no sense, or its version is not spoken.
        ProtocolError = 115,
        /// The principal or its credentials are wrong.
        AuthenticationFailed = 116,
        /// The session to reconnect to is gone.
        UnknownSession = 117,
        /// The session to reconnect to lost messages, and so cannot go on.
        ReconnectionMessageLoss = 118,
        /// The server is starting or stopping.
        NotReady = 119,
        /// The server failed.
        Error = 127,
    }
}

impl ResponseCode {
    /// Whether a session is open after it.
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(
            self,
            Self::Connected | Self::Reconnected | Self::ReconnectedWithMessageLoss
        )
    }

    /// What it means, in words.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Downgrade => "the service does not speak the requested protocol version",
            Self::Reconnected => "reconnected",
            Self::ReconnectedWithMessageLoss => "reconnected, but messages were lost",
            Self::Rejected => {
                "the service takes no more sign-ins for the moment: wait a little and try again"
            }
            Self::ConnectionUnsupported => "the service does not accept this kind of client",
            Self::LicenceExceeded => {
                "the service has as many sessions as its licence or its configuration allows"
            }
            Self::ReconnectionUnsupported => "the service does not support reconnection",
            Self::ProtocolError => "the service did not understand the connect request",
            Self::AuthenticationFailed => "the user name or the password is wrong",
            Self::UnknownSession => "the service no longer knows the session",
            Self::ReconnectionMessageLoss => "messages were lost, so the session cannot go on",
            Self::NotReady => "the service is not ready yet",
            Self::Error => "the service failed",
        }
    }
}

/// What a server sends when a session is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectSuccess {
    /// The session.
    pub session: SessionId,
    /// What a reconnect request needs.
    pub token: SessionToken,
    /// How often the server pings, in milliseconds.
    pub ping_period: i64,
    /// From version 29 on after a connect: the largest message that the server reads, in bytes. After a reconnect, in
    /// every version: the recovery sequence, the number of the next client message that the server expects.
    pub last: Option<i32>,
}

/// The server's first message.
///
/// Source: the captures (13, 14), the LGPL 5.9 client (reconnect) and the 6.12.1 SDK (29).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectResponse {
    /// The version that the server speaks; with a success, the one that was asked for.
    pub version: u8,
    /// The response.
    pub code: ResponseCode,
    /// Present exactly if the code is a success.
    pub success: Option<ConnectSuccess>,
}

/// The first version whose connect response ends with a number. 13 and 14 have none (captures); 19, 21, 22, 24, 25 (Python
/// SDKs) and 29 (JavaScript SDK) cannot read the response without it. Nothing is known of 16 to 18: they get it, because a
/// client that does not expect it passes it over (JavaScript SDKs of 9 and 29), and one that does fails without it. The
/// reader takes it if it is there.
const FIRST_WITH_MAXIMUM: u8 = 16;

impl ConnectResponse {
    /// A refusal.
    #[must_use]
    pub const fn refusal(version: u8, code: ResponseCode) -> Self {
        Self {
            version,
            code,
            success: None,
        }
    }

    /// Reads the server's first message.
    ///
    /// # Errors
    /// If it is no connect response.
    pub fn decode(bytes: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes, ProtocolVersion::NEWEST);
        let first = reader.byte()?;
        if first != PROTOCOL_BYTE {
            return Err(reader.unknown("protocol byte", u64::from(first)));
        }
        let version = reader.byte()?;
        let code = reader.byte()?;
        let code = ResponseCode::from_code(code)
            .ok_or_else(|| reader.unknown("response code", u64::from(code)))?;
        if !code.is_success() {
            reader.finish()?;
            return Ok(Self::refusal(version, code));
        }
        let session = SessionId {
            server: u64::from_be_bytes(reader.array()?),
            local: u64::from_be_bytes(reader.array()?),
        };
        let token =
            SessionToken::new(reader.array()?).ok_or_else(|| reader.unknown("session token", 0))?;
        let ping_period = i64::from_be_bytes(reader.array()?);
        let last = if reader.remaining() == 0 {
            None
        } else {
            Some(i32::from_be_bytes(reader.array()?))
        };
        reader.finish()?;
        Ok(Self {
            version,
            code,
            success: Some(ConnectSuccess {
                session,
                token,
                ping_period,
                last,
            }),
        })
    }

    /// The bytes of the server's first message.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut writer = Writer::new(ProtocolVersion::NEWEST);
        writer.byte(PROTOCOL_BYTE);
        writer.byte(self.version);
        writer.byte(self.code.code());
        if let Some(success) = &self.success {
            writer.raw(&success.session.server.to_be_bytes());
            writer.raw(&success.session.local.to_be_bytes());
            writer.raw(success.token.as_bytes());
            writer.raw(&success.ping_period.to_be_bytes());
            if let Some(last) = success.last {
                writer.raw(&last.to_be_bytes());
            }
        }
        writer.finish()
    }

    /// Whether a connect response of this version, after a connect, ends with the largest message's size.
    #[must_use]
    pub const fn has_maximum_message_size(version: u8) -> bool {
        version >= FIRST_WITH_MAXIMUM
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_reads_what_it_wrote() {
        let mut request = ConnectRequest::new(ProtocolVersion::NEWEST);
        request.principal = Some("jürgen & co".to_owned());
        request.credentials = Credentials::Password("password".to_owned());
        request.proposed_properties = vec![
            ("$Country".to_owned(), "DE".to_owned()),
            ("say \"\\\n".to_owned(), "ä".to_owned()),
        ];
        request.reconnect = Some(Reconnect {
            token: "tm+Q2GwK+dEUhy028R8WMn2l".parse().unwrap(),
            available_client_sequence: 1,
            last_server_sequence: 7,
        });
        let query = request.to_query();
        assert!(query.contains("password=AQhwYXNzd29yZA%3D%3D"), "{query}");
        assert_eq!(ConnectRequest::from_query(&query), Ok(request));
    }

    #[test]
    fn proposed_properties_mean_the_same_in_both_forms() {
        let object = r#"{"b":"1","a":"2","b":"3"}"#;
        let list = r#""b","1","a","2","b","3""#;
        let named = [("a", "2"), ("b", "3")].map(|(name, value)| (name.into(), value.into()));
        for text in [object, list] {
            assert_eq!(proposed_properties(text), Some(named.to_vec()), "{text}");
        }
        assert_eq!(proposed_properties(r#""a","1","b""#), None);
        assert_eq!(proposed_properties(r#"{"a":1}"#), None);
    }

    #[test]
    fn a_captured_query_is_read() {
        let query = "v=13&ty=WJ&ca=10&username=control&password=AQhwYXNzd29yZA==&r=60000";
        let request = ConnectRequest::from_query(query).unwrap();
        assert_eq!(request.version, 13);
        assert_eq!(request.principal.as_deref(), Some("control"));
        assert_eq!(
            request.credentials,
            Credentials::Password("password".to_owned())
        );
        assert_eq!(request.reconnect_timeout, 60_000);
    }

    #[test]
    fn a_bad_query_says_what_is_wrong() {
        assert_eq!(
            ConnectRequest::from_query("ty=WB"),
            Err(ConnectRequestError::Missing("v"))
        );
        assert_eq!(
            ConnectRequest::from_query("ty=WB&v=x"),
            Err(ConnectRequestError::Invalid("v"))
        );
        assert_eq!(
            ConnectRequest::from_query("ty=WB&v=29&c=short"),
            Err(ConnectRequestError::Invalid("c"))
        );
        assert_eq!(
            ConnectRequest::from_query("ty=WB&v=29&password=%00"),
            Err(ConnectRequestError::Invalid("password"))
        );
    }

    #[test]
    fn credentials_are_not_shown_in_logs() {
        let mut request = ConnectRequest::new(ProtocolVersion::NEWEST);
        request.credentials = Credentials::Password("secret".to_owned());
        assert!(!format!("{request:?}").contains("secret"));
    }

    #[test]
    fn a_response_reads_what_it_wrote() {
        let response = ConnectResponse {
            version: 29,
            code: ResponseCode::Connected,
            success: Some(ConnectSuccess {
                session: SessionId {
                    server: 1,
                    local: 2,
                },
                token: "tm+Q2GwK+dEUhy028R8WMn2l".parse().unwrap(),
                ping_period: 90_000,
                last: Some(i32::MAX),
            }),
        };
        assert_eq!(ConnectResponse::decode(response.encode()), Ok(response));
        let refusal = ConnectResponse::refusal(6, ResponseCode::AuthenticationFailed);
        assert_eq!(refusal.encode().as_ref(), [0x23, 0x06, 0x74]);
        assert_eq!(ConnectResponse::decode(refusal.encode()), Ok(refusal));
    }
}
