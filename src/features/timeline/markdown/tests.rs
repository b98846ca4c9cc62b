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
            is_disguised,
        } => {
            format!(
                "a[{}{to}]({})",
                if *is_disguised { "!" } else { "" },
                short(children)
            )
        }
        Node::Image { at, alt } => format!("img[{at}]({alt})"),
        Node::Mention { name, own } => format!("{}({name})", if *own { "me" } else { "name" }),
        Node::Rule => "hr".to_owned(),
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
                Kind::Item => "li".to_owned(),
            };
            format!("{name}({})", short(children))
        }
    }
}

fn read(text: &str) -> String {
    short(&parse(text, &["Ann".to_owned(), "Bob".to_owned()]))
}

#[test]
fn the_common_subset_is_read() {
    for (text, tree) in [
        (
            "*a* _b_ **c** ~~d~~ `e*`",
            "p(i(a) i(b) b(c) s(d) code(e*))",
        ),
        ("one\ntwo *three*", "p(one\ntwo i(three))"),
        ("# Title\ntext", "h(Title)p(text)"),
        ("> said\n> so", "q(p(said\nso))"),
        ("- a\n- b", "ul(li(a)li(b))"),
        ("3. a\n4. b", "ol3(li(a)li(b))"),
        (
            "```rust\nfn x() {}\n\n*y*\n```",
            "pre[rust](fn x() {}\n\n*y*)",
        ),
        ("a\n\nb *c*", "p(a)p(b i(c))"),
        ("***", "hr"),
        ("snake_case_name", "p(snake_case_name)"),
        ("¯\\_(ツ)_/¯ *x*", "p(¯\\_(ツ)_/¯ i(x))"),
    ] {
        assert_eq!(read(text), tree, "{text}");
    }
}

#[test]
fn addresses_become_links() {
    for (text, tree) in [
        (
            "https://example.com/a_b_c",
            "p(a[https://example.com/a_b_c](https://example.com/a_b_c))",
        ),
        (
            "see (https://a.example/x).",
            "p(see (a[https://a.example/x](https://a.example/x)).)",
        ),
        (
            "https://a.example/(x)",
            "p(a[https://a.example/(x)](https://a.example/(x)))",
        ),
        (
            "*https://a.example*",
            "p(i(a[https://a.example](https://a.example)))",
        ),
        ("`https://a.example`", "p(code(https://a.example))"),
        ("```\nhttps://a.example\n```", "pre[](https://a.example)"),
        (
            "[here](https://a.example)",
            "p(a[!https://a.example](here))",
        ),
        (
            "[a.example](https://a.example/)",
            "p(a[https://a.example/](a.example))",
        ),
        (
            "[b.example](https://a.example/)",
            "p(a[!https://a.example/](b.example))",
        ),
        (
            "<mailto:a@b.example>",
            "p(a[mailto:a@b.example](mailto:a@b.example))",
        ),
        ("http:// nothing", "p(http:// nothing)"),
        (
            "[https://a.example](https://b.example)",
            "p(a[!https://b.example](https://a.example))",
        ),
    ] {
        assert_eq!(read(text), tree, "{text}");
    }
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
    assert_eq!(
        read("![a cat](https://a.example/cat.png)"),
        "p(img[https://a.example/cat.png](a cat))"
    );
    assert_eq!(
        read("[![cat](https://a.example/c.png)](https://b.example)"),
        "p(a[!https://b.example](![cat](https://a.example/c.png)))"
    );
}

#[test]
fn html_stays_text() {
    for (text, tree) in [
        ("<b>*x*</b>", "p(<b>i(x)</b>)"),
        ("<script>alert(1)</script>", "p(<script>alert(1)</script>)"),
        ("<div onclick=x>\n*y*", "p(<div onclick=x>\n*y*)"),
        ("&lt;b&gt; &amp; &#42; *x*", "p(&lt;b&gt; &amp; &#42; i(x))"),
        ("<!-- *hidden* -->", "p(<!-- *hidden* -->)"),
    ] {
        assert_eq!(read(text), tree, "{text}");
    }
}

#[test]
fn nothing_that_was_written_gets_lost() {
    for (text, tree) in [
        (
            "[a]: https://b.example",
            "p([a]: a[https://b.example](https://b.example))",
        ),
        ("-", "-"),
        ("#", "#"),
        ("> ", "> "),
        ("```", "```"),
        ("a *b*\n---", "p(a i(b))---"),
        ("    four *blanks*", "p(four *blanks*)"),
    ] {
        assert_eq!(read(text), tree, "{text}");
    }
}

#[test]
fn names_are_found_outside_of_code() {
    assert_eq!(
        read("@ann and @Bob: `@Ann` *@bob* x@ann"),
        "p(me(@ann) and name(@Bob): code(@Ann) i(name(@bob)) x@ann)"
    );
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
