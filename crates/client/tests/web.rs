//! The browser's side of the client, in a browser. Sessions with a service are the page's tests.
#![cfg(all(feature = "web", target_arch = "wasm32"))]

use effusion_client::web::Browser;
use effusion_client::{
    ConnectError, ConnectOptions, Runtime as _, ServiceAddress, TransportError, TransportErrorKind,
};
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
    Browser.sleep(50).await;
    let passed = Browser.now() - begin;
    assert!((49..5_000).contains(&passed), "{passed} ms");
    assert_ne!(Browser.seed(), Browser.seed());
}

#[wasm_bindgen_test]
async fn tasks_run_in_the_background() {
    let (sender, receiver) = futures_channel::oneshot::channel();
    Browser.spawn(Box::pin(async move {
        Browser.sleep(1).await;
        sender.send(7).unwrap();
    }));
    assert_eq!(receiver.await, Ok(7));
}
