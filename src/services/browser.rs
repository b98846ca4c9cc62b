//! The service in this browser: a worker that `assets/start.js` makes, and ports to it. See `crates/browser-service`.

use std::sync::Arc;
use std::time::Duration;

use effusion_client::web::{Browser, MessagePort};
use effusion_client::{ConnectError, ConnectOptions, ServiceAddress, Session};
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Uint8Array};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::MessageEvent;

use crate::features::join::service::{IN_BROWSER, ServiceIdentity};
use crate::platform::page;
use crate::state::Fault;

/// How long the worker may take until it answers, in milliseconds: it is fetched and compiled, and reads all that is stored.
const TIMEOUT: u32 = 60_000;

/// Waits until the service runs, and returns its identity.
///
/// # Errors
/// Why it does not.
pub async fn identity() -> Result<ServiceIdentity, Fault> {
    let answer = command("status", None).await?;
    Ok(ServiceIdentity::new(answer.as_string().unwrap_or_default()))
}

/// Everything that the service stores, as one file.
///
/// # Errors
/// Why it cannot be had.
pub async fn export() -> Result<Uint8Array, Fault> {
    let file = command("export", None).await?;
    file.dyn_into().map_err(|_| Fault::NotConnected)
}

/// Puts what a file has in the place of everything that the service stores. All sessions end, and their pages say so.
///
/// # Errors
/// Why not; all is as it was then.
pub async fn import(file: &Uint8Array) -> Result<(), Fault> {
    command("import", Some(file)).await.map(drop)
}

/// Removes everything that the service stores: it is as new. All sessions end, and their pages say so.
///
/// # Errors
/// Why not; all is as it was then.
pub async fn start_afresh() -> Result<(), Fault> {
    command("reset", None).await.map(drop)
}

/// Opens a session with the service of this identity.
pub(super) async fn connect(
    identity: &ServiceIdentity,
    options: ConnectOptions,
) -> Result<Session, ConnectError> {
    let address = ServiceAddress::new(IN_BROWSER).path(identity.path());
    let transport = Box::new(MessagePort::new(page::service_port));
    let options = options.connect_timeout(Duration::from_millis(TIMEOUT.into()));
    Session::connect(address, options, transport, Arc::new(Browser)).await
}

/// Asks the worker for something that is no connection's business.
async fn command(command: &str, file: Option<&Uint8Array>) -> Result<JsValue, Fault> {
    let port = page::service_port().ok_or(Fault::NoWorker)?;
    let (sender, answer) = oneshot::channel();
    let on_message = Closure::once(move |event: MessageEvent| {
        // Whoever waits for it may be gone.
        let _ = sender.send(event.data());
    });
    port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    let file = file.map_or(JsValue::UNDEFINED, |file| {
        file.slice(0, file.length()).buffer().into()
    });
    let order = Array::of2(&command.into(), &file);
    port.post_message(&order).map_err(|_| Fault::NoWorker)?;
    let answer = match select(answer, TimeoutFuture::new(TIMEOUT)).await {
        Either::Left((Ok(answer), _)) => answer,
        _ => return Err(Fault::NoWorker),
    };
    port.close();
    let answer: Array = answer.dyn_into().map_err(|_| Fault::NoWorker)?;
    let (word, more) = (answer.get(0).as_string(), answer.get(1));
    let detail = more.as_string().unwrap_or_default();
    let fault = match word.as_deref() {
        Some("ok") => return Ok(more),
        Some("busy") => return Err(Fault::ServiceBusy),
        Some("full") => return Err(Fault::StorageFull),
        Some("foreign") => Fault::FileForeign,
        Some("excess") => Fault::FileExcess,
        Some("damaged") => Fault::FileDamaged,
        // The worker has ended: an array as for a connection, with a reason.
        _ => return Err(Fault::ServiceFailed(detail)),
    };
    // No reader could do anything with it; who looks for the cause can.
    leptos::logging::log!("the file: {detail}");
    Err(fault)
}
