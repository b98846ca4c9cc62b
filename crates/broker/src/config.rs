//! What the broker is set up with.

use effusion_protocol::ProtocolVersion;

/// How a [`crate::Broker`] is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Secret randomness for session ids and tokens: 32 bytes from the operating system, fresh at every start. With
    /// it, anyone can tell the tokens of all sessions.
    pub seed: [u8; 32],
    /// The server's name, as the session property `$ServerName` shows it.
    pub server_name: String,
    /// The oldest protocol version that is accepted.
    pub oldest_version: ProtocolVersion,
    /// The newest protocol version that is accepted.
    pub newest_version: ProtocolVersion,
    /// How often the server pings each client, in milliseconds (Diffusion: 90,000). A client that neither answers nor
    /// sends for two periods is taken for lost. 0 turns it off.
    pub ping_period_ms: u32,
    /// The longest that a session whose connection is lost is kept, in milliseconds; a client may ask for less.
    pub reconnect_timeout_ms: u32,
    /// Who is asked whether a client is who it says it is, in this order: the first that allows or denies decides.
    pub authentication: Vec<AuthenticationHandler>,
    /// How long a client that authenticates others has to decide, in milliseconds; then it abstains.
    pub authenticator_timeout_ms: u32,
    /// How long the receiver of a request message has to answer, in milliseconds.
    pub messaging_timeout_ms: u32,
    /// Whether changes are given to [`crate::Output::Store`]. If not, everything is gone with the broker, and nothing
    /// waits for a store.
    pub durable: bool,
    /// How long who failed to sign in has to wait.
    pub attempts: AttemptLimits,
    /// What a single client, or all of them, may use up.
    pub limits: Limits,
}

impl Config {
    /// The defaults, with a seed.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> Self {
        Self {
            seed,
            server_name: "effusion-sandbox".to_owned(),
            oldest_version: ProtocolVersion::OLDEST,
            newest_version: ProtocolVersion::NEWEST,
            ping_period_ms: 90_000,
            reconnect_timeout_ms: 60_000,
            // As Diffusion's own configuration has them.
            authentication: vec![
                AuthenticationHandler::Client("before-system-handler".to_owned()),
                AuthenticationHandler::Store,
                AuthenticationHandler::Client("after-system-handler".to_owned()),
            ],
            authenticator_timeout_ms: 10_000,
            messaging_timeout_ms: 10_000,
            durable: true,
            attempts: AttemptLimits::default(),
            limits: Limits::default(),
        }
    }
}

/// Who can tell whether a client is who it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthenticationHandler {
    /// The authentication store.
    Store,
    /// Tokens, as [`crate::Output::VerifyToken`] checks them; passed over for credentials that are no token.
    Token,
    /// A client that registered an authenticator under this name; passed over while there is none.
    Client(String),
}

/// When failed sign-ins make the next ones wait. The wait begins with a second and doubles with each further failure; an
/// attempt that comes too early is refused without a look at its credentials, and does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptLimits {
    /// The failure of one principal from one address that the first wait follows.
    pub free: u32,
    /// The failure from one address, of whatever principals, that the first wait follows.
    pub free_per_address: u32,
    /// The failure of one principal, from whatever addresses, that the first wait follows. It does not concern addresses
    /// from which the principal has signed in.
    pub free_per_principal: u32,
    /// The longest wait, in milliseconds, but for the next one.
    pub longest_wait_ms: u64,
    /// The longest wait because of failures from other addresses, in milliseconds: short, because the principal's owner
    /// may have to wait, too.
    pub longest_wait_per_principal_ms: u64,
    /// How many principals and addresses are remembered, of each kind.
    pub remembered: usize,
}

impl Default for AttemptLimits {
    fn default() -> Self {
        Self {
            free: 5,
            free_per_address: 20,
            free_per_principal: 50,
            longest_wait_ms: 60_000,
            longest_wait_per_principal_ms: 5_000,
            remembered: 10_000,
        }
    }
}

