//! Which pages may connect: a browser says of each WebSocket which page opened it (source: RFC 6454, RFC 6455, 10.2).
//!
//! Anyone can open a page in a user's browser, and that page reaches what the user reaches: a service on the user's own
//! machine, too. Clients that are no browsers name no origin and pass; they could name any.

use std::net::IpAddr;
use std::str::FromStr;

/// The pages that may connect.
#[derive(Clone, Debug, Default)]
pub struct AllowedOrigins {
    listed: Vec<Origin>,
}

/// A page's origin: all that the pages of one server have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a list: every origin.
    Any,
    /// Pages without one, for example those in files.
    Null,
    /// A scheme, a host and perhaps a port, in lower case: `https://chat.example:8443`.
    Page(String),
}

/// Text that is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an origin is a scheme and a host, perhaps with a port, as in https://chat.example; or `null`; or `*` for all"
)]
pub struct NoOrigin;

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let text = text.strip_suffix('/').unwrap_or(text).to_ascii_lowercase();
        match text.as_str() {
            "*" => return Ok(Self::Any),
            "null" => return Ok(Self::Null),
            _ => {}
        }
        let (scheme, authority) = text.split_once("://").ok_or(NoOrigin)?;
        let is_scheme = scheme.starts_with(|it: char| it.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || "+-.".contains(it));
        let (host, port) = split_port(authority);
        let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok());
        let is_host = !host.is_empty()
            && host
                .chars()
                .all(|it| it.is_ascii_alphanumeric() || "-._[]:".contains(it));
        if !is_scheme || !is_port || !is_host {
            return Err(NoOrigin);
        }
        // Browsers leave out the usual port.
        let usual = match scheme {
            "http" => Some("80"),
            "https" => Some("443"),
            _ => None,
        };
        match port.filter(|port| Some(*port) != usual) {
            Some(port) => Ok(Self::Page(format!("{scheme}://{host}:{port}"))),
            None => Ok(Self::Page(format!("{scheme}://{host}"))),
        }
    }
}

impl Origin {
    fn host(&self) -> Option<&str> {
        match self {
            Self::Page(text) => Some(split_port(text.split_once("://")?.1).0),
            Self::Any | Self::Null => None,
        }
    }
}

impl AllowedOrigins {
    /// Those in a list, and always: the pages of the host that the service itself is reached by, and the pages of this
    /// machine (`localhost`, 127.0.0.1, `::1`), on whatever port.
    #[must_use]
    pub const fn new(listed: Vec<Origin>) -> Self {
        Self { listed }
    }

    /// Whether a page may connect. `origin` and `host` are headers of its request; `local` is the address of the service
    /// that it came to.
    #[must_use]
    pub fn allow(&self, origin: &str, host: Option<&str>, local: IpAddr) -> bool {
        let Ok(origin) = origin.parse::<Origin>() else {
            return false;
        };
        // In a header, `*` is nobody's origin.
        if origin == Origin::Any {
            return false;
        }
        if self
            .listed
            .iter()
            .any(|listed| *listed == Origin::Any || *listed == origin)
        {
            return true;
        }
        let Some(page) = origin.host() else {
            return false;
        };
        if is_loopback(page) {
            return true;
        }
        let is_same = host.is_some_and(|host| split_port(host).0.eq_ignore_ascii_case(page));
        // A name that somebody else owns can be made to lead to the user's own machine ("DNS rebinding"): there, a name
        // has to be listed.
        is_same && (!local.to_canonical().is_loopback() || literal(page).is_some())
    }
}

