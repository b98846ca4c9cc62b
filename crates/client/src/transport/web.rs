//! The browser's WebSocket and timers.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::rc::Rc;

use bytes::Bytes;
use futures_util::{Sink, Stream};
use gloo_net::websocket::futures::WebSocket as Socket;
use gloo_net::websocket::{Message, State};
use gloo_timers::future::TimeoutFuture;
use wasm_bindgen::JsCast as _;

use super::{LocalFuture, Runtime, Transport, TransportEvent};
use crate::{ConnectError, ConnectOptions, Session};

/// Opens a session.
///
/// # Errors
/// See [`ConnectError`]. A browser does not say why a WebSocket could not be opened: it is
/// [`ConnectError::Unreachable`] in any case, also for a certificate that the browser does not trust, or if a page that
/// came by `https` asks for a service without TLS.
///
/// ```no_run
/// use effusion_client::ConnectOptions;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let options = ConnectOptions::new("localhost").port(8080).principal("client").password("password");
/// let session = effusion_client::web::connect(options).await?;
/// let round_trip = session.ping().await?;
/// # Ok(())
/// # }
/// ```
pub async fn connect(options: ConnectOptions) -> Result<Session, ConnectError> {
    Session::connect(options, Box::new(WebSocket::default()), Rc::new(Browser)).await
}

/// The browser's clock, timers and tasks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Browser;

/// The longest that a browser's timer can be set to: 2^31 − 1 ms. A timer that rings early is set again.
const LONGEST_TIMER: u64 = 0x7fff_ffff;

impl Runtime for Browser {
    fn now(&self) -> u64 {
        // Not the wall clock, which can be set back; the reflection works in windows and workers alike.
        let performance = js_sys::Reflect::get(&js_sys::global(), &"performance".into());
        let now = performance.as_ref().ok().and_then(|performance| {
            let now = js_sys::Reflect::get(performance, &"now".into()).ok()?;
            now.dyn_ref::<js_sys::Function>()?
                .call0(performance)
                .ok()?
                .as_f64()
        });
        now.unwrap_or_else(js_sys::Date::now) as u64
    }

    fn sleep(&self, milliseconds: u64) -> LocalFuture {
        Box::pin(TimeoutFuture::new(milliseconds.min(LONGEST_TIMER) as u32))
    }

    fn spawn(&self, task: LocalFuture) {
        wasm_bindgen_futures::spawn_local(task);
    }

    fn seed(&self) -> u64 {
        js_sys::Math::random().to_bits()
    }
}

/// One of the browser's WebSocket connections at a time.
#[derive(Default)]
pub struct WebSocket {
    socket: Option<Socket>,
    /// Whether the socket was reported as open.
    opened: bool,
    /// Whether the loss of the socket is still to be reported.
    failed: bool,
}

impl Transport for WebSocket {
    fn open(&mut self, url: &str) {
        self.socket = Socket::open(url).ok();
        self.opened = false;
        self.failed = self.socket.is_none();
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<TransportEvent> {
        if core::mem::take(&mut self.failed) {
            self.socket = None;
            return Poll::Ready(TransportEvent::Lost);
        }
        let Some(socket) = &mut self.socket else {
            return Poll::Pending;
        };
        // A socket is ready also when it has failed to open.
        if !self.opened && Pin::new(&mut *socket).poll_ready(context).is_ready() {
            self.opened = true;
            if matches!(socket.state(), State::Open) {
                return Poll::Ready(TransportEvent::Opened);
            }
        }
        match core::task::ready!(Pin::new(socket).poll_next(context)) {
            Some(Ok(Message::Bytes(message))) => {
                Poll::Ready(TransportEvent::Message(Bytes::from(message)))
            }
            _ => {
                self.socket = None;
                Poll::Ready(TransportEvent::Lost)
            }
        }
    }

    fn send(&mut self, message: Bytes) {
        if let Some(socket) = &mut self.socket {
            let message = Message::Bytes(message.into());
            self.failed |= Pin::new(socket).start_send(message).is_err();
        }
    }

    fn close(&mut self) {
        // Dropping closes: the browser sends what is buffered first.
        self.socket = None;
        self.failed = false;
    }
}

impl core::fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WebSocket")
            .field("open", &self.opened)
            .finish()
    }
}
