//! Update streams: many values for one topic, each as what changed since the last.
//!
//! Source: `docs/protocol.md`, 6.2, and the API documentation of `UpdateStream`.

use core::marker::PhantomData;
use std::sync::Arc;

use bytes::Bytes;
use effusion_protocol::body::{
    AddTopicResult, CreateUpdateStreamAndSetRequest, CreateUpdateStreamRequest,
    StreamAddAndSetTopicRequest, StreamAddTopicRequest, UpdateConstraint, UpdateStreamAddResponse,
    UpdateStreamCreated, UpdateStreamId, UpdateStreamRequest, call,
};
use effusion_protocol::value::{data_type_of, from_bytes, to_bytes};
use effusion_protocol::{ErrorReason, TopicSpecification, TopicType};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::topic_update::FIRST_WITH_CONSTRAINTS;
use crate::shared::Shared;
use crate::{Interruption, RequestError};

/// A stream of values for a topic: see [`TopicUpdate::update_stream`](super::TopicUpdate::update_stream).
///
/// The service opens it with the first value, or when it is validated. From then on the service knows the topic, and what
/// is sent is short. The stream ends when another session updates the topic, when the topic is removed and when the
/// constraint does not hold any more: then all that follows is refused with `InvalidUpdateStream`, and it takes another
/// stream to go on.
pub struct UpdateStream<T> {
    stream: Stream,
    value: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned + 'static> UpdateStream<T> {
    pub(super) fn new(shared: &Arc<Shared>, path: &str) -> Self {
        let topic_type = data_type_of::<T>().topic_type();
        Self {
            stream: Stream {
                shared: Arc::clone(shared),
                path: path.to_owned(),
                topic_type,
                specification: None,
                constraint: UpdateConstraint::Unconstrained,
                sends_deltas: !matches!(topic_type, TopicType::Int64 | TopicType::Double),
                opened: None,
                value: None,
                unconfirmed: None,
                is_recoverable: false,
            },
            value: PhantomData,
        }
    }

    /// Opens the stream only if this holds, and keeps it only as long as it does.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// use effusion_client::UpdateConstraint;
    ///
    /// let mut prices = session.topic_update().update_stream::<f64>("price").constraint(UpdateConstraint::NoValue);
    /// prices.set(&1.5).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn constraint(mut self, constraint: UpdateConstraint) -> Self {
        self.stream.constraint = constraint;
        self
    }

    /// Adds the topic if there is none.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// use effusion_client::{TopicSpecification, TopicType};
    ///
    /// let double = TopicSpecification::new(TopicType::Double);
    /// let mut prices = session.topic_update().update_stream::<f64>("price").specification(double);
    /// prices.set(&1.5).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn specification(mut self, specification: TopicSpecification) -> Self {
        self.stream.specification = Some(specification);
        self
    }

    /// Sends whole values only: for values that have little in common.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let mut prices = session.topic_update().update_stream::<f64>("price").suppress_deltas();
    /// prices.set(&1.5).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn suppress_deltas(mut self) -> Self {
        self.stream.sends_deltas = false;
        self
    }

    /// Sets the topic's value, and opens the stream if it is not open. The answer tells whether the topic was added for it.
    ///
    /// # Errors
    /// As [`TopicUpdate::set_if`](super::TopicUpdate::set_if) for the first value (and as
    /// [`Topics::add`](super::Topics::add) with a specification); refused with `InvalidUpdateStream` if the stream has ended;
    /// with `Unsupported` by services before 6.2.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let mut prices = session.topic_update().update_stream::<f64>("price");
    /// for price in [1.5, 1.75, 2.0] {
    ///     prices.set(&price).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set(&mut self, value: &T) -> Result<AddTopicResult, RequestError> {
        let (_, value) = to_bytes(value).map_err(RequestError::UnwritableValue)?;
        self.stream.set(value).await
    }

    /// Asks whether the stream can still be used; opens it if it is not open.
    ///
    /// # Errors
    /// As [`UpdateStream::set`].
    ///
    /// ```no_run
    /// # async fn example(prices: &mut effusion_client::UpdateStream<f64>) -> Result<(), effusion_client::RequestError> {
    /// prices.validate().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn validate(&mut self) -> Result<AddTopicResult, RequestError> {
        self.stream.validate().await
    }

    /// Whether the last request failed in a way that [`UpdateStream::recover`] can mend: the session or its messages were
    /// lost, not the right to update the topic.
    ///
    /// ```no_run
    /// # fn example(prices: &effusion_client::UpdateStream<f64>) {
    /// if prices.is_recoverable() {
    ///     println!("the session was lost, not the right to the topic");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub const fn is_recoverable(&self) -> bool {
        self.stream.is_recoverable
    }

    /// Opens the stream again, and sends the value of which nobody knows whether the service has it.
    ///
    /// # Errors
    /// As [`UpdateStream::set`]; refused with `InvalidUpdateStream` if there is nothing to mend.
    ///
    /// ```no_run
    /// # use effusion_client::{RequestError, UpdateStream};
    /// # async fn example(prices: &mut UpdateStream<f64>) -> Result<(), RequestError> {
    /// if prices.set(&1.5).await.is_err() && prices.is_recoverable() {
    ///     prices.recover().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recover(&mut self) -> Result<(), RequestError> {
        self.stream.recover().await
    }

    /// The last value that the service has taken by this stream; `None` before that, and if nobody knows whether it has.
    ///
    /// ```no_run
    /// # fn example(prices: &effusion_client::UpdateStream<f64>) {
    /// println!("{:?}", prices.get());
    /// # }
    /// ```
    #[must_use]
    pub fn get(&self) -> Option<T> {
        let value = self.stream.value.clone()?;
        from_bytes(value).ok()
    }
}

