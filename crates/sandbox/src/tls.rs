//! TLS from two PEM files, which may be replaced while the service runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tracing::{info, warn};

/// How often the files are looked at.
pub const CHECK_EVERY: Duration = Duration::from_secs(30);

/// Why a certificate or its key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file cannot be read, or is not PEM.
    #[error("{what} {file} cannot be read: {error}", file = file.display())]
    Read {
        /// Which of the files.
        what: &'static str,
        /// Where it is.
        file: PathBuf,
        /// What went wrong.
        error: pem::Error,
    },
    /// The file has no certificate in it.
    #[error("the file {file} has no certificate in it", file = .0.display())]
    NoCertificate(PathBuf),
    /// The certificate and the key do not fit, or are of a kind that is not supported.
    #[error("the certificate and its key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}

/// Reads a certificate chain.
///
/// # Errors
/// If the file cannot be read, or has no certificate in it.
pub fn chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    parse_chain(file, &read("the certificate", file)?)
}

fn read(what: &'static str, file: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(file).map_err(|error| TlsError::Read {
        what,
        file: file.to_owned(),
        error: pem::Error::Io(error),
    })
}

fn parse_chain(file: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    let chain = chain.map_err(|error| TlsError::Read {
        what: "the certificate",
        file: file.to_owned(),
        error,
    })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(file.to_owned()));
    }
    Ok(chain)
}

/// What the two files hold.
type Contents = (Vec<u8>, Vec<u8>);

/// A certificate chain and its key, as the files have them now.
#[derive(Debug)]
pub struct Certificates {
    certificate: PathBuf,
    key: PathBuf,
    /// What was read last, whether it could be used or not.
    seen: Option<Contents>,
    current: watch::Sender<Arc<CertifiedKey>>,
}

/// Gives each new connection what is current.
#[derive(Debug)]
struct Current(watch::Receiver<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.borrow()))
    }
}

impl Certificates {
    /// Reads a certificate chain and its key.
    ///
    /// # Errors
    /// If a file cannot be read, or the two do not fit.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let contents = contents(certificate, key)?;
        let usable = usable(certificate, key, &contents)?;
        Ok(Self {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            seen: Some(contents),
            current: watch::Sender::new(Arc::new(usable)),
        })
    }

    /// Accepts connections with what is current when they are made.
    ///
    /// # Errors
    /// If TLS cannot be configured.
    pub fn acceptor(&self) -> Result<TlsAcceptor, TlsError> {
        let resolver = Arc::new(Current(self.current.subscribe()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        // WebSocket upgrades are HTTP/1.1 here.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Loads the files again when they have changed, which is looked at so often, and when the process gets SIGHUP. What
    /// cannot be used, because a file is being written, for instance, changes nothing.
    pub async fn keep_current(mut self, period: Duration) {
        let mut hangups = Hangups::listen();
        loop {
            let is_asked = tokio::select! {
                () = tokio::time::sleep(period) => false,
                () = hangups.next() => true,
            };
            let files = (self.certificate.clone(), self.key.clone());
            let read = tokio::task::spawn_blocking(move || contents(&files.0, &files.1)).await;
            let Ok(read) = read else {
                // The runtime is being shut down.
                return;
            };
            self.take(read, is_asked);
        }
    }

    fn take(&mut self, read: Result<Contents, TlsError>, is_asked: bool) {
        let before = self.seen.take();
        let loaded = read.and_then(|contents| {
            let is_new = before.as_ref() != Some(&contents);
            let loaded = (is_new || is_asked)
                .then(|| usable(&self.certificate, &self.key, &contents))
                .transpose();
            self.seen = Some(contents);
            loaded
        });
        match loaded {
            Ok(None) => {}
            Ok(Some(key)) => {
                self.current.send_replace(Arc::new(key));
                info!(file = %self.certificate.display(), "the TLS certificate was loaded again");
            }
            // Of what is missing for longer, it is said once.
            Err(_) if self.seen.is_none() && before.is_none() && !is_asked => {}
            Err(error) => warn!(%error, "the TLS certificate stays as it was"),
        }
    }
}

fn contents(certificate: &Path, key: &Path) -> Result<Contents, TlsError> {
    Ok((read("the certificate", certificate)?, read("the key", key)?))
}

fn usable(certificate: &Path, key: &Path, contents: &Contents) -> Result<CertifiedKey, TlsError> {
    let chain = parse_chain(certificate, &contents.0)?;
    let key = PrivateKeyDer::from_pem_slice(&contents.1).map_err(|error| TlsError::Read {
        what: "the key",
        file: key.to_owned(),
        error,
    })?;
    Ok(CertifiedKey::from_der(
        chain,
        key,
        &ring::default_provider(),
    )?)
}

/// The signals SIGHUP, where there are any.
struct Hangups {
    #[cfg(unix)]
    signals: Option<tokio::signal::unix::Signal>,
}

impl Hangups {
    fn listen() -> Self {
        Self {
            #[cfg(unix)]
            signals: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup())
                .inspect_err(|error| warn!(%error, "SIGHUP does not load the certificate again"))
                .ok(),
        }
    }

    async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signals) = &mut self.signals
            && signals.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(folder: &Path) -> CertificateDer<'static> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(folder.join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        made.cert.der().clone()
    }

    #[tokio::test]
    async fn files_that_change_are_loaded_again_once_they_fit() {
        let folder = tempfile::tempdir().unwrap();
        let first = make(folder.path());
        let (certificate, key) = (
            folder.path().join("cert.pem"),
            folder.path().join("key.pem"),
        );
        let certificates = Certificates::load(&certificate, &key).unwrap();
        let mut current = certificates.current.subscribe();
        let shown = |key: &Arc<CertifiedKey>| key.cert.first().cloned();
        assert_eq!(shown(&current.borrow_and_update()), Some(first.clone()));
        let task = tokio::spawn(certificates.keep_current(Duration::from_millis(5)));

        // A certificate without its key, no key, and then both.
        let elsewhere = tempfile::tempdir().unwrap();
        let second = make(elsewhere.path());
        std::fs::copy(elsewhere.path().join("cert.pem"), &certificate).unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        std::fs::remove_file(&key).unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(shown(&current.borrow()), Some(first));
        std::fs::copy(elsewhere.path().join("key.pem"), &key).unwrap();
        current
            .wait_for(|key| shown(key) == Some(second.clone()))
            .await
            .unwrap();
        assert!(!task.is_finished());
        task.abort();
    }
}
