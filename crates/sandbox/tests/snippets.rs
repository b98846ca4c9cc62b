//! The Rust code that the page's lessons show, run against a sandbox in the order of the lessons.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod common;

use std::sync::OnceLock;

/// The address of the sandbox.
static SERVICE: OnceLock<String> = OnceLock::new();

/// What the page shows in the place of a `fill!`.
fn filled(template: &str) -> &'static str {
    let service = SERVICE.get().unwrap();
    let (scheme, rest) = service.split_once("://").unwrap();
    let (authority, _) = rest.split_once('/').unwrap_or((rest, ""));
    let mut text = template.to_owned();
    for (name, value) in [
        ("scheme", scheme),
        ("authority", authority),
        ("service_path", "/diffusion"),
        ("principal", "user"),
        ("registrar", "auth-handler"),
        ("moderator", "admin"),
        ("password", "password"),
        ("account", "ann"),
        ("name", "Ann"),
        ("text", "hello, \"everybody\""),
        ("live", "Chat/Lesson 1"),
        ("history", "Chat/Lesson 2"),
    ] {
        text = text.replace(&format!("{{{{{name}}}}}"), value);
    }
    assert!(!text.contains("{{"), "{template}");
    text.leak()
}

macro_rules! fill {
    ($template:literal) => {
        crate::filled($template)
    };
}

macro_rules! snippets {
    ($($name:ident)+) => {
        $(
            mod $name {
                include!(concat!("../../../src/features/lessons/snippets/", stringify!($name), ".rs"));
                pub fn run() {
                    main().unwrap();
                }
            }
        )+

        #[test]
        fn every_snippet_of_the_lessons_works() {
            // Each snippet makes a runtime of its own.
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let server = runtime.block_on(common::start(&["--memory"]));
            SERVICE.set(common::url(&server)).unwrap();
            $(
                println!("{}:", stringify!($name));
                $name::run();
            )+
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../src/features/lessons/snippets");
            let there = std::fs::read_dir(folder).unwrap().filter(|file| {
                let path = file.as_ref().unwrap().path();
                path.extension().is_some_and(|ending| ending == "rs")
            });
            assert_eq!(there.count(), [$(stringify!($name)),+].len());
        }
    };
}

snippets! {
    connect add stream select set receive
    specification append late edit range
    script store account
    permissions rules hide mute
}
