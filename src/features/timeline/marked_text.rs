//! What Markdown says, as elements. Only those made here: whatever a text holds, it becomes texts in them.

use std::time::Duration;

use effusion_chat::SYSTEM_NAME;
use leptos::prelude::*;
use leptos::task::spawn_local;
use web_sys::Url;

use super::clipboard::copy_text;
use super::markdown::{Kind, LinkLabel, Node, parse};
use super::message_text::FoldButton;
use crate::i18n::{messages, use_i18n};
use crate::state::OpenRoom;
use crate::ui::Button;
use crate::ui::identity::isolate;
use crate::{lazy, text};

/// Code of more lines than this is folded.
const MAX_LINES: usize = 15;

/// Of how many of the newest messages the authors can be mentioned.
const RECENT: usize = 200;

/// How long it is told that code was copied.
const NOTE_TIME: Duration = Duration::from_millis(1_500);

lazy! {
    markdown, pub fn marked_text(room: OpenRoom, text: String) => view! { <MarkedText room text /> }
}

/// What is said in a room, with its markup.
#[component]
fn MarkedText(
    /// The room.
    room: OpenRoom,
    /// The text as it was written.
    text: String,
) -> impl IntoView {
    // They take long to gather, and are needed for mentions alone.
    let names = text.contains('@').then(|| known_names(room));
    view! { <div class="marked">{views(parse(&text, &names.unwrap_or_default()))}</div> }
}

/// Everybody whose name is known here, the reader first, then those who are there, then those who have spoken lately.
pub fn known_names(room: OpenRoom) -> Vec<String> {
    room.look(|timeline| {
        let mut names = vec![timeline.reader().name.clone()];
        for person in room.people.read_untracked().persons() {
            if !names.contains(&person.name) {
                names.push(person.name);
            }
        }
        for (author, ..) in timeline.texts().rev().take(RECENT) {
            // The notices of the tutorial are nobody's.
            if author != SYSTEM_NAME && !names.iter().any(|name| name == author) {
                names.push(author.to_owned());
            }
        }
        names
    })
}

fn views(nodes: Vec<Node>) -> Vec<AnyView> {
    nodes.into_iter().map(node_view).collect()
}

fn node_view(node: Node) -> AnyView {
    match node {
        Node::Text(text) => text.into_any(),
        Node::Code(text) => view! { <code dir="ltr">{text}</code> }.into_any(),
        Node::Block { language, text } => view! { <CodeBlock language text /> }.into_any(),
        Node::Link {
            to,
            children,
            label,
        } => {
            let children = views(children);
            view! { <Link to children label /> }.into_any()
        }
        Node::Image { at, alt } => view! { <Picture at alt /> }.into_any(),
        Node::Mention { name, own } => view! {
            <bdi class=if own { "mention own" } else { "mention" } data-testid="mention">
                {name}
            </bdi>
        }
        .into_any(),
        Node::Rule => view! { <hr /> }.into_any(),
        Node::Blank(lines) => view! { <p class="blank">{"\n".repeat(lines)}</p> }.into_any(),
        Node::Group(kind, children) => group(kind, views(children)),
    }
}

fn group(kind: Kind, children: Vec<AnyView>) -> AnyView {
    match kind {
        Kind::Paragraph => view! { <p dir="auto">{children}</p> }.into_any(),
        Kind::Heading => view! {
            <p class="heading" dir="auto">
                {children}
            </p>
        }
        .into_any(),
        Kind::Strong => view! { <strong>{children}</strong> }.into_any(),
        Kind::Emphasis => view! { <em>{children}</em> }.into_any(),
        Kind::Strike => view! { <s>{children}</s> }.into_any(),
        Kind::Quote => view! { <blockquote dir="auto">{children}</blockquote> }.into_any(),
        Kind::List(None) => view! { <ul>{children}</ul> }.into_any(),
        Kind::List(Some(first)) => view! { <ol start=first.to_string()>{children}</ol> }.into_any(),
        Kind::Item(number) => view! {
            <li dir="auto" value=number.map(|number| number.to_string())>
                {children}
            </li>
        }
        .into_any(),
    }
}

