//! HTTP: the upgrade of `/diffusion` to WebSocket, and the files of a built page.

use std::net::IpAddr;
use std::path::{Component, Path};
use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Extension, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use effusion_broker::Peer;
use effusion_protocol::{
    ConnectRequest, ConnectRequestError, ConnectResponse, ProtocolVersion, ResponseCode,
};
use percent_encoding::percent_decode_str;
use tower_http::services::ServeDir;
use tracing::info;

use crate::address::{Connections, Counted, Over};
use crate::connection::{self, ConnectionLimits};
use crate::hub::HubHandle;
use crate::origin::AllowedOrigins;

/// Where clients connect.
pub const PATH: &str = "/diffusion";

/// Bytes that each connection reads at a time. Small, because every connection holds them all the time.
const READ_BUFFER: usize = 4096;
/// Bytes that are collected before they are written to the socket.
const WRITE_BUFFER: usize = 16 * 1024;

/// What a page served beside the service may do: the policy that Effusion's page has in its HTML, and that no other page
/// may frame it, which only a header can say. `connect-src` leaves open which Diffusion service the reader chooses.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data: https:; connect-src 'self' ws: wss:; font-src 'self'; manifest-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types effusion; \
    frame-ancestors 'none'";

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
    let router = Router::new()
        .route(PATH, any(diffusion))
        .with_state(service);
    match files {
        None => router.fallback(nothing_here),
        Some(folder) => {
            let files = ServeDir::new(folder)
                .precompressed_br()
                .precompressed_gzip();
            // Only what lies in the folder itself is served, wherever links in it lead.
            let root = folder.canonicalize();
            let root: Arc<Path> = root.unwrap_or_else(|_| folder.to_path_buf()).into();
            router
                .fallback_service(
                    Router::new()
                        .fallback_service(files)
                        .layer(middleware::from_fn_with_state(root, within_folder)),
                )
                .layer(middleware::from_fn(file_headers))
        }
    }
}

/// Refuses what is not in the folder, and paths that a browser reads as another host's address where one is sent back to it.
async fn within_folder(State(root): State<Arc<Path>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_plain = !path.contains("//") && !path.contains('\\');
    if is_plain && is_within(&root, path).await {
        next.run(request).await
    } else {
        (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response()
    }
}

/// Whether all that may be sent for a path lies in the folder, once links are followed.
async fn is_within(root: &Path, path: &str) -> bool {
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return false;
    };
    let relative = Path::new(path.trim_start_matches('/'));
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if !relative.components().all(is_plain) {
        return false;
    }
    let file = root.join(relative);
    for file in [file.join("index.html"), file] {
        for ending in ["", ".br", ".gz"] {
            let mut name = file.clone().into_os_string();
            name.push(ending);
            // What is not there is for the service of files to say.
            let real = tokio::fs::canonicalize(name).await;
            if real.is_ok_and(|real| !real.starts_with(root)) {
                return false;
            }
        }
    }
    true
}

async fn nothing_here() -> impl IntoResponse {
    (
        StatusCode::NOT_FOUND,
        "There is nothing here. Diffusion clients connect to /diffusion.\n",
    )
}

/// What a page's files are sent with.
async fn file_headers(request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>();
    if request.uri().path() != PATH && caller.is_some_and(|caller| caller.counted.over.is_some()) {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many connections.\n").into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CONTENT_SECURITY_POLICY, POLICY),
        // A page that was built again is seen at once; what did not change is not sent again.
        (CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
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
