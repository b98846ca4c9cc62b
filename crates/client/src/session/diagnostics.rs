//! What goes on in a session, for those who want to look inside.

use std::sync::Arc;

use super::Session;
use crate::machine::Topic;
use crate::traffic::{Tap, Traffic};

/// A session as it stands: see [`Session::diagnostics`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostics {
    /// What has gone over the connection.
    pub traffic: Traffic,
    /// The topic selectors that were used, in the order in which they count: `true` selects, `false` takes out again.
    pub selections: Vec<(String, bool)>,
    /// The selectors of the value streams; a fallback stream's is empty.
    pub streams: Vec<String>,
    /// The topics that the session is subscribed to.
    pub topics: Vec<KnownTopic>,
    /// How many requests have no answer yet.
    pub open_requests: usize,
}

/// A topic that a session is subscribed to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownTopic {
    /// The topic.
    pub topic: Arc<Topic>,
    /// The size of its newest value in bytes, if it has one.
    pub value_size: Option<usize>,
}

impl Session {
    /// What has gone over the session's connections so far.
    ///
    /// ```no_run
    /// # fn example(session: &effusion_client::Session) {
    /// println!("{} bytes received", session.traffic().bytes_received);
    /// # }
    /// ```
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.shared().lock().traffic.counted()
    }

    /// Traffic, selections, streams and topics as they are now. [`Session::ping`] measures the round trip.
    ///
    /// ```no_run
    /// # fn example(session: &effusion_client::Session) {
    /// for known in session.diagnostics().topics {
    ///     println!("{}: {:?} bytes", known.topic.path, known.value_size);
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn diagnostics(&self) -> Diagnostics {
        let shared = self.shared();
        let parts = shared.lock();
        let machine = parts.machine.borrow();
        let selections = machine.selections();
        Diagnostics {
            traffic: self.traffic(),
            selections: selections
                .map(|it| (it.selector.clone(), it.select))
                .collect(),
            streams: shared.stream_selectors(),
            topics: machine
                .topics()
                .map(|(topic, value)| KnownTopic {
                    topic: Arc::clone(topic),
                    value_size: value.map(|value| value.len()),
                })
                .collect(),
            open_requests: machine.open_requests(),
        }
    }

    /// Shows every message of the session to `tap` from now on, as it is sent or before it is handled; `None` ends that.
    ///
    /// Credentials are not shown: the connect request and its answer are left out, and of requests that hold credentials
    /// only the head is there.
    ///
    /// ```no_run
    /// # fn example(session: &effusion_client::Session) {
    /// session.set_tap(Some(Box::new(|message| {
    ///     println!("{:?} {} bytes", message.direction, message.bytes.len());
    /// })));
    /// # }
    /// ```
    pub fn set_tap(&self, tap: Option<Tap>) {
        self.shared().lock().traffic.set_tap(tap);
    }
}
