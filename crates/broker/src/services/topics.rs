//! Adding, setting and updating topics.

use effusion_protocol::body::{RequestBody, UpdateStreamId};
use effusion_protocol::{ErrorReason, TopicId, TopicPath};

use crate::broker::Broker;
use crate::caller::Caller;
use crate::errors::{self, error};
use crate::services::dispatch::{Reply, Served};
use crate::topics::{MAX_PATH, Queued, ReplyTo, StreamUpdate, TopicOp};

/// Which topic a request is to change, and how.
///
/// # Errors
/// The request itself, if it is about something else.
#[allow(
    clippy::result_large_err,
    reason = "it is no error, and is looked at at once"
)]
pub(super) fn change_of(request: RequestBody) -> Result<(String, TopicOp), RequestBody> {
    use RequestBody as Request;
    let append = |value_type, value, timestamp| TopicOp::Append {
        value_type,
        value,
        timestamp,
    };
    Ok(match request {
        Request::AddTopic(it) => (it.path, TopicOp::Add(it.specification)),
        Request::SetTopic(it) => {
            let op = TopicOp::Set {
                topic_type: it.topic_type,
                value: it.value,
                constraint: it.constraint,
            };
            (it.path, op)
        }
        Request::AddAndSetTopic(it) => {
            let op = TopicOp::AddAndSet {
                specification: it.specification,
                value: it.value,
                constraint: it.constraint,
            };
            (it.path, op)
        }
        Request::ApplyJsonPatch(it) => {
            let op = TopicOp::Patch {
                patch: it.patch,
                constraint: it.constraint,
            };
            (it.path, op)
        }
        Request::UpdateTopicSet(it) => (it.path, TopicOp::Update(it.value)),
        Request::UpdateTopicDelta(it) if it.delta_type == 0 => {
            (it.path, TopicOp::UpdateByDelta(it.delta))
        }
        Request::TimeSeriesAppend(it) => (it.path, append(it.value_type, it.value, None)),
        Request::TimeSeriesAppendAt(it) => {
            (it.path, append(it.value_type, it.value, Some(it.timestamp)))
        }
        Request::TimeSeriesEdit(it) => {
            let op = TopicOp::Edit {
                value_type: it.value_type,
                original: it.original,
                value: it.value,
            };
            (it.path, op)
        }
        Request::CreateUpdateStream(it) => {
            let op = TopicOp::OpenStream {
                specification: None,
                topic_type: it.topic_type,
                value: None,
                constraint: it.constraint,
            };
            (it.path, op)
        }
        Request::CreateUpdateStreamAndSet(it) => {
            let op = TopicOp::OpenStream {
                specification: None,
                topic_type: it.topic_type,
                value: Some(it.value),
                constraint: it.constraint,
            };
            (it.path, op)
        }
        Request::StreamAddTopic(it) => {
            let op = TopicOp::OpenStream {
                topic_type: it.specification.topic_type,
                specification: Some(it.specification),
                value: None,
                constraint: it.constraint,
            };
            (it.path, op)
        }
        Request::StreamAddAndSetTopic(it) => {
            let op = TopicOp::OpenStream {
                topic_type: it.specification.topic_type,
                specification: Some(it.specification),
                value: Some(it.value),
                constraint: it.constraint,
            };
            (it.path, op)
        }
        other => return Err(other),
    })
}

impl Broker {
    /// Queues a change of a topic.
    pub(super) fn change_topic(&mut self, caller: Caller, path: &str, op: TopicOp) -> Served {
        if path.len() > MAX_PATH {
            return Err(error(
                ErrorReason::InvalidTopicPath,
                format!("A topic path cannot be longer than {MAX_PATH} bytes"),
            ));
        }
        let path = TopicPath::new(path).map_err(|why| {
            error(
                ErrorReason::InvalidTopicPath,
                format!("'{path}' is not a topic path: {why}"),
            )
        })?;
        let actor = self.session(&caller)?.actor();
        self.submit(
            path.as_str(),
            Queued {
                reply_to: ReplyTo::Caller(caller),
                actor,
                op,
            },
        );
        Ok(Reply::Later)
    }

    pub(super) fn use_stream(
        &mut self,
        caller: Caller,
        stream: UpdateStreamId,
        update: StreamUpdate,
    ) -> Served {
        let topic = self.topics.tree().get(TopicId(stream.topic));
        let path = topic.map(|topic| topic.path().to_owned());
        let path = path.ok_or_else(errors::invalid_stream)?;
        self.change_topic(caller, &path, TopicOp::Stream { stream, update })
    }
}
