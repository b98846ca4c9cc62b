//! The handle of a session.

mod authenticator;
mod clients;
mod diagnostics;
mod fetch;
mod filter_responses;
mod incoming;
mod locks;
mod messages;
mod missing_topics;
mod notifications;
mod range_query;
mod security;
mod session_events;
mod time_series;
mod topic_update;
mod topics;
mod update_stream;

pub use authenticator::{AuthenticationRequest, AuthenticationRequests, AuthenticationResponder};
pub use clients::Clients;
pub use diagnostics::{Diagnostics, KnownTopic};
pub use fetch::{Fetch, FetchResult, FetchedTopic};
pub use filter_responses::FilterResponses;
pub use incoming::{Request, RequestStream, Responder};
pub(crate) use locks::Held;
pub use locks::{LockRequest, SessionLock};
pub use messages::Messages;
pub use missing_topics::{MissingTopic, MissingTopics};
pub use notifications::{TopicNotification, TopicNotifications};
pub use range_query::{QueryResult, RangeAnchor, RangeQuery, RangeSpan};
pub use security::Security;
pub use session_events::{SessionEvent, SessionEventParameters, SessionEvents};
pub use time_series::TimeSeries;
pub use topic_update::{AddAndSet, TopicUpdate};
pub use topics::Topics;
pub use update_stream::UpdateStream;

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::sync::Arc;

use effusion_protocol::body::call;
use effusion_protocol::{Credentials, TopicSelector, TopicSelectorError};
use futures_util::{Stream, StreamExt};

use crate::StreamOptions;
use crate::driver::Driver;
use crate::machine::{Machine, SessionInfo, SessionState};
use crate::queue::{self, Next};
use crate::shared::Shared;
use crate::stream::ValueStream;
use crate::trace;
use crate::transport::{Runtime, Transport};
use crate::value::millis;
use crate::{
    ConnectError, ConnectOptions, RequestError, ServiceAddress, SessionCloseReason, StreamValue,
};

/// A session with a Diffusion service.
///
/// Handles are cheap to clone and may be used from any thread and task; the session lives in a background task of the
/// runtime in which it was opened.
/// It is closed when [`Session::close`] is called or the last handle is dropped, and ends with that runtime. Streams do not keep it
/// open. What has no answer by then is given up: [`Session::flush`] waits for it.
///
/// While the connection is lost, requests wait for it. An error of theirs says whether the service may have carried
/// them out: see [`RequestError`].
#[derive(Clone)]
pub struct Session {
    guard: Arc<Guard>,
}

/// Closes the session when the last handle goes.
struct Guard {
    shared: Arc<Shared>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let now = self.shared.now();
        self.shared.lock().machine.borrow_mut().close(now);
        self.shared.wake();
    }
}

