//! Reading topics without subscribing to them.

use bytes::Bytes;
use effusion_protocol::body::{
    FetchLimit, FetchRequest, FetchResponse, FetchedSize, TopicTypes, call,
};
use effusion_protocol::{TopicSpecification, TopicType};

use super::Session;
use crate::{Response, StreamValue, ValueError, response};

/// A fetch of topics: see [`Session::fetch`]. Source of the terms: the API documentation of `FetchRequest`.
#[derive(Clone, Debug)]
pub struct Fetch<'a> {
    session: &'a Session,
    request: FetchRequest,
}

/// What a fetch found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchResult {
    /// The topics, in the order of their paths.
    pub topics: Vec<FetchedTopic>,
    /// Whether a limit kept topics out.
    pub has_more: bool,
}

/// A topic that a fetch found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchedTopic {
    /// Its path.
    pub path: String,
    /// Its type and, if they were asked for, its properties.
    pub specification: TopicSpecification,
    /// Its value as on the wire, if it was asked for and there is one; of a time series, the newest event.
    pub bytes: Option<Bytes>,
    /// The value's size, if it was asked for and the service tells.
    pub size: FetchedSize,
}

impl FetchedTopic {
    /// The value as `T`, if there is one.
    ///
    /// # Errors
    /// If it is no such value.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), Box<dyn std::error::Error>> {
    /// let page = session.fetch("?prices/").with_values().fetch().await?;
    /// for topic in &page.topics {
    ///     println!("{}: {:?}", topic.path, topic.value::<f64>()?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn value<T: StreamValue>(&self) -> Result<Option<T>, ValueError> {
        self.bytes
            .clone()
            .map(|bytes| T::read(bytes, self.specification.topic_type))
            .transpose()
    }
}

impl<'a> Fetch<'a> {
    pub(super) fn new(session: &'a Session, selector: &str) -> Self {
        Self {
            session,
            request: FetchRequest::new(selector),
        }
    }

    fn limit(path: &str, inclusive: bool) -> Option<FetchLimit> {
        Some(FetchLimit {
            path: path.to_owned(),
            inclusive,
        })
    }

    /// Only paths from this one on; there need not be a topic.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").from("prices/gold").fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn from(mut self, path: &str) -> Self {
        self.request.from = Self::limit(path, true);
        self
    }

    /// Only paths after this one.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").after("prices/gold").fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn after(mut self, path: &str) -> Self {
        self.request.from = Self::limit(path, false);
        self
    }

    /// Only paths up to this one.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").to("prices/silver").fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn to(mut self, path: &str) -> Self {
        self.request.to = Self::limit(path, true);
        self
    }

    /// Only paths before this one.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").before("prices/silver").fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn before(mut self, path: &str) -> Self {
        self.request.to = Self::limit(path, false);
        self
    }

    /// Only topics of these types.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// use effusion_client::TopicType;
    ///
    /// let series = session.fetch("?Chat/").topic_types(&[TopicType::TimeSeries]).fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn topic_types(mut self, types: &[TopicType]) -> Self {
        self.request.types = types
            .iter()
            .fold(TopicTypes::NONE, |set, kind| set.with(*kind));
        self
    }

    /// Answers with the topics' values.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").with_values().fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn with_values(mut self) -> Self {
        self.request.with_values = true;
        self
    }

    /// Answers with the topics' properties.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").with_properties().fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn with_properties(mut self) -> Self {
        self.request.with_properties = true;
        self
    }

    /// Only the first so many topics, by path.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").first(100).fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn first(mut self, topics: u32) -> Self {
        self.request.limit = i32::try_from(topics).unwrap_or(i32::MAX);
        self
    }

    /// Only the last so many topics, by path.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").last(100).fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn last(mut self, topics: u32) -> Self {
        self.request.limit = i32::try_from(topics).map_or(i32::MIN, |topics| -topics);
        self
    }

    /// No more than so many bytes of answer.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").maximum_result_size(1 << 20).fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn maximum_result_size(mut self, bytes: u32) -> Self {
        self.request.maximum_size = bytes;
        self
    }

    /// Of branches that are `depth` levels deep, only so many topics each.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").limit_deep_branches(2, 1).fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn limit_deep_branches(mut self, depth: u32, topics: u32) -> Self {
        self.request.deep_branch_depth = depth;
        self.request.deep_branch_limit = topics;
        self
    }

    /// Also topics that exist, but whose publication is delayed.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").with_unpublished_delayed_topics().fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn with_unpublished_delayed_topics(mut self) -> Self {
        self.request.with_unpublished = true;
        self
    }

    /// Answers with the sizes of values; services before 6.11 do not.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").with_sizes().fetch().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn with_sizes(mut self) -> Self {
        self.request.with_sizes = true;
        self
    }

    /// The same for what comes after a page of results (before it, if the [`Fetch::last`] topics were asked for); `None` if
    /// nothing does.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let mut next = Some(session.fetch("?Chat/").first(100));
    /// while let Some(fetch) = next {
    ///     let page = fetch.clone().fetch().await?;
    ///     next = fetch.next_page(&page);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn next_page(self, page: &FetchResult) -> Option<Self> {
        let is_backwards = self.request.limit < 0;
        let edge = if is_backwards {
            page.topics.first()
        } else {
            page.topics.last()
        };
        let edge = edge.filter(|_| page.has_more)?;
        Some(if is_backwards {
            self.before(&edge.path)
        } else {
            self.after(&edge.path)
        })
    }

    /// Makes the request.
    ///
    /// # Errors
    /// Refused with `AccessDenied` without the permission `select_topic` or `read_topic`.
    ///
    /// ```no_run
    /// # use effusion_client::{Session, RequestError};
    /// # async fn example(session: &Session) -> Result<(), RequestError> {
    /// let found = session.fetch("?Chat/").with_values().first(20).fetch().await?;
    /// for topic in &found.topics {
    ///     println!("{}: {:?}", topic.path, topic.value::<effusion_client::Json>());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn fetch(self) -> Response<FetchResult> {
        self.session
            .shared()
            .call_and_read::<call::Fetch, _>(&self.request, |body, version| {
                Ok(result(response::read(body, version)?))
            })
    }
}

fn result(answer: FetchResponse) -> FetchResult {
    let sets = answer.property_sets;
    let topics = answer
        .topics
        .into_iter()
        .map(|topic| FetchedTopic {
            path: topic.path,
            specification: TopicSpecification {
                topic_type: topic.topic_type,
                // An index outside the list means no properties (docs/protocol.md, 4).
                properties: sets
                    .get(topic.property_set as usize)
                    .cloned()
                    .unwrap_or_default(),
            },
            bytes: topic.value,
            size: topic.size,
        })
        .collect();
    FetchResult {
        topics,
        has_more: answer.has_more,
    }
}
