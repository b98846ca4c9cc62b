//! Regular expressions as Java's `Pattern` means them, which Diffusion uses, for the crate `regex-automata`.
//!
//! What Java means differently is written in another way (`\w`, `.`, `(?i)`), or refused with the reason. What the crate does not
//! have at all, look-around and back-references, it refuses itself: in return its time is bounded by the length of the text.
//!
//! Source: the API documentation of `java.util.regex.Pattern`, and what Java 17 does with the patterns of the tests.

use core::ops::Range;

use regex_syntax::ast::{
    self, AssertionKind, Ast, ClassPerl, ClassPerlKind, ClassSet, ClassSetBinaryOpKind,
    ClassSetItem, ClassUnicode, ClassUnicodeKind, Flag, FlagsItemKind, GroupKind, HexLiteralKind,
    Literal, LiteralKind, Span, SpecialLiteralKind,
};

/// Why a pattern cannot be used.
pub(crate) type Reason = String;

/// Java's `.` without DOTALL: all but what ends a line.
const NO_LINE_END: &str = r"[^\n\r\x{85}\x{2028}\x{2029}]";

/// Writes a pattern of Java's for `regex-automata`.
///
/// # Errors
/// If it is no pattern, or means something that the crate cannot express.
pub(crate) fn translate(pattern: &str) -> Result<String, Reason> {
    let ast = ast::parse::Parser::new()
        .parse(pattern)
        .map_err(|error| error.kind().to_string())?;
    let mut translation = Translation {
        pattern,
        edits: Vec::new(),
    };
    translation.ast(&ast, &mut Flags::default())?;
    Ok(translation.write())
}

/// The flags that hold at a place.
#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    /// `i`: of ASCII letters only, as long as there is no `u`.
    ignores_case: bool,
    /// `s`.
    dot_is_all: bool,
}

impl Flags {
    fn change(&mut self, flags: &ast::Flags) -> Result<(), Reason> {
        let mut on = true;
        for item in &flags.items {
            match item.kind {
                FlagsItemKind::Negation => on = false,
                FlagsItemKind::Flag(Flag::CaseInsensitive) => self.ignores_case = on,
                FlagsItemKind::Flag(Flag::DotMatchesNewLine) => self.dot_is_all = on,
                FlagsItemKind::Flag(_) => return refuse("of the flags, i and s are supported"),
            }
        }
        Ok(())
    }
}

fn refuse<T>(reason: &str) -> Result<T, Reason> {
    Err(reason.to_owned())
}

/// A pattern, and what is to be written in another way, in order.
struct Translation<'p> {
    pattern: &'p str,
    edits: Vec<(Range<usize>, String)>,
}

