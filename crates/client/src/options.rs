//! What a caller chooses about a session.

use effusion_protocol::{ConnectRequest, Credentials, ProtocolVersion, Reconnect, capabilities};

/// Where a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAddress {
    /// A name or an IP address; an IPv6 address with or without its brackets.
    pub host: String,
    /// The port; `None` is the scheme's own (80 or 443).
    pub port: Option<u16>,
    /// Whether to use TLS (`wss`).
    pub secure: bool,
    /// The path of the endpoint, as a service behind a proxy may have moved it; Diffusion's own is `/diffusion`.
    pub path: String,
}

impl ServiceAddress {
    /// The WebSocket address with this query.
    ///
    /// With a connect query in it, it holds credentials: it must not be logged.
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

/// What to do when a session is gone for good and its owner has not closed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Renew {
    /// The session is closed, and says why. This is what Diffusion's own clients do.
    #[default]
    Never,
    /// Open another session, select again what was selected and keep the streams, if the connection was lost for too
    /// long or the service no longer knows the session. What the service closed stays closed.
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
    /// How many requests may wait for a connection.
    pub waiting_requests: usize,
    /// How many sent messages are kept so that they can be sent again after a reconnect (Diffusion's default: 256).
    pub recovery_buffer: usize,
    /// The longest wait before the first attempt to reconnect; each further one doubles it.
    pub first_delay: u64,
    /// The longest wait between two attempts.
    pub longest_delay: u64,
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
            ping_after: 30_000,
            ping_timeout: 10_000,
        }
    }
}

impl SessionOptions {
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

/// What to connect to, and as whom.
///
/// ```
/// use effusion_client::{ConnectOptions, Renew};
///
/// let options = ConnectOptions::new("localhost")
///     .port(8080)
///     .principal("client")
///     .password("password")
///     .renew(Renew::WhenLost);
/// assert_eq!(options.address.url("v=29"), "ws://localhost:8080/diffusion?v=29");
/// ```
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// Where the service is.
    pub address: ServiceAddress,
    /// Everything else.
    pub session: SessionOptions,
}

impl ConnectOptions {
    /// An anonymous session at this host, without TLS.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self {
            address: ServiceAddress {
                host: host.to_owned(),
                port: None,
                secure: false,
                path: "/diffusion".to_owned(),
            },
            session: SessionOptions::default(),
        }
    }

    /// Sets the port.
    #[must_use]
    pub const fn port(mut self, port: u16) -> Self {
        self.address.port = Some(port);
        self
    }

    /// Whether to use TLS.
    #[must_use]
    pub const fn secure(mut self, secure: bool) -> Self {
        self.address.secure = secure;
        self
    }

    /// Sets the path of the endpoint; `/diffusion` otherwise.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.address.path);
        self
    }

    /// Sets the principal.
    #[must_use]
    pub fn principal(mut self, name: &str) -> Self {
        self.session.principal = Some(name.to_owned());
        self
    }

    /// Sets a password as the principal's credentials.
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.session.credentials = Credentials::Password(password.to_owned());
        self
    }

    /// Sets credentials of any kind, such as bytes that an authenticator understands. A token is sent as a password.
    #[must_use]
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.session.credentials = credentials;
        self
    }

    /// Proposes a session property, such as `$Country` or one of the application's own.
    #[must_use]
    pub fn property(mut self, name: &str, value: &str) -> Self {
        self.session
            .properties
            .push((name.to_owned(), value.to_owned()));
        self
    }

    /// Speaks this protocol version and no other.
    #[must_use]
    pub const fn version(mut self, version: ProtocolVersion) -> Self {
        self.session.version = Some(version);
        self
    }

    /// What to do when the session is gone.
    #[must_use]
    pub const fn renew(mut self, renew: Renew) -> Self {
        self.session.renew = renew;
        self
    }

    /// How long, in milliseconds, the service is asked to keep the session when its connection is lost; 0 is not at all.
    #[must_use]
    pub const fn reconnect_timeout(mut self, milliseconds: u32) -> Self {
        self.session.reconnect_timeout = milliseconds;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_urls() {
        let options = ConnectOptions::new("::1").secure(true).port(8443);
        assert_eq!(options.address.url("v=1"), "wss://[::1]:8443/diffusion?v=1");
        let options = ConnectOptions::new("[::1]").path("x/diffusion");
        assert_eq!(options.address.url(""), "ws://[::1]/x/diffusion?");
    }

    #[test]
    fn options_do_not_show_the_password() {
        let options = ConnectOptions::new("h").principal("p").password("secret");
        assert!(!format!("{options:?}").contains("secret"));
    }
}
