//! Request-response messaging: to a path, to a session, to all sessions that match a filter.
//!
//! Source: the dissector for old versions, the SDK for 29.

use bytes::Bytes;

use crate::codec::{wire_struct, wire_union};
use crate::{ConversationId, ErrorReport, SessionId};

wire_struct! {
    /// A request to whoever handles a path; also a request on its way from the server to a session.
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

    /// What a receiver answers.
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
        /// The sender's conversation, which answers carry.
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

    /// One session's answer to a request by filter.
    pub struct FilterResponse {
        /// The sender's conversation.
        pub conversation: ConversationId,
        /// The session that answers.
        pub session: SessionId,
        /// Its answer.
        pub outcome: FilterOutcome,
    }
}

wire_union! {
    /// What a session answers to a request by filter.
    pub enum FilterOutcome("filter response") {
        /// A value.
        Response(MessagingResponse) = 0,
        /// A failure.
        Failure(ErrorReport) = 1,
    }
}
