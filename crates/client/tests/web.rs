//! The browser's side of the client, in a browser. Sessions with a service are the page's tests.
#![cfg(all(feature = "web", target_arch = "wasm32"))]

use core::future::poll_fn;
use core::time::Duration;
use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;

use effusion_client::web::{Browser, MessagePort};
use effusion_client::{
    Bytes, ConnectError, ConnectOptions, Runtime as _, ServiceAddress, Transport as _,
    TransportError, TransportErrorKind, TransportEvent,
};
use futures_channel::mpsc;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use js_sys::{Array, ArrayBuffer, Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn nobody_is_there() {
    // Nothing listens on the port, and what is no host name is not even tried.
    for host in ["127.0.0.1", "no host name"] {
        let address = ServiceAddress::new(host).port(8650);
        let options = ConnectOptions::new().principal("ann").password("x");
        let unknown = TransportError::new(TransportErrorKind::Unknown);
        assert_eq!(
            options.connect(address).await.err(),
            Some(ConnectError::Unreachable(unknown))
        );
    }
}

#[wasm_bindgen_test]
async fn time_passes() {
    let begin = Browser.now();
    Browser.sleep(Duration::from_millis(50)).await;
    let passed = Browser.now() - begin;
    let expected = Duration::from_millis(49)..Duration::from_secs(5);
    assert!(expected.contains(&passed), "{passed:?}");
    assert_ne!(Browser.seed(), Browser.seed());
}

#[wasm_bindgen_test]
async fn tasks_run_in_the_background() {
    let (sender, receiver) = futures_channel::oneshot::channel();
    Browser.spawn(Box::pin(async move {
        Browser.sleep(Duration::from_millis(1)).await;
        sender.send(7).unwrap();
    }));
    assert_eq!(receiver.await, Ok(7));
}

/// The service's end of a connection: a port, and what comes to it.
struct Service {
    port: web_sys::MessagePort,
    incoming: mpsc::UnboundedReceiver<JsValue>,
}

/// A transport, and the service's end of each connection that it has opened.
fn over_ports() -> (MessagePort, Rc<RefCell<Vec<Service>>>) {
    let services = Rc::<RefCell<Vec<Service>>>::default();
    let made = Rc::clone(&services);
    let transport = MessagePort::new(move || {
        let channel = web_sys::MessageChannel::new().ok()?;
        let (sender, incoming) = mpsc::unbounded();
        let take =
            Closure::<dyn Fn(web_sys::MessageEvent)>::new(move |event: web_sys::MessageEvent| {
                // The test may be over.
                let _ = sender.unbounded_send(event.data());
            });
        let port = channel.port2();
        port.set_onmessage(Some(take.as_ref().unchecked_ref()));
        take.forget();
        made.borrow_mut().push(Service { port, incoming });
        Some(channel.port1())
    });
    (transport, services)
}

async fn event(transport: &mut MessagePort) -> TransportEvent {
    poll_fn(|context| transport.poll_event(context)).await
}

#[wasm_bindgen_test]
async fn a_port_carries_what_a_websocket_would() {
    let (mut transport, services) = over_ports();
    let address = ServiceAddress::new("browser");
    transport.open(&address, "v=29&c=x");
    let mut service = services.borrow_mut().pop().unwrap();
    let asked = service.incoming.next().await.unwrap();
    assert_eq!(asked, "ws://browser/diffusion?v=29&c=x");
    service.port.post_message(&"".into()).unwrap();
    assert_eq!(event(&mut transport).await, TransportEvent::Opened);

    transport.send(Bytes::from_static(b"\x00\xff"));
    let sent: ArrayBuffer = service.incoming.next().await.unwrap().dyn_into().unwrap();
    assert_eq!(Uint8Array::new(&sent).to_vec(), [0, 255]);
    for message in [&[7_u8][..], &[]] {
        let message = Uint8Array::from(message).buffer();
        service.port.post_message(&message).unwrap();
    }
    let messages = [event(&mut transport).await, event(&mut transport).await];
    assert_eq!(
        messages,
        [&[7_u8][..], &[]].map(|message| TransportEvent::Message(Bytes::from_static(message)))
    );

    // What is sent just before it is closed arrives before that.
    transport.send(Bytes::from_static(b"bye"));
    transport.close();
    assert!(
        service
            .incoming
            .next()
            .await
            .unwrap()
            .has_type::<ArrayBuffer>()
    );
    let closed: Array = service.incoming.next().await.unwrap().dyn_into().unwrap();
    assert_eq!(closed.get(0), 1000);
}

/// Takes a lock as a service does, and returns what gives it back.
async fn lock(name: &str) -> futures_channel::oneshot::Sender<()> {
    let (sender, taken) = futures_channel::oneshot::channel();
    let (release, released) = futures_channel::oneshot::channel();
    let callback = Closure::once_into_js(move |_: JsValue| {
        sender.send(()).unwrap();
        wasm_bindgen_futures::future_to_promise(async move {
            let _ = released.await;
            Ok(JsValue::UNDEFINED)
        })
    });
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).unwrap();
    let locks = Reflect::get(&navigator, &"locks".into()).unwrap();
    let request: Function = Reflect::get(&locks, &"request".into())
        .unwrap()
        .dyn_into()
        .unwrap();
    request.call2(&locks, &name.into(), &callback).unwrap();
    taken.await.unwrap();
    release
}

