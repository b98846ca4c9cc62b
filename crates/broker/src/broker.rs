//! The broker: inputs in, outputs out.

use bytes::Bytes;
use effusion_protocol::ConnectRequest;
use std::collections::VecDeque;

use crate::{Completion, Config, ConnectionId, Output, Peer, Snapshot, Ticket, Time};

/// A Diffusion service without I/O. See the crate's documentation.
pub struct Broker {
    outputs: VecDeque<Output>,
}

impl Broker {
    /// A broker with what was stored before.
    #[must_use]
    pub fn new(config: Config, snapshot: Snapshot, now: Time) -> Self {
        let _ = (config, snapshot, now);
        Self {
            outputs: VecDeque::new(),
        }
    }

    /// A client asks for a session, or for the one that it had.
    pub fn connect(
        &mut self,
        now: Time,
        connection: ConnectionId,
        request: ConnectRequest,
        peer: Peer,
    ) {
        let _ = (now, connection, request, peer);
    }

    /// A whole message came.
    pub fn receive(&mut self, now: Time, connection: ConnectionId, message: Bytes) {
        let _ = (now, connection, message);
    }

    /// A connection is gone. Its session waits for a reconnect.
    pub fn disconnected(&mut self, now: Time, connection: ConnectionId) {
        let _ = (now, connection);
    }

    /// Work that an output asked for is done.
    pub fn completed(&mut self, now: Time, ticket: Ticket, completion: Completion) {
        let _ = (now, ticket, completion);
    }

    /// Time passed. To be called at [`Broker::next_timeout`] or later.
    pub fn tick(&mut self, now: Time) {
        let _ = now;
    }

    /// Ends every session because the service stops; the sessions' outputs remain to be polled.
    pub fn shut_down(&mut self, now: Time) {
        let _ = now;
    }

    /// When to call [`Broker::tick`], in the monotonic clock's milliseconds. It may change with every input.
    #[must_use]
    pub fn next_timeout(&self) -> Option<u64> {
        None
    }

    /// The next thing to do. To be called after every input until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}