impl<T> core::fmt::Debug for UpdateStream<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("UpdateStream")
            .field(&self.stream.path)
            .finish()
    }
}

/// The part of a stream that is compiled once.
struct Stream {
    shared: Arc<Shared>,
    path: String,
    topic_type: TopicType,
    specification: Option<TopicSpecification>,
    constraint: UpdateConstraint,
    sends_deltas: bool,
    /// What the service calls the stream, and the era in which it does.
    opened: Option<(UpdateStreamId, u32)>,
    /// What the service has, so that a delta may be made to it. Unknown while a value is on its way.
    value: Option<Bytes>,
    /// A value that the service is not known to have.
    unconfirmed: Option<Bytes>,
    is_recoverable: bool,
}

impl Stream {
    async fn set(&mut self, value: Bytes) -> Result<AddTopicResult, RequestError> {
        self.unconfirmed = Some(value.clone());
        let result = self.send(value).await;
        self.learn(result)
    }

    async fn validate(&mut self) -> Result<AddTopicResult, RequestError> {
        let result = self.check().await;
        self.learn(result)
    }

    async fn recover(&mut self) -> Result<(), RequestError> {
        if !self.is_recoverable {
            return Err(RequestError::refused(
                ErrorReason::InvalidUpdateStream,
                "The update stream cannot be recovered",
            ));
        }
        self.opened = None;
        self.value = None;
        match self.unconfirmed.clone() {
            Some(value) => self.set(value).await?,
            None => self.validate().await?,
        };
        Ok(())
    }

    /// Remembers what became of a request.
    fn learn(
        &mut self,
        result: Result<AddTopicResult, RequestError>,
    ) -> Result<AddTopicResult, RequestError> {
        let is_lost = |era: u32| era != self.shared.era();
        self.is_recoverable = match &result {
            Ok(_) => {
                if self.value.is_some() {
                    self.unconfirmed = None;
                }
                false
            }
            Err(RequestError::NeverSent(why) | RequestError::OutcomeUnknown(why)) => {
                *why != Interruption::SessionClosed
            }
            Err(RequestError::Refused(report)) => match report.reason {
                ErrorReason::InvalidUpdateStream => {
                    self.opened.as_ref().is_some_and(|(_, era)| is_lost(*era))
                }
                reason => reason == ErrorReason::ClusterRepartition,
            },
            Err(_) => false,
        };
        result
    }

