//! Adding, removing and selecting topics.

use effusion_protocol::TopicSpecification;
use effusion_protocol::body::{AddTopicRequest, AddTopicResult, call};

use super::Session;
use crate::RequestError;

/// Adding, removing and selecting topics: see [`Session::topics`].
#[derive(Clone, Copy, Debug)]
pub struct Topics<'a> {
    pub(super) session: &'a Session,
}

impl Topics<'_> {
    /// Adds a topic. A topic with the same specification at the same path is no error: the answer tells.
    ///
    /// # Errors
    /// Refused with `TopicExistsMismatch` if a topic with another specification is there, with
    /// `InvalidTopicSpecification`, `InvalidPath`, or `AccessDenied` without the permission `modify_topic`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// use effusion_client::{TopicSpecification, TopicType, property};
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let room = TopicSpecification::new(TopicType::TimeSeries)
    ///     .with(property::TIME_SERIES_EVENT_VALUE_TYPE, "json")
    ///     .with(property::TIME_SERIES_RETAINED_RANGE, "limit 100");
    /// session.topics().add("Chat/room", room).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn add(
        &self,
        path: &str,
        specification: TopicSpecification,
    ) -> Result<AddTopicResult, RequestError> {
        let request = AddTopicRequest {
            path: path.to_owned(),
            specification,
        };
        self.session.shared().call::<call::AddTopic>(&request).await
    }

    /// Removes the topics that a selector names, and answers how many there were.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `modify_topic`.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let removed = session.topics().remove("?Chat//").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn remove(&self, selector: &str) -> Result<Option<u32>, RequestError> {
        let selector = selector.to_owned();
        let answer = self
            .session
            .shared()
            .call::<call::RemoveTopics>(&selector)
            .await?;
        Ok(answer.removed)
    }

    /// Subscribes to the topics that a selector names, now and later: topics that are added afterwards count too.
    ///
    /// Their values arrive at the streams of [`Session::add_stream`].
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `select_topic`.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// session.topics().select(">Chat/room").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn select(&self, selector: &str) -> Result<(), RequestError> {
        self.session.shared().select(selector, true).await
    }

    /// Ends the subscriptions to the topics that a selector names.
    ///
    /// # Errors
    /// See [`RequestError`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// session.topics().unsubscribe(">Chat/room").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn unsubscribe(&self, selector: &str) -> Result<(), RequestError> {
        self.session.shared().select(selector, false).await
    }
}
