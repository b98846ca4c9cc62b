//! What a caller chooses about a session.

use core::time::Duration;

use effusion_protocol::{ConnectRequest, Credentials, ProtocolVersion, Reconnect, capabilities};

use crate::StreamOptions;
use crate::value::millis;

/// Where a service is.
///
/// ```
/// use effusion_client::ServiceAddress;
///
/// let address: ServiceAddress = "wss://example.com".parse()?;
/// assert_eq!(address, ServiceAddress::new("example.com").secure(true).path("/diffusion"));
/// assert!("https://example.com".parse::<ServiceAddress>().is_err());
/// # Ok::<(), effusion_client::AddressError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAddress {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) secure: bool,
    pub(crate) path: String,
}

impl ServiceAddress {
    /// A host without TLS: a name or an IP address; an IPv6 address with or without its brackets.
    ///
    /// ```
    /// use effusion_client::ServiceAddress;
    ///
    /// let address = ServiceAddress::new("localhost");
    /// assert_eq!(address.to_string(), "ws://localhost/diffusion");
    /// ```
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            port: None,
            secure: false,
            path: "/diffusion".to_owned(),
        }
    }

    /// Sets the port; otherwise it is the scheme's own, 80 or 443.
    ///
    /// ```
    /// use effusion_client::ServiceAddress;
    ///
    /// let address = ServiceAddress::new("::1").port(8080);
    /// assert_eq!(address.to_string(), "ws://[::1]:8080/diffusion");
    /// ```
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Whether to use TLS (`wss`).
    ///
    /// ```
    /// use effusion_client::ServiceAddress;
    ///
    /// let address = ServiceAddress::new("example.com").secure(true);
    /// assert_eq!(address.to_string(), "wss://example.com/diffusion");
    /// ```
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Sets the path of the endpoint, as a service behind a proxy may have moved it; Diffusion's own is `/diffusion`.
    ///
    /// ```
    /// use effusion_client::ServiceAddress;
    ///
    /// let address = ServiceAddress::new("example.com").path("/events/diffusion");
    /// assert_eq!(address.to_string(), "ws://example.com/events/diffusion");
    /// ```
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// The WebSocket address with this query.
    ///
    /// With a connect query in it, it holds credentials: it must not be logged.
    ///
    /// ```
    /// use effusion_client::ServiceAddress;
    ///
    /// let address = ServiceAddress::new("localhost").port(8080);
    /// assert_eq!(address.url("ty=WB"), "ws://localhost:8080/diffusion?ty=WB");
    /// ```
    #[must_use]
    pub fn url(&self, query: &str) -> String {
        let mut url = String::from(if self.secure { "wss://" } else { "ws://" });
        let bare_ipv6 = self.host.contains(':') && !self.host.starts_with('[');
        if bare_ipv6 {
            url.push('[');
        }
        url.push_str(&self.host);
        if bare_ipv6 {
            url.push(']');
        }
        if let Some(port) = self.port {
            url.push(':');
            url.push_str(&port.to_string());
        }
        if !self.path.starts_with('/') {
            url.push('/');
        }
        url.push_str(&self.path);
        url.push('?');
        url.push_str(query);
        url
    }
}

/// The address as a URL, without a query.
impl core::fmt::Display for ServiceAddress {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.url("").trim_end_matches('?'))
    }
}

/// Reads `ws://host:port/path` and `wss://host:port/path`; port and path may be left out.
impl core::str::FromStr for ServiceAddress {
    type Err = AddressError;

    fn from_str(url: &str) -> Result<Self, AddressError> {
        let (secure, rest) = match url.split_once("://") {
            Some(("ws", rest)) => (false, rest),
            Some(("wss", rest)) => (true, rest),
            _ => return Err(AddressError::Scheme),
        };
        // A query would get in the way of the connect request, which is one; credentials do not belong into an address.
        if rest.contains(['?', '#', '@']) {
            return Err(AddressError::NotAllowed);
        }
        let (authority, path) = rest
            .find('/')
            .map_or((rest, ""), |slash| rest.split_at(slash));
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                let port = port.parse().map_err(|_| AddressError::Port)?;
                (host, Some(port))
            }
            _ => (authority, None),
        };
        let is_bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        if host.is_empty() || is_bare_ipv6 || host.contains(char::is_whitespace) {
            return Err(AddressError::Host);
        }
        let mut address = Self::new(host).secure(secure);
        address.port = port;
        Ok(match path {
            "" | "/" => address,
            path => address.path(path),
        })
    }
}

