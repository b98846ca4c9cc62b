//! One end of a message port: what a WebSocket would carry. `effusion_client::web::MessagePort` is the other end, and its
//! documentation has the table of what goes over it.

use std::cell::RefCell;

use bytes::Bytes;
use effusion_host::close;
use effusion_protocol::{ConnectResponse, ProtocolVersion, ResponseCode};
use js_sys::{Array, ArrayBuffer, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::MessageEvent;

/// What has come.
#[derive(Debug)]
pub enum Incoming {
    /// The port is to be a connection to this address.
    Open(String),
    /// A message of the connection.
    Message(Bytes),
    /// The connection is closed: by its client, or because its page is gone.
    Closed,
    /// The page asks for something that is no connection's business: what, and with which bytes.
    Command(String, Bytes),
    /// Nothing of the above.
    Unknown,
}

/// A port to a page.
pub struct Port {
    port: web_sys::MessagePort,
    callbacks: RefCell<Option<Callbacks>>,
}

/// What the port calls.
struct Callbacks {
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    on_close: Closure<dyn FnMut()>,
}

impl Port {
    /// Takes messages from now on.
    pub fn new(port: web_sys::MessagePort, take: impl Fn(Incoming) + Clone + 'static) -> Self {
        let closed = take.clone();
        let on_message =
            Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| take(incoming(&event.data())));
        let on_close = Closure::<dyn FnMut()>::new(move || closed(Incoming::Closed));
        port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        // Some browsers tell of a page that has ended without a word; in others, the broker's pings find out.
        let _ = port.add_event_listener_with_callback("close", on_close.as_ref().unchecked_ref());
        let callbacks = Callbacks {
            _on_message: on_message,
            on_close,
        };
        Self {
            port,
            callbacks: RefCell::new(Some(callbacks)),
        }
    }

    /// Says that the connection is open, and by which lock the page knows that this worker runs.
    pub fn open(&self, lock: &str) {
        self.post(&JsValue::from_str(lock));
    }

    /// Sends a message.
    pub fn send(&self, message: &[u8]) {
        let buffer = Uint8Array::from(message).buffer();
        let transferred = Array::of1(&buffer);
        // A buffer that was made just now can be sent.
        let _ = self
            .port
            .post_message_with_transferable(&buffer, &transferred);
    }

    /// Answers a command: a word, and what goes with it.
    pub fn answer(&self, word: &str, more: &JsValue) {
        self.post(&Array::of2(&JsValue::from_str(word), more));
    }

    /// Refuses the connection, by the answer to its connect request.
    pub fn refuse(&self, code: ResponseCode, reason: &str) {
        let version = ProtocolVersion::NEWEST.number();
        self.send(&ConnectResponse::refusal(version, code).encode());
        self.close(close::POLICY, reason);
    }

    /// Closes the connection, with a code and a reason as a WebSocket's.
    pub fn close(&self, code: u16, reason: &str) {
        self.post(&Array::of2(&code.into(), &JsValue::from_str(reason)));
        self.port.close();
        self.release();
    }

    /// Takes no more messages, and lets go of what takes them once this turn is over: it may be what runs now.
    pub fn release(&self) {
        self.port.set_onmessage(None);
        if let Some(callbacks) = self.callbacks.take() {
            let callback = callbacks.on_close.as_ref().unchecked_ref();
            let _ = self
                .port
                .remove_event_listener_with_callback("close", callback);
            spawn_local(async move { drop(callbacks) });
        }
    }

    fn post(&self, value: &JsValue) {
        // Texts, numbers and arrays of them can be sent.
        let _ = self.port.post_message(value);
    }
}

fn incoming(data: &JsValue) -> Incoming {
    if let Some(buffer) = data.dyn_ref::<ArrayBuffer>() {
        return Incoming::Message(bytes(buffer));
    }
    if let Some(address) = data.as_string() {
        return Incoming::Open(address);
    }
    let Some(array) = data.dyn_ref::<Array>() else {
        return Incoming::Unknown;
    };
    let (first, second) = (array.get(0), array.get(1));
    match first.as_string() {
        Some(command) => {
            let argument = second.dyn_ref::<ArrayBuffer>().map(bytes);
            Incoming::Command(command, argument.unwrap_or_default())
        }
        None if first.as_f64().is_some() => Incoming::Closed,
        None => Incoming::Unknown,
    }
}

fn bytes(buffer: &ArrayBuffer) -> Bytes {
    Uint8Array::new(buffer).to_vec().into()
}
