//! What goes over a session's connection: counters, and a tap for those who want to see the messages.

use core::cell::{Cell, RefCell};
use std::sync::Arc;

use bytes::Bytes;
use effusion_protocol::{ProtocolVersion, Reader, ServiceId};

/// Which way a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the service.
    Received,
    /// To the service.
    Sent,
}

/// A message that goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TappedMessage {
    /// Which way.
    pub direction: Direction,
    /// The bytes of one binary WebSocket message, as [`effusion_protocol::Message`] reads them.
    pub bytes: Bytes,
    /// How many bytes at the end are left out, because credentials are among them.
    pub hidden: usize,
}

/// Is told of every message of a session: see [`Session::set_tap`](crate::Session::set_tap).
pub type Tap = Box<dyn Fn(TappedMessage) + Send + Sync>;

/// What has gone over a session's connections so far, without what WebSocket adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Messages from the service.
    pub messages_received: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// Messages to the service.
    pub messages_sent: u64,
    /// Their bytes.
    pub bytes_sent: u64,
}

/// A tap that hides what must not be shown; in an `Arc`, so that it may be replaced while it is called.
type Filtered = Arc<dyn Fn(Direction, &Bytes) + Send + Sync>;

#[derive(Default)]
pub(crate) struct Meter {
    counted: Cell<Traffic>,
    tap: RefCell<Option<Filtered>>,
}

impl Meter {
    pub(crate) const fn counted(&self) -> Traffic {
        self.counted.get()
    }

    pub(crate) fn sent(&self, message: &Bytes) {
        let mut counted = self.counted.get();
        counted.messages_sent += 1;
        counted.bytes_sent += message.len() as u64;
        self.counted.set(counted);
        self.tell(Direction::Sent, message);
    }

    /// The answer to a connect request (`in_session` is false) is counted, but not shown: the session's token is in it.
    pub(crate) fn received(&self, message: &Bytes, in_session: bool) {
        let mut counted = self.counted.get();
        counted.messages_received += 1;
        counted.bytes_received += message.len() as u64;
        self.counted.set(counted);
        if in_session {
            self.tell(Direction::Received, message);
        }
    }

    fn tell(&self, direction: Direction, message: &Bytes) {
        let tap = self.tap.borrow().clone();
        if let Some(tap) = tap {
            tap(direction, message);
        }
    }

    pub(crate) fn set_tap(&self, tap: Option<Tap>) {
        let tap = tap.map(|tap| -> Filtered {
            Arc::new(move |direction, message| tap(show(direction, message)))
        });
        self.tap.replace(tap);
    }
}

/// What a tap may see of a message.
fn show(direction: Direction, message: &Bytes) -> TappedMessage {
    let shown = secret_from(message).unwrap_or(message.len());
    TappedMessage {
        direction,
        bytes: message.slice(..shown.min(message.len())),
        hidden: message.len().saturating_sub(shown),
    }
}

/// Where credentials may begin: the body of a request that changes a principal or the authentication store, or that asks
/// whether somebody may sign in.
fn secret_from(message: &Bytes) -> Option<usize> {
    const SECRET: [ServiceId; 4] = [
        ServiceId::ChangePrincipal,
        ServiceId::Reauthenticate,
        ServiceId::UpdateSystemAuthentication,
        ServiceId::Authenticator,
    ];
    // The head of a request is the same in all versions.
    let mut reader = Reader::new(message.clone(), ProtocolVersion::NEWEST);
    let is_request = reader.byte().ok()? == 0;
    let service = reader.varint64().ok()?;
    reader.varint64().ok()?;
    let is_secret = SECRET.iter().any(|it| u64::from(it.code()) == service);
    (is_request && is_secret).then(|| message.len() - reader.remaining())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guarded::Guarded;
    use core::sync::atomic::{AtomicUsize, Ordering};
    use effusion_protocol::{ConversationId, Message};

    fn request(service: ServiceId, body: &'static [u8]) -> Bytes {
        let body = Bytes::from_static(body);
        let conversation = ConversationId(300);
        let message = Message::Request {
            service,
            conversation,
            body,
        };
        message.encode(ProtocolVersion::NEWEST)
    }

    #[test]
    fn credentials_are_not_shown() {
        for service in [
            ServiceId::Reauthenticate,
            ServiceId::ChangePrincipal,
            ServiceId::UpdateSystemAuthentication,
            ServiceId::Authenticator,
        ] {
            let whole = request(service, b"secret");
            let shown = show(Direction::Sent, &whole);
            assert_eq!(shown.hidden, 6, "{service}");
            assert_eq!(shown.bytes, whole[..whole.len() - 6]);
        }
    }

    #[test]
    fn everything_else_is_shown() {
        for whole in [
            request(ServiceId::TimeSeriesAppend, b"secret"),
            Bytes::from_static(&[4, 0, 0, 0, 0x3a, 1, 2]),
            Bytes::from_static(&[0x1d]),
            Bytes::from_static(&[0]),
            Bytes::new(),
        ] {
            let shown = show(Direction::Received, &whole);
            assert_eq!((shown.bytes, shown.hidden), (whole, 0));
        }
    }

    #[test]
    fn a_tap_may_take_itself_away() {
        let meter = Arc::new(Guarded::new(Meter::default()));
        let calls = Arc::new(AtomicUsize::new(0));
        let (seen, within) = (Arc::clone(&calls), Arc::clone(&meter));
        let locked = meter.lock();
        locked.set_tap(Some(Box::new(move |_| {
            seen.fetch_add(1, Ordering::Relaxed);
            within.lock().set_tap(None);
        })));
        locked.received(&Bytes::from_static(b"token"), false);
        locked.sent(&Bytes::from_static(b"one"));
        locked.sent(&Bytes::from_static(b"two"));
        assert_eq!(calls.load(Ordering::Relaxed), 1);
        let counted = locked.counted();
        assert_eq!((counted.messages_received, counted.bytes_received), (1, 5));
        assert_eq!((counted.messages_sent, counted.bytes_sent), (2, 6));
    }
}