impl Translation<'_> {
    fn write(self) -> String {
        let mut written = String::with_capacity(self.pattern.len());
        let mut end = 0;
        for (range, text) in self.edits {
            written.push_str(self.pattern.get(end..range.start).unwrap_or_default());
            written.push_str(&text);
            end = range.end;
        }
        written.push_str(self.pattern.get(end..).unwrap_or_default());
        written
    }

    fn replace(&mut self, span: &Span, text: impl Into<String>) {
        let range = span.start.offset..span.end.offset;
        self.edits.push((range, text.into()));
    }

    fn text(&self, span: &Span) -> &str {
        let range = span.start.offset..span.end.offset;
        self.pattern.get(range).unwrap_or_default()
    }

    fn ast(&mut self, ast: &Ast, flags: &mut Flags) -> Result<(), Reason> {
        match ast {
            Ast::Empty(_) => {}
            Ast::Flags(set) => {
                flags.change(&set.flags)?;
                self.replace(&set.span, "");
            }
            Ast::Literal(literal) => {
                check_literal(literal)?;
                if flags.ignores_case && literal.c.is_ascii_alphabetic() {
                    let cases = both_cases(literal.c);
                    self.replace(&literal.span, format!("[{cases}]"));
                }
            }
            Ast::Dot(span) if flags.dot_is_all => self.replace(span, "(?s:.)"),
            Ast::Dot(span) => self.replace(span, NO_LINE_END),
            Ast::Assertion(assertion) => match assertion.kind {
                AssertionKind::StartLine
                | AssertionKind::EndLine
                | AssertionKind::StartText
                | AssertionKind::EndText => {}
                AssertionKind::WordBoundaryStartAngle => self.replace(&assertion.span, "<"),
                AssertionKind::WordBoundaryEndAngle => self.replace(&assertion.span, ">"),
                _ => return refuse(r"\b and \B depend on the version of Java"),
            },
            Ast::ClassUnicode(class) => self.check_property(class, *flags)?,
            Ast::ClassPerl(class) => {
                let text = perl(class);
                self.replace(&class.span, format!("[{text}]"));
            }
            Ast::ClassBracketed(class) => self.class(&class.kind, *flags)?,
            Ast::Repetition(repetition) => {
                if matches!(*repetition.ast, Ast::Repetition(_)) {
                    return refuse("possessive quantifiers are not supported");
                }
                if self.text(&repetition.op.span).contains(char::is_whitespace) {
                    return refuse("there are no spaces in the bounds of a repetition");
                }
                self.ast(&repetition.ast, flags)?;
            }
            Ast::Group(group) => {
                let mut inner = *flags;
                match &group.kind {
                    GroupKind::CaptureIndex(_) => {}
                    GroupKind::CaptureName {
                        starts_with_p: false,
                        ..
                    } => {}
                    GroupKind::CaptureName { .. } => return refuse("(?P<name> is not Java's"),
                    GroupKind::NonCapturing(set) => {
                        inner.change(set)?;
                        self.replace(&set.span, "");
                    }
                }
                self.ast(&group.ast, &mut inner)?;
            }
            Ast::Alternation(alternation) => {
                for ast in &alternation.asts {
                    self.ast(ast, flags)?;
                }
            }
            Ast::Concat(concat) => {
                for ast in &concat.asts {
                    self.ast(ast, flags)?;
                }
            }
        }
        Ok(())
    }

    fn class(&mut self, set: &ClassSet, flags: Flags) -> Result<(), Reason> {
        match set {
            ClassSet::Item(item) => self.item(item, flags),
            ClassSet::BinaryOp(op) if op.kind == ClassSetBinaryOpKind::Intersection => {
                self.class(&op.lhs, flags)?;
                self.class(&op.rhs, flags)
            }
            ClassSet::BinaryOp(_) => refuse("in a class, -- and ~~ are plain characters to Java"),
        }
    }

    fn item(&mut self, item: &ClassSetItem, flags: Flags) -> Result<(), Reason> {
        match item {
            ClassSetItem::Empty(_) => Ok(()),
            ClassSetItem::Literal(literal) => {
                check_literal(literal)?;
                if flags.ignores_case && literal.c.is_ascii_alphabetic() {
                    self.replace(&literal.span, both_cases(literal.c));
                }
                Ok(())
            }
            ClassSetItem::Range(range) => {
                check_literal(&range.start)?;
                check_literal(&range.end)?;
                if flags.ignores_case {
                    let text = self.text(&range.span).to_owned();
                    let letters = ('a'..='z').chain('A'..='Z');
                    let within = letters.filter(|it| (range.start.c..=range.end.c).contains(it));
                    let more: String = within.map(both_cases).collect();
                    self.replace(&range.span, text + &more);
                }
                Ok(())
            }
            ClassSetItem::Ascii(_) => {
                refuse("[:name:] is a class of characters to Java: use \\p{L}")
            }
            ClassSetItem::Unicode(class) => self.check_property(class, flags),
            ClassSetItem::Perl(class) => {
                let text = perl(class);
                self.replace(
                    &class.span,
                    if class.negated {
                        format!("[{text}]")
                    } else {
                        text
                    },
                );
                Ok(())
            }
            ClassSetItem::Bracketed(class) => self.class(&class.kind, flags),
            ClassSetItem::Union(union) => {
                union.items.iter().try_for_each(|it| self.item(it, flags))
            }
        }
    }

    /// General categories mean the same; other names mean other properties, and case has rules of its own.
    fn check_property(&self, class: &ClassUnicode, flags: Flags) -> Result<(), Reason> {
        let name = match &class.kind {
            ClassUnicodeKind::OneLetter(letter) => letter.to_string(),
            ClassUnicodeKind::Named(name) => name.clone(),
            ClassUnicodeKind::NamedValue { .. } => String::new(),
        };
        let mut letters = name.chars();
        let is_category = letters.next().is_some_and(|it| "CLMNPSZ".contains(it))
            && letters.next().is_none_or(|it| it.is_ascii_lowercase())
            && letters.next().is_none();
        let is_cased = matches!(name.as_str(), "Lu" | "Ll" | "Lt");
        if !is_category || self.text(&class.span).contains('^') {
            return refuse("of the properties, general categories such as \\p{Lu} are supported");
        }
        if is_cased && flags.ignores_case {
            return refuse("(?i) and categories of case do not go together");
        }
        Ok(())
    }
}

/// What stands for a class such as `\w` in brackets: ASCII only, as Java has it.
fn perl(class: &ClassPerl) -> String {
    let text = match class.kind {
        ClassPerlKind::Digit => "0-9",
        ClassPerlKind::Space => r"\t\n\x0B\f\r\x20",
        ClassPerlKind::Word => "0-9A-Z_a-z",
    };
    let negation = if class.negated { "^" } else { "" };
    [negation, text].concat()
}

fn both_cases(letter: char) -> String {
    [letter.to_ascii_lowercase(), letter.to_ascii_uppercase()]
        .iter()
        .collect()
}

