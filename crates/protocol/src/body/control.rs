//! Control of other sessions.

use crate::SessionId;
use crate::codec::wire_struct;

wire_struct! {
    /// Close a session.
    pub struct CloseClientRequest {
        /// The session.
        pub session: SessionId,
        /// Why, for the server's log.
        pub reason: String,
    }
}
