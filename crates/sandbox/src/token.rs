//! Sign-in by token: JSON Web Tokens (RFC 7519) that somebody else issued, signed with HS256 or EdDSA (Ed25519).
//!
//! Each key is for one algorithm, which the key's own form decides, not the token: a public key is never taken for a
//! shared secret. Tokens without a signature, and those of any other algorithm, are refused.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use effusion_broker::TokenClaims;
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error as JwtError, ErrorKind};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey, Validation};
use ring::{hmac, signature as ring_signature};
use serde::Deserialize;
use serde_json::{Map, Value};
use signature::Verifier;
use tokio_rustls::rustls::pki_types::SubjectPublicKeyInfoDer;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject as _};

/// The shortest secret for HS256, in bytes: as long as its hash (source: RFC 7518, 3.2).
const SHORTEST_SECRET: usize = 32;
/// The largest key file that is read, in bytes.
const LARGEST_FILE: u64 = 64 * 1024;
/// What the DER form of every Ed25519 public key begins with; its 32 bytes follow (source: RFC 8410).
const ED25519_SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];
const ED25519_KEY: usize = 32;
/// Roles that one token may name, and bytes in each; bytes in a subject.
const MOST_ROLES: usize = 64;
const LONGEST_NAME: usize = 256;

/// Where the settings for tokens come from.
#[derive(Clone, Debug)]
pub enum TokenSource {
    /// The command line.
    Flags(TokenSettings),
    /// A JSON file with the fields of [`TokenSettings`]; the last two may be missing.
    File(PathBuf),
}

impl TokenSource {
    /// The settings. Key files that a file names are looked for beside it.
    ///
    /// # Errors
    /// If the file cannot be read, or makes no sense.
    pub fn settings(&self) -> Result<TokenSettings, TokenKeyError> {
        let file = match self {
            Self::Flags(settings) => return Ok(settings.clone()),
            Self::File(file) => file,
        };
        let text = std::fs::read_to_string(file).map_err(|error| TokenKeyError::Read {
            file: file.clone(),
            error,
        })?;
        let mut settings: TokenSettings =
            serde_json::from_str(&text).map_err(|error| TokenKeyError::Settings {
                file: file.clone(),
                error,
            })?;
        if settings.key_files.is_empty() {
            return Err(TokenKeyError::NoKeys(file.clone()));
        }
        let folder = file.parent().unwrap_or(Path::new(""));
        for key in &mut settings.key_files {
            *key = folder.join(&*key);
        }
        Ok(settings)
    }
}

/// The claim that has the roles, usually.
pub const ROLES_CLAIM: &str = "roles";
/// How many seconds clocks may differ, usually.
pub const LEEWAY: u32 = 5;

/// Whose tokens are accepted, and how they are read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// Files with a key each: a PEM file with Ed25519 public keys, or a secret for HS256 as it is. A token must be signed
    /// with one of them.
    pub key_files: Vec<PathBuf>,
    /// What the claim `iss` must be.
    pub issuer: String,
    /// What the claim `aud` must be, or have among others.
    pub audience: String,
    /// The claim with the roles: a list of texts, or one text with spaces between the roles. Dots lead into objects.
    #[serde(default = "roles_claim")]
    pub roles_claim: String,
    /// How many seconds the issuer's clock may differ from the one here.
    #[serde(default = "leeway")]
    pub leeway: u32,
}

fn roles_claim() -> String {
    ROLES_CLAIM.to_owned()
}

const fn leeway() -> u32 {
    LEEWAY
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenKeyError {
    /// The file cannot be read.
    #[error("the token key {file} cannot be read: {error}", file = .file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The settings make no sense.
    #[error("the settings for tokens in {file} make no sense: {error}", file = .file.display())]
    Settings {
        /// The file.
        file: PathBuf,
        /// Why.
        error: serde_json::Error,
    },
    /// The settings name no key.
    #[error("the settings for tokens in {file} name no key", file = .0.display())]
    NoKeys(PathBuf),
    /// The file is no PEM file, although it looks like one.
    #[error("the token key {file} cannot be read: {error}", file = .file.display())]
    Pem {
        /// The file.
        file: PathBuf,
        /// Why.
        error: pem::Error,
    },
    /// A PEM file with something else in it.
    #[error(
        "the token key {file} has no Ed25519 public key in it (\"BEGIN PUBLIC KEY\"); that is the only kind of key that \
         is read from a PEM file",
        file = .0.display()
    )]
    NotEd25519(PathBuf),
    /// A secret that could be guessed.
    #[error(
        "the secret in {file} has {length} bytes, but one for HS256 needs {SHORTEST_SECRET} or more (RFC 7518)",
        file = .file.display()
    )]
    ShortSecret {
        /// The file.
        file: PathBuf,
        /// Bytes in it.
        length: usize,
    },
    /// The file is too large to be a key.
    #[error("the token key {file} is too large to be one", file = .0.display())]
    TooLarge(PathBuf),
}

