//! The code that the lessons show: files in `snippets/` with places for what is different here.
//!
//! A place is `{{name}}` within a literal. In Rust, the literal is the argument of a `fill!`, which is not shown: so the files are
//! programs that the sandbox's tests compile and run, and the tests of `tests/interop` run those in JavaScript.

use crate::features::join::service::{DEFAULT_PATH, REGISTRAR, SHARED_ACCOUNT, Service};

/// What stands in the place of each password.
const MASK: &str = "********";
/// The sandbox's principal that may do everything.
pub const MODERATOR: &str = "admin";
/// What the programs say.
const HELLO: &str = "Hello";

/// A language of the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// With the vendor's SDK.
    JavaScript,
    /// With `effusion-client`.
    Rust,
}

/// The places, and what stands in them.
pub type Values = [(&'static str, String); 15];

/// What stands in the places for somebody at a service, and for the topic paths of a live room and of one with a history.
pub fn values(service: &Service, principal: &str, name: &str, rooms: [String; 2]) -> Values {
    let [live, history] = rooms;
    let scheme = if service.secure { "wss" } else { "ws" };
    // Whoever uses the shared account makes one under their own name.
    let account = match principal {
        SHARED_ACCOUNT => name,
        own => own,
    };
    [
        ("host", service.host.clone()),
        ("port", service.port.to_string()),
        ("secure", service.secure.to_string()),
        ("scheme", scheme.to_owned()),
        ("authority", service.authority()),
        ("service_path", service.path.clone()),
        ("principal", principal.to_owned()),
        ("registrar", REGISTRAR.to_owned()),
        ("moderator", MODERATOR.to_owned()),
        ("password", MASK.to_owned()),
        ("account", account.to_owned()),
        ("name", name.to_owned()),
        ("text", HELLO.to_owned()),
        ("live", live),
        ("history", history),
    ]
}

/// What begins a literal with places in Rust.
const FILL: &str = "fill!(";

/// The code with values in its places.
pub fn fill(template: &str, language: Language, values: &[(&str, String)]) -> String {
    let mut code = String::with_capacity(template.len());
    let mut rest = template;
    // The files have no literal with places that has a quote in it.
    while let Some((before, after)) = rest.split_once(FILL) {
        code.push_str(before);
        let (literal, after) = after.split_once("\")").unwrap_or((after, ""));
        code.push_str(literal.trim_start());
        code.push('"');
        rest = after;
    }
    code.push_str(rest);
    for (name, value) in values {
        let place = ["{{", name, "}}"].concat();
        code = code.replace(&place, &escape(value, language));
    }
    code
}

/// The call that opens a session with a service. The one in this browser has neither host nor port.
pub fn connect_call(service: &Service, principal: &str) -> String {
    let mut place = String::new();
    if !service.in_browser {
        let (host, port, secure) = (&service.host, service.port, service.secure);
        place = format!("host: {host:?}, port: {port}, secure: {secure}, ");
        if service.path != DEFAULT_PATH {
            place += &format!("path: {:?}, ", service.path);
        }
    }
    format!("diffusion.connect({{{place}principal: {principal:?}, credentials: {MASK:?}}})")
}

/// A text as it stands within quotes.
fn escape(text: &str, language: Language) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match (c, language) {
            ('\\', _) | ('\'', Language::JavaScript) | ('"', Language::Rust) => {
                escaped.push('\\');
                escaped.push(c);
            }
            // Both languages have this for any character. A brace might make a place.
            (c, _) if c.is_control() || c == '{' || matches!(c, '\u{2028}' | '\u{2029}') => {
                escaped.extend(c.escape_unicode());
            }
            (c, _) => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::lessons::lesson::LESSONS;

    #[test]
    fn places_are_filled_in_and_nothing_more() {
        let values = |text: &str| [("room", text.to_owned()), ("port", "8080".to_owned())];
        let rust = r#"add(fill!("Chat/{{room}}"), fill!(">{{room}}")).port({{port}})"#;
        assert_eq!(
            fill(rust, Language::Rust, &values(r#"a "b" \ 'c'"#)),
            r#"add("Chat/a \"b\" \\ 'c'", ">a \"b\" \\ 'c'").port(8080)"#
        );
        let javascript = "add('Chat/{{room}}', {{port}})";
        assert_eq!(
            fill(javascript, Language::JavaScript, &values("it's {{port}}\n")),
            r"add('Chat/it\'s \u{7b}\u{7b}port}}\u{a}', 8080)"
        );
    }

    #[test]
    fn a_session_is_opened_by_a_call() {
        let at = r#"host: "127.0.0.1", port: 8080, secure: false, "#;
        let below = [at, r#"path: "/chat/diffusion", "#].concat();
        for (service, place) in [
            (Service::default(), at),
            (Service::default().beside("/chat/"), &below),
            (Service::in_browser(), ""),
        ] {
            let who = r#"principal: "ann", credentials: "********""#;
            let call = format!("diffusion.connect({{{place}{who}}})");
            assert_eq!(connect_call(&service, "ann"), call);
        }
    }

    #[test]
    fn every_snippet_has_only_places_that_are_known() {
        let rooms = ["Chat/a", "Chat/b"].map(str::to_owned);
        let values = values(&Service::default(), "ann", "Ann", rooms);
        for step in LESSONS.iter().flat_map(|lesson| lesson.steps) {
            for (language, code) in [
                (Language::JavaScript, step.javascript),
                (Language::Rust, step.rust),
            ] {
                let code = fill(code, language, &values);
                assert!(!code.contains("{{"), "{:?}: {code}", step.goal);
                assert!(!code.contains("fill!"), "{:?}: {code}", step.goal);
            }
        }
    }
}
