//! Changes of one topic, worked out but not made.

mod actor;
mod adding;
mod streams;
mod values;

pub(crate) use actor::Actor;

use bytes::Bytes;
use effusion_protocol::body::{PathPermission, UpdateConstraint, UpdateResult, UpdateStreamId};
use effusion_protocol::time_series::{Event, EventMetadata};
use effusion_protocol::value::{DataType, delta};
use effusion_protocol::{ErrorReason, ErrorReport, TopicId, TopicSpecification, TopicType};
use std::sync::Arc;

use crate::caller::SessionKey;
use crate::errors::{self, error};
use crate::topics::constraint::{self, Subject};
use crate::topics::{OpenStream, Settings, Topic, TopicTree, VALUE_BYTES_A_STEP, event_bytes};
use crate::{Creator, Limits, StoreOp};

/// CBOR's null: a STRING, INT64 or DOUBLE topic without a value.
pub(crate) const NULL: &[u8] = &[0xf6];

/// How far in the future the timestamp of an event may be, in milliseconds: clocks of clients that go a little fast.
const MAX_AHEAD_MS: u64 = 60_000;

/// Steps for working out a change, apart from its values.
const OPERATION: usize = 5;

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) enum TopicOp {
    Add(TopicSpecification),
    Set {
        topic_type: TopicType,
        value: Bytes,
        constraint: UpdateConstraint,
    },
    AddAndSet {
        specification: TopicSpecification,
        value: Bytes,
        constraint: UpdateConstraint,
    },
    /// As versions before 6.4 do: the answer is a result, not an error.
    Update(Bytes),
    UpdateByDelta(Bytes),
    Append {
        value_type: String,
        value: Bytes,
        timestamp: Option<u64>,
    },
    Edit {
        value_type: String,
        original: u64,
        value: Bytes,
    },
    Patch {
        patch: String,
        constraint: UpdateConstraint,
    },
    OpenStream {
        specification: Option<TopicSpecification>,
        topic_type: TopicType,
        value: Option<Bytes>,
        constraint: UpdateConstraint,
    },
    Stream {
        stream: UpdateStreamId,
        update: StreamUpdate,
    },
    Remove,
    /// The topic's own policy removes it, whoever could otherwise.
    Expire,
}

impl TopicOp {
    /// How many bytes have to be looked at to work it out, if the present value has so many.
    fn bytes(&self, present: usize) -> usize {
        let of_constraint = |constraint| {
            let reads_value = constraint::reads_value(constraint);
            constraint::bytes(constraint) + if reads_value { present } else { 0 }
        };
        match self {
            Self::Add(_) | Self::Remove | Self::Expire => 0,
            Self::Set {
                value, constraint, ..
            }
            | Self::AddAndSet {
                value, constraint, ..
            } => value.len() + of_constraint(constraint),
            Self::OpenStream {
                value, constraint, ..
            } => value.as_ref().map_or(0, Bytes::len) + of_constraint(constraint),
            Self::Update(value) | Self::Append { value, .. } | Self::Edit { value, .. } => {
                value.len()
            }
            Self::UpdateByDelta(delta) => delta.len() + present,
            Self::Patch { patch, constraint } => patch.len() + present + of_constraint(constraint),
            Self::Stream { update, .. } => match update {
                StreamUpdate::Check => 0,
                StreamUpdate::Set(value) => value.len(),
                StreamUpdate::Delta(delta) => delta.len() + present,
            },
        }
    }
}

/// What an update stream is used for.
#[derive(Clone, Debug)]
pub(crate) enum StreamUpdate {
    Check,
    Set(Bytes),
    Delta(Bytes),
}

/// What came of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// Whether the topic is new.
    Added(bool),
    Event(EventMetadata),
    Result(UpdateResult),
    Stream {
        /// Whether the topic is new, if it was to be added.
        added: Option<bool>,
        stream: UpdateStreamId,
        takes_deltas: bool,
    },
    /// The operation of a patch that failed.
    Patched(Option<usize>),
    /// Whether there was a topic to remove.
    Removed(bool),
}

