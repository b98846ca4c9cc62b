//! Whether a text has any markup: if not, what reads markup need not be fetched.

/// Whether reading the text as Markdown could make anything but the text itself of it.
pub fn is_marked(text: &str) -> bool {
    let holds = |sign: &[u8]| text.as_bytes().windows(sign.len()).any(|it| it == sign);
    text.contains(['*', '_', '~', '`', '@', '\\'])
        || holds(b"](")
        || holds(b"://")
        || text.lines().any(begins_block)
}

/// A heading, a quote, an item of a list.
fn begins_block(line: &str) -> bool {
    let line = line.trim_start();
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    match rest.chars().next() {
        Some('#' | '>' | '-' | '+') => rest.len() == line.len(),
        Some('.' | ')') => rest.len() < line.len(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_no_markup() {
        for plain in [
            "",
            "Hello, world!",
            "Is 3 > 2? 7-1 = 6 & more.",
            "two\nlines (and a bracket)",
            "<b>no</b> <img src=x onerror=alert(1)>",
            "12 monkeys",
            "a [b] c",
        ] {
            assert!(!is_marked(plain), "{plain}");
        }
    }

    #[test]
    fn markup_is_seen() {
        for marked in [
            "*a*",
            "snake_case",
            "~~x~~",
            "`x`",
            "see\n> this",
            "# Title",
            " - item",
            "12. twelfth",
            "3) third",
            "[a](b)",
            "https://example.com",
            "@ann",
            "1\\. no list",
        ] {
            assert!(is_marked(marked), "{marked}");
        }
    }
}
