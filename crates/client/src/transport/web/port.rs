//! A service that runs in the same browser, in a worker: a message port takes the place of a WebSocket.

use core::task::{Context, Poll};

use bytes::Bytes;
use futures_channel::mpsc;
use futures_util::StreamExt as _;
use js_sys::{Array, ArrayBuffer, Function, Object, Promise, Reflect, Uint8Array};
use send_wrapper::SendWrapper;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{AbortController, AbortSignal, MessageEvent};

use super::{GOING_AWAY, Transport, TransportEvent, lost};
use crate::{ServiceAddress, TransportErrorKind};

/// A WebSocket's close code (RFC 6455, 7.4.1): nothing went wrong.
const NORMAL: u16 = 1000;

/// One connection at a time over a port of the browser's.
///
/// What would be a WebSocket's goes over the port like this, in both directions:
///
/// | the WebSocket | the port |
/// | --- | --- |
/// | is asked for at an address | a text: the address, with the query of the connect request |
/// | is open | a text, from the service: the name of a Web Lock that it holds for as long as it runs, or nothing |
/// | sends a binary message | an `ArrayBuffer` with its bytes, which is transferred |
/// | is closed | an array: the close code and the reason |
///
/// ```ignore
/// // In a page: `worker.js` answers as a service does.
/// let ports = || web_sys::SharedWorker::new("worker.js").ok().map(|worker| worker.port());
/// let transport = effusion_client::web::MessagePort::new(ports);
/// let runtime = std::sync::Arc::new(effusion_client::web::Browser);
/// let session = Session::connect(address, options, Box::new(transport), runtime).await?;
/// ```
pub struct MessagePort {
    connect: SendWrapper<Box<dyn FnMut() -> Option<web_sys::MessagePort>>>,
    open: Option<SendWrapper<Open>>,
    /// Whether the loss of the port is still to be reported.
    failed: bool,
}

/// A port in use.
struct Open {
    port: web_sys::MessagePort,
    events: mpsc::UnboundedReceiver<TransportEvent>,
    /// Ends the wait for the service's lock.
    wait: Option<AbortController>,
    /// They live as long as the port may call them.
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    on_close: Closure<dyn FnMut()>,
}

impl MessagePort {
    /// Asks for a port whenever a connection is to be opened, the first one and those after a loss. The other end of the port
    /// must not have been used.
    pub fn new(connect: impl FnMut() -> Option<web_sys::MessagePort> + 'static) -> Self {
        Self {
            connect: SendWrapper::new(Box::new(connect)),
            open: None,
            failed: false,
        }
    }
}

impl Open {
    fn new(port: web_sys::MessagePort, url: &str) -> Option<Self> {
        let (sender, events) = mpsc::unbounded();
        let gone = sender.clone();
        let wait = AbortController::new().ok();
        let signal = wait.as_ref().map(AbortController::signal);
        // Whoever reads the events may be gone: then nobody is interested.
        let on_message = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
            let data = event.data();
            let _ = sender.unbounded_send(event_of(&data));
            let lock = data.as_string().filter(|lock| !lock.is_empty());
            if let (Some(lock), Some(signal)) = (lock, &signal) {
                let _ = tell_of_end(&lock, signal, sender.clone());
            }
        });
        let on_close = Closure::<dyn FnMut()>::new(move || {
            let _ = gone.unbounded_send(TransportEvent::Lost(TransportErrorKind::Closed.into()));
        });
        port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        // Browsers that know this event tell of a worker that has ended. (web-sys does not know it yet.)
        let _ = port.add_event_listener_with_callback("close", on_close.as_ref().unchecked_ref());
        port.post_message(&JsValue::from_str(url)).ok()?;
        Some(Self {
            port,
            events,
            wait,
            _on_message: on_message,
            on_close,
        })
    }

    fn send(&self, message: &[u8]) -> Result<(), JsValue> {
        let buffer = Uint8Array::from(message).buffer();
        let transferred = Array::of1(&buffer);
        self.port
            .post_message_with_transferable(&buffer, &transferred)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let callback = self.on_close.as_ref().unchecked_ref();
        let _ = self
            .port
            .remove_event_listener_with_callback("close", callback);
        self.port.set_onmessage(None);
        if let Some(wait) = &self.wait {
            wait.abort();
        }
        // What was sent before arrives before it.
        let _ = self
            .port
            .post_message(&Array::of2(&NORMAL.into(), &JsValue::from_str("")));
        self.port.close();
    }
}

/// Asks for the lock of a service, and loses the connection when it is granted: the service has ended, perhaps without a word.
fn tell_of_end(
    lock: &str,
    signal: &AbortSignal,
    events: mpsc::UnboundedSender<TransportEvent>,
) -> Result<(), JsValue> {
    // `web_sys` has locks among what may still change.
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into())?;
    let locks = Reflect::get(&navigator, &"locks".into())?;
    let request: Function = Reflect::get(&locks, &"request".into())?.dyn_into()?;
    let options = Object::new();
    // All pages are granted it at the same time.
    Reflect::set(&options, &"mode".into(), &"shared".into())?;
    Reflect::set(&options, &"signal".into(), signal)?;
    // It is free again as soon as this returns.
    let granted = Closure::<dyn FnMut()>::new(|| {});
    let requested = request.call3(&locks, &lock.into(), &options, granted.as_ref())?;
    let requested: Promise = requested.dyn_into()?;
    spawn_local(async move {
        // It fails once nobody waits for it any more.
        if JsFuture::from(requested).await.is_ok() {
            let _ = events.unbounded_send(TransportEvent::Lost(TransportErrorKind::Closed.into()));
        }
        drop(granted);
    });
    Ok(())
}

/// What a message of the service means; anything else than what the table of [`MessagePort`] has is the connection's end.
fn event_of(data: &JsValue) -> TransportEvent {
    if let Some(buffer) = data.dyn_ref::<ArrayBuffer>() {
        return TransportEvent::Message(Uint8Array::new(buffer).to_vec().into());
    }
    if data.is_string() {
        return TransportEvent::Opened;
    }
    let code = data
        .dyn_ref::<Array>()
        .and_then(|close| close.get(0).as_f64());
    let kind = match code {
        Some(code) if GOING_AWAY.contains(&(code as u16)) => TransportErrorKind::GoingAway,
        _ => TransportErrorKind::Closed,
    };
    TransportEvent::Lost(kind.into())
}

impl Transport for MessagePort {
    fn open(&mut self, address: &ServiceAddress, query: &str) {
        let port = (self.connect)();
        let url = address.url(query);
        self.open = port
            .and_then(|port| Open::new(port, &url))
            .map(SendWrapper::new);
        self.failed = self.open.is_none();
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<TransportEvent> {
        if core::mem::take(&mut self.failed) {
            self.open = None;
            return Poll::Ready(lost());
        }
        let Some(open) = &mut self.open else {
            return Poll::Pending;
        };
        let event = open
            .events
            .poll_next_unpin(context)
            .map(|event| event.unwrap_or_else(lost));
        if matches!(event, Poll::Ready(TransportEvent::Lost(_))) {
            self.open = None;
        }
        event
    }

    fn send(&mut self, message: Bytes) {
        if let Some(open) = &self.open {
            self.failed |= open.send(&message).is_err();
        }
    }

    fn close(&mut self) {
        self.open = None;
        self.failed = false;
    }
}

impl core::fmt::Debug for MessagePort {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("MessagePort")
            .field("open", &self.open.is_some())
            .finish()
    }
}
