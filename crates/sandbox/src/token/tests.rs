//! Tokens that are believed, and every way in which one is not.

use super::*;

use ring::rand::SystemRandom;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;

const NOW: u64 = 1_800_000_000_000;
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64url(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut bits = 0_u32;
        for index in 0..3 {
            bits = bits << 8 | u32::from(chunk.get(index).copied().unwrap_or(0));
        }
        for index in 0..=chunk.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * index) & 63) as usize]));
        }
    }
    text
}

fn signed(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let head = base64url(header.to_string().as_bytes());
    let body = base64url(claims.to_string().as_bytes());
    let message = format!("{head}.{body}");
    let signature = base64url(&sign(message.as_bytes()));
    format!("{message}.{signature}")
}

fn hs256(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    move |message| hmac::sign(&key, message).as_ref().to_vec()
}

fn key_pair() -> Ed25519KeyPair {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    let mut text = base64url(der).replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

fn public_pem(key: &Ed25519KeyPair) -> String {
    let spki = [&ED25519_SPKI, key.public_key().as_ref()].concat();
    pem("PUBLIC KEY", &spki)
}

fn try_load(keys: &[&[u8]]) -> Result<TokenVerifier, TokenKeyError> {
    let folder = tempfile::tempdir().unwrap();
    let write = |(index, bytes): (usize, &&[u8])| {
        let file = folder.path().join(index.to_string());
        std::fs::write(&file, bytes).unwrap();
        file
    };
    TokenVerifier::load(&TokenSettings {
        key_files: keys.iter().enumerate().map(write).collect(),
        issuer: "https://issuer.example".to_owned(),
        audience: "chat".to_owned(),
        roles_claim: "realm.roles".to_owned(),
        leeway: 5,
    })
}

fn verifier_of(keys: &[&[u8]]) -> TokenVerifier {
    try_load(keys).unwrap()
}

fn claims() -> Value {
    json!({
        "iss": "https://issuer.example",
        "aud": ["other", "chat"],
        "sub": "ada",
        "exp": NOW / 1000 + 60,
        "nbf": NOW / 1000 - 60,
        "realm": {"roles": ["CLIENT", "TOPIC_CONTROL"]},
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn ok(claims: &Value) -> Result<TokenClaims, TokenRefusal> {
    let token = signed(&json!({"alg": "HS256"}), claims, hs256(SECRET));
    verifier_of(&[SECRET]).verify(&token, NOW)
}

#[test]
fn a_good_token_says_who_and_what_and_until_when() {
    let expected = TokenClaims {
        subject: "ada".to_owned(),
        roles: ["CLIENT", "TOPIC_CONTROL"].map(str::to_owned).into(),
        issued_ms: None,
        expires_ms: NOW + 65_000,
    };
    assert_eq!(ok(&claims()), Ok(expected.clone()));
    let mut dated = claims();
    dated["iat"] = json!(NOW / 1000);
    let issued_ms = Some(NOW / 1000 * 1000);
    assert_eq!(ok(&dated).map(|it| it.issued_ms), Ok(issued_ms));
    let key = key_pair();
    let header = json!({"alg": "EdDSA", "typ": "JWT", "kid": "1"});
    let sign = |message: &[u8]| key.sign(message).as_ref().to_vec();
    let token = signed(&header, &claims(), sign);
    let verifier = verifier_of(&[SECRET, public_pem(&key).as_bytes()]);
    assert_eq!(verifier.verify(&token, NOW), Ok(expected));
    // Two keys in one file: the old one still counts while a new one takes over.
    let both = format!("{}{}", public_pem(&key_pair()), public_pem(&key));
    assert!(verifier_of(&[both.as_bytes()]).verify(&token, NOW).is_ok());
}

#[test]
fn a_token_of_rfc_8037_verifies() {
    // Appendix A.4: the signature is good, but it signs no claims.
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6\
                 dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let key = [
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07,
        0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07,
        0x51, 0x1a,
    ];
    let pem = pem("PUBLIC KEY", &[&ED25519_SPKI[..], &key].concat());
    let found = verifier_of(&[pem.as_bytes()]).verify(token, NOW);
    assert!(
        matches!(found, Err(TokenRefusal::Invalid(ErrorKind::Json(_)))),
        "{found:?}"
    );
    let other = token.replace("RXhh", "RXhi");
    assert_eq!(
        verifier_of(&[pem.as_bytes()]).verify(&other, NOW),
        Err(TokenRefusal::Invalid(ErrorKind::InvalidSignature))
    );
}

#[test]
fn a_signature_must_be_there_and_right() {
    let verifier = verifier_of(&[SECRET]);
    let good = signed(&json!({"alg": "HS256"}), &claims(), hs256(SECRET));
    let invalid = |token: &str| {
        let found = verifier.verify(token, NOW);
        assert!(
            matches!(
                found,
                Err(TokenRefusal::Invalid(_) | TokenRefusal::NoKey(_))
            ),
            "{token} {found:?}"
        );
        found
    };
    assert!(verifier.verify(&good, NOW).is_ok());
    let wrong = signed(&json!({"alg": "HS256"}), &claims(), hs256(&[1; 32]));
    assert_eq!(
        invalid(&wrong),
        Err(TokenRefusal::Invalid(ErrorKind::InvalidSignature))
    );
    for alg in ["none", "None", "NONE", "nOnE", "HS1", ""] {
        let header = json!({"alg": alg});
        let _ = invalid(&signed(&header, &claims(), |_| Vec::new()));
        let _ = invalid(&signed(&header, &claims(), hs256(SECRET)));
    }
    let _ = invalid(&signed(&json!({}), &claims(), |_| Vec::new()));
    let (unsigned, _) = good.rsplit_once('.').unwrap();
    let _ = invalid(&format!("{unsigned}."));
    let _ = invalid(unsigned);
    let _ = invalid("");
    let _ = invalid("..");
    // Every other text in the signature's place.
    for index in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'Q' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        // The last character has two bits that stand for nothing.
        if index + 1 < good.len() {
            assert!(verifier.verify(&changed, NOW).is_err(), "{index} {changed}");
        }
    }
}

#[test]
fn the_key_decides_on_the_algorithm() {
    let key = key_pair();
    let pem = public_pem(&key);
    let verifier = verifier_of(&[pem.as_bytes()]);
    // Signed with what everyone knows: the public key in any of its forms as a shared secret.
    let raw = key.public_key().as_ref();
    let spki = [&ED25519_SPKI, raw].concat();
    for secret in [pem.as_bytes(), raw, &spki] {
        let token = signed(&json!({"alg": "HS256"}), &claims(), hs256(secret));
        assert_eq!(
            verifier.verify(&token, NOW),
            Err(TokenRefusal::NoKey(Algorithm::HS256))
        );
        let token = signed(&json!({"alg": "EdDSA"}), &claims(), hs256(secret));
        assert_eq!(
            verifier.verify(&token, NOW),
            Err(TokenRefusal::Invalid(ErrorKind::InvalidSignature))
        );
    }
    for alg in ["HS384", "HS512", "RS256", "ES256", "PS512"] {
        let token = signed(&json!({"alg": alg}), &claims(), hs256(SECRET));
        let found = verifier_of(&[SECRET, pem.as_bytes()]).verify(&token, NOW);
        assert!(matches!(found, Err(TokenRefusal::NoKey(_))), "{found:?}");
    }
    // A key in the token itself counts for nothing.
    let header = json!({"alg": "HS256", "jwk": {"kty": "oct", "k": base64url(&[1; 32])}});
    let token = signed(&header, &claims(), hs256(&[1; 32]));
    assert!(verifier_of(&[SECRET]).verify(&token, NOW).is_err());
}

#[test]
fn critical_extensions_are_not_passed_over() {
    let header = json!({"alg": "HS256", "crit": ["b64"], "b64": false});
    let token = signed(&header, &claims(), hs256(SECRET));
    assert_eq!(
        verifier_of(&[SECRET]).verify(&token, NOW),
        Err(TokenRefusal::Critical)
    );
}

#[test]
fn a_token_has_its_time() {
    let seconds = NOW / 1000;
    let exp = |exp: Value| ok(&with("exp", exp)).map(|claims| claims.expires_ms);
    assert_eq!(
        exp(json!(seconds - 4)),
        Ok(NOW + 1_000),
        "within the leeway"
    );
    assert_eq!(exp(json!(seconds - 5)), Err(TokenRefusal::Expired));
    assert_eq!(exp(json!(seconds as f64 + 0.5)), Ok(NOW + 5_500));
    for bad in [
        json!("never"),
        json!(seconds.to_string()),
        json!(-1),
        json!(1e30),
        json!([seconds]),
        json!(u64::MAX),
        json!(null),
    ] {
        assert!(exp(bad.clone()).is_err(), "{bad}");
    }
    let nbf = |nbf: Value| ok(&with("nbf", nbf)).map(drop);
    assert_eq!(nbf(json!(seconds + 5)), Ok(()), "within the leeway");
    assert_eq!(nbf(json!(seconds + 6)), Err(TokenRefusal::NotYet));
    assert_eq!(nbf(json!("1")), Err(TokenRefusal::Claim("nbf".to_owned())));
    assert!(ok(&without("nbf")).is_ok());
}

#[test]
fn a_token_is_for_one_service_from_one_issuer() {
    let kind = |claims: &Value| match ok(claims) {
        Err(TokenRefusal::Invalid(kind)) => kind,
        other => panic!("{other:?}"),
    };
    assert_eq!(kind(&with("iss", json!("me"))), ErrorKind::InvalidIssuer);
    assert_eq!(kind(&with("aud", json!("x"))), ErrorKind::InvalidAudience);
    assert_eq!(kind(&with("aud", json!(["x"]))), ErrorKind::InvalidAudience);
    assert!(ok(&with("aud", json!("chat"))).is_ok());
    for name in ["iss", "aud", "sub", "exp"] {
        let missing = ErrorKind::MissingRequiredClaim(name.to_owned());
        assert_eq!(kind(&without(name)), missing);
        assert!(ok(&with(name, json!({}))).is_err(), "{name}");
    }
}

#[test]
fn subject_and_roles_are_names() {
    for bad in ["", "a\0b", "a\nb", &"x".repeat(257)] {
        let refused = Err(TokenRefusal::Claim("sub".to_owned()));
        assert_eq!(ok(&with("sub", json!(bad))), refused, "{bad:?}");
    }
    let roles = |value: Value| ok(&with("realm", json!({"roles": value}))).map(|it| it.roles);
    let refused = Err(TokenRefusal::Claim("realm.roles".to_owned()));
    assert_eq!(
        roles(json!("A  B")),
        Ok(["A", "B"].map(str::to_owned).into())
    );
    assert_eq!(roles(json!([])), Ok(BTreeSet::new()));
    assert_eq!(
        ok(&without("realm")).map(|it| it.roles),
        Ok(BTreeSet::new())
    );
    assert_eq!(roles(json!(1)), refused);
    assert_eq!(roles(json!(["A", 1])), refused);
    assert_eq!(roles(json!({"A": true})), refused);
    assert_eq!(roles(json!([""])), refused);
    let many: Vec<String> = (0..65).map(|number| number.to_string()).collect();
    assert_eq!(roles(json!(many)), refused);
    let mut whole = without("realm");
    whole["realm.roles"] = json!(["A"]);
    assert_eq!(ok(&whole).map(|it| it.roles.len()), Ok(1));
}

#[test]
fn only_keys_are_taken_for_keys() {
    let key = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    for label in ["PRIVATE KEY", "CERTIFICATE", "RSA PUBLIC KEY"] {
        let file = pem(label, key.as_ref());
        let found = try_load(&[file.as_bytes()]);
        assert!(
            matches!(found, Err(TokenKeyError::NotEd25519(_))),
            "{found:?}"
        );
    }
    let other = pem("PUBLIC KEY", &[0x30; 91]);
    let found = try_load(&[other.as_bytes()]);
    assert!(
        matches!(found, Err(TokenKeyError::NotEd25519(_))),
        "{found:?}"
    );
    let found = try_load(&[b"0123456789abcdef0123456789abcde\n"]);
    assert!(
        matches!(found, Err(TokenKeyError::ShortSecret { length: 31, .. })),
        "{found:?}"
    );
    let found = try_load(&[&[b'x'; 70_000]]);
    assert!(
        matches!(found, Err(TokenKeyError::TooLarge(_))),
        "{found:?}"
    );
    let missing = TokenVerifier::load(&TokenSettings {
        key_files: vec!["/does/not/exist".into()],
        issuer: String::new(),
        audience: String::new(),
        roles_claim: String::new(),
        leeway: 0,
    });
    assert!(matches!(missing, Err(TokenKeyError::Read { .. })));
    // A line break at the end is not part of the secret.
    let token = signed(&json!({"alg": "HS256"}), &claims(), hs256(SECRET));
    let file = [SECRET, b"\r\n"].concat();
    assert!(verifier_of(&[&file]).verify(&token, NOW).is_ok());
}

#[test]
fn settings_come_from_a_file_too() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret"), SECRET).unwrap();
    let read = |text: &str| {
        let file = folder.path().join("tokens.json");
        std::fs::write(&file, text).unwrap();
        TokenSource::File(file).settings()
    };
    let good =
        r#"{"key_files": ["secret"], "issuer": "https://issuer.example", "audience": "chat"}"#;
    let settings = read(good).unwrap();
    assert_eq!(settings.roles_claim, ROLES_CLAIM);
    assert_eq!(settings.leeway, LEEWAY);
    let token = signed(&json!({"alg": "HS256"}), &claims(), hs256(SECRET));
    let verifier = TokenVerifier::load(&settings).unwrap();
    assert!(
        verifier.verify(&token, NOW).is_ok(),
        "the key is found beside the file"
    );
    for bad in [
        "",
        "{}",
        r#"{"key_files": ["secret"], "issuer": "i"}"#,
        r#"{"key_files": ["secret"], "issuer": "i", "audience": "a", "algorithm": "none"}"#,
        r#"{"key_files": [], "issuer": "i", "audience": "a"}"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
    assert!(
        TokenSource::File("/does/not/exist".into())
            .settings()
            .is_err()
    );
}
