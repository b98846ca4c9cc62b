//! Setting values: plainly, by update stream, by update source (before 6.4), and under constraints.
//!
//! Source: the dissector, the captures, and for `set topic` the SDK.

use bytes::Bytes;

use crate::codec::{wire_enum, wire_struct};
use crate::{ConversationId, DecodeError, Reader, TopicSpecification, TopicType, Wire, Writer};

use super::AddTopicResult;

/// What must hold for an update to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateConstraint {
    /// Nothing.
    Unconstrained,
    /// All of these.
    Conjunction(Vec<UpdateConstraint>),
    /// The topic has this value.
    BinaryValue(Bytes),
    /// The topic has no value.
    NoValue,
    /// The session holds a lock.
    Locked {
        /// The lock's name.
        name: String,
        /// The acquisition's sequence.
        sequence: u64,
    },
    /// There is no topic.
    NoTopic,
    /// The topic's JSON value has these values at these pointers, and nothing at those.
    PartialJson {
        /// JSON pointers and the values that must be there.
        with: Vec<(String, Bytes)>,
        /// JSON pointers with nothing there.
        without: Vec<String>,
    },
}

impl Wire for UpdateConstraint {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(match u8::read(reader)? {
            0 => Self::Unconstrained,
            1 => Self::Conjunction(Vec::read(reader)?),
            2 => Self::BinaryValue(reader.bytes()?),
            3 => Self::NoValue,
            4 => Self::Locked {
                name: reader.string()?,
                sequence: reader.varint64()?,
            },
            5 => Self::NoTopic,
            6 => Self::PartialJson {
                with: Vec::read(reader)?,
                without: Vec::read(reader)?,
            },
            other => return Err(reader.unknown("update constraint", u64::from(other))),
        })
    }
    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Unconstrained => writer.byte(0),
            Self::Conjunction(constraints) => {
                writer.byte(1);
                constraints.write(writer);
            }
            Self::BinaryValue(value) => {
                writer.byte(2);
                writer.bytes(value);
            }
            Self::NoValue => writer.byte(3),
            Self::Locked { name, sequence } => {
                writer.byte(4);
                writer.string(name);
                writer.varint64(*sequence);
            }
            Self::NoTopic => writer.byte(5),
            Self::PartialJson { with, without } => {
                writer.byte(6);
                with.write(writer);
                without.write(writer);
            }
        }
    }
}

wire_enum! {
    /// What an update of versions before 6.4 did.
    pub enum UpdateResult("update result") {
        /// Done.
        Success = 0,
        /// The value is of another type.
        IncompatibleUpdate = 1,
        /// It failed.
        UpdateFailed = 2,
        /// The update source may not update.
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

    /// What opening an update stream for an added topic answers.
    pub struct UpdateStreamAddResponse {
        /// Whether the topic is new.
        pub result: AddTopicResult,
        /// The stream.
        pub stream: UpdateStreamId,
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

    /// Tells an update source its state (before 6.4).
    pub struct UpdateSourceStateRequest {
        /// The source.
        pub source: ConversationId,
        /// What it was.
        pub old: UpdateSourceState,
        /// What it is.
        pub new: UpdateSourceState,
    }
}
