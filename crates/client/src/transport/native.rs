//! WebSocket by tokio.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::hash::{BuildHasher as _, RandomState};
use std::io;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_websockets::client::Builder;
use tokio_websockets::{Error, Limits, Message, WebSocketStream, upgrade};

use super::{BoxFuture, Runtime, Transport, TransportEvent};
use crate::{ConnectOptions, ServiceAddress, TransportError, TransportErrorKind};

/// Tokio's clock and tasks.
#[derive(Debug)]
pub struct Tokio {
    start: Instant,
}

impl Tokio {
    /// A clock that starts at 0 now.
    #[must_use]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for Tokio {
    fn default() -> Self {
        Self::new()
    }
}

impl Runtime for Tokio {
    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, milliseconds: u64) -> BoxFuture {
        Box::pin(tokio::time::sleep(Duration::from_millis(milliseconds)))
    }

    fn spawn(&self, task: BoxFuture) {
        tokio::spawn(task);
    }

    fn seed(&self) -> u64 {
        // The standard library seeds its hash tables from the operating system.
        RandomState::new().hash_one(())
    }
}

/// What only this transport knows of.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebSocketOptions {
    headers: Headers,
    #[cfg(feature = "rustls")]
    tls: super::tls::Tls,
}

/// `Debug` shows names only: values may be credentials.
#[derive(Clone, Default)]
struct Headers(Vec<(String, String)>);

impl core::fmt::Debug for Headers {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// What there is natively only.
impl ConnectOptions {
    /// Sends an HTTP header with each request for a WebSocket, such as one that a proxy asks for. A name or a value that
    /// cannot be a header, or is the WebSocket's own, fails the attempt to connect. (A browser sends none but its own.)
    ///
    /// ```
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().header("X-Tenant", "blue");
    /// ```
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let header = (name.to_owned(), value.to_owned());
        self.native.headers.0.push(header);
        self
    }

    /// Trusts what this configuration trusts, such as a certificate of one's own making, and does TLS as it says.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use effusion_client::{ConnectOptions, rustls};
    ///
    /// let own = rustls::RootCertStore::empty();
    /// let provider = Arc::new(rustls::crypto::ring::default_provider());
    /// let config = rustls::ClientConfig::builder_with_provider(provider)
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(own)
    ///     .with_no_client_auth();
    /// let options = ConnectOptions::new().tls(Arc::new(config));
    /// # Ok::<(), rustls::Error>(())
    /// ```
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn tls(mut self, config: std::sync::Arc<crate::rustls::ClientConfig>) -> Self {
        self.native.tls = super::tls::Tls::Own(config);
        self
    }

    /// Trusts the certificate authorities that the operating system does. This is what is done if nothing else is said and
    /// there is the feature `rustls-platform-roots`.
    #[cfg(feature = "rustls-platform-roots")]
    #[must_use]
    pub fn platform_roots(mut self) -> Self {
        self.native.tls = super::tls::Tls::Platform;
        self
    }

    /// Trusts the certificate authorities that Mozilla does, as of when the crate `webpki-roots` was published. This is what
    /// is done if nothing else is said and there is no feature `rustls-platform-roots`.
    #[cfg(feature = "rustls-webpki-roots")]
    #[must_use]
    pub fn webpki_roots(mut self) -> Self {
        self.native.tls = super::tls::Tls::Webpki;
        self
    }
}

trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

type Socket = WebSocketStream<Box<dyn Io>>;
type Opening = Pin<Box<dyn Future<Output = Result<Socket, TransportError>> + Send>>;

/// One WebSocket connection at a time.
///
/// Without one of the features `rustls-…`, no service can be reached that needs TLS.
#[derive(Default)]
pub struct WebSocket {
    options: WebSocketOptions,
    state: State,
}

#[derive(Default)]
enum State {
    #[default]
    Idle,
    Opening(Opening),
    Open(Box<Socket>),
    /// A message could not be sent; it is still to be said.
    Failed(TransportError),
}

impl WebSocket {
    /// Connections with the headers and the TLS of these options.
    #[must_use]
    pub fn new(options: &ConnectOptions) -> Self {
        Self {
            options: options.native.clone(),
            state: State::Idle,
        }
    }
}

impl core::fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WebSocket")
            .field("open", &matches!(self.state, State::Open(_)))
            .finish_non_exhaustive()
    }
}

impl Transport for WebSocket {
    fn open(&mut self, address: &ServiceAddress, query: &str) {
        let opening = open(address.clone(), address.url(query), self.options.clone());
        self.state = State::Opening(Box::pin(opening));
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<TransportEvent> {
        let event = match &mut self.state {
            State::Idle => return Poll::Pending,
            State::Opening(opening) => match ready!(opening.as_mut().poll(context)) {
                Ok(socket) => {
                    self.state = State::Open(Box::new(socket));
                    return Poll::Ready(TransportEvent::Opened);
                }
                Err(error) => TransportEvent::Lost(error),
            },
            State::Open(socket) => match poll_socket(socket, context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(message)) => return Poll::Ready(TransportEvent::Message(message)),
                Poll::Ready(Err(error)) => TransportEvent::Lost(error),
            },
            State::Failed(error) => TransportEvent::Lost(error.clone()),
        };
        self.state = State::Idle;
        Poll::Ready(event)
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) {
        if let State::Open(socket) = &mut self.state
            && let Poll::Ready(Err(error)) = socket.poll_flush_unpin(context)
        {
            self.state = State::Failed(websocket_error(error));
        }
    }

