//! Setting the values of topics.

use effusion_protocol::TopicSpecification;
use effusion_protocol::body::{
    AddAndSetTopicRequest, AddTopicResult, SetTopicRequest, UpdateConstraint, call,
};
use effusion_protocol::value::Value;

use super::Session;
use crate::RequestError;

/// Setting the values of topics: see [`Session::topic_update`].
#[derive(Clone, Copy, Debug)]
pub struct TopicUpdate<'a> {
    pub(super) session: &'a Session,
}

impl TopicUpdate<'_> {
    /// Sets the value of a topic.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `update_topic`, with `IncompatibleDatatype` if the topic
    /// holds another type, and if there is no topic.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// use effusion_client::Json;
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let message = serde_json::json!({ "text": "hello", "name": "Ann" });
    /// session.topic_update().set("Chat/room", &Json::from_tree(&message)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn set<T: Value>(&self, path: &str, value: &T) -> Result<(), RequestError> {
        self.set_if(path, value, UpdateConstraint::Unconstrained)
            .await
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
    pub async fn set_if<T: Value>(
        &self,
        path: &str,
        value: &T,
        constraint: UpdateConstraint,
    ) -> Result<(), RequestError> {
        let request = SetTopicRequest {
            path: path.to_owned(),
            topic_type: T::DATA_TYPE.topic_type(),
            value: value.to_bytes(),
            constraint,
        };
        self.session.shared().call::<call::SetTopic>(&request).await
    }

    /// Adds a topic if there is none, and sets its value.
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
    /// session.topic_update().add_and_set("motd", text, &"welcome".to_owned()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn add_and_set<T: Value>(
        &self,
        path: &str,
        specification: TopicSpecification,
        value: &T,
    ) -> Result<AddTopicResult, RequestError> {
        let request = AddAndSetTopicRequest {
            path: path.to_owned(),
            specification,
            value: value.to_bytes(),
            constraint: UpdateConstraint::Unconstrained,
        };
        self.session
            .shared()
            .call::<call::AddAndSetTopic>(&request)
            .await
    }
}