impl TryFrom<&str> for ServiceAddress {
    type Error = AddressError;

    fn try_from(url: &str) -> Result<Self, AddressError> {
        url.parse()
    }
}

impl TryFrom<String> for ServiceAddress {
    type Error = AddressError;

    fn try_from(url: String) -> Result<Self, AddressError> {
        url.parse()
    }
}

/// Why a text is no [`ServiceAddress`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AddressError {
    /// It does not begin with `ws://` or `wss://`.
    Scheme,
    /// The host is missing, or is none; an IPv6 address is to stand in brackets.
    Host,
    /// The port is no number between 0 and 65535.
    Port,
    /// There is a query, a fragment or a user name in it.
    NotAllowed,
}

impl core::fmt::Display for AddressError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the address does not begin with ws:// or wss://",
            Self::Host => "the address has no host that can be one",
            Self::Port => "the port is no number between 0 and 65535",
            Self::NotAllowed => "there is a query, a fragment or a user name in the address",
        })
    }
}

impl core::error::Error for AddressError {}

/// How to get a lost connection back: how long to wait between attempts, and how many to make.
///
/// The wait doubles with each attempt that fails, and each is cut by up to a half at random, so that many clients do not come
/// back at once.
///
/// ```
/// use core::time::Duration;
/// use effusion_client::{ConnectOptions, ReconnectStrategy};
///
/// let patient = ReconnectStrategy::backoff(Duration::from_millis(500), Duration::from_secs(60));
/// let options = ConnectOptions::new().reconnect(patient.max_attempts(10));
/// let once = ConnectOptions::new().reconnect(ReconnectStrategy::never());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReconnectStrategy {
    first: u64,
    longest: u64,
    attempts: u32,
}

impl ReconnectStrategy {
    /// Waits up to `first` before the first attempt, doubles that with each further one, and never waits longer than
    /// `longest`.
    ///
    /// ```
    /// use core::time::Duration;
    /// use effusion_client::ReconnectStrategy;
    ///
    /// let eager = ReconnectStrategy::backoff(Duration::from_millis(50), Duration::from_secs(2));
    /// assert_ne!(eager, ReconnectStrategy::default());
    /// ```
    #[must_use]
    pub fn backoff(first: Duration, longest: Duration) -> Self {
        Self {
            first: millis(first),
            longest: millis(longest),
            attempts: u32::MAX,
        }
    }

    /// Makes no attempt: a session ends with its connection.
    ///
    /// ```
    /// use effusion_client::{ConnectOptions, ReconnectStrategy};
    ///
    /// let options = ConnectOptions::new().reconnect(ReconnectStrategy::never());
    /// ```
    #[must_use]
    pub const fn never() -> Self {
        Self {
            first: 0,
            longest: 0,
            attempts: 0,
        }
    }

    /// Gives up after so many attempts, one after the other, have failed.
    ///
    /// ```
    /// use effusion_client::ReconnectStrategy;
    ///
    /// let five_times = ReconnectStrategy::default().max_attempts(5);
    /// ```
    #[must_use]
    pub const fn max_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }
}

impl Default for ReconnectStrategy {
    /// From 200 ms to 15 s, for as long as the service keeps the session.
    fn default() -> Self {
        Self::backoff(Duration::from_millis(200), Duration::from_secs(15))
    }
}

/// What to do when a session is gone for good and its owner has not closed it.
///
/// With another session in its place, requests do not move over: those that were made before the loss was known fail, with
/// [`NeverSent`](crate::RequestError::NeverSent) or [`OutcomeUnknown`](crate::RequestError::OutcomeUnknown) and
/// [`Interruption::SessionLost`](crate::Interruption::SessionLost), so that whoever made them decides whether to make them again.
/// Only selections of topics are made again without asking. Requests that are made while the new session is being opened wait for
/// it, as many as [`ConnectOptions::max_waiting_requests`] allows and as long as [`ConnectOptions::request_timeout`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Renew {
    /// The session is closed, and says why. This is what Diffusion's own clients do.
    #[default]
    Never,
    /// Open another session, select again what was selected and keep the streams, if the connection was lost for too
    /// long, the service no longer knows the session, or it is stopping. What it closed for another reason stays closed.
    WhenLost,
    /// As [`Renew::WhenLost`], and also if the service closed the session.
    Always,
}

