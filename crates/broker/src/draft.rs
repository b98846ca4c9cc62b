//! Changes of one topic, worked out but not made.

use bytes::Bytes;
use effusion_protocol::body::{PathPermission, UpdateConstraint, UpdateResult, UpdateStreamId};
use effusion_protocol::time_series::{Event, EventMetadata};
use effusion_protocol::value::{DataType, delta};
use effusion_protocol::{ErrorReason, ErrorReport, TopicId, TopicSpecification, TopicType};
use std::sync::Arc;

use crate::constraint::{self, Subject};
use crate::errors::{self, error};
use crate::locks::Locks;
use crate::security::Rights;
use crate::session::{Session, SessionKey};
use crate::topic::{Settings, Topic};
use crate::{Creator, StoreOp, StoredTopic};

/// CBOR's null: a STRING, INT64 or DOUBLE topic without a value.
pub(crate) const NULL: &[u8] = &[0xf6];

/// On whose behalf a topic is changed.
#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) session: Option<SessionKey>,
    pub(crate) principal: Option<String>,
    pub(crate) rights: Arc<Rights>,
    pub(crate) creator: Creator,
}

impl Actor {
    pub(crate) fn of(session: &Session) -> Self {
        Self {
            session: Some(session.key),
            principal: session.principal.clone(),
            rights: session.rights.clone(),
            creator: session.creator(),
        }
    }

    fn check(
        &self,
        permission: PathPermission,
        path: &str,
        settings: Option<&Settings>,
    ) -> Result<(), ErrorReport> {
        let owner = settings.and_then(|it| it.owner.as_deref());
        if self
            .rights
            .allow(permission, path, self.principal.as_deref(), owner)
        {
            Ok(())
        } else {
            Err(errors::denied(permission, path))
        }
    }
}

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
}

/// What an update stream is used for.
#[derive(Clone, Debug)]
pub(crate) enum StreamUpdate {
    Check,
    Set(Bytes),
    Delta(Bytes),
}

/// What a change answers.
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
    Stream(Option<u32>),
}

/// Numbers that are given out once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers {
    topic: u32,
    stream: u32,
}

impl Numbers {
    pub(crate) const fn new_topic(&mut self) -> TopicId {
        self.topic = self.topic.wrapping_add(1);
        TopicId(self.topic)
    }

    const fn new_stream(&mut self) -> u32 {
        self.stream = self.stream.wrapping_add(1);
        self.stream
    }
}

/// What surrounds a draft.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) wall_ms: u64,
    /// Whether the limit of topics allows one more.
    pub(crate) has_room: bool,
    pub(crate) locks: &'a Locks,
}

/// The topic at a path, as it will be when the changes are made.
pub(crate) struct Draft<'a> {
    path: &'a str,
    around: Surroundings<'a>,
    numbers: &'a mut Numbers,
    committed: Option<&'a Topic>,
    topic: Option<DraftTopic>,
    changes: Vec<Change>,
    operations: Vec<StoreOp>,
}