    fn send(&mut self, message: Bytes) {
        if let State::Open(socket) = &mut self.state
            && let Err(error) = socket.start_send_unpin(Message::binary(message))
        {
            self.state = State::Failed(websocket_error(error));
        }
    }

    fn close(&mut self) {
        if let State::Open(mut socket) = core::mem::take(&mut self.state)
            // Without a runtime, the program is at its end.
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            // To flush, to close, and to wait for the other end. Nobody is interested in how that went.
            runtime.spawn(async move {
                let _ = tokio::time::timeout(LINGER, socket.close()).await;
            });
        }
    }
}

/// Sends what is to be sent, and takes the next message.
fn poll_socket(
    socket: &mut Socket,
    context: &mut Context<'_>,
) -> Poll<Result<Bytes, TransportError>> {
    if let Poll::Ready(Err(error)) = socket.poll_flush_unpin(context) {
        return Poll::Ready(Err(websocket_error(error)));
    }
    loop {
        let error = match ready!(socket.poll_next_unpin(context)) {
            Some(Ok(message)) if message.is_binary() => {
                return Poll::Ready(Ok(message.into_payload().into()));
            }
            Some(Ok(message)) if message.is_ping() || message.is_pong() => continue,
            Some(Ok(message)) if message.is_close() => TransportErrorKind::Closed.into(),
            // Diffusion has no text messages.
            Some(Ok(_)) => TransportErrorKind::WebSocket.into(),
            Some(Err(error)) => websocket_error(error),
            None => TransportErrorKind::Closed.into(),
        };
        return Poll::Ready(Err(error));
    }
}

/// The largest message that is taken from a service, in bytes: the answer to a query for a whole series is one message, in
/// one frame. A connection that brings a larger one is lost.
const MAX_MESSAGE: usize = 128 << 20;

/// How long a connection that is being closed may take to send what is left.
const LINGER: Duration = Duration::from_secs(2);

/// Opens a connection. `url` holds credentials: what is used here does not log it.
async fn open(
    address: ServiceAddress,
    url: String,
    options: WebSocketOptions,
) -> Result<Socket, TransportError> {
    let host = address.host.trim_matches(['[', ']']);
    let port = address
        .port
        .unwrap_or(if address.secure { 443 } else { 80 });
    let tcp = open_tcp(host, port).await?;
    // Messages are small and somebody waits for each, so none is held back to be sent with others.
    tcp.set_nodelay(true).map_err(io_error)?;
    let stream: Box<dyn Io> = if address.secure {
        secure(host, tcp, &options).await?
    } else {
        Box::new(tcp)
    };
    let mut builder = Builder::new()
        .uri(&url)
        .map_err(invalid)?
        .limits(Limits::default().max_payload_len(Some(MAX_MESSAGE)));
    for (name, value) in &options.headers.0 {
        let name = name.parse::<http::HeaderName>().map_err(invalid)?;
        let value = value.parse().map_err(invalid)?;
        builder = builder.add_header(name, value).map_err(websocket_error)?;
    }
    let opened = builder.connect_on(stream).await;
    opened.map(|(socket, _)| socket).map_err(websocket_error)
}

/// What is asked for cannot be a request.
fn invalid(error: impl core::error::Error + Send + Sync + 'static) -> TransportError {
    TransportError::with_cause(TransportErrorKind::WebSocket, error)
}

async fn open_tcp(host: &str, port: u16) -> Result<TcpStream, TransportError> {
    let unresolved = |error| TransportError::with_cause(TransportErrorKind::NameNotResolved, error);
    let addresses = tokio::net::lookup_host((host, port))
        .await
        .map_err(unresolved)?;
    let mut last = TransportErrorKind::NameNotResolved.into();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = io_error(error),
        }
    }
    Err(last)
}

#[cfg(feature = "rustls")]
async fn secure(
    host: &str,
    tcp: TcpStream,
    options: &WebSocketOptions,
) -> Result<Box<dyn Io>, TransportError> {
    Ok(Box::new(super::tls::secure(host, tcp, &options.tls).await?))
}

#[cfg(not(feature = "rustls"))]
#[expect(clippy::unused_async, reason = "as with TLS")]
async fn secure(
    _: &str,
    _: TcpStream,
    _: &WebSocketOptions,
) -> Result<Box<dyn Io>, TransportError> {
    let error = io::Error::new(
        io::ErrorKind::Unsupported,
        "effusion-client was built without TLS: it has features for it",
    );
    Err(TransportError::with_cause(TransportErrorKind::Tls, error))
}

fn io_error(error: io::Error) -> TransportError {
    let kind = match error.kind() {
        io::ErrorKind::ConnectionRefused => TransportErrorKind::ConnectionRefused,
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe => TransportErrorKind::Closed,
        _ => TransportErrorKind::Io,
    };
    TransportError::with_cause(kind, error)
}

fn websocket_error(error: Error) -> TransportError {
    match error {
        Error::Io(error) => io_error(error),
        Error::Upgrade(upgrade::Error::DidNotSwitchProtocols(status)) => {
            TransportErrorKind::HttpStatus(status).into()
        }
        error => TransportError::with_cause(TransportErrorKind::WebSocket, error),
    }
}
