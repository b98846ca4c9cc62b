//! What stands for somebody where a name is too long, and stays with the name.

use effusion_chat::is_hidden;

/// A hue in degrees that stays with a name, for its colour and avatar.
pub fn hue(name: &str) -> u32 {
    // FNV-1a: spreads names that differ in one letter.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (hash >> 8) % 360
}

/// Up to two characters that stand for a name in its avatar, as they are in the name.
pub fn initials(name: &str) -> String {
    let first = |word: &str| {
        word.chars()
            .find(|c| !c.is_ascii() || c.is_ascii_alphanumeric())
    };
    let mut words = name.split_whitespace().filter_map(first);
    let first = words.next();
    first.into_iter().chain(words.next_back()).collect()
}

/// A name in a sentence: one that is written from the other side moves nothing beside it.
pub fn isolate(name: &str) -> String {
    ["\u{2068}", name, "\u{2069}"].concat()
}

/// A name with nothing in it that cannot be seen: characters that are invisible, turn the direction of others around or look
/// like a blank are shown by their number, and so are blanks that a browser would leave out.
pub fn revealed(name: &str) -> String {
    let mut shown = String::with_capacity(name.len());
    let mut before = ' ';
    let mut rest = name.chars().peekable();
    while let Some(c) = rest.next() {
        let next = rest.peek().copied().unwrap_or(' ');
        if c == ' ' && (before == ' ' || next == ' ') {
            shown.push('␣');
        } else if is_hidden(c) && !joins(before, c, next) {
            shown.push_str(&["[", &code_point(c), "]"].concat());
        } else {
            shown.push(c);
        }
        before = c;
    }
    shown
}

/// Whether there is something in a name that [`revealed`] has to show.
pub fn has_hidden(name: &str) -> bool {
    name != revealed(name)
}

/// The number of a character, as Unicode writes it.
fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// Whether a character is where writing needs it: a joiner between letters of other alphabets or pictures, or what says how
/// the picture before it is drawn.
fn joins(before: char, c: char, next: char) -> bool {
    match c {
        '\u{200c}' | '\u{200d}' => !before.is_ascii() && !next.is_ascii() && !is_hidden(next),
        '\u{fe0f}' => has_emoji_form(before) && !is_hidden(before),
        _ => false,
    }
}

/// Whether a character can be drawn as text or as an emoji: the blocks in Unicode's `emoji-variation-sequences.txt`, apart from ASCII.
fn has_emoji_form(c: char) -> bool {
    matches!(
        c,
        '\u{a9}' | '\u{ae}' | '\u{203c}'..='\u{2bff}' | '\u{3030}'..='\u{303d}'
            | '\u{3297}'..='\u{3299}' | '\u{1f000}'..='\u{1faff}'
    )
}

/// A name without what joins its characters: it looks the same with and without.
pub fn without_joiners(name: &str) -> String {
    name.replace(['\u{200c}', '\u{200d}', '\u{fe0f}'], "")
}

/// What a name of ASCII characters looks like: those that can be taken for each other look the same. It is the skeleton of
/// [`effusion_chat::lookalike`], which has the tables for all others. None if they are needed.
pub fn ascii_look(name: &str) -> Option<String> {
    name.is_ascii().then(|| {
        let look = |c: char| match c {
            '0' => 'O',
            '1' | 'I' | '|' => 'l',
            c => c,
        };
        let look: String = name.chars().map(look).collect();
        look.replace('m', "rn")
    })
}

/// Whether a name has letters among Latin ones that are there only to look like them.
pub fn is_mixed(name: &str, look: &str) -> bool {
    !name.is_ascii() && look.is_ascii() && name.contains(|c: char| c.is_ascii_alphabetic())
}

/// What a name, or its look, is as good as at a glance: case, blanks, punctuation and characters that are shown by their number do not
/// count, nor do digits that are drawn like letters.
fn at_a_glance(look: &str) -> String {
    let mut seen = String::with_capacity(look.len());
    let mut rest = look;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == '['
            && let Some((_, after)) = rest.strip_prefix("U+").and_then(|it| it.split_once(']'))
        {
            rest = after;
            continue;
        }
        match c.to_ascii_lowercase() {
            '0' => seen.push('o'),
            '1' | 'i' | '|' => seen.push('l'),
            '5' | '$' => seen.push('s'),
            '␣' => {}
            c if c.is_whitespace() || c.is_ascii_punctuation() || is_hidden(c) => {}
            c => seen.push(c),
        }
    }
    seen.replace("rn", "m")
}