    async fn send(&mut self, value: Bytes) -> Result<AddTopicResult, RequestError> {
        let before = self.value.take();
        let Some(stream) = self.opened()? else {
            let result = self.open(Some(value.clone())).await?;
            self.value = Some(value);
            return Ok(result);
        };
        let delta = before
            .filter(|_| self.sends_deltas)
            .and_then(|before| short_delta(&before, &value));
        match delta {
            Some(delta) => {
                let request = UpdateStreamRequest {
                    stream,
                    value: delta,
                };
                self.shared.call::<call::StreamApplyDelta>(&request).await?;
            }
            None => {
                let value = value.clone();
                let request = UpdateStreamRequest { stream, value };
                self.shared.call::<call::StreamSet>(&request).await?;
            }
        }
        self.value = Some(value);
        Ok(AddTopicResult::Exists)
    }

    async fn check(&mut self) -> Result<AddTopicResult, RequestError> {
        match self.opened()? {
            None => self.open(None).await,
            Some(stream) => {
                self.shared.call::<call::CheckUpdateStream>(&stream).await?;
                Ok(AddTopicResult::Exists)
            }
        }
    }

    /// What the service calls the stream, if it is open. A stream does not survive its session.
    fn opened(&self) -> Result<Option<UpdateStreamId>, RequestError> {
        match &self.opened {
            Some((_, era)) if *era != self.shared.era() => Err(RequestError::refused(
                ErrorReason::InvalidUpdateStream,
                "The session that opened the update stream is lost",
            )),
            opened => Ok(opened.as_ref().map(|(stream, _)| stream.clone())),
        }
    }

    async fn open(&mut self, value: Option<Bytes>) -> Result<AddTopicResult, RequestError> {
        let shared = &self.shared;
        if shared.version().number() < FIRST_WITH_CONSTRAINTS {
            let reason = ErrorReason::Unsupported;
            return Err(RequestError::refused(reason, "There are no update streams"));
        }
        let era = shared.era();
        let (path, constraint) = (self.path.clone(), self.constraint.clone());
        let topic_type = self.topic_type;
        let (result, created) = match (self.specification.clone(), value) {
            (None, None) => {
                let request = CreateUpdateStreamRequest {
                    path,
                    topic_type,
                    constraint,
                };
                exists(shared.call::<call::CreateUpdateStream>(&request).await?)
            }
            (None, Some(value)) => {
                let request = CreateUpdateStreamAndSetRequest {
                    path,
                    topic_type,
                    value,
                    constraint,
                };
                exists(
                    shared
                        .call::<call::CreateUpdateStreamAndSet>(&request)
                        .await?,
                )
            }
            (Some(specification), None) => {
                let request = StreamAddTopicRequest {
                    path,
                    specification,
                    constraint,
                };
                added(shared.call::<call::StreamAddTopic>(&request).await?)
            }
            (Some(specification), Some(value)) => {
                let request = StreamAddAndSetTopicRequest {
                    path,
                    specification,
                    value,
                    constraint,
                };
                added(shared.call::<call::StreamAddAndSetTopic>(&request).await?)
            }
        };
        // Services that say nothing of deltas are those that take them (docs/protocol.md, 6.2).
        self.sends_deltas &= created
            .flags
            .is_none_or(|flags| flags & UpdateStreamCreated::TAKES_DELTAS != 0);
        self.opened = Some((created.stream, era));
        Ok(result)
    }
}

const fn exists(created: UpdateStreamCreated) -> (AddTopicResult, UpdateStreamCreated) {
    (AddTopicResult::Exists, created)
}

fn added(answer: UpdateStreamAddResponse) -> (AddTopicResult, UpdateStreamCreated) {
    (answer.result, answer.created)
}

/// A delta, if it is shorter than the value.
#[cfg(feature = "diff")]
fn short_delta(before: &[u8], value: &[u8]) -> Option<Bytes> {
    effusion_protocol::value::delta::diff(before, value)
}

#[cfg(not(feature = "diff"))]
fn short_delta(_: &[u8], _: &[u8]) -> Option<Bytes> {
    None
}
