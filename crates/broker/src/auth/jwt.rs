//! JWTs among credentials.
//!
//! Diffusion leaves tokens to authentication handlers; here, one is built in.

use effusion_protocol::Credentials;

/// The longest text that is taken for a JWT.
const MAX_TOKEN: usize = 16 * 1024;

/// The JWT in credentials, if they are one. SDKs send it as a password, or as bytes.
///
/// What looks like a token is one: a token that must not be believed is refused, and never tried as a password.
pub(super) fn jwt_in(credentials: &Credentials) -> Option<&str> {
    let text = match credentials {
        Credentials::None => return None,
        Credentials::Password(text) => text.as_str(),
        Credentials::Custom(bytes) => core::str::from_utf8(bytes).ok()?,
    };
    let is_base64url = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    // The first part is a JSON object: `{` and what may follow it begin with "e" in base64, and with "ey" unless
    // there is a line break. The last part is empty if the token is not signed.
    let mut parts = text.split('.');
    let is_token = text.len() <= MAX_TOKEN
        && matches!(
            (parts.next(), parts.next(), parts.next(), parts.next()),
            (Some(head), Some(claims), Some(signature), None)
                if head.starts_with('e')
                    && head.len() > 8
                    && !claims.is_empty()
                    && [head, claims, signature].into_iter().all(is_base64url)
        );
    is_token.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    #[test]
    fn a_token_is_told_from_a_password() {
        let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln";
        assert_eq!(jwt_in(&Credentials::Password(token.into())), Some(token));
        assert_eq!(
            jwt_in(&Credentials::Custom(Bytes::from(token))),
            Some(token)
        );
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.";
        assert_eq!(
            jwt_in(&Credentials::Password(unsigned.into())),
            Some(unsigned),
            "it is to be refused as a token"
        );
        for other in [
            "password",
            "",
            "..",
            "a.b.c",
            "e.e.e",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0",
            "eyJhbGciOiJIUzI1NiJ9..c2ln",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln.c2ln",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi iJhIn0.c2ln",
        ] {
            let credentials = Credentials::Password(other.into());
            assert_eq!(jwt_in(&credentials), None, "{other:?}");
        }
        let long = format!("{token}{}", "a".repeat(MAX_TOKEN));
        assert_eq!(jwt_in(&Credentials::Password(long)), None);
        assert_eq!(jwt_in(&Credentials::None), None);
        let binary = Credentials::Custom(Bytes::from_static(&[0xff, b'.', b'.']));
        assert_eq!(jwt_in(&binary), None);
    }
}
