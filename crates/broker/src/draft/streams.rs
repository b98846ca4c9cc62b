//! Update streams: a series of updates of one topic, valid as long as nobody else updates it.

use bytes::Bytes;
use effusion_protocol::body::{PathPermission, UpdateConstraint, UpdateStreamId};
use effusion_protocol::value::delta;
use effusion_protocol::{ErrorReport, TopicSpecification, TopicType};

use crate::errors;

use super::{Actor, Change, Draft, Outcome, StreamUpdate};

impl Draft<'_> {
    pub(super) fn open_stream(
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

    pub(super) fn use_stream(
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
                let value = delta::apply_within(&old, &delta, self.around.max_value)
                    .map_err(errors::invalid_data)?;
                (value, Some(delta))
            }
        };
        self.check_value(&value)?;
        self.put(actor, value, delta)?;
        Ok(Outcome::Done)
    }
}