/// Bounds on what clients can use up. None is zero by default; each has an error of its own when it is reached.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest message that a client may send, in bytes; a larger one ends its session.
    pub message_bytes: usize,
    /// Sessions at a time, connected or waiting for a reconnect.
    pub sessions: usize,
    /// Sessions at a time from one address, or one IPv6 network (/64).
    pub sessions_per_address: usize,
    /// Topics at a time.
    pub topics: usize,
    /// Topics at a time that one principal added; all anonymous sessions count as one. A principal's changes that are
    /// being stored at the same moment can pass it by a few.
    pub topics_per_principal: usize,
    /// Bytes of memory that all topics may take, with their values and events.
    pub topic_bytes: usize,
    /// Bytes of memory that the topics may take that one principal added; all anonymous sessions count as one.
    pub topic_bytes_per_principal: usize,
    /// Bytes of messages that wait for all clients together, read by none of them yet. Beyond it, a client that has more
    /// than its share waiting loses its session, and requests wait until their senders have read more.
    pub waiting_bytes: usize,
    /// Bytes of events in the answer to one query.
    pub answer_bytes: usize,
    /// Events that one time series can keep, whatever its retained range says.
    pub series_events: usize,
    /// Principals in the authentication store.
    pub principals: usize,
    /// Paths that one session can select by, in subscriptions, and again in topic notifications; a regular expression
    /// counts as ten. Also how many handlers and listeners of each kind it can have.
    pub selections: usize,
    /// Bytes of memory that may take what all sessions select; the same again for topic notifications. A session has a sixteenth of it
    /// at most, and always a little.
    pub selection_bytes: usize,
    /// Bytes of properties and roles of all sessions.
    pub session_bytes: usize,
    /// Session locks that are held at a time, over all sessions.
    pub locks: usize,
    /// Requests of one session that wait for the store, a password check or another session.
    pub open_requests: usize,
    /// Bytes of one session's requests that wait until earlier ones are answered, or until the client has read their answers.
    pub deferred_bytes: usize,
    /// Passwords and tokens that wait to be checked, over all connections.
    pub verifications: usize,
    /// Passwords and tokens that are being checked at a time: as many as there are cores to do it.
    pub checks_at_once: usize,
    /// Messages that are kept for one client, connected or not, until it has confirmed them: to send again after a
    /// reconnect. Must be more than the transport queues for one connection.
    pub recovery_messages: usize,
    /// Bytes of messages that are kept for one client, connected or not.
    pub recovery_bytes: usize,
    /// Messages that are on their way to one client at a time, sent and not confirmed. Must be more than
    /// `confirm_messages`, and less than the transport queues for one connection; what is more waits in the broker, where it
    /// can be conflated.
    pub window_messages: usize,
    /// Bytes of messages that are on their way to one client at a time; a single message may be larger.
    pub window_bytes: usize,
    /// After so many messages, a client is asked to confirm them, by a ping.
    pub confirm_messages: usize,
    /// After so many bytes of messages, a client is asked to confirm them.
    pub confirm_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1024 * 1024,
            sessions: 20_000,
            sessions_per_address: 1_000,
            topics: 100_000,
            topics_per_principal: 10_000,
            topic_bytes: 1024 * 1024 * 1024,
            topic_bytes_per_principal: 512 * 1024 * 1024,
            waiting_bytes: 512 * 1024 * 1024,
            answer_bytes: 20 * 1024 * 1024,
            series_events: 100_000,
            principals: 50_000,
            selections: 1_000,
            selection_bytes: 64 * 1024 * 1024,
            session_bytes: 128 * 1024 * 1024,
            locks: 10_000,
            open_requests: 1_000,
            deferred_bytes: 16 * 1024 * 1024,
            verifications: 64,
            checks_at_once: 2,
            recovery_messages: 20_000,
            recovery_bytes: 20 * 1024 * 1024,
            window_messages: 5_000,
            window_bytes: 8 * 1024 * 1024,
            confirm_messages: 256,
            confirm_bytes: 256 * 1024,
        }
    }
}
