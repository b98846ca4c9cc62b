//! Setting the values of topics.

use bytes::Bytes;
use effusion_protocol::body::{
    AddAndSetTopicRequest, AddTopicResult, SetTopicRequest, UpdateConstraint, UpdateResult,
    UpdateTopicSetRequest, call,
};
use effusion_protocol::value::{DataType, Value};
use effusion_protocol::{ErrorReason, ErrorReport, ProtocolVersion, TopicSpecification};

use super::Session;
use crate::{RequestError, Response, response};

/// The first version that sets topics under constraints, and adds and sets in one request (6.2; source: the dissector and
/// the captures).
const FIRST_WITH_CONSTRAINTS: u8 = 15;

/// Setting the values of topics: see [`Session::topic_update`]. Source: `docs/protocol.md`, 6.2.
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
    pub fn set<T: Value>(&self, path: &str, value: &T) -> Response<()> {
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
    pub fn set_if<T: Value>(
        &self,
        path: &str,
        value: &T,
        constraint: UpdateConstraint,
    ) -> Response<()> {
        self.set_bytes(path, T::DATA_TYPE, value.to_bytes(), constraint)
    }

    /// Adds a topic if there is none, and sets its value.
    ///
    /// # Errors
    /// As [`Topics::add`](super::Topics::add) and [`TopicUpdate::set`]; refused with `Unsupported` by services before 6.2.
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
    pub fn add_and_set<T: Value>(
        &self,
        path: &str,
        specification: TopicSpecification,
        value: &T,
    ) -> Response<AddTopicResult> {
        let shared = self.session.shared();
        if shared.version().number() < FIRST_WITH_CONSTRAINTS {
            return shared.refuse(ErrorReason::Unsupported);
        }
        let request = AddAndSetTopicRequest {
            path: path.to_owned(),
            specification,
            value: value.to_bytes(),
            constraint: UpdateConstraint::Unconstrained,
        };
        shared.call::<call::AddAndSetTopic>(&request)
    }

    /// The part of setting a value that is compiled once.
    fn set_bytes(
        &self,
        path: &str,
        data_type: DataType,
        value: Bytes,
        constraint: UpdateConstraint,
    ) -> Response<()> {
        let shared = self.session.shared();
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
