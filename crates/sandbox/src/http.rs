//! HTTP: the upgrade of `/diffusion` to WebSocket, whether the service works, and beside that the files of a page.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, State};
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use effusion_broker::Peer;
use effusion_protocol::{
    ConnectRequest, ConnectRequestError, ConnectResponse, ProtocolVersion, ResponseCode,
};
use tracing::info;

use crate::address::{Connections, Counted, Over};
use crate::connection::{self, ConnectionLimits};
use crate::hub::HubHandle;
use crate::origin::AllowedOrigins;
use crate::page;

/// Where clients connect.
pub const PATH: &str = "/diffusion";
/// Where supervisors ask whether the service works.
pub const HEALTH_PATH: &str = "/health";

/// Bytes that each connection reads at a time. Small, because every connection holds them all the time.
const READ_BUFFER: usize = 4096;
/// Bytes that are collected before they are written to the socket.
const WRITE_BUFFER: usize = 16 * 1024;

/// Whose connection a request came over.
#[derive(Clone, Debug)]
pub struct Caller {
    /// For session properties.
    pub peer: Peer,
    /// Its address.
    pub address: IpAddr,
    /// The address of the service that it came to.
    pub local: IpAddr,
    /// Its place in the count of connections, kept as long as the connection.
    pub counted: Arc<Counted>,
}

/// What requests are answered with.
#[derive(Clone, Debug)]
pub struct Service {
    /// The broker.
    pub hub: HubHandle,
    /// What bounds a connection.
    pub limits: ConnectionLimits,
    /// Clients that sign in.
    pub pending: Connections,
    /// The pages that may connect.
    pub origins: Arc<AllowedOrigins>,
    /// The largest message that is read, in bytes.
    pub max_message_size: usize,
    /// Dropped when the last connection is gone.
    pub alive: tokio::sync::mpsc::Sender<()>,
}

/// All that is served.
pub fn router(service: Service, files: Option<&Path>) -> Router {
    Router::new()
        .route(PATH, any(diffusion))
        .route(HEALTH_PATH, get(health))
        .with_state(service)
        .fallback_service(page::router(files))
}

/// Whether the service works. It ends if its broker does, so what can be told beside is that there is room for a client.
async fn health(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
) -> impl IntoResponse {
    let (status, words) = if service.hub.is_stopped() {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "The service is stopping.\n",
        )
    } else if caller.counted.over.is_some() {
        (StatusCode::SERVICE_UNAVAILABLE, "Too many connections.\n")
    } else {
        (StatusCode::OK, "The service works.\n")
    };
    (status, [(CACHE_CONTROL, "no-store")], words)
}

async fn diffusion(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    if let Some(refusal) = wrong_origin(&service.origins, &caller, &headers) {
        return refusal;
    }
    let upgrade = upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_message_size(service.max_message_size)
        .max_frame_size(service.max_message_size);
    let (words, refused) = match (caller.counted.over, connect_request(&uri, &headers)) {
        (None, Ok(request)) => {
            let Service {
                hub,
                limits,
                alive,
                pending,
                ..
            } = service;
            let pending = pending.join(caller.address);
            if let Some(pending) = pending.filter(|pending| pending.over.is_none()) {
                return upgrade.on_upgrade(move |socket| async move {
                    let Caller { peer, counted, .. } = caller;
                    connection::serve(socket, Box::new(request), peer, hub, limits, pending).await;
                    drop((counted, alive));
                });
            }
            info!(address = %caller.peer.address, "refused: too many clients sign in");
            let refused = ConnectResponse::refusal(request.version, ResponseCode::NotReady);
            return upgrade.on_upgrade(move |socket| async move {
                connection::refuse(socket, refused.encode(), "too many clients sign in").await;
                drop((caller, alive));
            });
        }
        (Some(over), _) => {
            info!(address = %caller.peer.address, ?over, "refused: too many connections");
            let words = match over {
                Over::Total => "too many connections",
                Over::Address => "too many connections from this address",
            };
            let version = version(&uri, &headers);
            (
                words,
                ConnectResponse::refusal(version, ResponseCode::LicenceExceeded),
            )
        }
        (None, Err(error)) => {
            info!(address = %caller.peer.address, %error, "refused");
            let version = version(&uri, &headers);
            let refusal = ConnectResponse::refusal(version, ResponseCode::ProtocolError);
            ("the connect request makes no sense", refusal)
        }
    };
    upgrade.on_upgrade(move |socket| async move {
        connection::refuse(socket, refused.encode(), words).await;
        drop((caller, service));
    })
}

/// The answer to a page that may not connect. A browser says which page it is; what is no browser can say anything, and so
/// need not be asked.
fn wrong_origin(
    origins: &AllowedOrigins,
    caller: &Caller,
    headers: &HeaderMap,
) -> Option<Response> {
    let mut named = headers.get_all(ORIGIN).iter();
    let origin = named.next()?;
    let origin = origin.to_str().unwrap_or_default();
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if named.next().is_none() && origins.allow(origin, host, caller.local) {
        return None;
    }
    info!(
        address = %caller.peer.address,
        origin = origin.escape_debug().to_string(),
        "refused: pages of this origin may not connect (--allow-origin)"
    );
    let words = "Pages of this origin may not connect here. The service is told which may: --allow-origin.\n";
    Some((StatusCode::FORBIDDEN, words).into_response())
}

/// Browsers can only send a query, Java clients send headers.
fn connect_request(uri: &Uri, headers: &HeaderMap) -> Result<ConnectRequest, ConnectRequestError> {
    match uri.query() {
        Some(query) if !query.is_empty() => ConnectRequest::from_query(query),
        _ => ConnectRequest::from_pairs(|name| header(headers, name)),
    }
}

/// The version that a refusal of a bad request is written for: the client's, if it says one.
fn version(uri: &Uri, headers: &HeaderMap) -> u8 {
    let query = uri.query().unwrap_or_default();
    let from_query = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("v=")?.parse().ok());
    from_query
        .or_else(|| header(headers, "v")?.parse().ok())
        .unwrap_or(ProtocolVersion::NEWEST.number())
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
