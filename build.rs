//! Makes a constant of each text of the interface (see `src/i18n`) and a table of all emoji (see `src/features/composer/emoji.rs`),
//! and asks the linker for what splitting the page needs.

// A build script fails by a panic.
#![allow(clippy::expect_used)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::{env, fs, path::Path};

const ENGLISH: &str = "locales/en.json";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={ENGLISH}");
    if env::var_os("CARGO_FEATURE_SPLIT").is_some() {
        println!("cargo:rustc-link-arg-bins=--emit-relocs");
    }
    let english = fs::read_to_string(ENGLISH).expect("the English texts can be read");
    let english: BTreeMap<String, String> =
        serde_json::from_str(&english).expect("they are an object of texts");
    let out = env::var_os("OUT_DIR").expect("cargo names a folder");
    fs::write(Path::new(&out).join("messages.rs"), constants(&english))
        .expect("the folder can be written");
    fs::write(Path::new(&out).join("emoji.tsv"), emoji_table()).expect("the folder can be written");
}

fn constants(english: &BTreeMap<String, String>) -> String {
    let mut messages: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (key, text) in english {
        let (key, form) = key.split_once('.').unwrap_or((key, "other"));
        messages.entry(key).or_default().push((form, text));
    }
    let mut code = String::new();
    for (key, forms) in messages {
        writeln!(
            code,
            "pub static {key}: Message = Message {{ key: {key:?}, english: &{forms:?} }};"
        )
        .expect("a string takes everything");
    }
    code
}

/// All emoji in Unicode's order, with an empty line between groups: the emoji, its short names, its name in the Unicode
/// standard and its variants by skin tone, lightest first.
fn emoji_table() -> String {
    use emojis::SkinTone::{Dark, Light, Medium, MediumDark, MediumLight};

    let mut table = String::new();
    let mut group = emojis::Group::SmileysAndEmotion;
    for emoji in emojis::iter() {
        if emoji.group() != group {
            group = emoji.group();
            table.push('\n');
        }
        let mut names: Vec<String> = emoji.shortcodes().map(str::to_owned).collect();
        if names.is_empty() {
            names.push(short_name(emoji.name()));
        }
        let tones: Vec<&str> = [Light, MediumLight, Medium, MediumDark, Dark]
            .into_iter()
            .filter_map(|tone| emoji.with_skin_tone(tone))
            .map(emojis::Emoji::as_str)
            .collect();
        let fields = [
            emoji.as_str(),
            &names.join(" "),
            emoji.name(),
            &tones.join(" "),
        ];
        table.push_str(&fields.join("\t"));
        table.push('\n');
    }
    table
}

/// A short name for an emoji so new that it has none yet: `head_shaking_vertically`.
fn short_name(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.join("_").to_ascii_lowercase()
}
