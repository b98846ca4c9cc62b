//! Services that later versions no longer have, but version 13 may: one-way messages, content updates, wills, session
//! details.
//!
//! Source: the LGPL 5.9 client and the dissector.

use bytes::Bytes;

use crate::codec::{wire_enum, wire_struct, wire_union};
use crate::{ConversationId, DecodeError, Reader, SessionId, Wire, Writer};

use super::{Properties, ScriptError};

wire_struct! {
    /// Bytes, and how they are encoded.
    pub struct Content {
        /// 0 is not at all; others were never seen.
        pub encoding: u8,
        /// The bytes.
        pub bytes: Bytes,
    }

    /// How to send a one-way message.
    pub struct SendOptions {
        /// 0 is normal, 1 high, 2 low.
        pub priority: u8,
        /// What the application adds.
        pub headers: Vec<String>,
    }

    /// A one-way message to a path.
    pub struct SendMessage {
        /// The path.
        pub path: String,
        /// The message.
        pub content: Content,
        /// How to send it.
        pub options: SendOptions,
    }

    /// A one-way message to a session.
    pub struct SendMessageToSession {
        /// The path.
        pub path: String,
        /// The message.
        pub content: Content,
        /// The receiver.
        pub session: SessionId,
        /// How to send it.
        pub options: SendOptions,
        /// The sender's conversation.
        pub conversation: ConversationId,
    }

    /// A one-way message to all sessions that match a filter.
    pub struct SendMessageToFilter {
        /// The filter.
        pub filter: String,
        /// The path.
        pub path: String,
        /// The message.
        pub content: Content,
        /// How to send it.
        pub options: SendOptions,
        /// The sender's conversation.
        pub conversation: ConversationId,
    }

    /// To how many sessions a message by filter went.
    pub struct SendMessageToFilterResult {
        /// This many.
        pub sent: u32,
        /// What is wrong with the filter; empty if nothing is.
        pub errors: Vec<ScriptError>,
    }

    /// A one-way message on its way to a handler.
    pub struct ForwardedMessage {
        /// The path.
        pub path: String,
        /// The message.
        pub content: Content,
        /// The sender.
        pub sender: SessionId,
        /// How it was sent.
        pub options: SendOptions,
        /// Those of the sender's session properties that the handler asked for.
        pub properties: Properties,
        /// The handler.
        pub handler: ConversationId,
    }

    /// Stream the topics that match a selector.
    pub struct FetchStreamRequest {
        /// The topic selector expression.
        pub selector: String,
        /// The stream.
        pub conversation: ConversationId,
    }

    /// A change of a topic's content.
    pub struct ContentUpdate {
        /// 0 updates, 1 replaces.
        pub action: u8,
        /// The content.
        pub content: Content,
    }

    /// Update a topic through an update source.
    pub struct UpdateSourceUpdateRequest {
        /// The source.
        pub source: ConversationId,
        /// The topic.
        pub path: String,
        /// The change.
        pub update: ContentUpdateKind,
    }

    /// Update a topic.
    pub struct UpdateTopicRequest {
        /// The topic.
        pub path: String,
        /// The change.
        pub update: ContentUpdateKind,
    }

    /// Have something done when the session closes.
    pub struct TopicWill {
        /// The branch.
        pub path: String,
        /// 0: remove its topics.
        pub will: u8,
    }

    /// Throttle a session's queue.
    pub struct ThrottleQueueRequest {
        /// The session.
        pub session: SessionId,
        /// By what to throttle: 0 nothing, 1 messages a second, 2 bytes a second, 3 message interval, 4 buffer interval.
        pub throttler: u8,
        /// The limit.
        pub limit: u32,
    }

    /// Read the details of a session; the response is none if there is no such session.
    pub struct GetSessionDetailsRequest {
        /// The session.
        pub session: SessionId,
        /// Which details: 0 summary, 1 location, 2 connector name, 3 server name.
        pub details: Vec<u8>,
    }

    /// Registers a listener for the details of sessions.
    pub struct SessionDetailsListenerRegistration {
        /// Which details.
        pub details: Option<Vec<u8>>,
        /// The listener.
        pub listener: ConversationId,
    }

    /// Notifies a listener of the details of a session.
    pub struct SessionDetailsEvent {
        /// 0x7e opened, 0x7f changed; others are the reason of a close.
        pub kind: u8,
        /// The session.
        pub session: SessionId,
        /// Its details.
        pub details: Option<SessionDetails>,
        /// The listener.
        pub listener: ConversationId,
    }

    /// The details of a session.
    pub struct SessionDetails {
        /// The principal and the means of connection.
        pub summary: Option<SessionSummary>,
        /// From where.
        pub location: Option<SessionLocation>,
        /// Through which connector.
        pub connector: Option<String>,
        /// On which server.
        pub server: Option<String>,
    }

    /// The identity of a session.
    pub struct SessionSummary {
        /// The principal.
        pub principal: String,
        /// The kind of client.
        pub client_type: u8,
        /// The kind of connection.
        pub transport: u8,
    }

    /// Where a session is.
    pub struct SessionLocation {
        /// The network address.
        pub address: String,
        /// The host's name.
        pub host: String,
        /// The resolved name.
        pub resolved: String,
        /// The kind of address.
        pub address_type: u8,
        /// The country's code.
        pub country: String,
        /// The language's code.
        pub language: String,
        /// The latitude's bits.
        pub latitude: u64,
        /// The longitude's bits.
        pub longitude: u64,
    }
}

wire_union! {
    /// Kinds of change of a topic's content. Paged topics had others, which do not exist in version 6.
    pub enum ContentUpdateKind("kind of update") {
        /// A change of the whole content.
        Content(ContentUpdate) = 0,
    }
}

wire_enum! {
    /// What registering a topic will did.
    pub enum TopicWillResult("topic will result") {
        /// It is registered.
        Success = 0,
        /// Another group has one there.
        GroupConflict = 1,
        /// There is one on the same branch.
        TopicTreeConflict = 2,
    }
}

/// What an update through an update source did.
///
/// The LGPL 5.9 client reads 0 for a success, and 1 and a code for a failure; the dissector reads the code alone. Which
/// of them version 13 has is not known, so both are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateSourceResult {
    /// Done.
    Success,
    /// It failed, as the LGPL 5.9 client has it: 2 update failed, 3 source may not update, 4 no topic, and so on.
    Failure(u8),
    /// It failed, as the dissector has it.
    BareFailure(super::UpdateResult),
}

impl Wire for UpdateSourceResult {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let first = u8::read(reader)?;
        match first {
            0 => Ok(Self::Success),
            1 if reader.remaining() > 0 => u8::read(reader).map(Self::Failure),
            other => super::UpdateResult::from_code(other)
                .map(Self::BareFailure)
                .ok_or_else(|| reader.unknown("update result", u64::from(other))),
        }
    }
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Success => writer.byte(0),
            Self::Failure(code) => {
                writer.byte(1);
                code.write(writer);
            }
            Self::BareFailure(result) => result.write(writer),
        }
    }
}
