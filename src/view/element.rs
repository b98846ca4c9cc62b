//! Elements of the page.
//!
//! Leptos' `view!` gives every element, attribute and closure a type of its own, and the compiler writes the code for each
//! anew: for this page that came to more than all the rest together. Here an element is the browser's own, a closure is
//! boxed, and there is one copy of the code. Signals, effects and owners are Leptos', and an [`El`] is a Leptos view, so
//! both ways can be mixed.

use leptos::prelude::*;
use leptos::tachys::html::attribute::Attribute;
use leptos::tachys::html::attribute::any_attribute::AnyAttribute;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::view::add_attr::AddAnyAttr;
use leptos::tachys::view::{Position, PositionState, Render, RenderHtml};
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;
use web_sys::{Element, Event, HtmlElement, Node};

use crate::live::follow;

/// What a closure says. As a trait of its own it costs less than `dyn Fn`: for that, the compiler writes down what it would be
/// to call the closure for the last time, too, and the page has hundreds of them.
trait Says<T> {
    fn say(&self) -> T;
}

impl<T, F: Fn() -> T> Says<T> for F {
    fn say(&self) -> T {
        self()
    }
}

/// What a closure does when it is told of an event.
trait Hears {
    fn hear(&mut self, event: Event);
}

impl<F: FnMut(Event)> Hears for F {
    fn hear(&mut self, event: Event) {
        self(event);
    }
}

/// What a closure does.
trait Acts {
    fn act(&mut self);
}

impl<F: FnMut()> Acts for F {
    fn act(&mut self) {
        self();
    }
}

/// An element under construction, or one that is on the page.
#[derive(Clone)]
pub struct El(Element);

/// A new element.
///
/// # Panics
/// If this is no name of an element.
#[must_use]
pub fn el(tag: &str) -> El {
    match document().create_element(tag) {
        Ok(element) => El(element),
        Err(_) => unreachable!("only names of elements are given"),
    }
}

/// A new element of a drawing.
///
/// # Panics
/// If this is no name of an element.
#[must_use]
pub fn svg(tag: &str) -> El {
    match document().create_element_ns(Some("http://www.w3.org/2000/svg"), tag) {
        Ok(element) => El(element),
        Err(_) => unreachable!("only names of elements are given"),
    }
}

impl El {
    /// An element that is on the page already.
    #[must_use]
    pub fn of(element: &Element) -> Self {
        Self(element.clone())
    }

    /// The browser's element.
    #[must_use]
    pub fn node(&self) -> &Element {
        &self.0
    }

    /// Sets an attribute.
    pub fn attr(self, name: &str, value: &str) -> Self {
        set_attribute(&self.0, name, Some(value));
        self
    }

    /// Sets the class.
    pub fn class(self, class: &str) -> Self {
        self.attr("class", class)
    }

    /// Sets a custom property of the style. No `style` attribute: the page's Content-Security-Policy forbids those.
    pub fn css(self, name: &str, value: &str) -> Self {
        let element: &HtmlElement = self.0.unchecked_ref();
        // It fails only for names that no property can have.
        let _ = element.style().set_property(name, value);
        self
    }

    /// Sets the name by which tests find the element.
    pub fn test(self, id: &str) -> Self {
        self.attr("data-testid", id)
    }

    /// Sets the name by which labels and tests find the element.
    pub fn id(self, id: &str) -> Self {
        self.attr("id", id).test(id)
    }

    /// Keeps an attribute as a closure says; `None` takes it away.
    pub fn attr_of(self, name: &'static str, value: impl Fn() -> Option<String> + 'static) -> Self {
        keep_attribute(&self.0, name, Box::new(value));
        self
    }

    /// Keeps an attribute there or not, such as `disabled`.
    pub fn flag_of(self, name: &'static str, there: impl Fn() -> bool + 'static) -> Self {
        keep_flag(&self.0, name, Box::new(there));
        self
    }

    /// Keeps a property of the element as a closure says: what an input holds is no attribute.
    pub fn prop_of(self, name: &'static str, value: impl Fn() -> JsValue + 'static) -> Self {
        keep_property(&self.0, name, Box::new(value));
        self
    }

    /// Listens to an event.
    pub fn on(self, event: &str, heard: impl FnMut(Event) + 'static) -> Self {
        listen(&self.0, event, Box::new(heard));
        self
    }