/// Everything about a session but the address. All times are in milliseconds.
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// The principal's name; `None` asks for an anonymous session.
    pub principal: Option<String>,
    /// How the principal proves who it is.
    pub credentials: Credentials,
    /// Properties that the client proposes for its session, such as `$Country`; the service decides.
    pub properties: Vec<(String, String)>,
    /// Speak this version and no other. `None` begins with the newest and falls back to older ones.
    pub version: Option<ProtocolVersion>,
    /// How long the service is asked to keep the session when its connection is lost; 0 is not at all.
    pub reconnect_timeout: u32,
    /// What to do when the session is gone.
    pub renew: Renew,
    /// How long one attempt to connect may take.
    pub connect_timeout: u64,
    /// How long a request waits for its answer; 0 is for ever.
    pub request_timeout: u64,
    /// How many requests may wait while there is no connection.
    pub waiting_requests: usize,
    /// How many sent messages are kept so that they can be sent again after a reconnect (Diffusion's default: 256).
    pub recovery_buffer: usize,
    /// The longest wait before the first attempt to reconnect; each further one doubles it.
    pub first_delay: u64,
    /// The longest wait between two attempts.
    pub longest_delay: u64,
    /// How many attempts in a row may fail before the session is given up.
    pub attempts: u32,
    /// After how much silence the client pings the service; 0 is never, and then a service that has missed two of its own
    /// ping periods is taken for lost.
    pub ping_after: u64,
    /// How long the service may take to answer such a ping before the connection is taken for lost.
    pub ping_timeout: u64,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            principal: None,
            credentials: Credentials::None,
            properties: Vec::new(),
            version: None,
            reconnect_timeout: 60_000,
            renew: Renew::Never,
            connect_timeout: 10_000,
            request_timeout: 60_000,
            waiting_requests: 1_000,
            recovery_buffer: 256,
            first_delay: 200,
            longest_delay: 15_000,
            attempts: u32::MAX,
            ping_after: 30_000,
            ping_timeout: 10_000,
        }
    }
}

impl SessionOptions {
    /// Whether a connect request says who asks.
    pub(crate) fn has_secrets(&self) -> bool {
        self.principal.is_some()
            || self.credentials != Credentials::None
            || !self.properties.is_empty()
    }

    /// The query of an anonymous connect request, to learn whether the service speaks this version.
    pub(crate) fn probe(version: ProtocolVersion) -> String {
        ConnectRequest::new(version).to_query()
    }

    /// The query of a connect request in this version.
    pub(crate) fn query(&self, version: ProtocolVersion, reconnect: Option<Reconnect>) -> String {
        let mut request = ConnectRequest::new(version);
        if cfg!(feature = "compression") {
            request.capabilities |= capabilities::COMPRESSION;
        }
        request.reconnect_timeout = self.reconnect_timeout;
        request.proposed_properties.clone_from(&self.properties);
        request.principal.clone_from(&self.principal);
        request.credentials.clone_from(&self.credentials);
        request.reconnect = reconnect;
        request.to_query()
    }
}

/// Who opens a session, and how.
///
/// ```no_run
/// use core::time::Duration;
/// use effusion_client::{ConnectOptions, Renew};
///
/// # async fn example() -> Result<(), effusion_client::ConnectError> {
/// let session = ConnectOptions::new()
///     .principal("client")
///     .password("password")
///     .property("$Country", "DE")
///     .reconnect_timeout(Duration::from_secs(120))
///     .renew(Renew::WhenLost)
///     .connect("wss://example.com/diffusion")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    pub(crate) session: SessionOptions,
    pub(crate) streams: StreamOptions,
    #[cfg(all(feature = "native", not(target_family = "wasm")))]
    pub(crate) native: crate::transport::native::WebSocketOptions,
}