#[wasm_bindgen_test]
async fn the_end_of_a_service_without_a_word_is_the_end_of_the_connection() {
    let (mut transport, services) = over_ports();
    let address = ServiceAddress::new("browser");
    for name in ["worker 1", "worker 2"] {
        let held = lock(name).await;
        transport.open(&address, "");
        let service = services.borrow_mut().pop().unwrap();
        service.port.post_message(&name.into()).unwrap();
        assert_eq!(event(&mut transport).await, TransportEvent::Opened);
        let mut lost = pin!(event(&mut transport));
        let pause = Browser.sleep(Duration::from_millis(50));
        assert!(matches!(select(&mut lost, pause).await, Either::Right(_)));
        drop(held);
        let closed = TransportError::new(TransportErrorKind::Closed);
        assert_eq!(lost.await, TransportEvent::Lost(closed));
        // The page keeps nobody else from it.
        drop(lock(name).await);
    }
    // Whoever has closed the connection does not wait for the lock any more.
    let held = lock("worker 3").await;
    transport.open(&address, "");
    let service = services.borrow_mut().pop().unwrap();
    service.port.post_message(&"worker 3".into()).unwrap();
    assert_eq!(event(&mut transport).await, TransportEvent::Opened);
    assert_eq!(waiting().await, 1);
    transport.close();
    assert_eq!(waiting().await, 0);
    drop(held);
}

/// How many wait for locks.
async fn waiting() -> u32 {
    let navigator = Reflect::get(&js_sys::global(), &"navigator".into()).unwrap();
    let locks = Reflect::get(&navigator, &"locks".into()).unwrap();
    let query: Function = Reflect::get(&locks, &"query".into())
        .unwrap()
        .dyn_into()
        .unwrap();
    let promise: Promise = query.call0(&locks).unwrap().dyn_into().unwrap();
    let snapshot = wasm_bindgen_futures::JsFuture::from(promise).await.unwrap();
    let pending = Reflect::get(&snapshot, &"pending".into()).unwrap();
    Array::from(&pending).length()
}

#[wasm_bindgen_test]
async fn the_end_of_a_port_is_the_end_of_the_connection() {
    let (mut transport, services) = over_ports();
    let address = ServiceAddress::new("browser");
    let closed = |code: u16| JsValue::from(Array::of2(&code.into(), &"why".into()));
    for (said, kind) in [
        (closed(1001), TransportErrorKind::GoingAway),
        (closed(1008), TransportErrorKind::Closed),
        // Nothing that a service says.
        (JsValue::from(3), TransportErrorKind::Closed),
    ] {
        transport.open(&address, "");
        let service = services.borrow_mut().pop().unwrap();
        service.port.post_message(&said).unwrap();
        let lost = TransportEvent::Lost(TransportError::new(kind));
        assert_eq!(event(&mut transport).await, lost);
    }
    // Where there is no worker, there is no port.
    let mut transport = MessagePort::new(|| None);
    transport.open(&address, "");
    assert!(matches!(
        event(&mut transport).await,
        TransportEvent::Lost(_)
    ));
}