/// Whether a name, or its look, can be taken for that of `System`, which tells what no person says.
pub fn is_like_system(look: &str) -> bool {
    at_a_glance(look) == "system"
}

/// Names that tell of rights, and principals that every service has.
const OFFICES: [&str; 9] = [
    "admin",
    "administrator",
    "client",
    "control",
    "moderator",
    "operator",
    "root",
    "server",
    "service",
];

/// Whether a name, or its look, is an office that its bearer's account does not say: whoever goes by it need not hold it.
pub fn claims_office(look: &str, account: &str) -> bool {
    let claimed = at_a_glance(look);
    let mut offices = OFFICES.into_iter();
    offices.any(|office| at_a_glance(office) == claimed) && at_a_glance(account) != claimed
}

/// The characters of a name that can be taken for others, by their numbers.
pub fn spelled(name: &str) -> String {
    /// More would fill the line.
    const MAX: usize = 6;
    let is_other = |c: &char| !c.is_ascii() || matches!(c, '0' | '1' | 'I' | '|');
    let all: Vec<String> = name
        .chars()
        .filter(is_other)
        .take(MAX)
        .map(code_point)
        .collect();
    all.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn avatars_have_initials_and_colours_that_stay() {
        assert_eq!(initials("ada king lovelace"), "al");
        assert_eq!(initials("Zoë"), "Z");
        assert_eq!(initials("  \"(bob)\" é!"), "bé");
        assert_eq!(initials("!?"), "");
        assert_eq!(hue("ada"), hue("ada"));
        assert_ne!(hue("ada"), hue("adb"));
        assert!(hue("") < 360);
    }

    #[test]
    fn what_cannot_be_seen_in_a_name_is_shown() {
        for (name, shown) in [
            ("Ann", "Ann"),
            ("Ann Lee", "Ann Lee"),
            ("Zoë Ångström", "Zoë Ångström"),
            ("李小龙", "李小龙"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("👩\u{200d}🚀 ❤\u{fe0f}", "👩\u{200d}🚀 ❤\u{fe0f}"),
            ("An\u{200b}n", "An[U+200B]n"),
            ("An\u{200d}n", "An[U+200D]n"),
            ("\u{202e}nnA", "[U+202E]nnA"),
            ("Ann\u{a0}Lee", "Ann[U+00A0]Lee"),
            ("Ann\nLee\0", "Ann[U+000A]Lee[U+0000]"),
            ("Ann  Lee ", "Ann␣␣Lee␣"),
            ("\u{e0041}Ann\u{3164}", "[U+E0041]Ann[U+3164]"),
            ("Ann\u{fe0f} é\u{fe0f}", "Ann[U+FE0F] é[U+FE0F]"),
            ("ℹ\u{fe0f} ©\u{fe0f}", "ℹ\u{fe0f} ©\u{fe0f}"),
            ("\u{2066}\u{fe0f}Ann", "[U+2066][U+FE0F]Ann"),
        ] {
            assert_eq!(revealed(name), shown);
            assert_eq!(has_hidden(name), name != shown, "{name:?}");
        }
    }

    #[test]
    fn names_that_look_alike_have_one_look() {
        assert_eq!(ascii_look("Ian"), ascii_look("lan"));
        assert_eq!(ascii_look("Mom0"), ascii_look("MornO"));
        assert_ne!(ascii_look("Ann"), ascii_look("ann"));
        assert_eq!(ascii_look("Zoë"), None);
        assert_eq!(spelled("Воb"), "U+0412 U+043E");
        assert_eq!(spelled("Ian"), "U+0049");
        assert_eq!(spelled("lan"), "");
        assert_eq!(spelled("😀"), "U+1F600");
        for system in [
            "System",
            "SYSTEM",
            "system ",
            "System␣",
            "S y s t e m",
            "5ystern",
            "System[U+200B]",
            "-System-",
        ] {
            assert!(is_like_system(system), "{system}");
        }
        assert!(!is_like_system("Systems") && !is_like_system("Sys"));
        assert!(claims_office("Admin", "user") && claims_office("adrnin", ""));
        assert!(!claims_office("admin", "admin") && !claims_office("Ann", "user"));
        // The tables for other alphabets agree.
        for name in ["Ian", "Mom0", "|1", "Ann Lee"] {
            let skeleton = effusion_chat::lookalike::skeleton(name);
            assert_eq!(ascii_look(name), Some(skeleton));
        }
    }
}