/// Why a token is not believed. For the log: the client is told only that it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// It is not a token, or signed in a way that is not accepted, or with another key, or for others.
    #[error("the token is not valid: {0:?}")]
    Invalid(ErrorKind),
    /// None of the keys is for its algorithm.
    #[error("there is no key for tokens of {0:?}")]
    NoKey(Algorithm),
    /// Its head names extensions that must be understood, and none is here (source: RFC 7515, 4.1.11).
    #[error("the token needs extensions that are not there")]
    Critical,
    /// It is over.
    #[error("the token has expired")]
    Expired,
    /// It is for later.
    #[error("the token is not valid yet")]
    NotYet,
    /// A claim is missing, or is not what it should be.
    #[error("the token's claim {0:?} makes no sense")]
    Claim(String),
}

/// Checks tokens.
#[derive(Debug)]
pub struct TokenVerifier {
    keys: Vec<(Algorithm, DecodingKey)>,
    issuer: String,
    audience: String,
    roles_claim: String,
    leeway_ms: u64,
}

impl TokenVerifier {
    /// Reads the keys.
    ///
    /// # Errors
    /// If a file cannot be read, or what it holds is no key or a weak one.
    pub fn load(settings: &TokenSettings) -> Result<Self, TokenKeyError> {
        let mut keys = Vec::new();
        for file in &settings.key_files {
            keys.extend(read_keys(file)?);
        }
        install_cryptography();
        Ok(Self {
            keys,
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            roles_claim: settings.roles_claim.clone(),
            leeway_ms: u64::from(settings.leeway) * 1000,
        })
    }

    /// What a token says, if it is to be believed at this moment (in milliseconds since 1970).
    ///
    /// # Errors
    /// See [`TokenRefusal`].
    pub fn verify(&self, token: &str, now_ms: u64) -> Result<TokenClaims, TokenRefusal> {
        let invalid = |error: JwtError| TokenRefusal::Invalid(error.into_kind());
        let header = jsonwebtoken::decode_header(token).map_err(invalid)?;
        if header.crit.is_some() {
            return Err(TokenRefusal::Critical);
        }
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
        // Times are checked below, by the clock of the service.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let mut refusal = TokenRefusal::NoKey(header.alg);
        for (_, key) in self.keys.iter().filter(|(alg, _)| *alg == header.alg) {
            match jsonwebtoken::decode::<Map<String, Value>>(token, key, &validation) {
                Ok(data) => return self.read(&data.claims, now_ms),
                Err(error) => refusal = invalid(error),
            }
        }
        Err(refusal)
    }

    fn read(&self, claims: &Map<String, Value>, now_ms: u64) -> Result<TokenClaims, TokenRefusal> {
        let bad = |name: &str| TokenRefusal::Claim(name.to_owned());
        let exp = claims.get("exp").and_then(milliseconds);
        let expires_ms = exp
            .and_then(|exp| exp.checked_add(self.leeway_ms))
            .ok_or_else(|| bad("exp"))?;
        if expires_ms <= now_ms {
            return Err(TokenRefusal::Expired);
        }
        if let Some(nbf) = claims.get("nbf") {
            let nbf = milliseconds(nbf).ok_or_else(|| bad("nbf"))?;
            if nbf > now_ms.saturating_add(self.leeway_ms) {
                return Err(TokenRefusal::NotYet);
            }
        }
        let subject = claims.get("sub").and_then(Value::as_str);
        let subject = subject.filter(|it| is_name(it)).ok_or_else(|| bad("sub"))?;
        let roles = match self.roles_in(claims) {
            None => BTreeSet::new(),
            Some(value) => roles(value).ok_or_else(|| bad(&self.roles_claim))?,
        };
        Ok(TokenClaims {
            subject: subject.to_owned(),
            roles,
            issued_ms: claims.get("iat").and_then(milliseconds),
            expires_ms,
        })
    }