/// A host, which may be an IPv6 address in brackets, and its port.
fn split_port(authority: &str) -> (&str, Option<&str>) {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    inner.parse().ok()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || literal(host).is_some_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOPBACK: &str = "127.0.0.1";
    const PUBLIC: &str = "192.0.2.1";

    fn allow(listed: &[&str], origin: &str, host: &str, local: &str) -> bool {
        let listed = listed.iter().map(|text| text.parse().unwrap()).collect();
        let local = local.parse().unwrap();
        AllowedOrigins::new(listed).allow(origin, Some(host), local)
    }

    #[test]
    fn pages_of_this_machine_and_of_the_same_host_may_connect() {
        for (origin, host, local) in [
            ("http://localhost:8000", "127.0.0.1:8080", LOOPBACK),
            ("http://chat.localhost", "localhost:8080", LOOPBACK),
            ("http://127.0.0.1:8000", "127.0.0.1:8080", LOOPBACK),
            ("http://[::1]:8000", "[::1]:8080", "::1"),
            ("http://[::1]", "[::1]", "::1"),
            ("https://localhost", "chat.example", PUBLIC),
            ("https://chat.example", "chat.example", PUBLIC),
            ("https://chat.example:8000", "Chat.Example:8080", PUBLIC),
            ("http://192.0.2.1:8000", "192.0.2.1:8080", PUBLIC),
            ("http://[2001:db8::1]:8000", "[2001:db8::1]:8080", PUBLIC),
        ] {
            assert!(allow(&[], origin, host, local), "{origin} {host} {local}");
        }
    }

    #[test]
    fn other_pages_may_not() {
        for (origin, host, local) in [
            ("https://evil.example", "chat.example", PUBLIC),
            ("https://evil.example", "127.0.0.1:8080", LOOPBACK),
            // A name of somebody else's that leads here.
            ("http://evil.example:8080", "evil.example:8080", LOOPBACK),
            ("http://evil.example:8080", "evil.example:8080", "::1"),
            ("http://evil.example", "evil.example", "::ffff:127.0.0.1"),
            ("https://chat.example.evil.example", "chat.example", PUBLIC),
            ("https://evilchat.example", "chat.example", PUBLIC),
            ("https://localhost.evil.example", "chat.example", PUBLIC),
            ("https://evil.example#chat.example", "chat.example", PUBLIC),
            ("https://chat.example@evil.example", "chat.example", PUBLIC),
            ("http://127.0.0.1.evil.example", "127.0.0.1:8080", LOOPBACK),
            ("null", "chat.example", PUBLIC),
            ("*", "chat.example", PUBLIC),
            ("", "chat.example", PUBLIC),
            ("chat.example", "chat.example", PUBLIC),
            ("https://", "", PUBLIC),
        ] {
            assert!(!allow(&[], origin, host, local), "{origin} {host} {local}");
            let listed = ["https://other.example"];
            assert!(!allow(&listed, origin, host, local), "{origin}");
        }
        assert!(!AllowedOrigins::default().allow(
            "https://a.example",
            None,
            PUBLIC.parse().unwrap()
        ));
    }

    #[test]
    fn the_list_is_exact() {
        let listed = ["https://Chat.Example:443/", "http://a.example:8000", "null"];
        let allow = |origin| allow(&listed, origin, "127.0.0.1", LOOPBACK);
        assert!(allow("https://chat.example"));
        assert!(!allow("http://chat.example"), "another scheme");
        assert!(!allow("https://chat.example:444"), "another port");
        assert!(allow("http://a.example:8000"));
        assert!(!allow("http://a.example"));
        assert!(allow("null"));
    }

    #[test]
    fn a_star_is_everyone_but_still_has_to_be_an_origin() {
        assert!(allow(&["*"], "https://evil.example", "x", PUBLIC));
        assert!(allow(&["*"], "null", "x", PUBLIC));
        assert!(!allow(&["*"], "nonsense", "x", PUBLIC));
    }

    #[test]
    fn only_origins_can_be_listed() {
        for bad in [
            "",
            "chat.example",
            "https://",
            "https://a b",
            "https://a/b",
            "https://a:x",
            "://a",
            "https://a:99999",
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(NoOrigin), "{bad:?}");
        }
    }
}
