//! Setting, appending, editing and patching values.

use bytes::Bytes;
use effusion_protocol::body::{PathPermission, UpdateConstraint, UpdateResult};
use effusion_protocol::time_series::{Event, EventMetadata};
use effusion_protocol::value::DataType;
use effusion_protocol::{ErrorReason, ErrorReport, TopicType};

use crate::StoreOp;
use crate::errors::{self, error};
use crate::topics::patch;

use super::{Actor, Change, NULL, Outcome, Transaction};

impl Transaction<'_> {
    /// Sets the value, or appends an event to a time series, for something other than the topic's update stream.
    pub(super) fn set(
        &mut self,
        actor: &Actor,
        value: Bytes,
        delta: Option<Bytes>,
    ) -> Result<(), ErrorReport> {
        self.check_value(&value)?;
        self.close_stream();
        self.put(actor, value, delta)
    }

    pub(super) fn close_stream(&mut self) {
        if let Some(topic) = &mut self.topic
            && topic.stream.take().is_some()
        {
            self.changes.push(Change::Stream(None));
        }
    }

    pub(super) fn put(
        &mut self,
        actor: &Actor,
        value: Bytes,
        delta: Option<Bytes>,
    ) -> Result<(), ErrorReport> {
        if self.topic()?.settings.series.is_some() {
            return self.append_kept(actor, value, None, None).map(|_| ());
        }
        self.check_room_for(actor, value.len())?;
        let value = self.own(value);
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
    pub(super) fn update(
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

    pub(super) fn append(
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
        let now = self.environment.wall_ms;
        let author = actor.principal.clone().unwrap_or_default();
        let authors = author.len() + original.as_ref().map_or(0, |it| it.author.len());
        self.check_room_for(actor, value.len() + authors)?;
        let value = self.own(value);
        let Some(topic) = &mut self.topic else {
            return Err(errors::no_such_topic(self.path));
        };
        let metadata = EventMetadata {
            sequence: topic.next_sequence,
            // The clock may have been set back; time stamps never go back.
            timestamp: timestamp.unwrap_or(now).max(topic.last_timestamp),
            author,
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

    pub(super) fn edit(
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
        let denied = || errors::denied(PathPermission::EditTimeSeriesEvents, self.path);
        let may_read = actor.check_read(self.path, self.settings()).is_ok();
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
                // Who may not read the series is not told which events of others it has.
                if !may_read {
                    return denied();
                }
                error(
                    ErrorReason::NoSuchEvent,
                    format!(
                        "The time series '{}' has no original event with the sequence {original}",
                        self.path
                    ),
                )
            })?;
        if !may_edit_all && actor.principal.as_ref() != Some(&metadata.author) {
            return Err(denied());
        }
        self.append(actor, value, Some(metadata), None)
            .map(Outcome::Event)
    }

    pub(super) fn patch(
        &mut self,
        actor: &Actor,
        patch: &str,
        constraint: &UpdateConstraint,
    ) -> Result<Outcome, ErrorReport> {
        actor.check(PathPermission::UpdateTopic, self.path, self.settings())?;
        // Which operation fails tells what the value is.
        actor.check_read(self.path, self.settings())?;
        self.check_constraint(actor, constraint)?;
        let topic = self.topic()?;
        if topic.specification.topic_type != TopicType::Json {
            return Err(errors::incompatible_topic(self.path, "a JSON topic"));
        }
        let value = topic.value.clone().ok_or_else(|| {
            errors::invalid_data(format_args!("The topic '{}' has no value", self.path))
        })?;
        match patch::apply(value, patch, self.environment.max_value())
            .map_err(errors::invalid_data)?
        {
            Ok(value) => {
                self.set(actor, value, None)?;
                Ok(Outcome::Patched(None))
            }
            Err(failed) => Ok(Outcome::Patched(Some(failed))),
        }
    }
}
