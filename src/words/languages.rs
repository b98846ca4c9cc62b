//! Checks the files of the languages against the texts in the code.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::model::language::LANGUAGES;

/// Every language says all that the page says, nothing else, and fills in the same values.
#[test]
fn every_language_has_every_text() {
    let english = texts();
    assert!(
        english.len() > 100,
        "the texts were found: {}",
        english.len()
    );
    let mut problems = Vec::new();
    for language in LANGUAGES.iter().filter(|language| language.code != "en") {
        let file = root().join(format!("assets/languages/{}.json", language.code));
        let words: BTreeMap<String, String> =
            serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let code = language.code;
        for text in &english {
            match words.get(text) {
                None => problems.push(format!("{code} lacks {text:?}")),
                Some(word) if word.trim().is_empty() => {
                    problems.push(format!("{code} says nothing for {text:?}"))
                }
                Some(word) if places(word) != places(text) => {
                    problems.push(format!("{code} fills in other values: {text:?} {word:?}"));
                }
                Some(_) => {}
            }
        }
        let stale = words.keys().filter(|text| !english.contains(*text));
        problems.extend(stale.map(|text| format!("{code} has what nobody says: {text:?}")));
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn texts_are_found_in_the_code() {
    let code = r#"
        // say("a comment")
        let a = say("one"); other_say("no"); event.key("no"); session::say("no");
        let b = words::say_with("two {x}", &[("x", "no")]);
        let c = say(match kind { Kind::A(_) => "three", _ => { "fo\"ur\u{2026}" } });
        const D: &str = key("five, (six)");
        #[cfg(test)]
        say("no");
    "#;
    let found = texts_in(code);
    let found: Vec<_> = found.iter().map(String::as_str).collect();
    assert_eq!(found, ["five, (six)", "fo\"ur…", "one", "three", "two {x}"]);
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn texts() -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.starts_with(root().join("src/words")) && !path.ends_with("src/words.rs")
            {
                texts.extend(texts_in(&fs::read_to_string(path).unwrap()));
            }
        }
    }
    texts
}

/// The texts that a file's code says, but for its tests': all literals in the first argument of the functions that say them.
fn texts_in(code: &str) -> BTreeSet<String> {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: String = lines.flat_map(|line| [line, "\n"]).collect();
    let mut texts = BTreeSet::new();
    for call in ["say(", "say_with(", "key("] {
        for (at, _) in code.match_indices(call) {
            let before = &code[..at];
            let own = before.ends_with("words::")
                || !before.ends_with(|c: char| c.is_alphanumeric() || "_.:".contains(c));
            if own && !before.trim_end().ends_with("fn") {
                texts.extend(first_argument(&code[at + call.len()..]));
            }
        }
    }
    texts
}

/// The literals up to the comma or the bracket that ends an argument.
fn first_argument(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut depth = 0;
    let mut rest = code.chars();
    while let Some(character) = rest.next() {
        match character {
            '"' => found.push(literal(&mut rest)),
            '(' | '{' | '[' => depth += 1,
            ')' | '}' | ']' if depth == 0 => break,
            ')' | '}' | ']' => depth -= 1,
            ',' if depth == 0 => break,
            _ => {}
        }
    }
    found
}

fn literal(rest: &mut std::str::Chars<'_>) -> String {
    let mut text = String::new();
    while let Some(character) = rest.next() {
        match character {
            '"' => break,
            '\\' => match rest.next() {
                Some('n') => text.push('\n'),
                Some('u') => {
                    let code: String = rest.by_ref().take_while(|c| *c != '}').collect();
                    let code = u32::from_str_radix(code.trim_start_matches('{'), 16).unwrap();
                    text.extend(char::from_u32(code));
                }
                // The line goes on after the white space.
                Some('\n') => {
                    let after = rest.as_str().trim_start();
                    *rest = after.chars();
                }
                Some(other) => text.push(other),
                None => {}
            },
            other => text.push(other),
        }
    }
    text
}

/// The values that a text fills in.
fn places(text: &str) -> BTreeSet<&str> {
    let after = text.split('{').skip(1);
    after
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
        .collect()
}
