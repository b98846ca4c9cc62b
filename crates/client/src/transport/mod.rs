//! What carries messages and tells the time: the one part that differs between a browser, a native program and a test.

#[cfg(all(feature = "native", not(target_family = "wasm")))]
pub mod native;
#[cfg(all(feature = "rustls", not(target_family = "wasm")))]
pub(crate) mod tls;
#[cfg(all(feature = "web", target_arch = "wasm32"))]
pub mod web;

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;

use bytes::Bytes;

use crate::{ServiceAddress, TransportError};

/// How a WebSocket's end says that it stops or restarts (RFC 6455, 7.4.1; IANA's registry of close codes).
#[cfg(any(
    all(feature = "native", not(target_family = "wasm")),
    all(feature = "web", target_arch = "wasm32")
))]
const GOING_AWAY: [u16; 2] = [1001, 1012];

/// A future that any thread may poll.
pub type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a connection reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportEvent {
    /// The WebSocket is open.
    Opened,
    /// A binary message has come.
    Message(Bytes),
    /// The connection is gone or did not come about; also if a text message has come, which Diffusion has none of.
    Lost(TransportError),
}

/// One connection at a time to a service, by messages.
///
/// What belongs to one thread, as all that comes from a browser does, gets `Send` by the crate `send_wrapper`.
pub trait Transport: Send {
    /// Begins to open a connection; one from before is dropped. Failure is reported as [`TransportEvent::Lost`].
    ///
    /// The query holds credentials: it must not be logged.
    fn open(&mut self, address: &ServiceAddress, query: &str);

    /// What has happened to the connection; pending for ever if there is none.
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<TransportEvent>;

    /// Sends what is to be sent, without looking for messages: the session's owner is slow to read them. Nothing is to be
    /// done if [`Transport::send`] gets messages on their way by itself.
    fn poll_flush(&mut self, _context: &mut Context<'_>) {}

    /// Sends a message, or keeps it until it can be sent. Failure is reported as [`TransportEvent::Lost`].
    fn send(&mut self, message: Bytes);

    /// Sends what is left, then closes the connection. Nothing of it is reported any more.
    fn close(&mut self);
}

/// Time, tasks and chance.
pub trait Runtime: Send + Sync {
    /// How much time has passed since a moment that does not change, by a clock that is never set back.
    fn now(&self) -> Duration;

    /// A future that is ready after this time.
    fn sleep(&self, duration: Duration) -> BoxFuture;

    /// Runs a future in the background.
    fn spawn(&self, task: BoxFuture);

    /// A number that nobody can foresee, to spread the attempts of many clients.
    fn seed(&self) -> u64;
}
