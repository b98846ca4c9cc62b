//! What a client is told when its connection is closed.

use std::borrow::Cow;

use effusion_broker::ConnectionEnd;
use effusion_protocol::CloseReason;

/// A WebSocket's close code (RFC 6455, 7.4.1): nothing went wrong.
pub const NORMAL: u16 = 1000;
/// The service is stopping.
pub const GOING_AWAY: u16 = 1001;
/// The client did what it may not.
pub const POLICY: u16 = 1008;

/// The code and the words for the end of a connection that the broker is done with: at most 123 bytes, which browsers show
/// developers.
#[must_use]
pub fn of(end: ConnectionEnd) -> (u16, Cow<'static, str>) {
    match end {
        ConnectionEnd::Session(CloseReason::ServerClosing) => {
            (GOING_AWAY, "the service is stopping".into())
        }
        ConnectionEnd::TooManyAttempts { wait_ms } => {
            let seconds = wait_ms.div_ceil(1000);
            let words = format!("too many sign-ins failed: try again in {seconds} s");
            (POLICY, words.into())
        }
        ConnectionEnd::TooManySessions => (POLICY, "too many sessions from this address".into()),
        ConnectionEnd::Session(CloseReason::Expired) => (POLICY, "the sign-in has expired".into()),
        ConnectionEnd::Session(CloseReason::Revoked) => (POLICY, "the sign-in was revoked".into()),
        _ => (NORMAL, "".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_fits_into_a_close_frame() {
        for end in [
            ConnectionEnd::TooManyAttempts { wait_ms: u64::MAX },
            ConnectionEnd::TooManySessions,
            ConnectionEnd::Session(CloseReason::Expired),
            ConnectionEnd::Session(CloseReason::Revoked),
            ConnectionEnd::Session(CloseReason::ServerClosing),
        ] {
            let (code, words) = of(end);
            assert!(code != NORMAL && (1..=123).contains(&words.len()), "{end}");
        }
        assert_eq!(of(ConnectionEnd::Replaced), (NORMAL, "".into()));
        let (_, words) = of(ConnectionEnd::TooManyAttempts { wait_ms: 1001 });
        assert!(words.ends_with("in 2 s"), "{words}");
    }
}
