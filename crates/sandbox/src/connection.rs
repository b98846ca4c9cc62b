//! One WebSocket connection: reads for the broker, and writes what is in its outbox.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use effusion_broker::{ConnectionEnd, ConnectionId, Peer};
use effusion_protocol::{CloseReason, ConnectRequest, ProtocolVersion};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;
use tracing::{debug, info};

use crate::address::Counted;
use crate::hub::{Allowance, HubHandle, Stopped};
use crate::outbox::{Batch, EndCause, Outbox, OutboxLimits, Work};
use crate::rate::{MessageRate, PATIENCE, Verdict};

/// How long a client has to answer a close before the connection is cut.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a client has to read a reason, where its answer cannot be read.
const UNREAD_PAUSE: Duration = Duration::from_millis(500);

/// What bounds one connection.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    /// What may wait to be written.
    pub outbox: OutboxLimits,
    /// How long one batch may take to be written.
    pub write_timeout: Duration,
    /// How many messages the client may send a second.
    pub messages_a_second: u32,
}

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
enum Over {
    #[error("the client closed it")]
    ByClient,
    #[error("it was lost: {0}")]
    Lost(axum::Error),
    #[error("the client sent text, but the protocol is binary")]
    Text,
    #[error("the client sent a message that is too large")]
    TooLarge,
    #[error("the client broke the WebSocket protocol: {0}")]
    Malformed(axum::Error),
    #[error("the client did not read for {0:?}")]
    Stuck(Duration),
    #[error("the client read too slowly")]
    TooSlow,
    #[error("the client sent more messages than it may for {PATIENCE:?}")]
    TooFast,
    #[error("the service closed it")]
    ByService,
    #[error("{0}")]
    ByBroker(ConnectionEnd),
    #[error("{0}")]
    Stopping(Stopped),
}

/// Serves a client from its connect request to the end of its connection. `pending` is its place among the clients that
/// sign in, which it gives back once it is answered.
pub async fn serve(
    socket: WebSocket,
    request: Box<ConnectRequest>,
    peer: Peer,
    hub: HubHandle,
    limits: ConnectionLimits,
    pending: Counted,
) {
    let connection = hub.next_connection();
    let address = peer.address.clone();
    let farewell = Farewell::of(&request);
    debug!(connection = connection.0, %address, "connected");
    let outbox = Arc::new(Outbox::new(limits.outbox));
    let (mut sink, mut stream) = socket.split();
    let over = match hub
        .connect(connection, request, peer, Arc::clone(&outbox))
        .await
    {
        Err(stopped) => Over::Stopping(stopped),
        // A client speaks only once it is answered: until then, nothing that it sends takes memory.
        Ok(()) => match write_batch(
            &mut sink,
            &outbox,
            &mut Batch::default(),
            limits.write_timeout,
        )
        .await
        {
            Err(over) => over,
            Ok(()) => {
                drop(pending);
                let rate = MessageRate::new(limits.messages_a_second, Instant::now());
                tokio::select! {
                    over = read(&mut stream, connection, &hub, rate, farewell) => over,
                    over = write(&mut sink, &outbox, limits.write_timeout) => over,
                }
            }
        },
    };
    match &over {
        Over::Text
        | Over::TooLarge
        | Over::Malformed(_)
        | Over::Stuck(_)
        | Over::TooSlow
        | Over::TooFast
        | Over::ByBroker(ConnectionEnd::TooManyAttempts { .. } | ConnectionEnd::TooManySessions) => {
            info!(connection = connection.0, %address, "disconnected: {over}");
        }
        _ => debug!(connection = connection.0, %address, "disconnected: {over}"),
    }
    let fault = over.fault();
    hub.disconnected(connection, fault).await;
    if fault.is_some() {
        // Tell the client in the protocol's words, too, that there is nothing to reconnect to.
        let last_words = write(&mut sink, &outbox, CLOSE_TIMEOUT);
        let _ = timeout(CLOSE_TIMEOUT, last_words).await;
    }
    close(sink, stream, &over).await;
}

/// How a client says that its session is to end, and not only its connection.
#[derive(Clone, Copy, Debug)]
enum Farewell {
    /// By Diffusion's message.
    Message,
    /// By closing the WebSocket normally, and nothing else: so does Python's SDK (observed, 6.12.2).
    NormalClosure,
}

impl Farewell {
    fn of(request: &ConnectRequest) -> Self {
        if request.client_type.as_str() == "PY" {
            Self::NormalClosure
        } else {
            Self::Message
        }
    }

    fn is_said_by(self, frame: Option<&CloseFrame>) -> bool {
        matches!(self, Self::NormalClosure)
            && frame.is_some_and(|frame| frame.code == close_code::NORMAL)
    }
}

impl Over {
    /// Why the session has to end with the connection, if it has to.
    const fn fault(&self) -> Option<CloseReason> {
        match self {
            Self::Text | Self::Malformed(_) => Some(CloseReason::InvalidInboundMessage),
            Self::TooLarge => Some(CloseReason::MessageTooLarge),
            Self::TooFast => Some(CloseReason::Abort),
            // The hub has told the broker already that the client is too slow; the rest may reconnect.
            _ => None,
        }
    }
}

/// Tells a client that is not served why, in the protocol's words, and closes the connection.
pub async fn refuse(mut socket: WebSocket, response: bytes::Bytes, words: &'static str) {
    let goodbye = async {
        if socket.send(Message::Binary(response)).await.is_ok() {
            let frame = close_frame(close_code::POLICY, words);
            let _ = socket.send(Message::Close(Some(frame))).await;
            while let Some(Ok(_)) = socket.recv().await {}
        }
    };
    // A client that does not listen is cut off.
    let _ = timeout(CLOSE_TIMEOUT, goodbye).await;
}

