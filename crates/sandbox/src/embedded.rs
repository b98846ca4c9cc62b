//! The page that is built in, served as a folder is.

use std::future::{Ready, ready};
use std::io::{self, Cursor, SeekFrom};
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::SystemTime;

use axum::Router;
use include_dir::Dir;
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};
use tower_http::services::ServeDir;
use tower_http::services::fs::{Backend, File, Metadata};

/// The page: `dist/` of this workspace, or what `EFFUSION_DIST` named when the program was built.
#[cfg(feature = "embedded-page")]
pub static PAGE: Dir<'static> = include_dir::include_dir!("$EFFUSION_PAGE");

/// All files of a page.
pub fn router(page: &'static Dir<'static>) -> Router {
    let files = ServeDir::with_backend("", Files(page))
        .precompressed_br()
        .precompressed_gzip();
    Router::new().fallback_service(files)
}

/// Files in the program.
#[derive(Clone, Copy)]
struct Files(&'static Dir<'static>);

/// What is known of a file.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    /// `None` for a folder.
    length: Option<usize>,
    modified: Option<SystemTime>,
}

impl Metadata for Known {
    fn is_dir(&self) -> bool {
        self.length.is_none()
    }

    fn modified(&self) -> io::Result<SystemTime> {
        self.modified
            .ok_or_else(|| io::ErrorKind::Unsupported.into())
    }

    fn len(&self) -> u64 {
        self.length.unwrap_or_default() as u64
    }
}

/// An open file.
#[derive(Debug)]
pub struct Opened {
    known: Known,
    bytes: Cursor<&'static [u8]>,
}

impl AsyncRead for Opened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_read(context, buffer)
    }
}

impl AsyncSeek for Opened {
    fn start_seek(mut self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        Pin::new(&mut self.bytes).start_seek(position)
    }

    fn poll_complete(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Pin::new(&mut self.bytes).poll_complete(context)
    }
}

impl File for Opened {
    type Metadata = Known;
    type MetadataFuture<'a> = Ready<io::Result<Known>>;

    fn metadata(&self) -> Self::MetadataFuture<'_> {
        ready(Ok(self.known))
    }
}

impl Backend for Files {
    type File = Opened;
    type Metadata = Known;
    type OpenFuture = Ready<io::Result<Opened>>;
    type MetadataFuture = Ready<io::Result<Known>>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        ready(self.find(&path))
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let folder = Known {
            length: None,
            modified: None,
        };
        ready(match self.find(&path) {
            Ok(opened) => Ok(opened.known),
            Err(_) if self.has_folder(&path) => Ok(folder),
            Err(error) => Err(error),
        })
    }
}

impl Files {
    fn find(self, path: &Path) -> io::Result<Opened> {
        let file = self.0.get_file(plain(path));
        let file = file.ok_or(io::ErrorKind::NotFound)?;
        Ok(Opened {
            known: Known {
                length: Some(file.contents().len()),
                modified: file.metadata().map(|known| known.modified()),
            },
            bytes: Cursor::new(file.contents()),
        })
    }

    fn has_folder(self, path: &Path) -> bool {
        let path = plain(path);
        path.as_os_str().is_empty() || self.0.get_dir(path).is_some()
    }
}

/// The path as the files are named: without `.`. Parts that lead elsewhere stay, and name nothing.
fn plain(path: &Path) -> PathBuf {
    let parts = path.components();
    parts.filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page;
    use axum::body::{Body, Bytes};
    use axum::http::header::{ETAG, IF_NONE_MATCH};
    use axum::http::{HeaderMap, Method, Request, StatusCode};
    use tower::ServiceExt as _;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page");

    static SMALL: Dir<'static> = include_dir::include_dir!("$CARGO_MANIFEST_DIR/tests/page");

    async fn answer(router: Router, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
        let (head, body) = router.oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (head.status, head.headers, body)
    }

    fn request(method: &Method, path: &str) -> Request<Body> {
        let request = Request::builder().method(method).uri(path);
        request.body(Body::empty()).unwrap()
    }

    #[tokio::test]
    async fn what_is_built_in_is_served_as_a_folder_is() {
        let built_in = page::guarded(router(&SMALL));
        let folder = page::router(Some(Path::new(FOLDER)));
        for method in [Method::GET, Method::HEAD, Method::POST] {
            for path in [
                "/",
                "/index.html?room=a",
                "/app.js",
                "/app.wasm",
                "/languages",
                "/languages/",
                "/languages/de.json",
                "/languages/de.json/",
                "/nothing",
                "/../page/app.js",
                "/%2e%2e/page/app.js",
                "/%00",
                "//languages",
                "/\\languages",
            ] {
                let Ok(_) = path.parse::<axum::http::Uri>() else {
                    continue;
                };
                let mut one = answer(built_in.clone(), request(&method, path)).await;
                let mut other = answer(folder.clone(), request(&method, path)).await;
                // One knows the seconds of a change, the other its nanoseconds.
                let tags = (one.1.remove(ETAG), other.1.remove(ETAG));
                assert_eq!(tags.0.is_some(), tags.1.is_some(), "{method} {path}");
                if other.0 == StatusCode::NOT_FOUND {
                    // What does not lie in the folder is refused in words.
                    let expected = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
                    assert!(expected.contains(&one.0), "{method} {path}: {}", one.0);
                } else {
                    assert_eq!(one, other, "{method} {path}");
                }
            }
        }
    }

    #[tokio::test]
    async fn what_has_not_changed_is_not_sent_again() {
        let built_in = page::guarded(router(&SMALL));
        let first = answer(built_in.clone(), request(&Method::GET, "/app.js")).await;
        assert_eq!(
            (first.0, &first.2[..]),
            (StatusCode::OK, &b"export {};\n"[..])
        );
        let mut again = request(&Method::GET, "/app.js");
        let tag = first.1[ETAG].clone();
        again.headers_mut().insert(IF_NONE_MATCH, tag);
        let second = answer(built_in, again).await;
        assert_eq!((second.0, second.2.len()), (StatusCode::NOT_MODIFIED, 0));
    }
}