impl Session {
    /// Opens a session over any transport; [`ConnectOptions::connect`] brings its own.
    ///
    /// # Errors
    /// See [`ConnectError`]. The first session is tried once (in as many protocol versions as it takes); only a session
    /// that was open reconnects.
    ///
    /// # Panics
    /// With `native::Tokio`, outside of a tokio runtime.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), effusion_client::ConnectError> {
    /// use std::sync::Arc;
    ///
    /// use effusion_client::{ConnectOptions, ServiceAddress, Session, native};
    ///
    /// let options = ConnectOptions::new();
    /// let transport = Box::new(native::WebSocket::new(&options));
    /// let runtime = Arc::new(native::Tokio::new());
    /// let address = ServiceAddress::new("localhost").port(8080);
    /// let session = Session::connect(address, options, transport, runtime).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(
        address: ServiceAddress,
        options: ConnectOptions,
        transport: Box<dyn Transport>,
        runtime: Arc<dyn Runtime>,
    ) -> Result<Self, ConnectError> {
        let streams = options.streams;
        let machine = Machine::new(options.session, millis(runtime.now()), runtime.seed());
        let shared = Arc::new(Shared::new(machine, Arc::clone(&runtime), streams));
        let mut states = States {
            first: None,
            changes: shared.watch(),
        };
        let session = Self {
            guard: Arc::new(Guard {
                shared: Arc::clone(&shared),
            }),
        };
        let span = address.clone();
        let driver = Box::pin(Driver::new(shared, address, transport));
        runtime.spawn(trace::session(&span, driver));
        loop {
            match states.next().await {
                Some(SessionState::Connected(_)) => return Ok(session),
                Some(SessionState::Closed(SessionCloseReason::NotConnected(error))) => {
                    return Err(error);
                }
                Some(SessionState::Closed(SessionCloseReason::RuntimeShutDown)) => {
                    return Err(ConnectError::RuntimeShutDown);
                }
                Some(SessionState::Closed(_)) | None => return Err(ConnectError::Cancelled),
                Some(_) => {}
            }
        }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.guard.shared
    }

    /// Where the session stands now.
    ///
    /// ```no_run
    /// # fn example(session: &effusion_client::Session) {
    /// if session.state().is_connected() {
    ///     println!("there is a connection");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn state(&self) -> SessionState {
        self.shared().state()
    }

    /// The session's state now, and each change of it. The stream ends after [`SessionState::Closed`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) {
    /// use effusion_client::SessionState;
    /// use futures_util::StreamExt;
    ///
    /// let mut states = session.states();
    /// while let Some(state) = states.next().await {
    ///     match state {
    ///         SessionState::Connecting => println!("connecting"),
    ///         SessionState::Connected(info) => println!("connected as {}", info.id),
    ///         SessionState::Recovering { retry_in, .. } => println!("next attempt in {retry_in:?}"),
    ///         SessionState::Closed(reason) => println!("closed: {reason}"),
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn states(&self) -> States {
        States {
            first: Some(self.state()),
            changes: self.shared().watch(),
        }
    }

    /// The session's identity and what was agreed when it was opened; `None` while there is no session.
    ///
    /// ```no_run
    /// # fn example(session: &effusion_client::Session) {
    /// if let Some(info) = session.info() {
    ///     println!("session {} in protocol version {}", info.id, info.version);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn info(&self) -> Option<SessionInfo> {
        self.shared().lock().machine.borrow().session()
    }

    /// Adding, removing and selecting topics.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// session.topics().select("?prices/").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn topics(&self) -> Topics<'_> {
        Topics { session: self }
    }

    /// Setting the values of topics.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// session.topic_update().set("prices/gold", &81.5).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn topic_update(&self) -> TopicUpdate<'_> {
        TopicUpdate { session: self }
    }

    /// Appending to time series, and querying them.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let event = session.time_series().append("log", "started").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn time_series(&self) -> TimeSeries<'_> {
        TimeSeries { session: self }
    }

    /// The stores of principals and permissions.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let permissions = session.security().global_permissions().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn security(&self) -> Security<'_> {
        Security { session: self }
    }

    /// Sending requests to message handlers and other sessions.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let answer: String = session.messages().send("greeter", "Ann").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn messages(&self) -> Messages<'_> {
        Messages { session: self }
    }

    /// Looking at sessions and changing them.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let properties = session.clients().own_properties(&["$Country"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn clients(&self) -> Clients<'_> {
        Clients { session: self }
    }

    /// A fetch of the topics that a selector names, to be narrowed down and then made: see [`Fetch::fetch`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// let page = session.fetch("?prices/").first(10).with_values().fetch().await?;
    /// println!("{} topics, and more: {}", page.topics.len(), page.has_more);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn fetch(&self, selector: &str) -> Fetch<'_> {
        Fetch::new(self, selector)
    }

    /// A stream of what happens to the topics that a selector names, with their values as `T`.
    ///
    /// Topics of types whose values `T` can never hold are left out; a value that `T` does not fit comes as
    /// [`StreamEvent::Unreadable`](crate::StreamEvent::Unreadable).
    ///
    /// # Errors
    /// If the expression is no topic selector, or is a pattern and this build has none (feature `regex`).
    ///
    /// ```no_run
    /// # use effusion_client::{Session, StreamEvent};
    /// # async fn example(session: &Session) -> Result<(), Box<dyn std::error::Error>> {
    /// use effusion_client::{Json, TimeSeriesEvent};
    /// use futures_util::StreamExt;
    ///
    /// let mut events = session.add_stream::<TimeSeriesEvent<Json>>(">Chat/room")?;
    /// session.topics().select(">Chat/room").await?;
    /// while let Some(event) = events.next().await {
    ///     if let StreamEvent::Value { new, .. } = event {
    ///         println!("{}: {}", new.original().author, new.value.to_text()?);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_stream<T: StreamValue>(
        &self,
        selector: &str,
    ) -> Result<ValueStream<T>, TopicSelectorError> {
        self.add_stream_with(selector, self.shared().streams)
    }

    /// [`Session::add_stream`] with a bound of its own, and a choice of what happens beyond it. (Otherwise it is that of
    /// [`ConnectOptions::streams`].) No bound keeps a service from conflating what waits for a slow session; a topic with the
    /// property `CONFLATION` set to `off` is not conflated, and a session that is too slow for it is closed.
    ///
    /// # Errors
    /// As [`Session::add_stream`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), Box<dyn std::error::Error>> {
    /// use effusion_client::{Overflow, StreamOptions};
    ///
    /// let waiting = StreamOptions::new().max_events(1_000).overflow(Overflow::Wait);
    /// let orders = session.add_stream_with::<i64>("?orders/", waiting)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_stream_with<T: StreamValue>(
        &self,
        selector: &str,
        options: StreamOptions,
    ) -> Result<ValueStream<T>, TopicSelectorError> {
        let selector = TopicSelector::parse(selector)?;
        Ok(self.new_stream(Some(selector), options))
    }

    /// [`Session::add_stream`] for the topic at one path.
    ///
    /// # Errors
    /// If it is no topic path: it is empty, has an empty part, or starts as a selector does, such as `>a`.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), Box<dyn std::error::Error>> {
    /// use effusion_client::{Json, TimeSeriesEvent};
    ///
    /// let events = session.add_stream_at::<TimeSeriesEvent<Json>>("Chat/room")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_stream_at<T: StreamValue>(
        &self,
        path: &str,
    ) -> Result<ValueStream<T>, TopicSelectorError> {
        let selector = TopicSelector::path(path)?;
        Ok(self.new_stream(Some(selector), self.shared().streams))
    }

    fn new_stream<T: StreamValue>(
        &self,
        selector: Option<TopicSelector>,
        options: StreamOptions,
    ) -> ValueStream<T> {
        let shared = self.shared();
        let (slot, stream) = ValueStream::new(selector, options, Arc::clone(&shared.brake));
        shared.add_stream(slot);
        stream
    }

    /// A stream of what happens to the topics that no other stream takes, with their values as `T`. Of a topic that a stream
    /// takes from now on it hears no more.
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) {
    /// use effusion_client::{Json, StreamEvent};
    /// use futures_util::StreamExt;
    ///
    /// let mut rest = session.add_fallback_stream::<Json>();
    /// while let Some(event) = rest.next().await {
    ///     if let StreamEvent::Subscribed { topic } = event {
    ///         println!("nobody looks at {}", topic.path);
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn add_fallback_stream<T: StreamValue>(&self) -> ValueStream<T> {
        self.new_stream(None, self.shared().streams)
    }

    /// Waits until all that was asked for before has reached the service, for instance before [`Session::close`], which gives up
    /// what is not answered. Requests reach the service in the order in which they are made; awaiting each of them tells how
    /// it went.
    ///
    /// # Errors
    /// See [`RequestError`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// for count in 0..10_000 {
    ///     drop(session.topic_update().set("count", &count));
    /// }
    /// session.flush().await?;
    /// session.close().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn flush(&self) -> Result<(), RequestError> {
        self.shared().call::<call::UserPing>(&()).await?;
        Ok(())
    }

    /// Measures a round trip to the service, through all that is on its way already, by a clock that is never set back: tokio's, or
    /// the browser's, which tells tenths of milliseconds at best.
    ///
    /// # Errors
    /// See [`RequestError`].
    ///
    /// ```no_run
    /// # async fn example(session: &effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// println!("a round trip takes {:?}", session.ping().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn ping(&self) -> Result<Duration, RequestError> {
        let runtime = &self.shared().runtime;
        let begin = runtime.now();
        self.shared().call::<call::UserPing>(&()).await?;
        Ok(runtime.now().saturating_sub(begin))
    }

    /// The principal and the credentials with which the session reconnects, or is renewed, from now on: for tokens that
    /// expire. The session as it is does not change; [`Security::change_principal`] does that.
    ///
    /// ```no_run
    /// # fn example(session: &effusion_client::Session, token: String) {
    /// use effusion_client::Credentials;
    ///
    /// session.reconnect_as("ann", Credentials::Password(token));
    /// # }
    /// ```
    pub fn reconnect_as(&self, principal: &str, credentials: Credentials) {
        let parts = self.shared().lock();
        let mut machine = parts.machine.borrow_mut();
        machine.set_principal(principal, credentials);
    }

    /// Ends a wait between two attempts to reconnect, or pings a service that is connected: for instance because the network is
    /// said to be back, or the device has slept. Without an answer in time, the connection is taken for lost.
    ///
    /// ```no_run
    /// # fn example(session: &effusion_client::Session) {
    /// session.reconnect_now();
    /// # }
    /// ```
    pub fn reconnect_now(&self) {
        let now = self.shared().now();
        self.shared().lock().machine.borrow_mut().hurry(now);
        self.shared().wake();
    }

    /// Closes the session for all of its handles, and waits until the service has said that it is closed, or a second.
    ///
    /// It gives up what is under way: each request that has no answer yet fails with [`RequestError::NeverSent`] or
    /// [`RequestError::OutcomeUnknown`]. Who has made requests without awaiting them calls [`Session::flush`] first. Source:
    /// `docs/protocol.md`, 1.3.
    ///
    /// ```no_run
    /// # async fn example(session: effusion_client::Session) -> Result<(), effusion_client::RequestError> {
    /// drop(session.topic_update().set("motd", "closed for today"));
    /// session.flush().await?;
    /// session.close().await;
    /// assert!(session.state().is_closed());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn close(&self) {
        let mut states = self.states();
        let now = self.shared().now();
        self.shared().lock().machine.borrow_mut().close(now);
        self.shared().wake();
        while states.next().await.is_some() {}
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Session").field(&self.state()).finish()
    }
}

/// The states of a session: see [`Session::states`]. Of those that nobody has read, the newest 64 are kept.
pub struct States {
    first: Option<SessionState>,
    changes: queue::Receiver<SessionState>,
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("States")
    }
}

impl Stream for States {
    type Item = SessionState;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<SessionState>> {
        if let Some(state) = self.first.take() {
            return Poll::Ready(Some(state));
        }
        loop {
            match ready!(Pin::new(&mut self.changes).poll_next(context)) {
                Some(Next::Event(state)) => return Poll::Ready(Some(state)),
                Some(Next::Missed(_) | Next::Overflowed) => {}
                None => return Poll::Ready(None),
            }
        }
    }
}