/// A link, and the host that it leads to where its text does not say so.
#[component]
fn Link(
    /// Its address.
    to: String,
    /// Its text.
    children: Vec<AnyView>,
    /// What the text tells of where it leads.
    label: LinkLabel,
) -> impl IntoView {
    let address = to.clone();
    let link = view! {
        <a href=to tabindex="-1" target="_blank" rel="noopener noreferrer nofollow">
            {children}
        </a>
    };
    let host = match label {
        LinkLabel::Address => return link.into_any(),
        LinkLabel::Words => view! {
            <bdi class="host" data-testid="link-host">
                {host(&address)}
            </bdi>
        }
        .into_any(),
        LinkLabel::OtherHost => view! {
            <strong class="host other" data-testid="link-host">
                {text!(message_link_leads_to, host = isolate(&host(&address)))}
            </strong>
        }
        .into_any(),
    };
    view! { <span>{link} {" "} {host}</span> }.into_any()
}

/// The host that the browser would ask, or all of an address that has none.
fn host(address: &str) -> String {
    let Ok(url) = Url::new(address) else {
        return address.to_owned();
    };
    let host = Some(url.host()).filter(|host| !host.is_empty());
    host.unwrap_or_else(|| url.pathname())
}

/// What stands for a picture.
#[derive(Clone, Copy, PartialEq)]
enum PictureState {
    Offered,
    Shown,
    Failed,
}

/// A picture, which is fetched when somebody asks for it: that tells its host who looks at it.
#[component]
fn Picture(
    /// Its address.
    at: String,
    /// What it shows, in words.
    alt: String,
) -> impl IntoView {
    let state = RwSignal::new(PictureState::Offered);
    let host = host(&at);
    let content = move || match state.get() {
        PictureState::Offered => {
            let described = (!alt.is_empty()).then(|| {
                view! {
                    {" "}
                    <bdi class="alt">{alt.clone()}</bdi>
                }
            });
            view! {
                <Button
                    test="show-picture"
                    tabindex="-1"
                    label=text!(message_show_picture, host = &host)
                    on_click=move |_| state.set(PictureState::Shown)
                />
                {described}
            }
            .into_any()
        }
        PictureState::Shown => view! {
            <img
                data-testid="picture"
                alt=alt.clone()
                referrerpolicy="no-referrer"
                on:error=move |_| state.set(PictureState::Failed)
                src=at.clone()
            />
        }
        .into_any(),
        PictureState::Failed => {
            view! { <em class="gone">{&messages::message_picture_failed}</em> }.into_any()
        }
    };
    view! { <span class="picture">{content}</span> }
}

/// Code in lines of its own, with a button that copies it.
#[component]
fn CodeBlock(
    /// What it says it is written in.
    language: String,
    /// The lines.
    text: String,
) -> impl IntoView {
    let i18n = use_i18n();
    let lines = text.lines().count();
    let long = lines > MAX_LINES;
    let folded = RwSignal::new(long);
    let unfold = long.then(|| {
        let label = text!(message_show_all_lines, count = lines);
        view! { <FoldButton folded label test="unfold-code" /> }
    });
    let words = RwSignal::new(&messages::message_copy);
    let copied = text.clone();
    let on_copy = move |_| {
        let copied = copy_text(&copied);
        spawn_local(async move {
            let told = match copied.await {
                Ok(()) => &messages::message_copied,
                Err(_) => &messages::message_copy_failed,
            };
            words.try_set(told);
            let forget = move || {
                words.try_set(&messages::message_copy);
            };
            set_timeout(forget, NOTE_TIME);
        });
    };
    view! {
        <div
            class=move || if folded.get() { "code folded" } else { "code" }
            data-testid="code-block"
        >
            <div class="code-top">
                <bdi>{language}</bdi>
                <Button
                    class="copy"
                    test="copy-code"
                    tabindex="-1"
                    label=move || i18n.text(words.get(), &[])
                    on_click=on_copy
                />
            </div>
            <pre tabindex="-1" dir="ltr">
                <code>{text}</code>
            </pre>
            {unfold}
        </div>
    }
}
