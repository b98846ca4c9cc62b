use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::message::fill;
use super::{Value, messages};

fn file(code: &str) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("locales/{code}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The key of a text without its plural form.
fn base(key: &str) -> &str {
    key.split_once('.').map_or(key, |(base, _)| base)
}

/// The places of each text, in any of its plural forms.
fn places(texts: &BTreeMap<String, String>) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut places: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (key, text) in texts {
        let names = text.split('{').skip(1).filter_map(|it| it.split_once('}'));
        let names = names.map(|(name, _)| name);
        places.entry(base(key)).or_default().extend(names);
    }
    places
}

/// The keys that a language needs for one of English. A plural has the forms that CLDR names for whole numbers below a million;
/// Japanese has but one, which needs no name.
fn keys_of(code: &str, english: &str) -> Vec<String> {
    let forms: &[_] = match (english.split_once('.'), code) {
        (None, _) | (_, "ja") => return vec![base(english).to_owned()],
        (_, "ar") => &["zero", "one", "two", "few", "many", "other"],
        _ => &["one", "other"],
    };
    let key = |form: &&str| [base(english), ".", form].concat();
    forms.iter().map(key).collect()
}

#[test]
fn every_language_has_every_text_with_the_same_values() {
    let english = file("en");
    for code in ["ar", "de", "es", "ja"] {
        let texts = file(code);
        let wanted: BTreeSet<_> = english.keys().flat_map(|it| keys_of(code, it)).collect();
        let keys: BTreeSet<_> = texts.keys().cloned().collect();
        assert_eq!(keys, wanted, "the keys of {code}");
        assert_eq!(places(&texts), places(&english), "{code}");
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
    let texts = file("en");
    let unused: Vec<_> = texts
        .keys()
        .filter(|key| !words.contains(base(key)) && !key.starts_with("date_"))
        .collect();
    assert_eq!(unused, Vec::<&String>::new());
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
