//! The least that a service over the same WebSocket library can do: whatever comes from one in a room goes to all in it.
//! It has no topics, no sessions and no limits, and shows what the library and the machine allow.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::routing::any;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::broadcast;

/// Messages that may wait for one that reads slowly.
const WAITING: usize = 1024;

type Rooms = Arc<Mutex<HashMap<String, broadcast::Sender<Bytes>>>>;

/// Serves on a free port of loopback until it is killed.
pub async fn serve() -> Result<()> {
    let rooms = Rooms::default();
    let router = Router::new().route("/{room}", any(join)).with_state(rooms);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on ws://{}/", listener.local_addr()?);
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // As the sandbox does it; without, small messages wait for others.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

async fn join(
    State(rooms): State<Rooms>,
    Path(room): Path<String>,
    upgrade: WebSocketUpgrade,
) -> axum::response::Response {
    let room = rooms
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry(room)
        .or_insert_with(|| broadcast::Sender::new(WAITING))
        .clone();
    upgrade
        .read_buffer_size(4096)
        .write_buffer_size(16 * 1024)
        .on_upgrade(move |socket| member(socket, room))
}

async fn member(socket: WebSocket, room: broadcast::Sender<Bytes>) {
    let mut said = room.subscribe();
    let (mut sink, mut stream) = socket.split();
    let read = async {
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Binary(bytes) = message {
                // Fails if nobody is in the room, not even this one.
                let _ = room.send(bytes);
            }
        }
    };
    let write = async {
        while let Ok(first) = said.recv().await {
            let mut next = Some(first);
            while let Some(bytes) = next {
                if sink.feed(Message::Binary(bytes)).await.is_err() {
                    return;
                }
                next = said.try_recv().ok();
            }
            if sink.flush().await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = read => {}
        () = write => {}
    }
}