    /// Listens to clicks.
    pub fn on_click(self, clicked: impl FnMut() + 'static) -> Self {
        listen_to_clicks(&self.0, Box::new(clicked));
        self
    }

    /// Adds a text. It is only ever text: whatever it holds, no element comes of it.
    pub fn text(self, text: &str) -> Self {
        append(&self.0, &document().create_text_node(text));
        self
    }

    /// Adds a text that is kept as a closure says.
    pub fn text_of(self, text: impl Fn() -> String + 'static) -> Self {
        keep_text(&self.0, Box::new(text));
        self
    }

    /// Adds an element.
    pub fn child(self, child: El) -> Self {
        append(&self.0, &child.0);
        self
    }

    /// Adds a component's view. It is there until the owner that it is added in is done with.
    pub fn view(self, view: impl IntoView + 'static) -> El {
        let mut state = view.into_view().build();
        state.mount(&self.0, None);
        let state = SendWrapper::new(state);
        on_cleanup(move || drop(state));
        self
    }

    /// Adds an element, if there is one.
    pub fn maybe(self, child: Option<El>) -> Self {
        match child {
            Some(child) => self.child(child),
            None => self,
        }
    }

    /// Keeps an element here or not, as a closure says. It is made anew each time that something the closure has read
    /// changes.
    pub fn child_of(self, child: impl Fn() -> Option<El> + 'static) -> Self {
        keep_child(&self.0, Box::new(child));
        self
    }

    /// Keeps one child for each item, in their order, and holds nothing else. Items with the same key keep their element.
    pub fn each<T: 'static>(
        self,
        items: impl Fn() -> Vec<T> + 'static,
        key: fn(&T) -> usize,
        child: impl Fn(T) -> El + 'static,
    ) -> Self {
        keep_children(&self.0, Box::new(items), key, Box::new(child));
        self
    }
}

/// What makes the child that stands for an item.
type Make<T> = Box<dyn Fn(T) -> El>;

/// Children that stand for items.
struct List {
    parent: Element,
    owner: Option<Owner>,
    shown: Vec<Item>,
}

struct Item {
    key: usize,
    element: Element,
    owner: Owner,
}

impl List {
    fn show(&mut self, keys: &[usize], make: &mut dyn FnMut(usize) -> Option<El>) {
        self.drop_all_but(keys);
        let mut old: Vec<_> = std::mem::take(&mut self.shown)
            .into_iter()
            .map(Some)
            .collect();
        let mut from = 0;
        // What stands where the next child goes: as long as the order stays, nothing is moved.
        let mut at = self.parent.first_child();
        for (place, &key) in keys.iter().enumerate() {
            let known = |place: &usize| old[*place].as_ref().is_some_and(|item| item.key == key);
            let item = match (from..old.len()).chain(0..from).find(known) {
                Some(known) => {
                    from = known + 1;
                    old[known].take()
                }
                None => {
                    let owner = self.owner.as_ref().map_or_else(Owner::new, Owner::child);
                    let made = owner.with(|| untrack(|| make(place)));
                    made.map(|El(element)| Item {
                        key,
                        element,
                        owner,
                    })
                }
            };
            let Some(item) = item else { continue };
            let node: &Node = &item.element;
            if at.as_ref() == Some(node) {
                at = node.next_sibling();
            } else {
                // `at` is a child of the parent, or there is none and the node comes last.
                let _ = self.parent.insert_before(node, at.as_ref());
            }
            self.shown.push(item);
        }
    }

    fn drop_all_but(&mut self, keys: &[usize]) {
        let mut rest = keys;
        self.shown.retain(|item| {
            let stays = match rest.iter().position(|key| *key == item.key) {
                // Nearly always the first one.
                Some(place) => {
                    rest = if place == 0 { &rest[1..] } else { rest };
                    true
                }
                None => keys.contains(&item.key),
            };
            if !stays {
                item.element.remove();
                item.owner.cleanup();
            }
            stays
        });
    }
}

fn keep_flag(element: &Element, name: &'static str, there: Box<dyn Says<bool>>) {
    let element = element.clone();
    let mut shown = false;
    follow(Box::new(move || {
        let there = there.say();
        if there != shown {
            set_attribute(&element, name, there.then_some(""));
            shown = there;
        }
    }));
}