struct DraftTopic {
    id: TopicId,
    specification: Arc<TopicSpecification>,
    settings: Arc<Settings>,
    value: Option<Bytes>,
    stream: Option<u32>,
    next_sequence: u64,
    last_timestamp: u64,
    /// The original events among the changes.
    originals: Vec<EventMetadata>,
    /// The topic was added by one of the changes, so that the committed one has nothing to do with it.
    is_new: bool,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(
        path: &'a str,
        committed: Option<&'a Topic>,
        numbers: &'a mut Numbers,
        around: Surroundings<'a>,
    ) -> Self {
        let topic = committed.map(|topic| DraftTopic {
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
            around,
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
                let added = self.add_if_missing(actor, specification, &constraint, |draft| {
                    draft.check_value(&value)
                })?;
                self.set(actor, value, None)?;
                Ok(Outcome::Added(added))
            }
            TopicOp::Update(value) => self.update(actor, |_| Ok((value, None))),
            TopicOp::UpdateByDelta(delta) => self.update(actor, |old| {
                let old = old.ok_or(UpdateResult::DeltaWithoutValue)?;
                let value =
                    delta::apply(&old, &delta).map_err(|_| UpdateResult::IncompatibleDelta)?;
                Ok((value, Some(delta)))
            }),
            TopicOp::Append {
                value_type,
                value,
                timestamp,
            } => {
                actor.check(PathPermission::UpdateTopic, self.path, self.settings())?;
                self.check_series(&value_type)?;
                self.check_value(&value)?;
                let latest = self.topic()?.last_timestamp;
                if let Some(timestamp) = timestamp.filter(|it| *it < latest) {
                    return Err(errors::invalid_data(format_args!(
                        "The timestamp {timestamp} is before the latest event's, {latest}"
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
            TopicOp::Remove => {
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

    fn settings(&self) -> Option<&Settings> {
        self.topic.as_ref().map(|topic| &*topic.settings)
    }

    fn topic(&self) -> Result<&DraftTopic, ErrorReport> {
        self.topic
            .as_ref()
            .ok_or_else(|| errors::no_such_topic(self.path))
    }

    fn check_constraint(
        &self,
        actor: &Actor,
        constraint: &UpdateConstraint,
    ) -> Result<(), ErrorReport> {
        let subject = Subject {
            topic: self
                .topic
                .as_ref()
                .map(|topic| (topic.settings.data_type, topic.value.as_ref())),
            session: actor.session,
            locks: self.around.locks,
        };
        if constraint::holds(constraint, &subject) {
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

    fn add(
        &mut self,
        actor: &Actor,
        specification: TopicSpecification,
    ) -> Result<bool, ErrorReport> {
        if let Some(topic) = &self.topic {
            return if topic.specification.is_same_as(&specification) {
                Ok(false)
            } else {
                Err(error(
                    ErrorReason::TopicExistsMismatch,
                    format!(
                        "A topic with another specification exists at '{}'",
                        self.path
                    ),
                ))
            };
        }
        let settings = Settings::of(&specification)
            .map_err(|message| error(ErrorReason::InvalidTopicSpecification, message))?;
        if !self.around.has_room {
            return Err(error(
                ErrorReason::TopicLicenceLimit,
                "The service has as many topics as it may",
            ));
        }
        let (specification, settings) = (Arc::new(specification), Arc::new(settings));
        let id = self.numbers.new_topic();
        if settings.is_persistent {
            self.store(StoreOp::PutTopic {
                path: self.path.to_owned(),
                topic: StoredTopic {
                    specification: (*specification).clone(),
                    created_ms: self.around.wall_ms,
                    creator: actor.creator.clone(),
                    value: None,
                    events: Vec::new(),
                },
            });
        }
        self.changes.push(Change::Add {
            id,
            specification: specification.clone(),
            settings: settings.clone(),
            creator: actor.creator.clone(),
        });
        self.topic = Some(DraftTopic {
            id,
            specification,
            settings,
            value: None,
            stream: None,
            next_sequence: 0,
            last_timestamp: 0,
            originals: Vec::new(),
            is_new: true,
        });
        Ok(true)
    }

    /// Adds the topic for an update of it, unless `check` finds that the update would then fail.
    fn add_if_missing(
        &mut self,
        actor: &Actor,
        specification: TopicSpecification,
        constraint: &UpdateConstraint,
        check: impl FnOnce(&Self) -> Result<(), ErrorReport>,
    ) -> Result<bool, ErrorReport> {
        actor.check(PathPermission::UpdateTopic, self.path, self.settings())?;
        actor.check(PathPermission::ModifyTopic, self.path, self.settings())?;
        self.check_constraint(actor, constraint)?;
        let (changes, operations) = (self.changes.len(), self.operations.len());
        let added = self.add(actor, specification)?;
        if let Err(report) = check(self) {
            if added {
                self.topic = None;
                self.changes.truncate(changes);
                self.operations.truncate(operations);
            }
            return Err(report);
        }
        Ok(added)
    }

    /// Sets the value, or appends an event to a time series, for something other than the topic's update stream.
    fn set(
        &mut self,
        actor: &Actor,
        value: Bytes,
        delta: Option<Bytes>,
    ) -> Result<(), ErrorReport> {
        self.check_value(&value)?;
        self.close_stream();
        self.put(actor, value, delta)
    }

    fn close_stream(&mut self) {
        if let Some(topic) = &mut self.topic
            && topic.stream.take().is_some()
        {
            self.changes.push(Change::Stream(None));
        }
    }

    fn put(
        &mut self,
        actor: &Actor,
        value: Bytes,
        delta: Option<Bytes>,
    ) -> Result<(), ErrorReport> {
        if self.topic()?.settings.series.is_some() {
            return self.append_kept(actor, value, None, None).map(|_| ());
        }
        let Some(topic) = &mut self.topic else {
            return Err(errors::no_such_topic(self.path));
        };
        let can_be_null = matches!(
            topic.settings.data_type,
            DataType::String | DataType::Int64 | DataType::Double
        );
        let value = Some(value).filter(|value| !(can_be_null && value.as_ref() == NULL));
        // A value that does not change is neither stored nor sent (source: `v61ws.jsonl`).
        if topic.value == value && topic.settings.retains_value {
            return Ok(());
        }
        if topic.settings.retains_value {
            topic.value.clone_from(&value);
            if topic.settings.is_persistent {
                let path = self.path.to_owned();
                // Null is a value that a topic without one is restored with.
                let value = value.clone().unwrap_or_else(|| Bytes::from_static(NULL));
                self.store(StoreOp::PutValue { path, value });
            }
        }
        self.changes.push(Change::Value { value, delta });
        Ok(())
    }

    /// Updates as versions before 6.4 do.
    fn update(
        &mut self,
        actor: &Actor,
        value: impl FnOnce(Option<Bytes>) -> Result<(Bytes, Option<Bytes>), UpdateResult>,
    ) -> Result<Outcome, ErrorReport> {
        actor.check(PathPermission::UpdateTopic, self.path, self.settings())?;
        let Some(topic) = &self.topic else {
            return Ok(Outcome::Result(UpdateResult::MissingTopic));
        };
        let (value, delta) = match value(topic.value.clone()) {
            Ok(value) => value,
            Err(result) => return Ok(Outcome::Result(result)),
        };
        if self.check_value(&value).is_err() {
            return Ok(Outcome::Result(UpdateResult::IncompatibleUpdate));
        }
        self.set(actor, value, delta)?;
        Ok(Outcome::Result(UpdateResult::Success))
    }

    fn append(
        &mut self,
        actor: &Actor,
        value: Bytes,
        original: Option<EventMetadata>,
        timestamp: Option<u64>,
    ) -> Result<EventMetadata, ErrorReport> {
        self.close_stream();
        self.append_kept(actor, value, original, timestamp)
    }

    fn append_kept(
        &mut self,
        actor: &Actor,
        value: Bytes,
        original: Option<EventMetadata>,
        timestamp: Option<u64>,
    ) -> Result<EventMetadata, ErrorReport> {
        let now = self.around.wall_ms;
        let Some(topic) = &mut self.topic else {
            return Err(errors::no_such_topic(self.path));
        };
        let metadata = EventMetadata {
            sequence: topic.next_sequence,
            // The clock may have been set back; time stamps never go back.
            timestamp: timestamp.unwrap_or(now).max(topic.last_timestamp),
            author: actor.principal.clone().unwrap_or_default(),
        };
        topic.next_sequence += 1;
        topic.last_timestamp = metadata.timestamp;
        topic.value = Some(value.clone());
        if original.is_none() {
            topic.originals.push(metadata.clone());
        }
        let event = Event {
            metadata: metadata.clone(),
            original,
            value,
        };
        if topic.settings.is_persistent {
            let path = self.path.to_owned();
            self.operations.push(StoreOp::AppendEvent {
                path,
                event: event.clone(),
            });
        }
        self.changes.push(Change::Event(event));
        Ok(metadata)
    }

    fn edit(
        &mut self,
        actor: &Actor,
        value_type: &str,
        original: u64,
        value: Bytes,
    ) -> Result<Outcome, ErrorReport> {
        actor.check(PathPermission::UpdateTopic, self.path, self.settings())?;
        let may_edit_all = actor
            .check(PathPermission::EditTimeSeriesEvents, self.path, None)
            .is_ok();
        if !may_edit_all {
            let own = PathPermission::EditOwnTimeSeriesEvents;
            actor
                .check(own, self.path, None)
                .map_err(|_| errors::denied(PathPermission::EditTimeSeriesEvents, self.path))?;
        }
        self.check_series(value_type)?;
        self.check_value(&value)?;
        let topic = self.topic()?;
        let metadata = topic
            .originals
            .iter()
            .find(|it| it.sequence == original)
            .or_else(|| {
                self.committed
                    .filter(|_| !topic.is_new)
                    .and_then(|committed| committed.series.original(original))
            })
            .cloned()
            .ok_or_else(|| {
                error(
                    ErrorReason::NoSuchEvent,
                    format!(
                        "The time series '{}' has no original event with the sequence {original}",
                        self.path
                    ),
                )
            })?;
        if !may_edit_all && actor.principal.as_ref() != Some(&metadata.author) {
            return Err(errors::denied(
                PathPermission::EditTimeSeriesEvents,
                self.path,
            ));
        }
        self.append(actor, value, Some(metadata), None)
            .map(Outcome::Event)
    }

    fn patch(
        &mut self,
        actor: &Actor,
        patch: &str,
        constraint: &UpdateConstraint,
    ) -> Result<Outcome, ErrorReport> {
        actor.check(PathPermission::UpdateTopic, self.path, self.settings())?;
        self.check_constraint(actor, constraint)?;
        let topic = self.topic()?;
        if topic.specification.topic_type != TopicType::Json {
            return Err(errors::incompatible_topic(self.path, "a JSON topic"));
        }
        let value = topic.value.clone().ok_or_else(|| {
            errors::invalid_data(format_args!("The topic '{}' has no value", self.path))
        })?;
        match crate::patch::apply(value, patch).map_err(errors::invalid_data)? {
            Ok(value) => {
                self.set(actor, value, None)?;
                Ok(Outcome::Patched(None))
            }
            Err(failed) => Ok(Outcome::Patched(Some(failed))),
        }
    }

    fn open_stream(
        &mut self,
        actor: &Actor,
        specification: Option<TopicSpecification>,
        topic_type: TopicType,
        value: Option<Bytes>,
        constraint: &UpdateConstraint,
    ) -> Result<Outcome, ErrorReport> {
        let check = |draft: &Self| match &value {
            Some(value) => draft.check_value(value),
            None => Ok(()),
        };
        let added = match specification {
            Some(specification) => {
                Some(self.add_if_missing(actor, specification, constraint, check)?)
            }
            None => {
                actor.check(PathPermission::UpdateTopic, self.path, self.settings())?;
                self.check_constraint(actor, constraint)?;
                self.check_type(topic_type)?;
                check(self)?;
                None
            }
        };
        if let Some(value) = value {
            self.put(actor, value, None)?;
        }
        let instance = self.numbers.new_stream();
        let Some(topic) = &mut self.topic else {
            return Err(errors::no_such_topic(self.path));
        };
        topic.stream = Some(instance);
        self.changes.push(Change::Stream(Some(instance)));
        Ok(Outcome::Stream {
            added,
            stream: UpdateStreamId {
                topic: topic.id.0,
                instance,
                partition: 0,
                generation: 0,
            },
            takes_deltas: topic.settings.publishes_deltas,
        })
    }

    fn use_stream(
        &mut self,
        actor: &Actor,
        stream: &UpdateStreamId,
        update: StreamUpdate,
    ) -> Result<Outcome, ErrorReport> {
        let topic = self
            .topic
            .as_ref()
            .filter(|topic| topic.id.0 == stream.topic && topic.stream == Some(stream.instance))
            .ok_or_else(errors::invalid_stream)?;
        if let Err(report) = actor.check(PathPermission::UpdateTopic, self.path, self.settings()) {
            self.close_stream();
            return Err(report);
        }
        let (value, delta) = match update {
            StreamUpdate::Check => return Ok(Outcome::Done),
            StreamUpdate::Set(value) => (value, None),
            StreamUpdate::Delta(delta) => {
                let old = topic.value.clone().ok_or_else(|| {
                    errors::invalid_data("A delta was sent, but the topic has no value")
                })?;
                let value = delta::apply(&old, &delta).map_err(errors::invalid_data)?;
                (value, Some(delta))
            }
        };
        self.check_value(&value)?;
        self.put(actor, value, delta)?;
        Ok(Outcome::Done)
    }
}
