//! Request-response messaging: to a path, to a session, to all sessions that match a filter.
//!
//! Source: the dissector for old versions, the SDK for 29.

use bytes::Bytes;

use crate::codec::wire_struct;
use crate::{
    ConversationId, DecodeError, ErrorReason, ErrorReport, Reader, SessionId, Wire, Writer,
};

wire_struct! {
    /// A request to the handler of a path; also a request on its way from the server to a session.
    pub struct SendRequest {
        /// The path.
        pub path: String,
        /// The name of the value's type, such as `json`.
        pub data_type: String,
        /// The value.
        pub value: Bytes,
    }

    /// A request to a session, on its way to the server.
    pub struct SendToSessionRequest {
        /// The receiver.
        pub session: SessionId,
        /// The path.
        pub path: String,
        /// The name of the value's type.
        pub data_type: String,
        /// The value.
        pub value: Bytes,
    }

    /// A request on its way from the server to its receiver.
    pub struct ReceiveRequest {
        /// The handler's registration; zero for a request to a session.
        pub handler: ConversationId,
        /// The sender.
        pub sender: SessionId,
        /// The path.
        pub path: String,
        /// Those of the sender's session properties that the handler asked for.
        pub properties: Vec<(String, String)>,
        /// The name of the value's type.
        pub data_type: String,
        /// The value.
        pub value: Bytes,
    }

    /// What a receiver responds.
    pub struct MessagingResponse {
        /// The name of the value's type.
        pub data_type: String,
        /// The value.
        pub value: Bytes,
    }

    /// Registers the session as the handler of a path and all below.
    pub struct RequestHandlerRegistration {
        /// The service that requests arrive by: [`crate::ServiceId::MessagingReceiverClient`].
        pub service: u32,
        /// The control group; the default one is `default`.
        pub group: String,
        /// The path.
        pub path: String,
        /// Which session properties of senders to hand on.
        pub properties: Vec<String>,
        /// The handler's number, which requests for it carry.
        pub handler: ConversationId,
    }

    /// Ends a handler's registration.
    pub struct RequestHandlerDeregistration {
        /// The service that requests arrive by.
        pub service: u32,
        /// The control group.
        pub group: String,
        /// The path.
        pub path: String,
        /// Which session properties of senders were handed on.
        pub properties: Vec<String>,
    }

    /// A request to all sessions that match a filter.
    pub struct SendToFilterRequest {
        /// The sender's conversation, which responses carry.
        pub conversation: ConversationId,
        /// The filter.
        pub filter: String,
        /// The path.
        pub path: String,
        /// The name of the value's type.
        pub data_type: String,
        /// The value.
        pub value: Bytes,
    }

    /// One session's response to a request by filter.
    pub struct FilterResponse {
        /// The sender's conversation.
        pub conversation: ConversationId,
        /// The session that responds.
        pub session: SessionId,
        /// Its response.
        pub outcome: FilterOutcome,
    }
}

/// What a session responds to a request by filter.
///
/// A failure is its reason and then the message, the other way round than in an error message (source: the SDK).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterOutcome {
    /// A value.
    Response(MessagingResponse),
    /// A failure.
    Failure(ErrorReport),
}

impl Wire for FilterOutcome {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        match reader.byte()? {
            0 => MessagingResponse::read(reader).map(Self::Response),
            1 => {
                let reason = ErrorReason::read(reader)?;
                let message = reader.string()?;
                Ok(Self::Failure(ErrorReport { message, reason }))
            }
            other => Err(reader.unknown("filter response", u64::from(other))),
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Response(response) => {
                writer.byte(0);
                response.write(writer);
            }
            Self::Failure(report) => {
                writer.byte(1);
                report.reason.write(writer);
                writer.string(&report.message);
            }
        }
    }
}