fn keep_attribute(element: &Element, name: &'static str, value: Box<dyn Says<Option<String>>>) {
    let element = element.clone();
    let mut shown = None;
    follow(Box::new(move || {
        let value = value.say();
        if value != shown {
            set_attribute(&element, name, value.as_deref());
            shown = value;
        }
    }));
}

fn keep_property(element: &Element, name: &'static str, value: Box<dyn Says<JsValue>>) {
    let element = element.clone();
    follow(Box::new(move || {
        // The properties used here can all be set.
        let _ = js_sys::Reflect::set(&element, &JsValue::from_str(name), &value.say());
    }));
}

fn keep_text(element: &Element, text: Box<dyn Says<String>>) {
    let node = document().create_text_node("");
    append(element, &node);
    let mut shown = String::new();
    follow(Box::new(move || {
        let text = text.say();
        if text != shown {
            node.set_data(&text);
            shown = text;
        }
    }));
}

fn keep_child(element: &Element, child: Box<dyn Says<Option<El>>>) {
    let place = document().create_comment("");
    append(element, &place);
    let mut shown: Option<El> = None;
    follow(Box::new(move || {
        let child = child.say();
        if let Some(old) = shown.take() {
            old.0.remove();
        }
        if let (Some(child), Some(parent)) = (&child, place.parent_node()) {
            // The place is a child of its own parent.
            let _ = parent.insert_before(&child.0, Some(&place));
        }
        shown = child;
    }));
}

fn keep_children<T: 'static>(
    parent: &Element,
    items: Box<dyn Says<Vec<T>>>,
    key: fn(&T) -> usize,
    child: Make<T>,
) {
    let mut list = List {
        parent: parent.clone(),
        owner: Owner::current(),
        shown: Vec::new(),
    };
    follow(Box::new(move || {
        let items = items.say();
        let keys: Vec<usize> = items.iter().map(key).collect();
        let mut items: Vec<Option<T>> = items.into_iter().map(Some).collect();
        list.show(&keys, &mut |place| items.get_mut(place)?.take().map(&child));
    }));
}

fn listen_to_clicks(element: &Element, mut clicked: Box<dyn Acts>) {
    listen(element, "click", Box::new(move |_| clicked.act()));
}

fn listen(element: &Element, event: &str, mut heard: Box<dyn Hears>) {
    // The browser keeps the closure for as long as it keeps the element.
    let heard = Closure::<dyn FnMut(Event)>::new(move |event| heard.hear(event)).into_js_value();
    // Adding a listener fails only for one that is no function.
    let _ = element.add_event_listener_with_callback(event, heard.unchecked_ref());
}

fn append(parent: &Element, child: &Node) {
    // Appending a node that was just made cannot fail.
    let _ = parent.append_child(child);
}

fn set_attribute(element: &Element, name: &str, value: Option<&str>) {
    // These fail only for names that no attribute can have.
    let _ = match value {
        Some(value) => element.set_attribute(name, value),
        None => element.remove_attribute(name),
    };
}

/// An [`El`] where Leptos expects a view.
pub struct ElView(SendWrapper<Element>);

impl From<El> for ElView {
    fn from(el: El) -> Self {
        Self(SendWrapper::new(el.0))
    }
}

impl Render for ElView {
    type State = Element;

    fn build(self) -> Element {
        self.0.take()
    }

    fn rebuild(self, state: &mut Element) {
        let element = self.0.take();
        // The element that is replaced is on the page.
        let _ = state.replace_with_with_node_1(&element);
        *state = element;
    }
}

impl AddAnyAttr for ElView {
    type Output<NewAttr: Attribute> = Self;

    fn add_any_attr<NewAttr: Attribute>(self, _: NewAttr) -> Self {
        self
    }
}

impl RenderHtml for ElView {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(
        self,
        buffer: &mut String,
        _: &mut Position,
        _: bool,
        _: bool,
        _: Vec<AnyAttribute>,
    ) {
        buffer.push_str(&self.0.outer_html());
    }

    fn hydrate<const FROM_SERVER: bool>(self, _: &Cursor, _: &PositionState) -> Element {
        self.build()
    }

    fn into_owned(self) -> Self {
        self
    }
}
