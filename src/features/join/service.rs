//! Which Diffusion service to talk to.

use std::ops::Not;

use serde::{Deserialize, Serialize};

use crate::state::Fault;

/// Where `effusion-sandbox` listens unless told otherwise.
const SANDBOX_HOST: &str = "127.0.0.1";
const SANDBOX_PORT: u16 = 8080;

/// The sandbox's principal for the tutorial's first two lessons.
pub const SHARED_ACCOUNT: &str = "user";
/// The sandbox's principal that may add accounts, as in Lesson 3.
pub const REGISTRAR: &str = "auth-handler";
/// The password of both. It is public, so it is only ever offered for a service on this machine.
pub const DEVELOPMENT_PASSWORD: &str = "password";

/// Protocol versions that can be chosen, and the releases of Diffusion that brought them.
pub const VERSIONS: [(u8, &str); 5] = [
    (29, "6.12"),
    (18, "6.5"),
    (15, "6.2"),
    (14, "6.1"),
    (13, "6.0"),
];

/// How to get to a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// A DNS name or an IP address, an IPv6 one without its brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// Whether to use TLS (`wss:`).
    pub secure: bool,
    /// The path of the address, which begins with a slash; another than [`DEFAULT_PATH`] where the service stands behind something.
    #[serde(default = "default_path", skip_serializing_if = "is_default_path")]
    pub path: String,
    /// The protocol version to speak, and no other; `None` is the newest that both sides speak.
    pub version: Option<u8>,
    /// Whether it is the service in this browser, which has neither host nor port: see [`Service::in_browser`].
    #[serde(default, skip_serializing_if = "Not::not")]
    pub in_browser: bool,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            host: SANDBOX_HOST.to_owned(),
            port: SANDBOX_PORT,
            secure: false,
            path: default_path(),
            version: None,
            in_browser: false,
        }
    }
}

/// Where Diffusion services are found unless told otherwise.
pub const DEFAULT_PATH: &str = "/diffusion";

fn default_path() -> String {
    DEFAULT_PATH.to_owned()
}

fn is_default_path(path: &str) -> bool {
    path == DEFAULT_PATH
}

/// What the service in this browser is called in addresses and where services are told apart.
pub const IN_BROWSER: &str = "browser";

/// The identity of the service in this browser, which changes when it is started afresh or a file is imported. The module `identity`
/// of `crates/browser-service` makes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceIdentity(String);

impl ServiceIdentity {
    /// From the text that the service returns; earlier versions return none.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The path of the address that connects to this service alone.
    pub fn path(&self) -> &str {
        if self.0.is_empty() {
            DEFAULT_PATH
        } else {
            &self.0
        }
    }

    /// Whether the service started with the contents of a file.
    pub fn is_imported(&self) -> bool {
        self.0.starts_with("import-")
    }

    /// Whether something written at this time was written for the previous service. False if the clock was set back since, as nobody
    /// can tell then.
    pub fn is_younger_than(&self, written_ms: i64, now_ms: i64) -> bool {
        let since = self.0.split('-').nth(1).and_then(|it| it.parse().ok());
        since.is_some_and(|since| written_ms < since && since <= now_ms)
    }
}

impl Service {
    /// The service in this browser.
    pub fn in_browser() -> Self {
        Self {
            in_browser: true,
            ..Self::default()
        }
    }

    /// The same service, spoken to in this protocol version alone.
    pub fn with_version(self, version: Option<u8>) -> Self {
        Self { version, ..self }
    }

    /// The same service, where it is that serves the page, at this path, as well: it stands beside the page.
    pub fn beside(self, page: &str) -> Self {
        let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
        Self {
            path: [folder, DEFAULT_PATH].concat(),
            ..self
        }
    }

    /// Whether the service can only be on the reader's own machine.
    pub fn is_loopback(&self) -> bool {
        self.in_browser || is_loopback(&self.host)
    }

    /// `host:port`, with brackets where the host is an IPv6 address.
    pub fn authority(&self) -> String {
        let port = self.port.to_string();
        if self.host.contains(':') {
            ["[", &self.host, "]:", &port].concat()
        } else {
            [&self.host, ":", &port].concat()
        }
    }

    /// The authority, with a path that is not the usual one; a word for the service in this browser.
    pub fn address(&self) -> String {
        match self.path.as_str() {
            _ if self.in_browser => IN_BROWSER.to_owned(),
            DEFAULT_PATH => self.authority(),
            path => [&self.authority(), path].concat(),
        }
    }

    /// Browsers forbid a page that came by `https:` to open `ws:`, except to the reader's own machine.
    ///
    /// # Errors
    /// [`Fault::MixedContent`] if this service cannot be reached from such a page.
    pub fn check_allowed_from(&self, page_is_secure: bool) -> Result<(), Fault> {
        if page_is_secure && !self.secure && !self.is_loopback() {
            Err(Fault::MixedContent(self.host.clone()))
        } else {
            Ok(())
        }
    }
}

/// Whether a host's name can only mean the reader's own machine.
pub fn is_loopback(host: &str) -> bool {
    let host = host.trim();
    host.eq_ignore_ascii_case("localhost")
        || host == "::1"
        || host == "[::1]"
        || (host.starts_with("127.")
            && host.split('.').count() == 4
            && host.split('.').all(|part| part.parse::<u8>().is_ok()))
}

/// Why a typed host or port is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceError {
    /// No host, or one with characters that no host has, such as those of a whole URL.
    Host,
    /// Not a number from 1 to 65535.
    Port,
    /// A path with characters that no path has, with a query, or a whole URL.
    Path,
}

