use super::*;

/// The tree in short: `p(…)`, `b(…)`, texts as they are.
fn short(nodes: &[Node]) -> String {
    nodes.iter().map(one).collect()
}

fn one(node: &Node) -> String {
    match node {
        Node::Text(text) => text.clone(),
        Node::Code(text) => format!("code({text})"),
        Node::Block { language, text } => format!("pre[{language}]({text})"),
        Node::Link {
            to,
            children,
            label,
        } => {
            format!(
                "a[{}{to}]({})",
                match label {
                    LinkLabel::Address => "",
                    LinkLabel::Words => "!",
                    LinkLabel::OtherHost => "!!",
                },
                short(children)
            )
        }
        Node::Image { at, alt } => format!("img[{at}]({alt})"),
        Node::Mention { name, own } => format!("{}({name})", if *own { "me" } else { "name" }),
        Node::Rule => "hr".to_owned(),
        Node::Blank(lines) => format!("blank{lines}"),
        Node::Group(kind, children) => {
            let name = match kind {
                Kind::Paragraph => "p".to_owned(),
                Kind::Heading => "h".to_owned(),
                Kind::Strong => "b".to_owned(),
                Kind::Emphasis => "i".to_owned(),
                Kind::Strike => "s".to_owned(),
                Kind::Quote => "q".to_owned(),
                Kind::List(None) => "ul".to_owned(),
                Kind::List(Some(first)) => format!("ol{first}"),
                Kind::Item(number) => {
                    number.map_or_else(|| "li".to_owned(), |number| format!("li{number}"))
                }
            };
            format!("{name}({})", short(children))
        }
    }
}

fn read(text: &str) -> String {
    short(&parse(text, &["Ann".to_owned(), "Bob".to_owned()]))
}

/// Holds texts against their trees, one `text => tree` a line. `⏎` is the end of a line, `␣` a blank at either end.
#[track_caller]
fn check(table: &str) {
    let table = table.replace('␣', " ");
    for line in table.lines().skip(1) {
        let (text, tree) = line.split_once(" => ").expect("a text and its tree");
        let [text, tree] = [text, tree].map(|it| it.replace('⏎', "\n"));
        assert_eq!(read(&text), tree, "{text}");
    }
}

#[test]
fn the_common_subset_is_read() {
    check(
        r"
*a* _b_ **c** ~~d~~ `e*` => p(i(a) i(b) b(c) s(d) code(e*))
one⏎two *three* => p(one⏎two i(three))
# Title⏎text => h(Title)p(text)
> said⏎> so => q(p(said⏎so))
- a⏎- b => ul(li(a)li(b))
3. a⏎4. b => ol3(li3(a)li4(b))
```rust⏎fn x() {}⏎⏎*y*⏎``` => pre[rust](fn x() {}⏎⏎*y*)
a⏎⏎b *c* => p(a)p(b i(c))
a⏎⏎***⏎⏎b => p(a)hrp(b)",
    );
    // A line alone would be nothing to see.
    check(
        r"
*** => ***
snake_case_name => p(snake_case_name)
¯\_(ツ)_/¯ *x* => p(¯\_(ツ)_/¯ i(x))",
    );
}

