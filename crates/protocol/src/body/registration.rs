//! Registrations of handlers, and the requests that handlers get.
//!
//! A registration names the service that requests arrive by and a control group (`default` is the usual one). It ends
//! with a conversation id that the client chose: requests for the handler carry it. Deregistrations do not have it.
//! Source: the LGPL 5.9 client, the dissector and the SDK.

use crate::codec::{wire_struct, wire_union};
use crate::{ConversationId, Credentials, DecodeError, Reader, SessionId, Wire, Writer};

use super::Properties;

wire_struct! {
    /// Registers a control handler.
    pub struct ControlRegistration {
        /// The service that requests arrive by.
        pub service: u32,
        /// The control group.
        pub group: String,
        /// The handler.
        pub handler: ConversationId,
    }

    /// Ends a control handler's registration.
    pub struct ControlDeregistration {
        /// The service that requests arrive by.
        pub service: u32,
        /// The control group.
        pub group: String,
    }

    /// Registers a handler that has a path, such as one for missing topics, or a name, such as an authenticator.
    pub struct NamedRegistration {
        /// The service that requests arrive by.
        pub service: u32,
        /// The control group.
        pub group: String,
        /// The path or the name.
        pub name: String,
        /// The handler.
        pub handler: ConversationId,
    }

    /// Ends the registration of a handler that has a path or a name.
    pub struct NamedDeregistration {
        /// The service that requests arrive by.
        pub service: u32,
        /// The control group.
        pub group: String,
        /// The path or the name.
        pub name: String,
    }

    /// Asks an authenticator whether a session may be opened.
    pub struct AuthenticatorRequest {
        /// The principal; empty for an anonymous session.
        pub principal: String,
        /// Its credentials.
        pub credentials: Credentials,
        /// The properties that the server gives the session.
        pub properties: Properties,
        /// The properties that the client proposes.
        pub proposed: Properties,
        /// The handler.
        pub handler: ConversationId,
    }

    /// Change the principal of the session (before 6.12).
    pub struct ChangePrincipalRequest {
        /// The new principal.
        pub principal: String,
        /// Its credentials.
        pub credentials: Credentials,
    }

    /// Change the principal of the session, or authenticate the same one again.
    pub struct ReauthenticateRequest {
        /// The principal.
        pub principal: String,
        /// Its credentials.
        pub credentials: Credentials,
        /// Properties that the client proposes.
        pub proposed: Properties,
    }
}

wire_union! {
    /// What an authenticator returns.
    pub enum AuthenticatorResponse("authenticator response") {
        /// The session must not be opened.
        Deny = 0,
        /// Others shall decide.
        Abstain = 1,
        /// The session may be opened, with these properties.
        Allow(Properties) = 2,
    }
}

/// Asks a handler for a topic that a session selected and that does not exist; the response is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingTopicRequest {
    /// The session that selected it.
    pub origin: MissingTopicOrigin,
    /// The topic selector expression.
    pub selector: String,
    /// The handler.
    pub handler: ConversationId,
}

/// The session that selected a topic that does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MissingTopicOrigin {
    /// A session (old versions).
    Session(SessionId),
    /// A session with these properties, on these servers (29).
    Properties {
        /// The session's properties, `$SessionId` among them.
        properties: Properties,
        /// The servers through which the request came.
        servers: Vec<String>,
    },
}

impl Wire for MissingTopicRequest {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let (origin, selector) = if reader.version().has_missing_topic_properties() {
            let selector = reader.string()?;
            let properties = Properties::read(reader)?;
            let servers = Vec::read(reader)?;
            (
                MissingTopicOrigin::Properties {
                    properties,
                    servers,
                },
                selector,
            )
        } else {
            let session = SessionId::read(reader)?;
            (MissingTopicOrigin::Session(session), reader.string()?)
        };
        Ok(Self {
            origin,
            selector,
            handler: ConversationId::read(reader)?,
        })
    }

    /// The version decides the form; what it asks for and the origin does not have is written empty.
    fn write(&self, writer: &mut Writer) {
        if writer.version().has_missing_topic_properties() {
            writer.string(&self.selector);
            match &self.origin {
                MissingTopicOrigin::Properties {
                    properties,
                    servers,
                } => {
                    properties.write(writer);
                    servers.write(writer);
                }
                MissingTopicOrigin::Session(session) => {
                    vec![("$SessionId".to_owned(), session.to_string())].write(writer);
                    Vec::<String>::new().write(writer);
                }
            }
        } else {
            let session = match &self.origin {
                MissingTopicOrigin::Session(session) => Some(*session),
                MissingTopicOrigin::Properties { properties, .. } => properties
                    .iter()
                    .find(|(name, _)| name == "$SessionId")
                    .and_then(|(_, id)| id.parse().ok()),
            };
            let nobody = SessionId {
                server: 0,
                local: 0,
            };
            session.unwrap_or(nobody).write(writer);
            writer.string(&self.selector);
        }
        self.handler.write(writer);
    }
}
