//! The document in its window: its address, its language and what its host says in it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use gloo_events::EventListener;
use gloo_net::http::Request;
use js_sys::{Array, Function, JSON, Object, Reflect, Uint8Array};
use leptos::prelude::{StoredValue, document, request_animation_frame, set_timeout, window};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Blob, BlobPropertyBag, CustomEvent, CustomEventInit, Event, EventTarget, HtmlElement,
    HtmlInputElement, MessagePort, Url,
};

/// Runs when an event comes, until the owner of the caller is done with.
pub fn listen(target: &EventTarget, event: &'static str, then: impl FnMut(&Event) + 'static) {
    // The owner drops what it stores.
    StoredValue::new_local(EventListener::new(target, event, then));
}

/// Tells `assets/start.js` and the page itself of something, as an event of the window.
pub fn dispatch(event: &str) {
    // An event of a fixed name can be made, and dispatched.
    let _ = Event::new(event).map(|event| window().dispatch_event(&event));
}

/// A property of the window, where `assets/start.js` leaves what it has for the page; undefined if there is none.
fn property(name: &str) -> JsValue {
    Reflect::get(&window(), &name.into()).unwrap_or_default()
}

/// Loads the page again.
pub fn reload() {
    // A page that is shown can be loaded again.
    let _ = window().location().reload();
}

/// The query of the page's address.
pub fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// Replaces the query of the page's address, without loading anything.
pub fn set_query(query: &str) {
    let Ok(history) = window().history() else {
        return;
    };
    let path = window().location().pathname().unwrap_or_default();
    // A page opened from a file may not change its address. It then stays as it is.
    let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&[&path, "?", query].concat()));
}

/// The locales that the reader's browser asks for, the best first.
pub fn locales() -> Vec<String> {
    let locales = window().navigator().languages();
    locales.iter().filter_map(|it| it.as_string()).collect()
}

/// Tells the document its language and the direction of its text.
pub fn set_language(code: &str, direction: &str) {
    if let Some(root) = document().document_element() {
        // Both attributes can always be set.
        let _ = root.set_attribute("lang", code);
        let _ = root.set_attribute("dir", direction);
    }
}

/// The texts of a language that `assets/start.js` has fetched beside the program; none for English.
pub fn texts_from_start() -> Option<Object> {
    property("effusionTexts").dyn_into().ok()
}

/// Has a text held while the page is loaded again, or nothing: `assets/start.js` hands it to the service worker, which has it in its
/// memory for some seconds. It is never stored.
pub fn hold(text: Option<&str>) {
    let detail = text.map_or(JsValue::NULL, JsValue::from_str);
    let options = CustomEventInit::new();
    options.set_detail(&detail);
    // An event of a fixed name can be made, and dispatched.
    let _ = CustomEvent::new_with_event_init_dict("effusion-hold", &options)
        .map(|event| window().dispatch_event(&event));
}

/// The text that was held while the page was loaded again. It is there once.
pub fn take_held() -> Option<String> {
    let held = property("effusionHeld");
    // A property of the window that the page made can be set.
    let _ = Reflect::set(&window(), &"effusionHeld".into(), &JsValue::UNDEFINED);
    held.as_string()
}

/// Whether the page's host does not have the part of it that was asked for last, as `assets/start.js` has found out.
pub fn lacks_file() -> bool {
    property("effusionLacks").is_truthy()
}

/// The texts in a file of JSON that stands beside the page; none if they cannot be had.
pub async fn fetch_texts(path: &str) -> Option<Object> {
    let response = Request::get(path).send().await.ok()?;
    let text = response.ok().then_some(response)?.text().await.ok()?;
    JSON::parse(&text).ok()?.dyn_into().ok()
}

/// The page's address, without what it is asked for.
pub fn address() -> String {
    // A file has no origin.
    let address = window().location().href().unwrap_or_default();
    let end = address.find(['?', '#']).unwrap_or(address.len());
    address[..end].to_owned()
}

/// What follows `#` in the page's address, with it.
pub fn hash() -> String {
    window().location().hash().unwrap_or_default()
}

/// Forces an appearance, such as dark colours, or leaves it to the system.
pub fn set_appearance(name: &str, value: Option<&str>) {
    if let Some(root) = document().document_element() {
        let name = ["data-", name].concat();
        // The names are fixed ones, and right.
        let _ = match value {
            Some(value) => root.set_attribute(&name, value),
            None => root.remove_attribute(&name),
        };
    }
}

/// Whether the page came by `https:`.
pub fn is_secure() -> bool {
    let protocol = window().location().protocol();
    protocol.is_ok_and(|protocol| protocol == "https:")
}

/// Whether the browser has workers that several tabs share.
pub fn has_shared_workers() -> bool {
    Reflect::has(&window(), &JsValue::from_str("SharedWorker")).unwrap_or(false)
}