fn check_literal(literal: &Literal) -> Result<(), Reason> {
    match literal.kind {
        LiteralKind::Special(SpecialLiteralKind::VerticalTab) => {
            refuse(r"\v is a class of characters to Java: use \x0B")
        }
        LiteralKind::HexFixed(HexLiteralKind::UnicodeLong)
        | LiteralKind::HexBrace(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong) => {
            refuse(r"of the ways to write a code point, \xhh, \uhhhh and \x{h…h} are Java's")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WholePattern;

    /// Text that Java 17's `Pattern.matches` takes, and text that it does not.
    #[test]
    fn a_pattern_means_what_java_means() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            (r"\w+", &["aZ_9"], &["é", "aé", "٣", "ſ"]),
            (r"\W", &["é", "-"], &["a", "_"]),
            (r"\d+", &["09"], &["٣", "९"]),
            (r"\D", &["٣", "a"], &["0"]),
            (
                r"\s",
                &[" ", "\t", "\u{b}"],
                &["\u{a0}", "\u{2003}", "\u{85}"],
            ),
            (r"\S", &["\u{a0}", "x"], &[" "]),
            (r"[\w.]+", &["a.b"], &["é.b"]),
            (r"[^\w]", &["é"], &["a"]),
            (r"[\W]", &["é"], &["a"]),
            (r"[\Wa]+", &["aé"], &["b"]),
            ("(?i)straße", &["STRAßE", "straße"], &["STRASSE", "straẞe"]),
            ("(?i)é", &["é"], &["É"]),
            ("(?i)k", &["k", "K"], &["\u{212a}"]),
            ("(?i)[a-c]é", &["Bé", "bé"], &["BÉ", "dé"]),
            ("(?i)[X-b]", &["x", "B", "Y", "[", "A"], &["c", "w"]),
            ("(?i)[^a]", &["b", "é"], &["a", "A"]),
            ("(?i:a)b", &["Ab", "ab"], &["aB"]),
            ("a(?i)b|c", &["aB", "C", "c"], &["AB"]),
            ("(a(?i)b)c", &["aBc"], &["aBC"]),
            ("(?i)a(?-i)b", &["Ab"], &["aB"]),
            (".", &["a", "é", "😀"], &["\n", "\r", "\u{85}", "\u{2028}"]),
            ("(?s).", &["a", "\n", "\r", "\u{2028}"], &[]),
            ("[a-z&&[^b]]+", &["acz"], &["abc"]),
            ("[a-c[x-z]]+", &["ay"], &["d"]),
            ("[^a-c&&b]", &["a", "x"], &["b"]),
            (r"\p{L}+", &["aé"], &["1"]),
            (r"\p{Lu}\pN", &["É1"], &["é1"]),
            (r"\<a\>", &["<a>"], &["a"]),
            (r"(?<n>a)+", &["aa"], &[""]),
            ("a{2}", &["aa"], &["a", "aaa"]),
            ("a{2,}?", &["aaa"], &["a"]),
            (r"\x41\u0042\x{43}", &["ABC"], &["abc"]),
            ("^a$", &["a"], &["ab"]),
        ];
        for (pattern, yes, no) in cases {
            let regex = WholePattern::compile(pattern).unwrap();
            for text in *yes {
                assert!(regex.is_match(text), "{pattern} takes {text:?}");
            }
            for text in *no {
                assert!(!regex.is_match(text), "{pattern} does not take {text:?}");
            }
        }
    }

    #[test]
    fn what_cannot_mean_the_same_is_refused_with_the_reason() {
        for (pattern, reason) in [
            ("a++", "possessive"),
            ("a*+", "possessive"),
            ("a?+b", "possessive"),
            ("a{1,2}+", "possessive"),
            ("[a-z--b]", "--"),
            ("[a-c~~b-d]", "~~"),
            ("[[:alpha:]]", "[:name:]"),
            (r"\p{Greek}", "general categories"),
            (r"\p{Alpha}", "general categories"),
            (r"\p{Script=Greek}", "general categories"),
            (r"(?i)\p{Lu}", "(?i)"),
            (r"\bword\b", r"\b"),
            (r"a\B", r"\b"),
            ("(?u)a", "flags"),
            ("(?U)a*", "flags"),
            ("(?m)^a$", "flags"),
            ("(?x) a", "flags"),
            ("(?P<n>a)", "(?P<name>"),
            (r"\v", r"\v"),
            (r"\U00000041", "code point"),
            (r"\u{41}", "code point"),
            ("a{,2}", "decimal"),
            ("a{1, 2}", "no spaces"),
            ("(?=a)", "look-around"),
            ("(?<!a)b", "look-around"),
            (r"(a)\1", "backreference"),
            ("(", "unclosed"),
        ] {
            let refused = translate(pattern).unwrap_err();
            assert!(refused.contains(reason), "{pattern}: {refused}");
        }
    }
}