#[test]
fn addresses_become_links() {
    check(
        r"
https://example.com/a_b_c => p(a[https://example.com/a_b_c](https://example.com/a_b_c))
see (https://a.example/x). => p(see (a[https://a.example/x](https://a.example/x)).)
https://a.example/(x) => p(a[https://a.example/(x)](https://a.example/(x)))
*https://a.example* => p(i(a[https://a.example](https://a.example)))
`https://a.example` => p(code(https://a.example))
```⏎https://a.example⏎``` => pre[](https://a.example)
[here](https://a.example) => p(a[!https://a.example](here))
[a.example](https://a.example/) => p(a[https://a.example/](a.example))
[b.example](https://a.example/) => p(a[!!https://a.example/](b.example))
<mailto:a@b.example> => p(a[mailto:a@b.example](mailto:a@b.example))
http:// nothing => p(http:// nothing)
[https://a.example](https://b.example) => p(a[!!https://b.example](https://a.example))",
    );
}

#[test]
fn only_harmless_addresses_are_links() {
    for text in [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,x)",
        "[x](/relative)",
        "[x](//host/path)",
        "<javascript:alert(1)>",
        "[x](vbscript:x) *y*",
        "![x](javascript:alert(1))",
        "![x](http://a.example/x.png)",
        "[x](blob:https://a.example/1)",
    ] {
        let tree = read(text);
        assert!(!tree.contains("a[") && !tree.contains("img["), "{tree}");
        assert!(
            tree.contains(&text[..text.find(['y']).map_or(text.len(), |y| y - 2)]),
            "{tree}"
        );
    }
}

#[test]
fn pictures_are_named_by_where_they_are() {
    check(
        r"
![a cat](https://a.example/cat.png) => p(img[https://a.example/cat.png](a cat))
[![cat](https://a.example/c.png)](https://b.example) => p(a[!!https://b.example](![cat](https://a.example/c.png)))",
    );
}

#[test]
fn html_stays_text() {
    check(
        r"
<b>*x*</b> => p(<b>i(x)</b>)
<script>alert(1)</script> => p(<script>alert(1)</script>)
<div onclick=x>⏎*y* => p(<div onclick=x>⏎*y*)
&lt;b&gt; &amp; &#42; *x* => p(&lt;b&gt; &amp; &#42; i(x))
<!-- *hidden* --> => p(<!-- *hidden* -->)",
    );
}

#[test]
fn nothing_that_was_written_gets_lost() {
    check(
        r"
[a]: https://b.example => p([a]: a[https://b.example](https://b.example))
- => -
# => #
>␣ => >␣
``` => ```
a *b*⏎--- => p(a i(b))---
␣␣␣␣four *blanks* => p(    four *blanks*)",
    );
}

#[test]
fn quotes_and_lists_end_where_their_marks_end() {
    check(
        r"
> you said⏎no => q(p(you said))p(no)
> a⏎> b⏎no⏎never⏎> c⏎well => q(p(a⏎b))p(no⏎never)q(p(c))p(well)
> a⏎>_< => q(p(a))p(>_<)
> > a⏎> b⏎c => q(q(p(a⏎b)))p(c)
> - a⏎b => q(ul(li(a)))p(b)
buy:⏎- milk⏎- eggs⏎thanks⏎Ann => p(buy:)ul(li(milk)li(eggs))p(thanks⏎Ann)
1. a⏎   b⏎c => ol1(li1(a⏎b))p(c)
- a⏎  - b⏎ c⏎d => ul(li(aul(li(b⏎c))))p(d)
␣␣- a⏎  b => ul(li(a))p(  b)
- a⏎⏎  b⏎c => ul(li(p(a)p(b)))p(c)
```⏎> a⏎b⏎- c⏎d⏎5*3*2⏎>:(⏎``` => pre[](> a⏎b⏎- c⏎d⏎5*3*2⏎>:()
- ```⏎  > a⏎  b⏎  ```⏎c => ul(li(pre[](> a⏎b)))p(c)
`5*3*2` https://a.example/5*3*2 => p(code(5*3*2) a[https://a.example/5*3*2](https://a.example/5*3*2))
**5*3** and *1*2* => p(b(5*3) and i(1*2))",
    );
}

#[test]
fn names_are_found_outside_of_code() {
    let tree = "p(me(@ann) and name(@Bob): code(@Ann) i(name(@bob)) x@ann)";
    assert_eq!(read("@ann and @Bob: `@Ann` *@bob* x@ann"), tree);
}

#[test]
fn depth_and_size_are_bounded() {
    fn depth(nodes: &[Node]) -> usize {
        let deepest = nodes.iter().map(|node| match node {
            Node::Link { children, .. } | Node::Group(_, children) => 1 + depth(children),
            _ => 1,
        });
        deepest.max().unwrap_or(0)
    }
    for mark in [
        ">", "[", "![", "*a _b ", "- ", "~~a **b ", "((((", "`a ", "\\[", "<a ", "&#1;",
    ] {
        let text = mark.repeat(20_000 / mark.len());
        let nodes = parse(&text, &[]);
        assert!(depth(&nodes) <= MAX_DEPTH + 1, "{mark}");
        assert!(!nodes.is_empty(), "{mark}");
    }
    let many = "*a* ".repeat(10_000);
    let tree = read(&many);
    assert!(
        tree.ends_with("*a* ") || tree.ends_with("*a*"),
        "the rest is shown as it is"
    );
    let long = "*".repeat(MAX_LENGTH + 1);
    assert_eq!(read(&long), long);
}

#[test]
fn addresses_end_where_readers_see_them_end() {
    let linked = |before: &str, address: &str, after: &str| {
        let text = [before, address, after].concat();
        let tree = format!("p({before}a[{address}]({address}){after})");
        assert_eq!(read(&text), tree, "{text}");
    };
    let address = "https://a.example/x";
    let ends = "。 、 ， ！ ？ ； ： ؟ ، — – 」 ） … ” ’ » . ) ] } !? ）。 。次の文 」と । ）です （続き 「引用";
    for end in ends.split(' ').chain(["—and so on", ")—x", "、 x"]) {
        linked("", address, end);
    }
    for (before, inside, after) in [
        ("(", "https://a.example/x_(y)", ")"),
        ("（", "https://a.example/東京（曖昧さ回避）", "）。"),
        ("「", "https://a.example/「x」", "」"),
        ("[", "https://a.example/?q[]=1", "]."),
        ("", "https://a.example/{id}", "}"),
        ("see ", "https://[::1]:8080/x", ", or"),
        ("", "https://ja.example/日本", "。"),
        ("", "https://a.example/L’Or", "’"),
    ] {
        linked(before, inside, after);
    }
}

#[test]
fn what_is_no_markup_stays_as_it_was_typed() {
    for text in [
        "\\\\SERVER\\_PATH",
        "\\\\SERVER\\_PATH\\_x_",
        "C:\\_tmp\\*.txt",
        "C:\\_tmp\\_",
        "C:\\*.*",
        "dir C:\\#x\\[1]",
        "¯\\_(ツ)_/¯",
        "¯\\\\_(ツ)_/¯",
        "¯\\\\\\_(ツ)\\_/¯",
        "¯\\_(シ)_/¯ and ¯_(ツ)_/¯",
        "a\\\nb",
        "a  \nb",
        "a\n  two\n        eight\n\ttab",
        "  one\n two",
        "a    b\u{a0}\u{a0}c",
        "\\frac{a}{b} \\& \\\\",
        "a \\| b \\~ c",
        "1\\.5",
        ">_<",
        ">:( no",
        ">5 people, >=6",
        ">>> print(1)",
        "5*3*2 = 30",
        "2*x*3 + y*2*z",
    ] {
        assert_eq!(read(text), format!("p({text})"), "{text}");
    }
    check(
        r"
*hi*⏎  two⏎        eight => p(i(hi)⏎  two⏎        eight)
a  ⏎  *b* => p(a  ⏎  i(b))
a⏎⏎⏎⏎b => p(a)blank2p(b)
a⏎⏎b⏎⏎⏎- c => p(a)p(b)blank1ul(li(c))
⏎⏎    x => p(    x)
> a⏎>   b⏎> > c⏎> > d => q(p(a⏎  b)q(p(c⏎d)))
- a⏎  b⏎    c⏎  - d⏎    e => ul(li(a⏎b⏎  cul(li(d⏎e))))
```⏎⏎  a⏎⏎⏎``` => pre[](⏎  a⏎⏎)
␣␣␣␣a⏎⏎      b => p(    a⏎⏎      b)
1. a⏎1. b⏎5. c => ol1(li1(a)li1(b)li5(c))",
    );
    // Where a backslash keeps something from being markup, it is markup itself.
    check(
        r"
\*not* => p(*not*)
\*stars\* => p(*stars*)
\# no title => p(# no title)
1\. no list => p(1. no list)
\`a\` \[x](https://a.example) => p(`a` [x](a[https://a.example](https://a.example)))
\_x\_ C:\_x\_ => p(_x_ C:\_x\_)
`a\*b\*` => p(code(a\*b\*))
*a*⏎[a]: b => p(i(a)⏎[a]: b)",
    );
}

#[test]
fn a_link_tells_where_it_leads() {
    check(
        r"
[www.a.example](https://a.example/x) => p(a[!https://a.example/x](www.a.example))
[go to bank.example now](https://a.example) => p(a[!!https://a.example](go to bank.example now))
[https://bank.example/login](https://a.example/login) => p(a[!!https://a.example/login](https://bank.example/login))
[bank.example](https://bank.example@a.example/) => p(a[!!https://bank.example@a.example/](bank.example))
[A.Example](https://a.example/x) => p(a[!https://a.example/x](A.Example))
[v1.2, see 10.30](https://a.example) => p(a[!https://a.example](v1.2, see 10.30))
[e.g. this](https://a.example) => p(a[!https://a.example](e.g. this))",
    );
}

#[test]
fn controls_that_turn_a_link_around_are_seen() {
    assert_eq!(
        read("https://a.example/\u{202e}gpj.exe"),
        "p(a[https://a.example/\u{202e}gpj.exe](https://a.example/[U+202E]gpj.exe))"
    );
    assert_eq!(
        read("[*bank\u{2066}.example*\u{200b}](https://a.example)"),
        "p(a[!!https://a.example](i(bank[U+2066].example)[U+200B]))"
    );
    assert_eq!(
        read("a\u{202e}b *c*"),
        "p(a\u{202e}b i(c))",
        "texts are isolated anyway"
    );
}

#[test]
fn a_link_that_looks_like_another_one_is_told() {
    for other in [
        "https://bank.example@evil.example/",
        "https://bank.example:443@evil.example",
        "[the bank](https://bank.example@evil.example/)",
        "https://b\u{430}nk.example/",
        "[b\u{430}nk.example](https://b\u{430}nk.example)",
        "[bank.example](https://xn--bnk-5cd.example/)",
        "https://аррӏе.com",
        "[bank\u{2024}example](https://evil.example)",
        "[bank\u{3002}example](https://evil.example)",
        "[bank\u{ff0e}example](https://evil.example)",
        "[ba\u{ad}nk.example](https://evil.example)",
        "[→bank.example!](https://evil.example)",
        "[https://bank/](https://evil.example)",
        "[http://localhost:80/x](http://evil)",
        "[192.168.0.1](https://evil.example)",
        "[x@bank.example](mailto:x@evil.example)",
    ] {
        assert!(read(other).contains("a[!!"), "{other}: {}", read(other));
    }
    for (words, label) in [
        ("https://münchen.example/", "a[!https"),
        ("https://пример.рф", "a[!https"),
        ("https://b%61nk.example", "a[!https"),
        ("[詳細はこちら。続き](https://bank.example)", "a[!https"),
        ("[see bank.example](https://www.bank.example/x)", "a[!https"),
        ("[x@bank.example](mailto:x@bank.example)", "a[mailto"),
        ("https://bank.example/a@b", "a[https"),
        ("[localhost](http://localhost/)", "a[http"),
    ] {
        assert!(read(words).contains(label), "{words}: {}", read(words));
    }
}
