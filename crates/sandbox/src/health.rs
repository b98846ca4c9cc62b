//! Asking a sandbox whether it works: for supervisors that know programs only, as in an image without a shell.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    self, ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned,
};

use crate::http::HEALTH_PATH;
use crate::tls::{self, TlsError};

/// How long each step may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of an answer that are read.
const MAX_ANSWER: u64 = 4096;

/// Why a sandbox is not known to work.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// There is no answer.
    #[error("{address} does not answer: {error}")]
    NoAnswer {
        /// Where it was asked for.
        address: String,
        /// What went wrong.
        error: io::Error,
    },
    /// It answers with something else than that it works.
    #[error("{address} answers: {answer}")]
    Unwell {
        /// Where it was asked.
        address: String,
        /// The first line of the answer.
        answer: String,
    },
    /// The certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] TlsError),
    /// TLS cannot be configured.
    #[error("TLS cannot be had: {0}")]
    Tls(#[from] rustls::Error),
}

/// Asks the sandbox at an address (`127.0.0.1:8080`) whether it works. With a certificate file it speaks TLS, and takes only
/// what shows this certificate, whatever names are in it.
///
/// # Errors
/// If it does not answer that it works within seconds.
pub fn check(address: &str, certificate: Option<&Path>) -> Result<(), HealthError> {
    let no_answer = |error| HealthError::NoAnswer {
        address: address.to_owned(),
        error,
    };
    let stream = connect(address).map_err(no_answer)?;
    let answer = match certificate {
        None => ask(stream).map_err(no_answer)?,
        Some(file) => {
            let expected = tls::chain(file)?.into_iter().next();
            let verifier = Arc::new(Pinned {
                expected: expected.ok_or_else(|| TlsError::NoCertificate(file.to_owned()))?,
                provider: ring::default_provider(),
            });
            let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .dangerous()
                .with_custom_certificate_verifier(verifier)
                .with_no_client_auth();
            let name = ServerName::try_from("localhost")
                .map_err(|_| rustls::Error::General("localhost is no name for TLS".to_owned()))?;
            let connection = ClientConnection::new(Arc::new(config), name)?;
            ask(StreamOwned::new(connection, stream)).map_err(no_answer)?
        }
    };
    let first = answer.lines().next().unwrap_or_default();
    if first.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    Err(HealthError::Unwell {
        address: address.to_owned(),
        answer: first.escape_debug().to_string(),
    })
}

fn connect(address: &str) -> io::Result<TcpStream> {
    let mut problem = io::ErrorKind::AddrNotAvailable.into();
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(stream) => {
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

fn ask(mut stream: impl Read + Write) -> io::Result<String> {
    let request =
        format!("GET {HEALTH_PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    stream.flush()?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Takes one certificate only: the check knows the file that the service shows, and not by which name others reach it.
#[derive(Debug)]
struct Pinned {
    expected: CertificateDer<'static>,
    provider: CryptoProvider,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if *shown == self.expected {
            Ok(ServerCertVerified::assertion())
        } else {
            let error = rustls::CertificateError::ApplicationVerificationFailure;
            Err(rustls::Error::InvalidCertificate(error))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
