//! Letters of every script, and their case.
//!
//! In a browser these ask the browser: it has the tables of Unicode, which need not be fetched with the page.

/// A text in small letters.
pub fn lower(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        here::lower(text)
    }
}

/// Whether two characters are the same one, whatever their case.
pub fn same(a: char, b: char) -> bool {
    if a.is_ascii() && b.is_ascii() {
        a.eq_ignore_ascii_case(&b)
    } else {
        a == b || lower(a.encode_utf8(&mut [0; 4])) == lower(b.encode_utf8(&mut [0; 4]))
    }
}

/// Whether it is a letter or a digit, so that it belongs to a word.
pub fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric()
    } else {
        here::is_letter(c)
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod here {
    pub fn lower(text: &str) -> String {
        text.to_lowercase()
    }

    pub fn is_letter(c: char) -> bool {
        c.is_alphanumeric()
    }
}

#[cfg(target_arch = "wasm32")]
mod here {
    use js_sys::{JsString, RegExp};

    pub fn lower(text: &str) -> String {
        JsString::from(text).to_lower_case().into()
    }

    pub fn is_letter(c: char) -> bool {
        // Browsers compile an expression once.
        RegExp::new(r"[\p{Alphabetic}\p{N}]", "u").test(c.encode_utf8(&mut [0; 4]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_tell_letters_apart() {
        for (a, b) in [('a', 'A'), ('ö', 'Ö'), ('я', 'Я'), ('1', '1'), ('日', '日')] {
            assert!(same(a, b), "{a} {b}");
        }
        for (a, b) in [('a', 'b'), ('a', 'ä'), ('[', '{'), ('@', '`')] {
            assert!(!same(a, b), "{a} {b}");
        }
        assert_eq!(lower("ÖZIL Ann"), "özil ann");
    }

    #[test]
    fn every_script_has_letters() {
        for c in ['a', 'Z', '5', 'ß', 'я', '日', 'ع', '५'] {
            assert!(is_letter(c), "{c}");
        }
        for c in ['_', ' ', '@', '，', '…', '😀', '\u{a0}'] {
            assert!(!is_letter(c), "{c}");
        }
    }
}
