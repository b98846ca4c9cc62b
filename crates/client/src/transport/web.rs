//! The browser's WebSocket and timers.

use core::cell::RefCell;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::rc::Rc;

use bytes::Bytes;
use gloo_timers::future::TimeoutFuture;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;

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
    /// Whether the loss of the socket is still to be reported.
    failed: bool,
}

/// A socket of the browser, and what it has reported. It sends from memory, so that also what is said while the page is
/// being left gets out: of a `Blob`, which others take, nothing would.
struct Socket {
    browsers: web_sys::WebSocket,
    reports: Rc<Reports>,
    /// They live as long as the socket may call them.
    _handlers: [Closure<dyn FnMut(web_sys::MessageEvent)>; 3],
}

#[derive(Default)]
struct Reports {
    waiting: RefCell<VecDeque<TransportEvent>>,
    waker: RefCell<Option<Waker>>,
}

impl Reports {
    fn add(&self, event: TransportEvent) {
        self.waiting.borrow_mut().push_back(event);
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Socket {
    fn open(url: &str) -> Option<Self> {
        let browsers = web_sys::WebSocket::new(url).ok()?;
        browsers.set_binary_type(web_sys::BinaryType::Arraybuffer);
        let reports = Rc::new(Reports::default());
        let handler = |event: fn(web_sys::MessageEvent) -> TransportEvent| {
            let reports = Rc::clone(&reports);
            Closure::<dyn FnMut(web_sys::MessageEvent)>::new(move |it| reports.add(event(it)))
        };
        let handlers = [
            handler(|_| TransportEvent::Opened),
            handler(|event| match event.data().dyn_into::<ArrayBuffer>() {
                Ok(message) => {
                    TransportEvent::Message(Bytes::from(Uint8Array::new(&message).to_vec()))
                }
                Err(_) => TransportEvent::Lost,
            }),
            // What goes wrong ends with this, too.
            handler(|_| TransportEvent::Lost),
        ];
        let [opened, message, closed] = &handlers;
        browsers.set_onopen(Some(opened.as_ref().unchecked_ref()));
        browsers.set_onmessage(Some(message.as_ref().unchecked_ref()));
        browsers.set_onclose(Some(closed.as_ref().unchecked_ref()));
        Some(Self {
            browsers,
            reports,
            _handlers: handlers,
        })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.browsers.set_onopen(None);
        self.browsers.set_onmessage(None);
        self.browsers.set_onclose(None);
        // It fails only for a code that is none; the browser sends what is buffered first.
        let _ = self.browsers.close();
    }
}

impl Transport for WebSocket {
    fn open(&mut self, url: &str) {
        self.socket = Socket::open(url);
        self.failed = self.socket.is_none();
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<TransportEvent> {
        if core::mem::take(&mut self.failed) {
            self.socket = None;
            return Poll::Ready(TransportEvent::Lost);
        }
        let Some(socket) = &self.socket else {
            return Poll::Pending;
        };
        let next = socket.reports.waiting.borrow_mut().pop_front();
        match next {
            Some(event) => {
                if event == TransportEvent::Lost {
                    self.socket = None;
                }
                Poll::Ready(event)
            }
            None => {
                let waker = context.waker().clone();
                socket.reports.waker.replace(Some(waker));
                Poll::Pending
            }
        }
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
