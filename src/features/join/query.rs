//! Names and values as in an address's query: `a=1&b=2`, percent-encoded. Stored settings use the same form, so the page
//! needs no other one.

/// The pairs of a query in their order. A leading `?` is allowed; a name without `=` has an empty value.
#[must_use]
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
#[must_use]
pub fn format<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        encode(name, &mut query);
        query.push('=');
        encode(value, &mut query);
    }
    query
}

/// Bytes that are not UTF-8 become U+FFFD and a broken escape stays as it is: an address can hold anything.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => match tail {
                [high, low, tail @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    bytes.push(hex(*high) << 4 | hex(*low));
                    rest = tail;
                }
                _ => bytes.push(b'%'),
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

fn encode(text: &str, into: &mut String) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~' | b'/') {
            into.push(byte as char);
        } else {
            into.push('%');
            into.push(DIGITS[usize::from(byte >> 4)]);
            into.push(DIGITS[usize::from(byte & 15)]);
        }
    }
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
                ("half", "\u{fffd}")
            ]
        );
        assert!(parse("").is_empty());
        assert!(parse("?").is_empty());
    }
}
