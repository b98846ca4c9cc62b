//! Names and values as in an address's query: `a=1&b=2`, percent-encoded. Stored settings use the same form, so the page
//! needs no other one.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What is escaped in an address.
const ESCAPED: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'/');

/// The pairs of a query in their order. A leading `?` is allowed; a name without `=` has an empty value.
pub fn parse(query: &str) -> Vec<(String, String)> {
    query
        .strip_prefix('?')
        .unwrap_or(query)
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// Writes pairs so that [`parse`] reads them back, without a leading `?`.
pub fn format<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.extend(utf8_percent_encode(name, &ESCAPED));
        query.push('=');
        query.extend(utf8_percent_encode(value, &ESCAPED));
    }
    query
}

/// What is no escape of UTF-8 stays as it is: an address can hold anything.
fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8();
    decoded.map(Cow::into_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_survives_the_way_through_a_query() {
        let pairs = [("room", "a & b=c?#%+ é 😀\n\""), ("", ""), ("x", "")];
        let query = format(pairs);
        assert!(query.is_ascii());
        let read = parse(&query);
        let read: Vec<_> = read.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(read, pairs);
    }

    #[test]
    fn what_browsers_and_people_write_is_read() {
        let read = parse("?room=Default+Room&&name=J%C3%bc&flag&bad=%zz%4&half=%C3");
        let read: Vec<_> = read.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(
            read,
            [
                ("room", "Default Room"),
                ("name", "Jü"),
                ("flag", ""),
                ("bad", "%zz%4"),
                ("half", "%C3")
            ]
        );
        assert!(parse("").is_empty());
        assert!(parse("?").is_empty());
    }
}
