//! Setting values: plainly, by update stream, by JSON patch, and by update source (before 6.4).
//!
//! Source: the dissector and the captures for old versions, the SDK for 29.

use bytes::Bytes;

use crate::codec::{wire_enum, wire_struct};
use crate::{ConversationId, DecodeError, Reader, TopicSpecification, TopicType, Wire, Writer};

use super::{AddTopicResult, UpdateConstraint};

wire_enum! {
    /// What an update of versions before 6.4 did.
    pub enum UpdateResult("update result") {
        /// Done.
        Success = 0,
        /// The value is of another type.
        IncompatibleUpdate = 1,
        /// It failed.
        UpdateFailed = 2,
        /// The update source must not update.
        InvalidUpdater = 3,
        /// There is no topic.
        MissingTopic = 4,
        /// The update source's address is not valid.
        InvalidAddress = 5,
        /// Another one updates the topic alone.
        ExclusiveUpdaterConflict = 6,
        /// The delta is of another type.
        IncompatibleDelta = 7,
        /// A delta, but the topic has no value.
        DeltaWithoutValue = 8,
        /// The cluster was repartitioning.
        ClusterRepartition = 9,
        /// The topic is managed by something else.
        IncompatibleState = 10,
    }

    /// The state of an update source (before 6.4).
    pub enum UpdateSourceState("update source state") {
        /// Not yet registered.
        Init = 0,
        /// It may update.
        Active = 1,
        /// It is closed.
        Closed = 2,
        /// Another one is active.
        Standby = 3,
    }
}

wire_struct! {
    /// Set a topic's value.
    pub struct SetTopicRequest {
        /// The topic.
        pub path: String,
        /// The type that the topic must have.
        pub topic_type: TopicType,
        /// The value.
        pub value: Bytes,
        /// What must hold.
        pub constraint: UpdateConstraint,
    }

    /// Add a topic if it is not there, and set its value.
    pub struct AddAndSetTopicRequest {
        /// The topic.
        pub path: String,
        /// What it holds.
        pub specification: TopicSpecification,
        /// The value.
        pub value: Bytes,
        /// What must hold.
        pub constraint: UpdateConstraint,
    }

    /// Open an update stream.
    pub struct CreateUpdateStreamRequest {
        /// The topic.
        pub path: String,
        /// The type that the topic must have.
        pub topic_type: TopicType,
        /// What must hold.
        pub constraint: UpdateConstraint,
    }

    /// Open an update stream and set the topic's value.
    pub struct CreateUpdateStreamAndSetRequest {
        /// The topic.
        pub path: String,
        /// The type that the topic must have.
        pub topic_type: TopicType,
        /// The value.
        pub value: Bytes,
        /// What must hold.
        pub constraint: UpdateConstraint,
    }

    /// Open an update stream for a topic that is added if it is not there.
    pub struct StreamAddTopicRequest {
        /// The topic.
        pub path: String,
        /// What it holds.
        pub specification: TopicSpecification,
        /// What must hold.
        pub constraint: UpdateConstraint,
    }

    /// Open an update stream for a topic that is added if it is not there, and set its value.
    pub struct StreamAddAndSetTopicRequest {
        /// The topic.
        pub path: String,
        /// What it holds.
        pub specification: TopicSpecification,
        /// The value.
        pub value: Bytes,
        /// What must hold.
        pub constraint: UpdateConstraint,
    }

    /// An update stream's name on the wire.
    pub struct UpdateStreamId {
        /// The topic.
        pub topic: u32,
        /// Which of the topic's streams.
        pub instance: u32,
        /// The partition of the cluster.
        pub partition: u32,
        /// The partition's generation.
        pub generation: u32,
    }

    /// What opening an update stream for an added topic returns.
    pub struct UpdateStreamAddResponse {
        /// Whether the topic is new.
        pub result: AddTopicResult,
        /// The stream.
        pub created: UpdateStreamCreated,
    }

    /// Change a JSON topic by a patch (RFC 6902).
    pub struct ApplyJsonPatchRequest {
        /// The topic.
        pub path: String,
        /// The patch, as JSON text.
        pub patch: String,
        /// What must hold.
        pub constraint: UpdateConstraint,
    }

    /// What applying a JSON patch did.
    pub struct ApplyJsonPatchResponse {
        /// The index of the operation that failed; -1 if none did.
        pub failed: i32,
    }

    /// Set a value, or apply a delta, through an update stream.
    pub struct UpdateStreamRequest {
        /// The stream.
        pub stream: UpdateStreamId,
        /// The value or the delta.
        pub value: Bytes,
    }

    /// Update a topic by a value (before 6.4).
    pub struct UpdateTopicSetRequest {
        /// The topic.
        pub path: String,
        /// The value.
        pub value: Bytes,
    }

    /// Update a topic by a delta (before 6.4).
    pub struct UpdateTopicDeltaRequest {
        /// The topic.
        pub path: String,
        /// The kind of delta; 0 is binary.
        pub delta_type: u8,
        /// The delta.
        pub delta: Bytes,
    }

    /// Update a topic through an update source, by a value (before 6.4).
    pub struct UpdateSourceSetRequest {
        /// The source.
        pub source: ConversationId,
        /// The topic.
        pub path: String,
        /// The value.
        pub value: Bytes,
    }

    /// Update a topic through an update source, by a delta (before 6.4).
    pub struct UpdateSourceDeltaRequest {
        /// The source.
        pub source: ConversationId,
        /// The topic.
        pub path: String,
        /// The kind of delta; 0 is binary.
        pub delta_type: u8,
        /// The delta.
        pub delta: Bytes,
    }

    /// Register an update source (before 6.4).
    pub struct UpdateSourceRegistrationRequest {
        /// The source.
        pub source: ConversationId,
        /// The branch to update.
        pub path: String,
    }

    /// Notifies an update source of its state (before 6.4).
    pub struct UpdateSourceStateRequest {
        /// The source.
        pub source: ConversationId,
        /// What it was.
        pub old: UpdateSourceState,
        /// What it is.
        pub new: UpdateSourceState,
    }
}

/// An update stream that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateStreamCreated {
    /// The stream.
    pub stream: UpdateStreamId,
    /// Bit 0: the stream takes deltas. The dissector does not know of it, the SDK requires it.
    pub flags: Option<u8>,
}

impl UpdateStreamCreated {
    /// Set if the stream takes deltas.
    pub const TAKES_DELTAS: u8 = 1;
}

impl Wire for UpdateStreamCreated {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let stream = UpdateStreamId::read(reader)?;
        let flags = match reader.remaining() {
            0 => None,
            _ => Some(u8::read(reader)?),
        };
        Ok(Self { stream, flags })
    }
    fn write(&self, writer: &mut Writer) {
        self.stream.write(writer);
        if let Some(flags) = self.flags {
            flags.write(writer);
        }
    }
}