/// Reads the fields of a form. A path may lack its slash, and is the usual one if it is empty.
///
/// # Errors
/// The first field that cannot be used.
pub fn parse_service(
    host: &str,
    port: &str,
    path: &str,
    secure: bool,
) -> Result<Service, ServiceError> {
    let host = host.trim();
    let host = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    // An IPv6 address is the only host with a colon, and it has at least two.
    let colons = host.matches(':').count();
    let usable = |c: char| {
        !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%')
    };
    if host.is_empty() || colons == 1 || !host.chars().all(usable) {
        return Err(ServiceError::Host);
    }
    let is_of_path = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '\\');
    let path = path.trim();
    // Of a whole URL, or of another host, nobody meant the path alone.
    let is_url = path.contains("//") || path.split('/').next().is_some_and(|it| it.contains(':'));
    let path = match path.trim_start_matches('/') {
        "" if !is_url => default_path(),
        path if !is_url && path.chars().all(is_of_path) => ["/", path].concat(),
        _ => return Err(ServiceError::Path),
    };
    match port.trim().parse::<u16>() {
        Ok(port) if port > 0 => Ok(Service {
            host: host.to_owned(),
            port,
            secure,
            path,
            ..Service::default()
        }),
        _ => Err(ServiceError::Port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        let here = "localhost,LocalHost,127.0.0.1,127.9.9.9,::1,[::1], 127.0.0.1 ";
        for host in here.split(',') {
            assert!(is_loopback(host), "{host}");
        }
        let far = "127.0.0.1.example.com,127.evil.example,localhost.example,10.0.0.1,,127.1";
        for host in far.split(',') {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_service_is_read_from_what_people_type() {
        let service = parse_service(" diffusion.example ", "443", "", true).unwrap();
        assert_eq!(service.address(), "diffusion.example:443");
        let service = parse_service("[::1]", "8080", "/diffusion", false).unwrap();
        assert_eq!(service.address(), "[::1]:8080");
        for host in ["", "  ", "http://x", "x:80", "a b", "x/y", "u@x"] {
            let read = parse_service(host, "80", "", false);
            assert_eq!(read, Err(ServiceError::Host), "{host}");
        }
        for port in ["", "0", "65536", "-1", "http", "80 80"] {
            let read = parse_service("x", port, "", false);
            assert_eq!(read, Err(ServiceError::Port), "{port}");
        }
    }

    #[test]
    fn a_service_may_lie_under_a_path() {
        let service = |path| parse_service("x", "443", path, true);
        for path in ["/app/diffusion", "app/diffusion", " /app/diffusion "] {
            let service = service(path).unwrap();
            assert_eq!(service.path, "/app/diffusion", "{path}");
            assert_eq!(service.address(), "x:443/app/diffusion");
        }
        for path in ["", "/", "diffusion", "/diffusion"] {
            assert_eq!(service(path).unwrap().address(), "x:443", "{path}");
        }
        let wrong =
            r"a b,/a?b,/a#b,\a,/ä,//evil,//evil/diffusion,//,/a//b,ws://a/diffusion,ws:/a,a:80/b";
        for path in wrong.split(',') {
            assert_eq!(service(path), Err(ServiceError::Path), "{path}");
        }
        for (page, path) in [
            ("/", "/diffusion"),
            ("", "/diffusion"),
            ("/index.html", "/diffusion"),
            ("/app/", "/app/diffusion"),
            ("/a/b/index.html", "/a/b/diffusion"),
        ] {
            assert_eq!(Service::default().beside(page).path, path, "{page}");
        }
    }

    #[test]
    fn the_service_in_this_browser_is_told_from_all_others_and_read_back() {
        let service = Service::in_browser();
        assert!(service.is_loopback() && service.check_allowed_from(true).is_ok());
        assert_ne!(service.address(), Service::default().address());
        // No host that is typed gives the same word, as an address has a port.
        let typed = parse_service(IN_BROWSER, "1", "", false).unwrap();
        assert_ne!(service.address(), typed.address());
        let stored = serde_json::to_string(&service).unwrap();
        assert_eq!(serde_json::from_str::<Service>(&stored).unwrap(), service);
        // What was stored before there was such a service, and before services had paths, is read.
        let before = r#"{"host":"a","port":1,"secure":true,"version":null}"#;
        let before: Service = serde_json::from_str(before).unwrap();
        assert!(!before.in_browser && before.path == "/diffusion");
    }

    #[test]
    fn a_secure_page_may_use_plain_sockets_on_this_machine_only() {
        let far = parse_service("chat.example", "8080", "", false).unwrap();
        let refused = Fault::MixedContent("chat.example".to_owned());
        assert_eq!(far.check_allowed_from(true), Err(refused));
        assert_eq!(far.check_allowed_from(false), Ok(()));
        let secure = parse_service("chat.example", "8080", "", true).unwrap();
        assert_eq!(secure.check_allowed_from(true), Ok(()));
        assert_eq!(Service::default().check_allowed_from(true), Ok(()));
    }

    #[test]
    fn a_service_that_took_another_ones_place_is_younger_than_what_was_written_before() {
        let identity = ServiceIdentity::new("start-1000-00000000000000ff".to_owned());
        assert!(identity.is_younger_than(999, 1_000));
        assert!(!identity.is_younger_than(1_000, 1_000));
        // A start in the future: the clock was wrong then, or is now.
        assert!(!identity.is_younger_than(1, 999));
        assert!(!ServiceIdentity::default().is_younger_than(1, 2));
    }

    #[test]
    fn a_service_without_an_identity_is_where_it_always_was() {
        assert_eq!(ServiceIdentity::default().path(), DEFAULT_PATH);
        let imported = ServiceIdentity::new("import-1-2".to_owned());
        assert_eq!(imported.path(), "import-1-2");
        assert!(imported.is_imported() && !ServiceIdentity::default().is_imported());
    }
}
