//! Setting the values of topics.

use bytes::Bytes;
use effusion_protocol::body::{
    AddAndSetTopicRequest, AddTopicResult, SetTopicRequest, UpdateConstraint, UpdateResult,
    UpdateTopicSetRequest, call,
};
use effusion_protocol::value::Value;
use effusion_protocol::{ErrorReason, ErrorReport, TopicSpecification};

use super::Session;
use crate::RequestError;

/// The first version that sets topics under constraints, and adds and sets in one request (6.2; source: the dissector and
/// the captures).
const FIRST_WITH_CONSTRAINTS: u8 = 15;

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
        let shared = self.session.shared();
        if shared.version().number() < FIRST_WITH_CONSTRAINTS {
            return self.set_plainly(path, value.to_bytes(), &constraint).await;
        }
        let request = SetTopicRequest {
            path: path.to_owned(),
            topic_type: T::DATA_TYPE.topic_type(),
            value: value.to_bytes(),
            constraint,
        };
        shared.call::<call::SetTopic>(&request).await
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
        let shared = self.session.shared();
        if shared.version().number() < FIRST_WITH_CONSTRAINTS {
            let result = self.session.topics().add(path, specification).await?;
            self.set(path, value).await?;
            return Ok(result);
        }
        let request = AddAndSetTopicRequest {
            path: path.to_owned(),
            specification,
            value: value.to_bytes(),
            constraint: UpdateConstraint::Unconstrained,
        };
        shared.call::<call::AddAndSetTopic>(&request).await
    }

    /// Sets a value by the service that old versions have for it.
    async fn set_plainly(
        &self,
        path: &str,
        value: Bytes,
        constraint: &UpdateConstraint,
    ) -> Result<(), RequestError> {
        if *constraint != UpdateConstraint::Unconstrained {
            return Err(refused(ErrorReason::Unsupported));
        }
        let request = UpdateTopicSetRequest {
            path: path.to_owned(),
            value,
        };
        let shared = self.session.shared();
        Err(refused(
            match shared.call::<call::UpdateTopicSet>(&request).await? {
                UpdateResult::Success => return Ok(()),
                UpdateResult::MissingTopic => ErrorReason::NoSuchTopic,
                UpdateResult::IncompatibleUpdate => ErrorReason::IncompatibleTopic,
                UpdateResult::ClusterRepartition => ErrorReason::ClusterRepartition,
                _ => ErrorReason::IncompatibleState,
            },
        ))
    }
}

fn refused(reason: ErrorReason) -> RequestError {
    RequestError::Refused(ErrorReport {
        message: String::new(),
        reason,
    })
}
