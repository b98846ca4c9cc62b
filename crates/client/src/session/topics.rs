//! Adding, removing and selecting topics.

use effusion_protocol::TopicSpecification;
use effusion_protocol::body::{AddTopicRequest, AddTopicResult, RemoveTopicsResponse, call};

use super::{MissingTopics, Session, TopicNotifications, missing_topics, notifications};
use crate::machine::Selection;
use crate::response::read;
use crate::{Registration, Response};

/// Adding, removing and selecting topics: see [`Session::topics`]. Source: `docs/protocol.md`, 6.1.
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
    pub fn add(&self, path: &str, specification: TopicSpecification) -> Response<AddTopicResult> {
        let request = AddTopicRequest {
            path: path.to_owned(),
            specification,
        };
        self.session.shared().call::<call::AddTopic>(&request)
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
    pub fn remove(&self, selector: &str) -> Response<Option<u32>> {
        self.session
            .shared()
            .call_and_read::<call::RemoveTopics, _>(&selector.to_owned(), |body, version| {
                let answer: RemoveTopicsResponse = read(body, version)?;
                Ok(answer.removed)
            })
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
    pub fn select(&self, selector: &str) -> Response<()> {
        self.session.shared().select(selector, true)
    }

    /// Ends the subscriptions to the topics that a selector names.
    ///
    /// # Errors
    /// See [`RequestError`](crate::RequestError).
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// session.topics().unsubscribe(">Chat/room").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unsubscribe(&self, selector: &str) -> Response<()> {
        self.session.shared().select(selector, false)
    }

    /// As [`Topics::select`], in a scope of its own: a topic is unsubscribed when no scope selects it any more, so that parts
    /// of a program need not know of each other.
    ///
    /// # Errors
    /// As [`Topics::select`]; refused with `Unsupported` by services before 6.12.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// session.topics().select_in_scope(">Chat/room", "sidebar").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn select_in_scope(&self, selector: &str, scope: &str) -> Response<()> {
        self.change_scope(selector, Some(scope), true)
    }

    /// Ends what was selected in a scope.
    ///
    /// # Errors
    /// As [`Topics::select_in_scope`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// session.topics().unsubscribe_in_scope(">Chat/room", "sidebar").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unsubscribe_in_scope(&self, selector: &str, scope: &str) -> Response<()> {
        self.change_scope(selector, Some(scope), false)
    }

    /// Ends the subscriptions to the topics that a selector names, whatever scope selected them.
    ///
    /// # Errors
    /// As [`Topics::select_in_scope`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// session.topics().unsubscribe_all_scopes(">Chat/room").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unsubscribe_all_scopes(&self, selector: &str) -> Response<()> {
        self.change_scope(selector, None, false)
    }

    fn change_scope(&self, selector: &str, scope: Option<&str>, select: bool) -> Response<()> {
        self.session.shared().select_in_scope(Selection {
            selector: selector.to_owned(),
            scope: scope.map(str::to_owned),
            select,
        })
    }

    /// A listener of topics, without subscribing to them: what it is to tell of is selected at the listener. No permission
    /// is needed but `select_topic`.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// use effusion_client::TopicNotification;
    /// use futures_util::StreamExt;
    ///
    /// let mut rooms = session.topics().add_notification_listener();
    /// rooms.select("?Chat/").await?;
    /// while let Some(event) = rooms.next().await {
    ///     if let TopicNotification::Topic { path, kind, .. } = event {
    ///         println!("{path}: {kind:?}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn add_notification_listener(&self) -> TopicNotifications {
        notifications::listen(self.session.shared())
    }

    /// Registers this session as the handler of a path, and all below, that is told when somebody selects topics of which
    /// there are none.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `register_handler`, with `HandlerConflict` if this session handles
    /// the path already.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError, TopicSpecification, TopicType};
    /// use futures_util::StreamExt;
    ///
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let mut missing = session.topics().add_missing_topic_handler("rooms").await?;
    /// while let Some(selection) = missing.next().await {
    ///     if let Some(path) = selection.selector.strip_prefix('>') {
    ///         session.topics().add(path, TopicSpecification::new(TopicType::Json)).await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_missing_topic_handler(&self, path: &str) -> Registration<MissingTopics> {
        missing_topics::handle(self.session.shared(), path)
    }
}