/// What happens to a topic.
#[derive(Debug)]
pub(crate) enum Change {
    Add {
        id: TopicId,
        specification: Arc<TopicSpecification>,
        settings: Arc<Settings>,
        creator: Creator,
    },
    Remove,
    /// A new value, and the delta from the one before if it is known.
    Value {
        value: Option<Bytes>,
        delta: Option<Bytes>,
    },
    Event(Event),
    /// The update stream that is valid from now on.
    Stream(Option<OpenStream>),
}

/// Numbers that are given out once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers {
    topic: u32,
    stream: u32,
}

impl Numbers {
    pub(crate) const fn last_topic(&self) -> TopicId {
        TopicId(self.topic)
    }

    pub(crate) const fn new_topic(&mut self) -> TopicId {
        self.topic = self.topic.wrapping_add(1);
        TopicId(self.topic)
    }

    const fn new_stream(&mut self) -> u32 {
        self.stream = self.stream.wrapping_add(1);
        self.stream
    }
}

/// What a transaction has to know.
#[derive(Clone, Copy)]
pub(super) struct Environment<'a> {
    pub(super) wall_ms: u64,
    /// Whether the limit of topics allows one more.
    pub(super) has_room: bool,
    /// For how many topics a principal has added.
    pub(super) tree: &'a TopicTree,
    pub(super) limits: &'a Limits,
    /// Whether a session holds a lock of this name and sequence.
    pub(super) holds_lock: &'a dyn Fn(&str, SessionKey, u64) -> bool,
}

impl Environment<'_> {
    /// The largest value that a delta or a patch may make, in bytes.
    const fn max_value(&self) -> usize {
        self.limits.message_bytes
    }
}

/// The topic at a path, as it will be when the changes are made.
pub(crate) struct Transaction<'a> {
    path: &'a str,
    environment: Environment<'a>,
    numbers: &'a mut Numbers,
    committed: Option<&'a Topic>,
    topic: Option<PendingTopic>,
    changes: Vec<Change>,
    operations: Vec<StoreOp>,
}

struct PendingTopic {
    id: TopicId,
    specification: Arc<TopicSpecification>,
    settings: Arc<Settings>,
    value: Option<Bytes>,
    stream: Option<OpenStream>,
    next_sequence: u64,
    last_timestamp: u64,
    /// The original events among the changes.
    originals: Vec<EventMetadata>,
    /// The topic was added by one of the changes, so that the committed one has nothing to do with it.
    is_new: bool,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(
        path: &'a str,
        committed: Option<&'a Topic>,
        numbers: &'a mut Numbers,
        environment: Environment<'a>,
    ) -> Self {
        let topic = committed.map(|topic| PendingTopic {
            id: topic.id,
            specification: topic.specification.clone(),
            settings: topic.settings.clone(),
            value: topic.present_value().cloned(),
            stream: topic.stream,
            next_sequence: topic.series.next_sequence(),
            last_timestamp: topic.series.last_timestamp(),
            originals: Vec::new(),
            is_new: false,
        });
        Self {
            path,
            environment,
            numbers,
            committed,
            topic,
            changes: Vec::new(),
            operations: Vec::new(),
        }
    }

