//! The browser's WebSocket, message ports and timers.

mod port;

use core::task::{Context, Poll};
use core::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use gloo_net::websocket::{Message, WebSocketError};
use gloo_timers::future::TimeoutFuture;
use send_wrapper::SendWrapper;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;

pub use port::MessagePort;

use super::{BoxFuture, GOING_AWAY, Runtime, Transport, TransportEvent};
use crate::value::millis;
use crate::{ServiceAddress, TransportError, TransportErrorKind};

/// The browser's clock, timers and tasks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Browser;

/// The longest that a browser's timer can be set to: 2^31 − 1 ms. A timer that rings early is set again.
const LONGEST_TIMER: u64 = 0x7fff_ffff;

impl Runtime for Browser {
    fn now(&self) -> Duration {
        // Not the wall clock, which can be set back; the reflection works in windows and workers alike.
        let performance = js_sys::Reflect::get(&js_sys::global(), &"performance".into());
        let now = performance.as_ref().ok().and_then(|performance| {
            let now = js_sys::Reflect::get(performance, &"now".into()).ok()?;
            now.dyn_ref::<js_sys::Function>()?
                .call0(performance)
                .ok()?
                .as_f64()
        });
        // Whole microseconds: no browser tells more.
        Duration::from_micros((now.unwrap_or_else(js_sys::Date::now) * 1_000.0) as u64)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture {
        let timer = TimeoutFuture::new(millis(duration).min(LONGEST_TIMER) as u32);
        Box::pin(SendWrapper::new(timer))
    }

    fn spawn(&self, task: BoxFuture) {
        wasm_bindgen_futures::spawn_local(task);
    }

    fn seed(&self) -> u64 {
        js_sys::Math::random().to_bits()
    }
}

/// One of the browser's WebSocket connections at a time.
#[derive(Default)]
pub struct WebSocket {
    socket: Option<SendWrapper<Socket>>,
    /// Whether the loss of the socket is still to be reported.
    failed: bool,
}

/// A socket of the browser. gloo-net reads from it; messages are sent by the browser's own method, at once, so that also what is
/// said while the page is being left gets out.
struct Socket {
    browsers: web_sys::WebSocket,
    incoming: gloo_net::websocket::futures::WebSocket,
    /// Whether it is known to be open.
    is_open: bool,
    opened: futures_channel::oneshot::Receiver<()>,
    /// It lives as long as the socket may call it.
    _on_open: Closure<dyn FnMut()>,
}

/// A browser does not say why there is no connection.
const fn lost() -> TransportEvent {
    TransportEvent::Lost(TransportError::new(TransportErrorKind::Unknown))
}

impl Socket {
    fn open(url: &str) -> Option<Self> {
        let browsers = web_sys::WebSocket::new(url).ok()?;
        let (sender, opened) = futures_channel::oneshot::channel();
        let on_open = Closure::once(move || {
            // Who waits for it may be gone.
            let _ = sender.send(());
        });
        browsers.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        let incoming = browsers.clone().try_into().ok()?;
        Some(Self {
            browsers,
            incoming,
            is_open: false,
            opened,
            _on_open: on_open,
        })
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<TransportEvent> {
        if !self.is_open && self.opened.poll_unpin(context).is_ready() {
            self.is_open = true;
            return Poll::Ready(TransportEvent::Opened);
        }
        self.incoming
            .poll_next_unpin(context)
            .map(|event| match event {
                Some(Ok(Message::Bytes(message))) => TransportEvent::Message(message.into()),
                Some(Err(WebSocketError::ConnectionClose(close))) => {
                    let kind = match close.code {
                        code if GOING_AWAY.contains(&code) => TransportErrorKind::GoingAway,
                        _ => TransportErrorKind::Unknown,
                    };
                    TransportEvent::Lost(TransportError::with_words(kind, &close.reason))
                }
                _ => lost(),
            })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.browsers.set_onopen(None);
        // The rest is closed by what reads from it; the browser sends what is buffered first.
    }
}

impl Transport for WebSocket {
    fn open(&mut self, address: &ServiceAddress, query: &str) {
        self.socket = Socket::open(&address.url(query)).map(SendWrapper::new);
        self.failed = self.socket.is_none();
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<TransportEvent> {
        if core::mem::take(&mut self.failed) {
            self.socket = None;
            return Poll::Ready(lost());
        }
        let Some(socket) = &mut self.socket else {
            return Poll::Pending;
        };
        let event = socket.poll_event(context);
        if matches!(event, Poll::Ready(TransportEvent::Lost(_))) {
            self.socket = None;
        }
        event
    }

    fn send(&mut self, message: Bytes) {
        if let Some(socket) = &self.socket {
            self.failed |= socket.browsers.send_with_u8_array(&message).is_err();
        }
    }

    fn close(&mut self) {
        self.socket = None;
        self.failed = false;
    }
}

impl core::fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("WebSocket")
            .field("open", &self.socket.is_some())
            .finish()
    }
}
