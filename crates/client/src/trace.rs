//! What a session tells `tracing`: where it is and how it fares, and nothing of what is said. Queries, messages, credentials and
//! tokens are not even looked at here, so that no level can show them.

#[cfg(all(feature = "tracing", not(target_family = "wasm")))]
mod told {
    use tracing::Instrument as _;
    use tracing::{debug, info, info_span, warn};

    use crate::machine::SessionState;
    use crate::reason::ClosingWords;
    use crate::transport::BoxFuture;
    use crate::{ServiceAddress, TransportError};

    /// A session's task, in a span of its own.
    pub(crate) fn session(address: &ServiceAddress, task: BoxFuture) -> BoxFuture {
        Box::pin(task.instrument(info_span!("diffusion_session", service = %address)))
    }

    pub(crate) fn connecting() {
        debug!("opening a connection");
    }

    pub(crate) fn lost(error: &TransportError) {
        // What the other end says may have been said to it.
        let cause = core::error::Error::source(error).filter(|cause| !cause.is::<ClosingWords>());
        let cause = cause.map(tracing::field::display);
        debug!(%error, cause, "the connection is gone");
    }

    pub(crate) fn state(state: &SessionState) {
        match state {
            SessionState::Connecting => debug!("connecting"),
            SessionState::Connected(info) => {
                info!(session = %info.id, version = %info.version, "connected");
            }
            SessionState::Recovering {
                attempts,
                retry_in,
                renewing,
            } => warn!(attempts, ?retry_in, renewing, "not connected"),
            SessionState::Closed(reason) => info!(%reason, "closed"),
        }
    }
}

#[cfg(not(all(feature = "tracing", not(target_family = "wasm"))))]
mod told {
    use crate::machine::SessionState;
    use crate::transport::BoxFuture;
    use crate::{ServiceAddress, TransportError};

    pub(crate) fn session(_: &ServiceAddress, task: BoxFuture) -> BoxFuture {
        task
    }

    pub(crate) const fn connecting() {}

    pub(crate) const fn lost(_: &TransportError) {}

    pub(crate) const fn state(_: &SessionState) {}
}

pub(crate) use told::{connecting, lost, session, state};