/// A new port to the worker with the service in this browser, which is started if it does not run: see `assets/start.js`.
pub fn service_port() -> Option<MessagePort> {
    let make: Function = property("effusionService").dyn_into().ok()?;
    make.call0(&JsValue::NULL).ok()?.dyn_into().ok()
}

/// Whether somebody looks at the window: it can be seen, and what is typed goes to it.
pub fn is_looked_at() -> bool {
    let document = document();
    !document.hidden() && document.has_focus().unwrap_or(true)
}

/// What the page's host chose in a `<meta>`.
pub fn meta(name: &str) -> Option<String> {
    let found = document()
        .query_selector(&["meta[name=", name, "]"].concat())
        .ok()??;
    found
        .get_attribute("content")
        .filter(|content| !content.is_empty())
}

/// Does something once what has changed is on the screen; a while later where nothing is drawn, as in a hidden window.
pub fn once_drawn(then: impl FnOnce() + 'static) {
    /// How long a frame may take to come, in milliseconds.
    const FRAME_TIMEOUT: u64 = 500;
    // Not generic: all callers share the code that waits.
    fn wait(go: Rc<dyn Fn()>) {
        let late = Rc::clone(&go);
        // A list draws some in the next frame. What a timer does after the one that follows comes when both have been seen.
        request_animation_frame(move || {
            request_animation_frame(move || set_timeout(move || go(), Duration::ZERO));
        });
        set_timeout(move || late(), Duration::from_millis(FRAME_TIMEOUT));
    }
    let then = Cell::new(Some(then));
    wait(Rc::new(move || {
        if let Some(then) = then.take() {
            then();
        }
    }));
}

/// Saves a text or bytes as a file, of this kind; a browser that makes no files saves none.
pub fn save_file(name: &str, kind: &str, content: &JsValue) {
    /// How long the browser may take to begin.
    const SAVE_TIME: Duration = Duration::from_secs(10);
    let save = || -> Result<(), JsValue> {
        let options = BlobPropertyBag::new();
        options.set_type(kind);
        let blob = Blob::new_with_str_sequence_and_options(&Array::of1(content), &options)?;
        let address = Url::create_object_url_with_blob(&blob)?;
        let link: HtmlElement = document().create_element("a")?.unchecked_into();
        link.set_attribute("href", &address)?;
        link.set_attribute("download", name)?;
        link.click();
        let done = move || {
            let _ = Url::revoke_object_url(&address);
        };
        set_timeout(done, SAVE_TIME);
        Ok(())
    };
    let _ = save();
}

/// The bytes of the file that was chosen in an input; none if there is none, or it cannot be read.
pub async fn chosen_file(input: &HtmlInputElement) -> Option<Uint8Array> {
    let file = input.files()?.get(0)?;
    let buffer = JsFuture::from(file.array_buffer()).await.ok()?;
    Some(Uint8Array::new(&buffer))
}

/// Has the page be as high as what can be seen of it, while a keyboard on the screen covers some of the window, until the owner of the
/// caller is done with. Browsers that make the window smaller themselves (`interactive-widget` in `index.html`) need no help.
pub fn follow_visual_viewport() {
    let Some(viewport) = window().visual_viewport() else {
        return;
    };
    let shown = viewport.clone();
    let follow = move |_: &Event| {
        let root = document().document_element();
        let Some(root) = root.and_then(|root| root.dyn_into::<HtmlElement>().ok()) else {
            return;
        };
        let style = HtmlElement::style(&root);
        let window_height = window().inner_height().ok().and_then(|it| it.as_f64());
        // Who zooms in sees less without a keyboard.
        let is_covered = shown.scale() == 1.0 && window_height > Some(shown.height() + 1.0);
        // A style that the browser does not take leaves the page as it was.
        let _ = if is_covered {
            // Less than a pixel is nothing that anybody sees.
            let height = [&(shown.height() as u32).to_string(), "px"].concat();
            // The browser has moved the page up to what is written in.
            window().scroll_to_with_x_and_y(0.0, 0.0);
            style.set_property("--visible-height", &height)
        } else {
            style.remove_property("--visible-height").map(drop)
        };
    };
    listen(&viewport, "resize", follow);
}

/// Clicks an element, if it is there.
pub fn click(id: &str) {
    if let Some(element) = element(id) {
        element.click();
    }
}

/// An element of the page by its `id`.
pub fn element(id: &str) -> Option<HtmlElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

/// Whether the reader's main pointer is a finger, and the keyboard therefore one on the screen.
pub fn is_touch() -> bool {
    let coarse = window().match_media("(pointer: coarse)");
    coarse.is_ok_and(|query| query.is_some_and(|query| query.matches()))
}

/// Whether the page is written from right to left.
pub fn is_right_to_left() -> bool {
    let root = document().document_element();
    root.is_some_and(|root| root.get_attribute("dir").as_deref() == Some("rtl"))
}
