//! WebSocket by tokio.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_websockets::client::Builder;
use tokio_websockets::{Error, Limits, Message, WebSocketStream, upgrade};

use super::{BoxFuture, GOING_AWAY, Runtime, Transport, TransportEvent};
use crate::{ConnectOptions, ServiceAddress, TransportError, TransportErrorKind};

/// Messages of fewer bytes are copied.
const SMALL: usize = 4096;

/// Tokio's clock and tasks.
#[derive(Debug)]
pub struct Tokio {
    start: Instant,
}

impl Tokio {
    /// A clock that starts at 0 now.
    ///
    /// ```
    /// use effusion_client::{Runtime, native};
    ///
    /// assert!(native::Tokio::new().now().as_secs() < 1);
    /// ```
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
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture {
        Box::pin(tokio::time::sleep(duration))
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
    /// A certificate that a service signed itself must not be one of an authority: `openssl req -x509` makes one that can be
    /// used with `-addext basicConstraints=CA:FALSE -addext subjectAltName=DNS:localhost`.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    /// use effusion_client::rustls::pki_types::{CertificateDer, pem::PemObject};
    /// use effusion_client::{ConnectOptions, rustls};
    ///
    /// let mut own = rustls::RootCertStore::empty();
    /// for certificate in CertificateDer::pem_file_iter("own.pem")? {
    ///     own.add(certificate?)?;
    /// }
    /// let provider = Arc::new(rustls::crypto::ring::default_provider());
    /// let config = rustls::ClientConfig::builder_with_provider(provider)
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(own)
    ///     .with_no_client_auth();
    /// let options = ConnectOptions::new().tls(Arc::new(config));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "rustls")]
    #[must_use]
    pub fn tls(mut self, config: std::sync::Arc<crate::rustls::ClientConfig>) -> Self {
        self.native.tls = super::tls::Tls::Own(config);
        self
    }

    /// Trusts the certificate authorities that the operating system does. This is what is done if nothing else is said and
    /// there is the feature `rustls-platform-roots`.
    ///
    /// ```
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().platform_roots();
    /// ```
    #[cfg(feature = "rustls-platform-roots")]
    #[must_use]
    pub fn platform_roots(mut self) -> Self {
        self.native.tls = super::tls::Tls::Platform;
        self
    }

    /// Trusts the certificate authorities that Mozilla does, as of when the crate `webpki-roots` was published. This is what
    /// is done if nothing else is said and there is no feature `rustls-platform-roots`.
    ///
    /// ```
    /// use effusion_client::ConnectOptions;
    ///
    /// let options = ConnectOptions::new().webpki_roots();
    /// ```
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
    ///
    /// ```
    /// use effusion_client::{ConnectOptions, native};
    ///
    /// let transport = native::WebSocket::new(&ConnectOptions::new().header("X-Trace", "1"));
    /// ```
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
                let payload = message.into_payload();
                // What is small would keep the buffer that it was read into, with all that came beside it.
                return Poll::Ready(Ok(if payload.len() < SMALL {
                    Bytes::copy_from_slice(&payload)
                } else {
                    payload.into()
                }));
            }
            Some(Ok(message)) if message.is_ping() || message.is_pong() => continue,
            Some(Ok(message)) if message.is_close() => closed(&message),
            // Diffusion has no text messages.
            Some(Ok(_)) => TransportErrorKind::WebSocket.into(),
            Some(Err(error)) => websocket_error(error),
            None => TransportErrorKind::Closed.into(),
        };
        return Poll::Ready(Err(error));
    }
}

/// What a close frame tells.
fn closed(frame: &Message) -> TransportError {
    let Some((code, words)) = frame.as_close() else {
        return TransportErrorKind::Closed.into();
    };
    let kind = if GOING_AWAY.contains(&u16::from(code)) {
        TransportErrorKind::GoingAway
    } else {
        TransportErrorKind::Closed
    };
    TransportError::with_words(kind, words)
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
    let is_tls = Arc::new(AtomicBool::new(false));
    let stream: Box<dyn Io> = if address.secure {
        secure(host, tcp, &options).await?
    } else {
        Box::new(Plain {
            tcp,
            has_read: false,
            is_tls: Arc::clone(&is_tls),
        })
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
    opened.map(|(socket, _)| socket).map_err(|error| {
        if is_tls.load(Ordering::Relaxed) {
            TransportErrorKind::TlsExpected.into()
        } else {
            websocket_error(error)
        }
    })
}

/// A connection without TLS, which notices if the other end answers with TLS: an error may then say so.
struct Plain {
    tcp: TcpStream,
    has_read: bool,
    is_tls: Arc<AtomicBool>,
}

/// The first byte of an alert, by which TLS refuses what is no TLS (RFC 8446, 5.1). No HTTP begins with it.
const TLS_ALERT: u8 = 21;

impl AsyncRead for Plain {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let plain = self.get_mut();
        let begin = buffer.filled().len();
        let read = ready!(Pin::new(&mut plain.tcp).poll_read(context, buffer));
        if !core::mem::replace(&mut plain.has_read, true)
            && buffer.filled().get(begin) == Some(&TLS_ALERT)
        {
            plain.is_tls.store(true, Ordering::Relaxed);
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
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
