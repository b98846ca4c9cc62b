//! Adding, setting and updating topics.

use effusion_protocol::body::{
    AddAndSetTopicRequest, AddTopicRequest, ApplyJsonPatchRequest, CreateUpdateStreamAndSetRequest,
    CreateUpdateStreamRequest, SetTopicRequest, StreamAddAndSetTopicRequest, StreamAddTopicRequest,
    UpdateStreamId, UpdateStreamRequest, UpdateTopicDeltaRequest, UpdateTopicSetRequest,
};
use effusion_protocol::time_series::{AppendAtRequest, AppendRequest, EditRequest};
use effusion_protocol::{ErrorReason, TopicId, TopicPath};

use crate::broker::Broker;
use crate::caller::Caller;
use crate::errors::{self, error};
use crate::services::dispatch::{Reply, Served};
use crate::topics::MAX_PATH;
use crate::topics::{Queued, ReplyTo, StreamUpdate, TopicOp};

impl Broker {
    /// Queues a change of a topic.
    fn change_topic(&mut self, caller: Caller, path: &str, op: TopicOp) -> Served {
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

    pub(crate) fn add_topic(&mut self, caller: Caller, it: AddTopicRequest) -> Served {
        self.change_topic(caller, &it.path, TopicOp::Add(it.specification))
    }

    pub(crate) fn set_topic(&mut self, caller: Caller, it: SetTopicRequest) -> Served {
        let op = TopicOp::Set {
            topic_type: it.topic_type,
            value: it.value,
            constraint: it.constraint,
        };
        self.change_topic(caller, &it.path, op)
    }

    pub(crate) fn add_and_set_topic(
        &mut self,
        caller: Caller,
        it: AddAndSetTopicRequest,
    ) -> Served {
        let op = TopicOp::AddAndSet {
            specification: it.specification,
            value: it.value,
            constraint: it.constraint,
        };
        self.change_topic(caller, &it.path, op)
    }

    pub(crate) fn apply_json_patch(&mut self, caller: Caller, it: ApplyJsonPatchRequest) -> Served {
        let op = TopicOp::Patch {
            patch: it.patch,
            constraint: it.constraint,
        };
        self.change_topic(caller, &it.path, op)
    }

    pub(crate) fn update_topic_set(&mut self, caller: Caller, it: UpdateTopicSetRequest) -> Served {
        self.change_topic(caller, &it.path, TopicOp::Update(it.value))
    }

    pub(crate) fn update_topic_delta(
        &mut self,
        caller: Caller,
        it: UpdateTopicDeltaRequest,
    ) -> Served {
        if it.delta_type != 0 {
            return Err(errors::unsupported("deltas that are not binary"));
        }
        self.change_topic(caller, &it.path, TopicOp::UpdateByDelta(it.delta))
    }

    pub(crate) fn append(&mut self, caller: Caller, it: AppendRequest) -> Served {
        let op = TopicOp::Append {
            value_type: it.value_type,
            value: it.value,
            timestamp: None,
        };
        self.change_topic(caller, &it.path, op)
    }

    pub(crate) fn append_at(&mut self, caller: Caller, it: AppendAtRequest) -> Served {
        let op = TopicOp::Append {
            value_type: it.value_type,
            value: it.value,
            timestamp: Some(it.timestamp),
        };
        self.change_topic(caller, &it.path, op)
    }

    pub(crate) fn edit(&mut self, caller: Caller, it: EditRequest) -> Served {
        let op = TopicOp::Edit {
            value_type: it.value_type,
            original: it.original,
            value: it.value,
        };
        self.change_topic(caller, &it.path, op)
    }

    pub(crate) fn create_stream(
        &mut self,
        caller: Caller,
        it: CreateUpdateStreamRequest,
    ) -> Served {
        let op = TopicOp::OpenStream {
            specification: None,
            topic_type: it.topic_type,
            value: None,
            constraint: it.constraint,
        };
        self.change_topic(caller, &it.path, op)
    }

    pub(crate) fn create_stream_and_set(
        &mut self,
        caller: Caller,
        it: CreateUpdateStreamAndSetRequest,
    ) -> Served {
        let op = TopicOp::OpenStream {
            specification: None,
            topic_type: it.topic_type,
            value: Some(it.value),
            constraint: it.constraint,
        };
        self.change_topic(caller, &it.path, op)
    }

    pub(crate) fn stream_add_topic(&mut self, caller: Caller, it: StreamAddTopicRequest) -> Served {
        let op = TopicOp::OpenStream {
            topic_type: it.specification.topic_type,
            specification: Some(it.specification),
            value: None,
            constraint: it.constraint,
        };
        self.change_topic(caller, &it.path, op)
    }

    pub(crate) fn stream_add_and_set_topic(
        &mut self,
        caller: Caller,
        it: StreamAddAndSetTopicRequest,
    ) -> Served {
        let op = TopicOp::OpenStream {
            topic_type: it.specification.topic_type,
            specification: Some(it.specification),
            value: Some(it.value),
            constraint: it.constraint,
        };
        self.change_topic(caller, &it.path, op)
    }

    pub(crate) fn check_stream(&mut self, caller: Caller, stream: UpdateStreamId) -> Served {
        self.use_stream(caller, stream, StreamUpdate::Check)
    }

    pub(crate) fn stream_set(&mut self, caller: Caller, it: UpdateStreamRequest) -> Served {
        self.use_stream(caller, it.stream, StreamUpdate::Set(it.value))
    }

    pub(crate) fn stream_apply_delta(&mut self, caller: Caller, it: UpdateStreamRequest) -> Served {
        self.use_stream(caller, it.stream, StreamUpdate::Delta(it.value))
    }

    fn use_stream(
        &mut self,
        caller: Caller,
        stream: UpdateStreamId,
        update: StreamUpdate,
    ) -> Served {
        let path = self
            .topics
            .tree()
            .get(TopicId(stream.topic))
            .map(|topic| topic.path().to_string())
            .ok_or_else(errors::invalid_stream)?;
        self.change_topic(caller, &path, TopicOp::Stream { stream, update })
    }
}
