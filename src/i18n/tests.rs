use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value as Json;

use super::message::fill;
use super::{Value, messages};

fn file(code: &str) -> BTreeMap<String, Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("locales/{code}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The places of a text, in any of its plural forms.
fn places(text: &Json) -> BTreeSet<String> {
    match text {
        Json::String(text) => text
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| name.to_owned())
            .collect(),
        Json::Object(forms) => forms.values().flat_map(places).collect(),
        _ => panic!("{text} is no text"),
    }
}

fn forms(text: &Json) -> BTreeSet<&str> {
    match text {
        Json::Object(forms) => forms.keys().map(String::as_str).collect(),
        _ => BTreeSet::new(),
    }
}

/// The plural forms that CLDR names for whole numbers below a million in a language. Japanese has but one, which needs no name.
fn forms_of(code: &str, english: &Json) -> BTreeSet<&'static str> {
    let forms: &[_] = match (english, code) {
        (Json::String(_), _) | (_, "ja") => &[],
        (_, "ar") => &["zero", "one", "two", "few", "many", "other"],
        _ => &["one", "other"],
    };
    forms.iter().copied().collect()
}

#[test]
fn every_language_has_every_text_with_the_same_values() {
    let english = file("en");
    for code in ["ar", "de", "es", "ja"] {
        let texts = file(code);
        let keys = |texts: &BTreeMap<String, Json>| texts.keys().cloned().collect::<BTreeSet<_>>();
        assert_eq!(keys(&texts), keys(&english), "the keys of {code}");
        for (key, text) in &texts {
            assert_eq!(places(text), places(&english[key]), "{code}: {key}");
            assert_eq!(
                forms(text),
                forms_of(code, &english[key]),
                "{code}: the plural forms of {key}"
            );
        }
    }
}

/// The page's code, without this folder.
fn code(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("i18n") {
            code(&path, into);
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_text_is_shown_somewhere() {
    let mut shown = String::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    code(&root.join("src"), &mut shown);
    // It tells of a crash, when no program is left to do so.
    shown.push_str(&std::fs::read_to_string(root.join("index.html")).unwrap());
    let words: BTreeSet<&str> = shown
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .collect();
    // The names of days are shown by the language itself.
    let texts = file("en").into_keys();
    let unused: Vec<_> = texts
        .filter(|key| !words.contains(key.as_str()) && !key.starts_with("date_"))
        .collect();
    assert_eq!(unused, Vec::<String>::new());
}

#[test]
fn values_take_the_places_of_their_names() {
    let values = [
        ("name", Value::from("{room}")),
        ("room", Value::from("{x}")),
    ];
    let write = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    };
    let filled = |text| fill(text, &values, &write);
    assert_eq!(filled("{name} has joined {room}"), "{room} has joined {x}");
    assert_eq!(filled("{a} {name"), "{a} {name");
}

#[test]
fn data_hold_texts_in_no_language() {
    let text = text!(people_typing_one, name = "Ann");
    assert_eq!(text.english(), "Ann is typing…");
    assert_eq!(text.message, &messages::people_typing_one);
}
