//! The files of a built page: those of a folder, or those that are built in.

use std::path::{Component, Path};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, RANGE,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use tower_http::services::ServeDir;

use crate::http::Caller;

/// What a page served beside the service may do: the policy that Effusion's page has in its HTML, and that no other page
/// may frame it, which only a header can say. `connect-src` leaves open which Diffusion service the reader chooses.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self' data: https:; connect-src 'self' ws: wss:; font-src 'self'; manifest-src 'self'; worker-src 'self'; \
    base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types effusion; \
    frame-ancestors 'none'";

/// Whether a page is built in: the feature `embedded-page`.
pub const IS_EMBEDDED: bool = cfg!(feature = "embedded-page");

/// The files of a folder; without one, of the page that is built in, if there is one.
pub fn router(folder: Option<&Path>) -> Router {
    match folder {
        Some(folder) => guarded(of_folder(folder)),
        #[cfg(feature = "embedded-page")]
        None => guarded(crate::embedded::router(&crate::embedded::PAGE)),
        #[cfg(not(feature = "embedded-page"))]
        None => Router::new().fallback(nothing_here),
    }
}

/// Files with all that they are sent with.
pub(crate) fn guarded(files: Router) -> Router {
    files
        .layer(middleware::from_fn(tell_origin))
        .layer(middleware::from_fn(guard))
}

/// The largest page that is told where its service is, in bytes.
const MAX_HTML: usize = 1 << 20;

/// Tells a page that its service is where it came from.
async fn tell_origin(mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if !path.ends_with('/') && !path.ends_with(".html") {
        return next.run(request).await;
    }
    // It is changed on its way, so it is needed plain and whole.
    request.headers_mut().remove(ACCEPT_ENCODING);
    request.headers_mut().remove(RANGE);
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(html) = axum::body::to_bytes(body, MAX_HTML).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let html = String::from_utf8_lossy(&html);
    let told = html.replacen("<title>", &[ORIGIN, "<title>"].concat(), 1);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(told))
}

/// What says so to the page, which reads it in `src/services/navigation.rs`.
const ORIGIN: &str = "<meta name=\"effusion-origin\" content=\"true\">";

#[cfg(not(feature = "embedded-page"))]
async fn nothing_here() -> impl IntoResponse {
    (
        StatusCode::NOT_FOUND,
        "There is nothing here. Diffusion clients connect to /diffusion.\n",
    )
}

fn of_folder(folder: &Path) -> Router {
    let files = ServeDir::new(folder)
        .precompressed_br()
        .precompressed_gzip();
    // Only what lies in the folder itself is served, wherever links in it lead.
    let root = folder.canonicalize();
    let root: Arc<Path> = root.unwrap_or_else(|_| folder.to_path_buf()).into();
    Router::new()
        .fallback_service(files)
        .layer(middleware::from_fn_with_state(root, within_folder))
}

/// Refuses what is not in the folder.
async fn within_folder(State(root): State<Arc<Path>>, request: Request, next: Next) -> Response {
    if is_within(&root, request.uri().path()).await {
        next.run(request).await
    } else {
        not_found()
    }
}

/// Whether all that may be sent for a path lies in the folder, once links are followed.
async fn is_within(root: &Path, path: &str) -> bool {
    let Ok(path) = percent_decode_str(path).decode_utf8() else {
        return false;
    };
    let relative = Path::new(path.trim_start_matches('/'));
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    if path.contains('\0') || !relative.components().all(is_plain) {
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

fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "There is nothing here.\n").into_response()
}

/// What a page's files are sent with. Paths that a browser reads as another host's address, where one is sent back to it, are
/// refused.
async fn guard(request: Request, next: Next) -> Response {
    let caller = request.extensions().get::<Caller>();
    if caller.is_some_and(|caller| caller.counted.over.is_some()) {
        return (StatusCode::SERVICE_UNAVAILABLE, "Too many connections.\n").into_response();
    }
    let path = request.uri().path();
    let is_plain = !path.contains("//") && !path.contains('\\');
    let mut response = if is_plain {
        next.run(request).await
    } else {
        not_found()
    };
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
