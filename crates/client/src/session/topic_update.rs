//! Setting the values of topics.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;

use bytes::Bytes;
use effusion_protocol::body::{
    AddAndSetTopicRequest, AddTopicRequest, AddTopicResult, ApplyJsonPatchRequest,
    ApplyJsonPatchResponse, SetTopicRequest, UpdateConstraint, UpdateResult, UpdateTopicSetRequest,
    call,
};
use effusion_protocol::value::{DataType, to_bytes};
use effusion_protocol::{ErrorReason, ErrorReport, ProtocolVersion, TopicSpecification};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Session, UpdateStream};
use crate::shared::Shared;
use crate::{RequestError, Response, response};

/// The first version that sets topics under constraints, and adds and sets in one request (6.2; source: the dissector and
/// the captures).
pub(super) const FIRST_WITH_CONSTRAINTS: u8 = 15;

/// Setting the values of topics: see [`Session::topic_update`]. Source: `docs/protocol.md`, 6.2.
#[derive(Clone, Copy, Debug)]
pub struct TopicUpdate<'a> {
    pub(super) session: &'a Session,
}

impl TopicUpdate<'_> {
    /// Sets the value of a topic: a text of a STRING topic, an integer of an INT64 topic, a floating point number of a DOUBLE topic,
    /// [`Bytes`] of a BINARY topic, [`RecordV2`](crate::RecordV2), and everything else that serde can write of a JSON topic.
    /// [`Json`](crate::Json) is JSON of any shape: a number or a text by itself goes into a JSON topic as one, for instance by
    /// `Json::from(serde_json::json!(5))`. `&None::<String>`, `&None::<i64>` and `&None::<f64>` set the topic to its null;
    /// for options of types of one's own, [`TopicUpdate::update_stream`] does.
    ///
    /// The largest integer that Diffusion knows is 2^63 − 1 (`i64::MAX`): a `u64` above it becomes a floating point number, which
    /// loses digits, and which an INT64 topic refuses.
    ///
    /// If the outcome is unknown because the session was lost, the network may hold the update back until after a later one of
    /// another session. Who cannot have that uses [`TopicUpdate::set_if`] with the value that is to be replaced.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `update_topic`, with `IncompatibleDatatype` if the topic
    /// holds another type, and if there is no topic.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// #[derive(serde::Serialize)]
    /// struct ChatMessage {
    ///     text: String,
    ///     name: String,
    /// }
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let message = ChatMessage { text: "hello".into(), name: "Ann".into() };
    /// session.topic_update().set("Chat/room", &message).await?;
    /// session.topic_update().set("motd", "welcome").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set<T: Serialize + ?Sized>(&self, path: &str, value: &T) -> Response<()> {
        self.set_if(path, value, UpdateConstraint::Unconstrained)
    }

    /// Sets the value of a topic, if a constraint holds.
    ///
    /// # Errors
    /// As [`TopicUpdate::set`], and refused if the constraint does not hold.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// use effusion_client::UpdateConstraint;
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// session.topic_update().set_if("count", &1i64, UpdateConstraint::NoValue).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_if<T: Serialize + ?Sized>(
        &self,
        path: &str,
        value: &T,
        constraint: UpdateConstraint,
    ) -> Response<()> {
        match to_bytes(value) {
            Ok((data_type, value)) => self.set_bytes(path, data_type, value, constraint),
            Err(error) => Response::failed(RequestError::UnwritableValue(error)),
        }
    }

    /// Adds a topic if there is none, and sets its value. Services before 6.2 are asked for the one, and then for the other.
    ///
    /// # Errors
    /// As [`Topics::add`](super::Topics::add) and [`TopicUpdate::set`].
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// use effusion_client::{TopicSpecification, TopicType};
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let text = TopicSpecification::new(TopicType::String);
    /// session.topic_update().add_and_set("motd", text, "welcome").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_and_set<T: Serialize + ?Sized>(
        &self,
        path: &str,
        specification: TopicSpecification,
        value: &T,
    ) -> AddAndSet {
        self.add_and_set_if(path, specification, value, UpdateConstraint::Unconstrained)
    }

    /// Adds a topic if there is none, and sets its value, if a constraint holds.
    ///
    /// # Errors
    /// As [`TopicUpdate::add_and_set`], and refused with `UnsatisfiedConstraint`; with `Unsupported` by services before 6.2.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// use effusion_client::{TopicSpecification, TopicType, UpdateConstraint};
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let text = TopicSpecification::new(TopicType::String);
    /// let only_new = UpdateConstraint::NoTopic;
    /// session.topic_update().add_and_set_if("motd", text, "welcome", only_new).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_and_set_if<T: Serialize + ?Sized>(
        &self,
        path: &str,
        specification: TopicSpecification,
        value: &T,
        constraint: UpdateConstraint,
    ) -> AddAndSet {
        match to_bytes(value) {
            Ok((_, value)) => {
                let shared = self.session.shared();
                AddAndSet::new(shared, path, specification, value, constraint)
            }
            Err(error) => AddAndSet {
                add: Response::failed(RequestError::UnwritableValue(error)),
                then: None,
                set: None,
            },
        }
    }

    /// A stream of values for a topic, to be set up and then used: see [`UpdateStream::set`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let mut prices = session.topic_update().update_stream::<f64>("price");
    /// prices.set(&1.5).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn update_stream<T: Serialize + DeserializeOwned + 'static>(
        &self,
        path: &str,
    ) -> UpdateStream<T> {
        UpdateStream::new(self.session.shared(), path)
    }

    /// Changes the value of a JSON topic by a patch (RFC 6902), if a constraint holds. The answer is nothing, or the index
    /// of the first operation that could not be carried out: then none of them was.
    ///
    /// # Errors
    /// As [`TopicUpdate::set_if`]; refused with `InvalidData` if the text is no patch.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError, UpdateConstraint};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let patch = r#"[{ "op": "replace", "path": "/text", "value": "hello" }]"#;
    /// let failed = session.topic_update().apply_json_patch("motd", patch, UpdateConstraint::Unconstrained).await?;
    /// assert_eq!(failed, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn apply_json_patch(
        &self,
        path: &str,
        patch: &str,
        constraint: UpdateConstraint,
    ) -> Response<Option<u32>> {
        let request = ApplyJsonPatchRequest {
            path: path.to_owned(),
            patch: patch.to_owned(),
            constraint,
        };
        self.session
            .shared()
            .call_and_read::<call::ApplyJsonPatch, _>(&request, |body, version| {
                let answer: ApplyJsonPatchResponse = response::read(body, version)?;
                Ok(u32::try_from(answer.failed).ok())
            })
    }

    fn set_bytes(
        &self,
        path: &str,
        data_type: DataType,
        value: Bytes,
        constraint: UpdateConstraint,
    ) -> Response<()> {
        set_bytes(self.session.shared(), path, data_type, value, constraint)
    }
}

