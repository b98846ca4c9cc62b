//! TLS by rustls.

use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, Error, InvalidMessage, RootCertStore};

use crate::{TransportError, TransportErrorKind};

/// What to trust.
#[derive(Clone, Debug, Default)]
pub(crate) enum Tls {
    /// What the features have to offer.
    #[default]
    Default,
    #[cfg(feature = "rustls-platform-roots")]
    Platform,
    #[cfg(feature = "rustls-webpki-roots")]
    Webpki,
    Own(Arc<ClientConfig>),
}

fn error(cause: impl core::error::Error + Send + Sync + 'static) -> TransportError {
    TransportError::with_cause(TransportErrorKind::Tls, cause)
}

impl Tls {
    fn config(&self) -> Result<Arc<ClientConfig>, TransportError> {
        let roots = match self {
            Self::Own(config) => return Ok(Arc::clone(config)),
            #[cfg(feature = "rustls-platform-roots")]
            Self::Platform => platform_roots()?,
            #[cfg(feature = "rustls-webpki-roots")]
            Self::Webpki => webpki_roots(),
            Self::Default => default_roots()?,
        };
        // Said here, as a program may have several providers.
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(error)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

#[cfg(feature = "rustls-platform-roots")]
use platform_roots as default_roots;

#[cfg(all(
    feature = "rustls-webpki-roots",
    not(feature = "rustls-platform-roots")
))]
#[expect(clippy::unnecessary_wraps, reason = "as where the roots are read")]
fn default_roots() -> Result<RootCertStore, TransportError> {
    Ok(webpki_roots())
}

/// Nobody is trusted.
#[cfg(not(any(feature = "rustls-webpki-roots", feature = "rustls-platform-roots")))]
#[expect(clippy::unnecessary_wraps, reason = "as where the roots are read")]
fn default_roots() -> Result<RootCertStore, TransportError> {
    Ok(RootCertStore::empty())
}

#[cfg(feature = "rustls-platform-roots")]
fn platform_roots() -> Result<RootCertStore, TransportError> {
    let mut found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Operating systems have certificates that are older than the rules for them.
    roots.add_parsable_certificates(found.certs);
    match found.errors.pop() {
        Some(cause) if roots.is_empty() => Err(error(cause)),
        _ => Ok(roots),
    }
}

#[cfg(feature = "rustls-webpki-roots")]
fn webpki_roots() -> RootCertStore {
    RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    }
}

/// Agrees on TLS with a host.
pub(super) async fn secure(
    host: &str,
    tcp: TcpStream,
    tls: &Tls,
) -> Result<TlsStream<TcpStream>, TransportError> {
    let name = ServerName::try_from(host.to_owned()).map_err(error)?;
    let connector = TlsConnector::from(tls.config()?);
    connector.connect(name, tcp).await.map_err(|cause| {
        let inner = cause.get_ref().and_then(|inner| inner.downcast_ref());
        let kind = match inner {
            Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
                TransportErrorKind::NoTls
            }
            _ => TransportErrorKind::Tls,
        };
        TransportError::with_cause(kind, cause)
    })
}