async fn read(
    stream: &mut SplitStream<WebSocket>,
    connection: ConnectionId,
    hub: &HubHandle,
    mut rate: MessageRate,
    farewell: Farewell,
) -> Over {
    let allowance = Allowance::default();
    loop {
        let message = match stream.next().await {
            None => return Over::ByClient,
            Some(Err(error)) => return read_error(error),
            Some(Ok(message)) => message,
        };
        match rate.message(Instant::now()) {
            Verdict::Now => {}
            // What the client sends meanwhile waits in the network, and then with the client.
            Verdict::After(pause) => tokio::time::sleep(pause).await,
            Verdict::TooFast => return Over::TooFast,
        }
        match message {
            Message::Binary(bytes) => {
                if let Err(stopped) = hub.receive(connection, &allowance, bytes).await {
                    return Over::Stopping(stopped);
                }
            }
            Message::Text(_) => return Over::Text,
            Message::Close(frame) => {
                if farewell.is_said_by(frame.as_ref()) {
                    let close = effusion_protocol::Message::Close.encode(ProtocolVersion::NEWEST);
                    if let Err(stopped) = hub.receive(connection, &allowance, close).await {
                        return Over::Stopping(stopped);
                    }
                }
                return Over::ByClient;
            }
            // The WebSocket library answers pings by itself.
            Message::Ping(_) | Message::Pong(_) => {}
        }
    }
}

fn read_error(error: axum::Error) -> Over {
    use tungstenite::Error::{AttackAttempt, Capacity, Protocol, Utf8};
    use tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;
    let inner = error.into_inner();
    let kind = match inner.downcast_ref() {
        Some(Capacity(_)) => return Over::TooLarge,
        Some(Protocol(ResetWithoutClosingHandshake)) => Over::Lost,
        Some(Protocol(_) | Utf8(_) | AttackAttempt) => Over::Malformed,
        _ => Over::Lost,
    };
    kind(axum::Error::new(inner))
}

async fn write(
    sink: &mut SplitSink<WebSocket, Message>,
    outbox: &Outbox,
    write_timeout: Duration,
) -> Over {
    let mut batch = Batch::default();
    loop {
        if let Err(over) = write_batch(sink, outbox, &mut batch, write_timeout).await {
            return over;
        }
    }
}

/// Waits for something to write, and writes it.
async fn write_batch(
    sink: &mut SplitSink<WebSocket, Message>,
    outbox: &Outbox,
    batch: &mut Batch,
    write_timeout: Duration,
) -> Result<(), Over> {
    match outbox.work(batch).await {
        Work::Write => {}
        Work::End(cause) => return Err(ended(cause)),
    }
    let write = async {
        while let Some(message) = batch.pop() {
            sink.feed(Message::Binary(message)).await?;
        }
        sink.flush().await
    };
    tokio::select! {
        // Mostly it is written at once, and nothing has to be waited for.
        biased;
        result = timeout(write_timeout, write) => match result {
            Err(_) => Err(Over::Stuck(write_timeout)),
            Ok(Err(error)) => Err(Over::Lost(error)),
            Ok(Ok(())) => {
                outbox.written();
                Ok(())
            }
        },
        cause = outbox.ended_now() => Err(ended(cause)),
    }
}

fn ended(cause: EndCause) -> Over {
    match cause {
        EndCause::Closed => Over::ByService,
        EndCause::Ended(reason) => Over::ByBroker(reason),
        EndCause::TooSlow => Over::TooSlow,
        EndCause::Stopping => Over::Stopping(Stopped),
    }
}

/// Says why, waits a moment for the client to agree, and drops the connection.
async fn close(
    mut sink: SplitSink<WebSocket, Message>,
    mut stream: SplitStream<WebSocket>,
    over: &Over,
) {
    let frame = match over {
        // Nobody is there to hear it, or the answer has been sent already, or what the client does not read is in its way: that
        // may be megabytes, which are free once the connection is.
        Over::ByClient | Over::Lost(_) | Over::Stuck(_) | Over::TooSlow => return,
        Over::Text => close_frame(close_code::UNSUPPORTED, "the protocol is binary"),
        Over::TooLarge => close_frame(close_code::SIZE, "the message is too large"),
        Over::Malformed(_) => close_frame(close_code::PROTOCOL, ""),
        Over::TooFast => close_frame(close_code::POLICY, "sends too many messages"),
        Over::ByService => close_frame(close_code::NORMAL, ""),
        Over::Stopping(_) => by_broker(ConnectionEnd::Session(CloseReason::ServerClosing)),
        Over::ByBroker(end) => by_broker(*end),
    };
    let goodbye = async {
        if sink.send(Message::Close(Some(frame))).await.is_ok() {
            while let Some(Ok(_)) = stream.next().await {}
            if matches!(over, Over::TooLarge | Over::Malformed(_)) {
                // Nothing can be read any more, and to close while the client still writes is a reset, which may
                // overtake the reason.
                tokio::time::sleep(UNREAD_PAUSE).await;
            }
        }
    };
    let _ = timeout(CLOSE_TIMEOUT, goodbye).await;
}

fn by_broker(end: ConnectionEnd) -> CloseFrame {
    let (code, reason) = effusion_host::close::of(end);
    CloseFrame {
        code,
        reason: reason.into_owned().into(),
    }
}

fn close_frame(code: u16, reason: &'static str) -> CloseFrame {
    CloseFrame {
        code,
        reason: reason.into(),
    }
}