    /// The claim of that whole name (names may have dots), or what the dots lead to.
    fn roles_in<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        claims.get(&self.roles_claim).or_else(|| {
            let mut parts = self.roles_claim.split('.');
            let first = claims.get(parts.next()?)?;
            parts.try_fold(first, |value, part| value.get(part))
        })
    }
}

/// A time in seconds since 1970, which may have a fraction (source: RFC 7519, 2, "NumericDate").
fn milliseconds(value: &Value) -> Option<u64> {
    if let Some(seconds) = value.as_u64() {
        return seconds.checked_mul(1000);
    }
    let milliseconds = value.as_f64()? * 1000.0;
    // Beyond this, floating point numbers do not tell milliseconds apart.
    let is_time = (0.0..9e15).contains(&milliseconds);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it was just checked"
    )]
    is_time.then_some(milliseconds as u64)
}

fn roles(value: &Value) -> Option<BTreeSet<String>> {
    let roles: BTreeSet<String> = match value {
        Value::Null => BTreeSet::new(),
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(values) => values
            .iter()
            .take(MOST_ROLES + 1)
            .map(|value| value.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
        _ => return None,
    };
    (roles.len() <= MOST_ROLES && roles.iter().all(|role| is_name(role))).then_some(roles)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

fn read_keys(file: &Path) -> Result<Vec<(Algorithm, DecodingKey)>, TokenKeyError> {
    let read = |error| TokenKeyError::Read {
        file: file.to_owned(),
        error,
    };
    if std::fs::metadata(file).map_err(read)?.len() > LARGEST_FILE {
        return Err(TokenKeyError::TooLarge(file.to_owned()));
    }
    let bytes = std::fs::read(file).map_err(read)?;
    if bytes.windows(10).any(|window| window == b"-----BEGIN") {
        let mut keys = Vec::new();
        for key in SubjectPublicKeyInfoDer::pem_slice_iter(&bytes) {
            let key = key.map_err(|error| TokenKeyError::Pem {
                file: file.to_owned(),
                error,
            })?;
            let raw = key
                .as_ref()
                .strip_prefix(&ED25519_SPKI)
                .filter(|raw| raw.len() == ED25519_KEY)
                .ok_or_else(|| TokenKeyError::NotEd25519(file.to_owned()))?;
            keys.push((Algorithm::EdDSA, DecodingKey::from_ed_der(raw)));
        }
        if keys.is_empty() {
            return Err(TokenKeyError::NotEd25519(file.to_owned()));
        }
        return Ok(keys);
    }
    // Editors end a file with a line break, which nobody means to be part of the secret.
    let secret = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    if secret.len() < SHORTEST_SECRET {
        return Err(TokenKeyError::ShortSecret {
            file: file.to_owned(),
            length: secret.len(),
        });
    }
    Ok(vec![(Algorithm::HS256, DecodingKey::from_secret(secret))])
}

/// The signatures themselves are checked by `ring`, which TLS brings anyhow. The token library's own choices are a second
/// copy of everything in C, or crates for RSA and more that nobody asked for here.
static CRYPTOGRAPHY: CryptoProvider = CryptoProvider {
    signer_factory: no_signer,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

fn install_cryptography() {
    static INSTALLED: OnceLock<()> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        // It fails if another part of the process has chosen before: then that one checks signatures.
        let _ = CRYPTOGRAPHY.install_default();
    });
}

fn no_signer(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>, JwtError> {
    // The sandbox issues no tokens.
    Err(ErrorKind::InvalidAlgorithm.into())
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, JwtError> {
    match (algorithm, key.family()) {
        (Algorithm::HS256, AlgorithmFamily::Hmac) => Ok(Box::new(Hs256(hmac::Key::new(
            hmac::HMAC_SHA256,
            key.try_get_as_bytes()?,
        )))),
        (Algorithm::EdDSA, AlgorithmFamily::Ed) => {
            Ok(Box::new(EdDsa(key.try_get_as_bytes()?.to_vec())))
        }
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

struct Hs256(hmac::Key);

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        // It takes the same time wherever the two differ.
        hmac::verify(&self.0, message, signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

struct EdDsa(Vec<u8>);

impl Verifier<Vec<u8>> for EdDsa {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        ring_signature::UnparsedPublicKey::new(&ring_signature::ED25519, &self.0)
            .verify(message, signature)
            .map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for EdDsa {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests;
