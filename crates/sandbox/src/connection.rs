//! One WebSocket connection: reads for the broker, and writes what is in its outbox.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use effusion_broker::{ConnectionId, Peer};
use effusion_protocol::{CloseReason, ConnectRequest};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite;
use tracing::{debug, info};

use crate::hub::{HubHandle, Stopped};
use crate::outbox::{EndCause, Outbox, OutboxLimits, Work};

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
    #[error("the service closed it")]
    ByService,
    #[error("{0}")]
    Stopping(Stopped),
}

/// Serves a client from its connect request to the end of its connection.
pub async fn serve(
    socket: WebSocket,
    request: Box<ConnectRequest>,
    peer: Peer,
    hub: HubHandle,
    limits: ConnectionLimits,
) {
    let connection = hub.next_connection();
    let address = peer.address.clone();
    debug!(connection = connection.0, %address, "connected");
    let outbox = Arc::new(Outbox::new(limits.outbox));
    let (mut sink, mut stream) = socket.split();
    let over = match hub
        .connect(connection, request, peer, Arc::clone(&outbox))
        .await
    {
        Err(stopped) => Over::Stopping(stopped),
        // A client speaks only once it is answered: until then, nothing that it sends takes memory.
        Ok(()) => match write_batch(&mut sink, &outbox, limits.write_timeout).await {
            Err(over) => over,
            Ok(()) => tokio::select! {
                over = read(&mut stream, connection, &hub) => over,
                over = write(&mut sink, &outbox, limits.write_timeout) => over,
            },
        },
    };
    match &over {
        Over::Text | Over::TooLarge | Over::Malformed(_) | Over::Stuck(_) | Over::TooSlow => {
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

impl Over {
    /// Why the session has to end with the connection, if it has to.
    const fn fault(&self) -> Option<CloseReason> {
        match self {
            Self::Text | Self::Malformed(_) => Some(CloseReason::InvalidInboundMessage),
            Self::TooLarge => Some(CloseReason::MessageTooLarge),
            // The hub has told the broker already that the client is too slow; the rest may reconnect.
            _ => None,
        }
    }
}

/// Tells a client that is not served why, in the protocol's words, and closes the connection.
pub async fn refuse(mut socket: WebSocket, response: bytes::Bytes) {
    let goodbye = async {
        if socket.send(Message::Binary(response)).await.is_ok() {
            let frame = close_frame(close_code::NORMAL, "refused");
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
) -> Over {
    loop {
        let message = match stream.next().await {
            None => return Over::ByClient,
            Some(Err(error)) => return read_error(error),
            Some(Ok(message)) => message,
        };
        match message {
            Message::Binary(bytes) => {
                if let Err(stopped) = hub.receive(connection, bytes).await {
                    return Over::Stopping(stopped);
                }
            }
            Message::Text(_) => return Over::Text,
            Message::Close(_) => return Over::ByClient,
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
    loop {
        if let Err(over) = write_batch(sink, outbox, write_timeout).await {
            return over;
        }
    }
}

/// Waits for something to write, and writes it.
async fn write_batch(
    sink: &mut SplitSink<WebSocket, Message>,
    outbox: &Outbox,
    write_timeout: Duration,
) -> Result<(), Over> {
    let batch = match outbox.work().await {
        Work::Write(batch) => batch,
        Work::End(cause) => return Err(ended(cause)),
    };
    let write = async {
        for message in batch {
            sink.feed(Message::Binary(message)).await?;
        }
        sink.flush().await
    };
    tokio::select! {
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
        // Nobody is there to hear it, or the answer has been sent already.
        Over::ByClient | Over::Lost(_) => return,
        Over::Text => close_frame(close_code::UNSUPPORTED, "the protocol is binary"),
        Over::TooLarge => close_frame(close_code::SIZE, "the message is too large"),
        Over::Malformed(_) => close_frame(close_code::PROTOCOL, ""),
        Over::Stuck(_) | Over::TooSlow => close_frame(close_code::POLICY, "reads too slowly"),
        Over::ByService => close_frame(close_code::NORMAL, ""),
        Over::Stopping(_) => close_frame(close_code::AWAY, "the service is stopping"),
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

fn close_frame(code: u16, reason: &'static str) -> CloseFrame {
    CloseFrame {
        code,
        reason: reason.into(),
    }
}