/// The part of setting a value that is compiled once.
fn set_bytes(
    shared: &Shared,
    path: &str,
    data_type: DataType,
    value: Bytes,
    constraint: UpdateConstraint,
) -> Response<()> {
    let path = path.to_owned();
    if shared.version().number() >= FIRST_WITH_CONSTRAINTS {
        let topic_type = data_type.topic_type();
        return shared.call::<call::SetTopic>(&SetTopicRequest {
            path,
            topic_type,
            value,
            constraint,
        });
    }
    if constraint != UpdateConstraint::Unconstrained {
        return shared.refuse(ErrorReason::Unsupported);
    }
    let request = UpdateTopicSetRequest { path, value };
    shared.call_and_read::<call::UpdateTopicSet, _>(&request, read_result)
}

/// Reads what old versions answer to setting a value.
fn read_result(body: Bytes, version: ProtocolVersion) -> Result<(), RequestError> {
    let reason = match response::read(body, version)? {
        UpdateResult::Success => return Ok(()),
        UpdateResult::MissingTopic => ErrorReason::NoSuchTopic,
        UpdateResult::IncompatibleUpdate => ErrorReason::IncompatibleTopic,
        UpdateResult::ClusterRepartition => ErrorReason::ClusterRepartition,
        _ => ErrorReason::IncompatibleState,
    };
    Err(RequestError::Refused(ErrorReport {
        message: String::new(),
        reason,
    }))
}

/// A topic that is being added and set: see [`TopicUpdate::add_and_set`].
#[must_use = "only awaiting tells whether the request was carried out"]
#[derive(Debug)]
pub struct AddAndSet {
    add: Response<AddTopicResult>,
    /// What to do once the topic is there, with a service that does not do both in one.
    then: Option<Set>,
    set: Option<(AddTopicResult, Response<()>)>,
}

struct Set {
    shared: Arc<Shared>,
    path: String,
    data_type: Option<DataType>,
    value: Bytes,
}

impl core::fmt::Debug for Set {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Set").field(&self.path).finish()
    }
}

impl AddAndSet {
    fn new(
        shared: &Arc<Shared>,
        path: &str,
        specification: TopicSpecification,
        value: Bytes,
        constraint: UpdateConstraint,
    ) -> Self {
        let is_old = shared.version().number() < FIRST_WITH_CONSTRAINTS;
        let path = path.to_owned();
        let mut then = None;
        let add = if !is_old {
            shared.call::<call::AddAndSetTopic>(&AddAndSetTopicRequest {
                path,
                specification,
                value,
                constraint,
            })
        } else if constraint != UpdateConstraint::Unconstrained {
            shared.refuse(ErrorReason::Unsupported)
        } else {
            then = Some(Set {
                shared: Arc::clone(shared),
                path: path.clone(),
                data_type: DataType::of_topic(specification.topic_type),
                value,
            });
            shared.call::<call::AddTopic>(&AddTopicRequest {
                path,
                specification,
            })
        };
        Self {
            add,
            then,
            set: None,
        }
    }
}

impl Future for AddAndSet {
    type Output = Result<AddTopicResult, RequestError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.set.is_none() {
            let added = ready!(Pin::new(&mut self.add).poll(context));
            let (Ok(added), Some(set)) = (&added, self.then.take()) else {
                return Poll::Ready(added);
            };
            let Some(data_type) = set.data_type else {
                return Poll::Ready(Err(RequestError::refused(
                    ErrorReason::IncompatibleTopic,
                    "Topics of this type have no values that can be set",
                )));
            };
            let everything = UpdateConstraint::Unconstrained;
            let response = set_bytes(&set.shared, &set.path, data_type, set.value, everything);
            self.set = Some((*added, response));
        }
        let Some((added, set)) = &mut self.set else {
            return Poll::Pending;
        };
        let added = *added;
        Pin::new(set).poll(context).map(|done| done.map(|()| added))
    }
}
