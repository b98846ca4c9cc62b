//! Session locks (source: the dissector).

use crate::SessionId;
use crate::codec::{wire_enum, wire_struct};

wire_enum! {
    /// When a lock is given back without being asked for.
    pub enum SessionLockScope("session lock scope") {
        /// When the session closes.
        UnlockOnSessionLoss = 0,
        /// When the connection is lost, even if the session reconnects.
        UnlockOnConnectionLoss = 1,
    }
}

wire_struct! {
    /// Take a lock, or wait for it.
    pub struct SessionLockRequest {
        /// The lock's name.
        pub name: String,
        /// Chosen by the client, to cancel the request by.
        pub request: u64,
        /// When it is given back by itself.
        pub scope: SessionLockScope,
    }

    /// A lock that a session holds.
    pub struct SessionLockAcquisition {
        /// The lock's name.
        pub name: String,
        /// Grows with each acquisition.
        pub sequence: u64,
        /// When it is given back by itself.
        pub scope: SessionLockScope,
    }

    /// Stop waiting for a lock.
    pub struct SessionLockCancellation {
        /// The lock's name.
        pub name: String,
        /// The number of the request.
        pub request: u64,
    }

    /// The holder of a lock (6.12).
    pub struct SessionLockDetails {
        /// The server that the session is on.
        pub server: String,
        /// The session.
        pub session: SessionId,
        /// The acquisition's sequence.
        pub sequence: u64,
    }
}
