//! WebSocket by tokio, for tests and tools.

use core::future::Future;
use core::task::{Context, Poll};
use core::time::Duration;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use tokio::time::Instant;

use bytes::Bytes;
use futures_channel::mpsc;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{BoxFuture, Runtime, Transport, TransportEvent};
use crate::{ConnectError, ConnectOptions, Session};

/// Opens a session.
///
/// Must be called in a `tokio` runtime with its timers and network enabled; the session lives in a task of it.
///
/// # Errors
/// See [`ConnectError`].
///
/// ```no_run
/// use effusion_client::ConnectOptions;
///
/// #[tokio::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let options = ConnectOptions::new("localhost").port(8080).principal("client").password("password");
///     let session = effusion_client::native::connect(options).await?;
///     println!("a round trip takes {} ms", session.ping().await?);
///     session.close().await;
///     Ok(())
/// }
/// ```
pub async fn connect(options: ConnectOptions) -> Result<Session, ConnectError> {
    Session::connect(
        options,
        Box::new(WebSocket::default()),
        Arc::new(Tokio::new()),
    )
    .await
}

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

/// One WebSocket connection at a time, each in a task of its own.
///
/// Without the feature `wss`, no service can be reached that needs TLS: it is as if nobody were there.
#[derive(Debug, Default)]
pub struct WebSocket {
    connection: Option<Connection>,
    tls: Tls,
}

/// What to trust; `None` is what the operating system trusts.
#[cfg(feature = "wss")]
type Tls = Option<std::sync::Arc<tokio_rustls::rustls::ClientConfig>>;
#[cfg(not(feature = "wss"))]
type Tls = Option<std::sync::Arc<core::convert::Infallible>>;

#[cfg(feature = "wss")]
impl WebSocket {
    /// Connections that trust what this configuration trusts, such as a certificate of one's own making.
    #[must_use]
    pub const fn with_tls(config: std::sync::Arc<tokio_rustls::rustls::ClientConfig>) -> Self {
        Self {
            connection: None,
            tls: Some(config),
        }
    }
}

#[derive(Debug)]
struct Connection {
    outgoing: mpsc::UnboundedSender<Bytes>,
    events: mpsc::UnboundedReceiver<TransportEvent>,
}

impl Transport for WebSocket {
    fn open(&mut self, url: &str) {
        let (outgoing, to_send) = mpsc::unbounded();
        let (reports, events) = mpsc::unbounded();
        let socket = open(url.to_owned(), self.tls.clone());
        tokio::spawn(run(socket, to_send, reports));
        self.connection = Some(Connection { outgoing, events });
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<TransportEvent> {
        let Some(connection) = &mut self.connection else {
            return Poll::Pending;
        };
        let event = core::task::ready!(connection.events.poll_next_unpin(context));
        let event = event.unwrap_or(TransportEvent::Lost);
        if event == TransportEvent::Lost {
            self.connection = None;
        }
        Poll::Ready(event)
    }

    fn send(&mut self, message: Bytes) {
        if let Some(connection) = &self.connection {
            // If the task has ended, it has reported the loss.
            let _ = connection.outgoing.unbounded_send(message);
        }
    }

    fn close(&mut self) {
        // The task sends what is queued when its channel ends, then closes the connection.
        self.connection = None;
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The largest message that is taken from a service, in bytes: the answer to a query for a whole series is one message, in
/// one frame. A connection that brings a larger one is lost.
const MAX_MESSAGE: usize = 128 << 20;

fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
}

/// Opens a connection. Messages are small and somebody waits for each, so none is held back to be sent with others.
#[cfg(not(feature = "wss"))]
async fn open(url: String, _: Tls) -> Option<Socket> {
    let opened = tokio_tungstenite::connect_async_with_config(url, Some(limits()), true).await;
    opened.ok().map(|(socket, _)| socket)
}

#[cfg(feature = "wss")]
async fn open(url: String, tls: Tls) -> Option<Socket> {
    use tokio_tungstenite::{Connector, connect_async_tls_with_config};
    let connector = tls.map(Connector::Rustls);
    let opened = connect_async_tls_with_config(url, Some(limits()), true, connector).await;
    opened.ok().map(|(socket, _)| socket)
}

/// How long a connection that is being closed may take to send what is left.
const LINGER: Duration = Duration::from_secs(2);

async fn run(
    opening: impl Future<Output = Option<Socket>>,
    mut outgoing: mpsc::UnboundedReceiver<Bytes>,
    reports: mpsc::UnboundedSender<TransportEvent>,
) {
    // The reports' receiver is gone once the connection is closed: then nobody is interested.
    let Some(socket) = opening.await else {
        let _ = reports.unbounded_send(TransportEvent::Lost);
        return;
    };
    let _ = reports.unbounded_send(TransportEvent::Opened);
    let (mut sink, mut stream) = socket.split();
    let write = async {
        while let Some(message) = outgoing.next().await {
            if sink.send(Message::Binary(message)).await.is_err() {
                return;
            }
        }
        let _ = sink.close().await;
    };
    let read = async {
        loop {
            match stream.next().await {
                Some(Ok(Message::Binary(message))) => {
                    let _ = reports.unbounded_send(TransportEvent::Message(message));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                _ => return,
            }
        }
    };
    let mut write = core::pin::pin!(write);
    tokio::select! {
        () = &mut write => {}
        () = read => {
            if reports.is_closed() {
                let _ = tokio::time::timeout(LINGER, write).await;
            }
        }
    }
    let _ = reports.unbounded_send(TransportEvent::Lost);
}
