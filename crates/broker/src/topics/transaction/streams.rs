//! Update streams: a series of updates of one topic, valid as long as nobody else updates it.

use bytes::Bytes;
use effusion_protocol::body::{PathPermission, UpdateConstraint, UpdateStreamId};
use effusion_protocol::value::delta;
use effusion_protocol::{ErrorReport, TopicSpecification, TopicType};

use crate::errors;
use crate::topics::OpenStream;

use super::{Actor, Change, Outcome, StreamUpdate, Transaction};

impl Transaction<'_> {
    pub(super) fn open_stream(
        &mut self,
        actor: &Actor,
        specification: Option<TopicSpecification>,
        topic_type: TopicType,
        value: Option<Bytes>,
        constraint: &UpdateConstraint,
    ) -> Result<Outcome, ErrorReport> {
        let check = |transaction: &Self| match &value {
            Some(value) => transaction.check_value(value),
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
        let session = actor.session.ok_or_else(errors::no_such_session)?;
        let has_set = value.is_some();
        if let Some(value) = value {
            self.put(actor, value, None)?;
        }
        let instance = self.numbers.new_stream();
        let Some(topic) = &mut self.topic else {
            return Err(errors::no_such_topic(self.path));
        };
        let stream = OpenStream {
            instance,
            session,
            has_set,
        };
        topic.stream = Some(stream);
        self.changes.push(Change::Stream(Some(stream)));
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
        // Another session's stream is no stream at all: nothing is told of it, and nothing happens to it.
        let is_meant = |open: &OpenStream| {
            open.instance == stream.instance && actor.session == Some(open.session)
        };
        let topic = self.topic.as_ref().filter(|it| it.id.0 == stream.topic);
        let found = topic.and_then(|topic| Some((topic, topic.stream.filter(is_meant)?)));
        let (topic, open) = found.ok_or_else(errors::invalid_stream)?;
        if let Err(report) = actor.check(PathPermission::UpdateTopic, self.path, self.settings()) {
            self.close_stream();
            return Err(report);
        }
        let (value, delta) = match update {
            StreamUpdate::Check => return Ok(Outcome::Done),
            StreamUpdate::Set(value) => (value, None),
            StreamUpdate::Delta(delta) => {
                if !open.has_set {
                    actor.check_read(self.path, self.settings())?;
                }
                let old = topic.value.clone().ok_or_else(|| {
                    errors::invalid_data("A delta was sent, but the topic has no value")
                })?;
                let value = delta::apply_within(&old, &delta, self.environment.max_value())
                    .map_err(errors::invalid_data)?;
                (value, Some(delta))
            }
        };
        self.check_value(&value)?;
        self.put(actor, value, delta)?;
        if !open.has_set
            && let Some(topic) = &mut self.topic
        {
            let open = OpenStream {
                has_set: true,
                ..open
            };
            topic.stream = Some(open);
            self.changes.push(Change::Stream(Some(open)));
        }
        Ok(Outcome::Done)
    }
}