    /// The changes since the last call.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        core::mem::take(&mut self.changes)
    }

    pub(crate) fn into_operations(self) -> Vec<StoreOp> {
        self.operations
    }

    pub(crate) fn store(&mut self, operation: StoreOp) {
        self.operations.push(operation);
    }

    /// About how many steps it takes to work out a change.
    pub(crate) fn steps(&self, op: &TopicOp) -> usize {
        let value = self.topic.as_ref().and_then(|it| it.value.as_ref());
        OPERATION + op.bytes(value.map_or(0, Bytes::len)) / VALUE_BYTES_A_STEP
    }

    /// Works out one change.
    pub(crate) fn execute(&mut self, actor: &Actor, op: TopicOp) -> Result<Outcome, ErrorReport> {
        match op {
            TopicOp::Add(specification) => {
                actor.check(PathPermission::ModifyTopic, self.path, self.settings())?;
                self.add(actor, specification).map(Outcome::Added)
            }
            TopicOp::Set {
                topic_type,
                value,
                constraint,
            } => {
                actor.check(PathPermission::UpdateTopic, self.path, self.settings())?;
                self.check_constraint(actor, &constraint)?;
                self.check_type(topic_type)?;
                self.set(actor, value, None)?;
                Ok(Outcome::Done)
            }
            TopicOp::AddAndSet {
                specification,
                value,
                constraint,
            } => {
                let added =
                    self.add_if_missing(actor, specification, &constraint, |transaction| {
                        transaction.check_value(&value)
                    })?;
                self.set(actor, value, None)?;
                Ok(Outcome::Added(added))
            }
            TopicOp::Update(value) => self.update(actor, |_| Ok((value, None))),
            TopicOp::UpdateByDelta(delta) => {
                let max_value = self.environment.max_value();
                actor.check_read(self.path, self.settings())?;
                self.update(actor, |old| {
                    let old = old.ok_or(UpdateResult::DeltaWithoutValue)?;
                    let value = delta::apply_within(&old, &delta, max_value)
                        .map_err(|_| UpdateResult::IncompatibleDelta)?;
                    Ok((value, Some(delta)))
                })
            }
            TopicOp::Append {
                value_type,
                value,
                timestamp,
            } => {
                actor.check(PathPermission::UpdateTopic, self.path, self.settings())?;
                if timestamp.is_some() {
                    // Whether it is too early tells when the latest event was appended.
                    actor.check_read(self.path, self.settings())?;
                }
                self.check_series(&value_type)?;
                self.check_value(&value)?;
                let latest = self.topic()?.last_timestamp;
                if let Some(timestamp) = timestamp.filter(|it| *it < latest) {
                    return Err(errors::invalid_data(format_args!(
                        "The timestamp {timestamp} is before the latest event's, {latest}"
                    )));
                }
                // All later events would bear it, too, and a range of time would count back from it.
                let end = self
                    .environment
                    .wall_ms
                    .saturating_add(MAX_AHEAD_MS)
                    .max(latest);
                if let Some(timestamp) = timestamp.filter(|it| *it > end) {
                    return Err(errors::invalid_data(format_args!(
                        "The timestamp {timestamp} is in the future: the service's time is {}",
                        self.environment.wall_ms
                    )));
                }
                self.append(actor, value, None, timestamp)
                    .map(Outcome::Event)
            }
            TopicOp::Edit {
                value_type,
                original,
                value,
            } => self.edit(actor, &value_type, original, value),
            TopicOp::Patch { patch, constraint } => self.patch(actor, &patch, &constraint),
            TopicOp::OpenStream {
                specification,
                topic_type,
                value,
                constraint,
            } => self.open_stream(actor, specification, topic_type, value, &constraint),
            TopicOp::Stream { stream, update } => self.use_stream(actor, &stream, update),
            TopicOp::Remove if !actor.may_remove(self.path, self.settings()) => {
                Err(errors::denied(PathPermission::ModifyTopic, self.path))
            }
            TopicOp::Remove | TopicOp::Expire => {
                let Some(topic) = self.topic.take() else {
                    return Ok(Outcome::Removed(false));
                };
                self.changes.push(Change::Remove);
                if topic.settings.is_persistent {
                    self.store(StoreOp::RemoveTopic {
                        path: self.path.to_owned(),
                    });
                }
                Ok(Outcome::Removed(true))
            }
        }
    }

    /// Whether there is memory for so many bytes more in topics that a principal added.
    fn check_room(&self, principal: &Option<String>, more: usize) -> Result<(), ErrorReport> {
        let Environment { tree, limits, .. } = self.environment;
        let Limits {
            topic_bytes,
            topic_bytes_per_principal,
            ..
        } = *limits;
        if more > 0 && tree.memory().saturating_add(more) > topic_bytes {
            return Err(error(
                ErrorReason::TopicLicenceLimit,
                format!("The service has as much in its topics as it may: {topic_bytes} bytes"),
            ));
        }
        if more > 0 && tree.memory_of(principal).saturating_add(more) > topic_bytes_per_principal {
            return Err(error(
                ErrorReason::TopicLicenceLimit,
                format!(
                    "There is as much in the topics of one principal as there may be: \
                     {topic_bytes_per_principal} bytes"
                ),
            ));
        }
        Ok(())
    }

    /// Whether there is memory for so many bytes in the place of what goes for them.
    fn check_room_for(&self, actor: &Actor, new: usize) -> Result<(), ErrorReport> {
        let (principal, old) = match self.committed.filter(|_| !self.is_new()) {
            None => (&actor.creator.principal, 0),
            Some(topic) if topic.settings.series.is_some() => {
                // A series that is as long as it may be loses its oldest event.
                let oldest = topic.series.events().front().filter(|_| {
                    let retained = topic.settings.series.and_then(|it| it.retained.limit);
                    retained.is_some_and(|limit| topic.series.events().len() as u64 >= limit)
                });
                (&topic.creator.principal, oldest.map_or(0, event_bytes))
            }
            Some(topic) => (
                &topic.creator.principal,
                topic.value.as_ref().map_or(0, Bytes::len),
            ),
        };
        self.check_room(principal, new.saturating_sub(old))
    }

    fn is_new(&self) -> bool {
        self.topic.as_ref().is_some_and(|topic| topic.is_new)
    }

    /// A value that is to be kept, by itself: the message in which it came may be far larger.
    fn own(&self, value: Bytes) -> Bytes {
        if 2 * value.len() <= self.environment.max_value() {
            Bytes::copy_from_slice(&value)
        } else {
            value
        }
    }

    fn settings(&self) -> Option<&Settings> {
        self.topic.as_ref().map(|topic| &*topic.settings)
    }

    fn topic(&self) -> Result<&PendingTopic, ErrorReport> {
        self.topic
            .as_ref()
            .ok_or_else(|| errors::no_such_topic(self.path))
    }

    fn check_constraint(
        &self,
        actor: &Actor,
        constraint: &UpdateConstraint,
    ) -> Result<(), ErrorReport> {
        // Whether it holds tells of the value, one question at a time.
        if constraint::reads_value(constraint) {
            actor.check_read(self.path, self.settings())?;
        }
        let subject = Subject {
            topic: self
                .topic
                .as_ref()
                .map(|topic| (topic.settings.data_type, topic.value.as_ref())),
            session: actor.session,
            holds_lock: self.environment.holds_lock,
        };
        if constraint::holds(constraint, &subject).map_err(errors::invalid_data)? {
            Ok(())
        } else {
            Err(error(
                ErrorReason::UnsatisfiedConstraint,
                format!("The update constraint does not hold for '{}'", self.path),
            ))
        }
    }

    /// A topic is set by the type of its values; a time series by that of its events.
    fn check_type(&self, topic_type: TopicType) -> Result<(), ErrorReport> {
        let data_type = self.topic()?.settings.data_type;
        if data_type.topic_type() == topic_type {
            Ok(())
        } else {
            let name = DataType::of_topic(topic_type).map_or("that", DataType::name);
            Err(errors::incompatible_topic(
                self.path,
                format_args!("one of {name} values, but of {data_type} values"),
            ))
        }
    }

    fn check_series(&self, value_type: &str) -> Result<(), ErrorReport> {
        let settings = &self.topic()?.settings;
        if settings.series.is_none() {
            return Err(errors::incompatible_topic(self.path, "a time series"));
        }
        if settings.data_type.name() == value_type {
            Ok(())
        } else {
            Err(errors::incompatible_topic(
                self.path,
                format_args!(
                    "a time series of {value_type} events, but of {} events",
                    settings.data_type
                ),
            ))
        }
    }

    fn check_value(&self, value: &Bytes) -> Result<(), ErrorReport> {
        let settings = &self.topic()?.settings;
        if settings.is_slave {
            return Err(errors::incompatible_topic(
                self.path,
                "one that takes values",
            ));
        }
        let data_type = settings.data_type;
        data_type.validate(value).map_err(|why| {
            errors::invalid_data(format_args!("The value is not a {data_type} value: {why}"))
        })
    }
}