impl ConnectOptions {
    /// An anonymous session.
    ///
    /// ```
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new();
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens a session with tokio's or the browser's WebSocket.
    ///
    /// With tokio, the session lives in a task of the runtime in which this is called, which needs timers and network
    /// (`enable_all`); when that runtime is shut down, the session ends with
    /// [`SessionCloseReason::RuntimeShutDown`](crate::SessionCloseReason::RuntimeShutDown).
    ///
    /// # Panics
    /// With tokio, outside of a runtime.
    ///
    /// # Errors
    /// See [`ConnectError`](crate::ConnectError); its `source` is what a resolver, a socket, TLS or an HTTP server said. A browser does not say
    /// why a WebSocket could not be opened: also for a certificate that it does not trust, or if a page that came by
    /// `https` asks for a service without TLS.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), effusion_client::ConnectError> {
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().principal("client").password("password");
    /// let session = options.connect("ws://localhost:8080").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(any(
        all(feature = "native", not(target_family = "wasm")),
        all(feature = "web", target_arch = "wasm32")
    ))]
    pub async fn connect<A: TryInto<ServiceAddress>>(
        self,
        address: A,
    ) -> Result<crate::Session, crate::ConnectError>
    where
        crate::ConnectError: From<A::Error>,
    {
        let address = address.try_into()?;
        #[cfg(not(target_family = "wasm"))]
        let (transport, runtime) = (
            crate::native::WebSocket::new(&self),
            crate::native::Tokio::new(),
        );
        #[cfg(target_family = "wasm")]
        let (transport, runtime) = (crate::web::WebSocket::default(), crate::web::Browser);
        let runtime = std::sync::Arc::new(runtime);
        crate::Session::connect(address, self, Box::new(transport), runtime).await
    }

    /// Sets the principal.
    ///
    /// ```
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().principal("ann").password("secret");
    /// ```
    #[must_use]
    pub fn principal(mut self, name: &str) -> Self {
        self.session.principal = Some(name.to_owned());
        self
    }

    /// Sets a password as the principal's credentials.
    ///
    /// ```
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().principal("ann").password("secret");
    /// ```
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.session.credentials = Credentials::Password(password.to_owned());
        self
    }

    /// Sets a token, such as a JWT, as the principal's credentials; it travels as a password does. See
    /// [`Session::reconnect_as`](crate::Session::reconnect_as) for one that expires.
    ///
    /// ```no_run
    /// # fn example(token: &str) {
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().principal("ann").token(token);
    /// # }
    /// ```
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.password(token)
    }

    /// Sets credentials of any kind, such as bytes that an authenticator understands.
    ///
    /// ```
    /// use effusion_client::{Bytes, ConnectOptions, Credentials};
    ///
    /// let key = Credentials::Custom(Bytes::from_static(b"\x01\x02"));
    /// let options = ConnectOptions::new().principal("sensor").credentials(key);
    /// ```
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.session.credentials = credentials;
        self
    }

    /// Proposes a session property, such as `$Country` or one of the application's own; the service decides.
    ///
    /// ```
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().property("$Country", "DE").property("team", "blue");
    /// ```
    #[must_use]
    pub fn property(mut self, name: &str, value: &str) -> Self {
        self.session
            .properties
            .push((name.to_owned(), value.to_owned()));
        self
    }

    /// Speaks this protocol version and no other. Otherwise the newest one that both sides speak is found; while it is
    /// looked for, credentials are sent three times at most.
    ///
    /// ```
    /// use effusion_client::{ConnectOptions, ProtocolVersion};
    ///
    /// let options = ConnectOptions::new().version(ProtocolVersion::NEWEST);
    /// ```
    #[must_use]
    pub const fn version(mut self, version: ProtocolVersion) -> Self {
        self.session.version = Some(version);
        self
    }

    /// What to do when the session is gone.
    ///
    /// ```
    /// use effusion_client::{ConnectOptions, Renew};
    ///
    /// let options = ConnectOptions::new().renew(Renew::WhenLost);
    /// ```
    #[must_use]
    pub const fn renew(mut self, renew: Renew) -> Self {
        self.session.renew = renew;
        self
    }

    /// How to get a lost connection back.
    ///
    /// ```
    /// use effusion_client::{ConnectOptions, ReconnectStrategy};
    ///
    /// let options = ConnectOptions::new().reconnect(ReconnectStrategy::default().max_attempts(3));
    /// ```
    #[must_use]
    pub const fn reconnect(mut self, strategy: ReconnectStrategy) -> Self {
        self.session.first_delay = strategy.first;
        self.session.longest_delay = strategy.longest;
        self.session.attempts = strategy.attempts;
        self
    }

    /// How long the service is asked to keep the session when its connection is lost (a minute); zero is not at all. It is
    /// sent in whole milliseconds, of which there may be 2^32 − 1; the service may have a limit of its own.
    ///
    /// ```
    /// use core::time::Duration;
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().reconnect_timeout(Duration::from_secs(120));
    /// ```
    #[must_use]
    pub fn reconnect_timeout(mut self, timeout: Duration) -> Self {
        self.session.reconnect_timeout = u32::try_from(millis(timeout)).unwrap_or(u32::MAX);
        self
    }

    /// How long one attempt to connect may take, until the service has answered (10 seconds).
    ///
    /// ```
    /// use core::time::Duration;
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().connect_timeout(Duration::from_secs(5));
    /// ```
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.session.connect_timeout = millis(timeout);
        self
    }

    /// How long a request waits for its answer (a minute); `None` is for ever.
    ///
    /// ```
    /// use core::time::Duration;
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().request_timeout(Some(Duration::from_secs(30)));
    /// ```
    #[must_use]
    pub fn request_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.session.request_timeout = timeout.map_or(0, |timeout| millis(timeout).max(1));
        self
    }

    /// How many requests may wait while there is no connection (1,000); more are refused at once. With a connection, none is.
    ///
    /// ```
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().max_waiting_requests(100);
    /// ```
    #[must_use]
    pub const fn max_waiting_requests(mut self, requests: usize) -> Self {
        self.session.waiting_requests = requests;
        self
    }

    /// How many sent messages are kept so that they can be sent again after a reconnect (256, as Diffusion's own clients
    /// do).
    ///
    /// ```
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().recovery_buffer(1_000);
    /// ```
    #[must_use]
    pub const fn recovery_buffer(mut self, messages: usize) -> Self {
        self.session.recovery_buffer = messages;
        self
    }

    /// How much may wait in each value stream, and what happens beyond that.
    ///
    /// ```
    /// use effusion_client::{ConnectOptions, Overflow, StreamOptions};
    ///
    /// let waiting = StreamOptions::new().overflow(Overflow::Wait);
    /// let options = ConnectOptions::new().streams(waiting);
    /// ```
    #[must_use]
    pub const fn streams(mut self, options: StreamOptions) -> Self {
        self.streams = options;
        self
    }

    /// After how much silence the client pings the service (30 seconds), and how long the service may take to answer
    /// (10 seconds) before the connection is taken for lost.
    ///
    /// ```
    /// use core::time::Duration;
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().ping(Duration::from_secs(10), Duration::from_secs(5));
    /// ```
    #[must_use]
    pub fn ping(mut self, after: Duration, timeout: Duration) -> Self {
        self.session.ping_after = millis(after).max(1);
        self.session.ping_timeout = millis(timeout);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<String, AddressError> {
        url.parse::<ServiceAddress>().map(|it| it.url("q"))
    }

    #[test]
    fn addresses_are_written_as_urls() {
        let address = ServiceAddress::new("::1").secure(true).port(8443);
        assert_eq!(address.url("v=1"), "wss://[::1]:8443/diffusion?v=1");
        let address = ServiceAddress::new("[::1]").path("x/diffusion");
        assert_eq!(address.url(""), "ws://[::1]/x/diffusion?");
    }

    #[test]
    fn urls_are_read() {
        for (url, read) in [
            ("wss://a.b:443/diffusion", "wss://a.b:443/diffusion?q"),
            ("ws://a", "ws://a/diffusion?q"),
            ("ws://a/", "ws://a/diffusion?q"),
            ("ws://[::1]:80/x/y", "ws://[::1]:80/x/y?q"),
            ("ws://[::1]", "ws://[::1]/diffusion?q"),
        ] {
            assert_eq!(parsed(url).as_deref(), Ok(read), "{url}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_service_is_refused() {
        for (url, error) in [
            ("https://a", AddressError::Scheme),
            ("a:8080", AddressError::Scheme),
            ("ws://", AddressError::Host),
            ("ws://:80", AddressError::Host),
            ("ws://::1/", AddressError::Host),
            ("ws://a b", AddressError::Host),
            ("ws://a:", AddressError::Port),
            ("ws://a:65536", AddressError::Port),
            ("ws://a:80?x", AddressError::NotAllowed),
            ("ws://ann:secret@a", AddressError::NotAllowed),
        ] {
            assert_eq!(parsed(url), Err(error), "{url}");
        }
    }

    #[test]
    fn options_do_not_show_the_password() {
        let options = ConnectOptions::new().principal("p").password("secret");
        assert!(!format!("{options:?}").contains("secret"));
    }
}
