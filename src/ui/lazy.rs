//! Views whose code is fetched when it is first needed.
//!
//! `lazy!` stands beside the component that it fetches and names the chunk. In a build that is split (feature `split`, by
//! `cargo xtask build`) the code that only the functions of a chunk reach is a file of its own; in any other build it is
//! there from the start.

use std::pin::Pin;

use futures_util::FutureExt;
use leptos::prelude::*;
use leptos::task::spawn_local_scoped_with_cancellation;

use crate::i18n::{Message, messages};
use crate::platform::page;
use crate::state::{Completion, use_app};

/// A chunk could not be fetched: there is no connection to the host of the page, or the host has another version by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadError;

#[cfg(feature = "split")]
impl From<wasm_split_helpers::SplitLoaderError> for LoadError {
    fn from(_: wasm_split_helpers::SplitLoaderError) -> Self {
        // The page looks whether the host has another version: see assets/start.js.
        page::dispatch("effusion-missing");
        Self
    }
}

/// A view that may have to be fetched first.
pub type Loading = Pin<Box<dyn Future<Output = Result<AnyView, LoadError>>>>;

/// `lazy! { chunk, fn name(argument: Type) => view }`: a function that returns the view as [`Loading`]. Functions with the same
/// chunk are in one file. A doc comment is needed only for what such a function does beyond that.
#[macro_export]
macro_rules! lazy {
    ($chunk:ident, $(#[$about:meta])* $vis:vis fn $name:ident($($arg:ident: $of:ty),* $(,)?) => $view:expr) => {
        #[doc = concat!("Loads a view from the chunk `", stringify!($chunk), "`.")]
        #[doc = ""]
        $(#[$about])*
        $vis fn $name($($arg: $of),*) -> $crate::ui::lazy::Loading {
            // The macro declares a foreign function for the tool that splits the page.
            #[allow(unsafe_code)]
            #[cfg_attr(feature = "split", wasm_split_helpers::wasm_split($chunk, fallible))]
            fn chunk($($arg: $of),*) -> Result<leptos::prelude::AnyView, $crate::ui::lazy::LoadError> {
                Ok(leptos::prelude::IntoAny::into_any($view))
            }
            #[cfg(feature = "split")]
            return Box::pin(chunk($($arg),*));
            #[cfg(not(feature = "split"))]
            return Box::pin(std::future::ready(chunk($($arg),*)));
        }
    };
}

/// Shows a view once its code is there, and says so if it cannot be fetched.
#[component]
pub fn Lazy(
    /// The view, from a function that `lazy!` made.
    mut load: Loading,
    /// Whether the page is as good without it: then nothing is said if it cannot be fetched.
    #[prop(optional)]
    quiet: bool,
    /// Called if it cannot be fetched.
    #[prop(optional, into)]
    on_error: Option<UnsyncCallback<()>>,
    /// What is shown until the code is there, and stays if it cannot be fetched. Nothing is shown of it where the code is there
    /// already.
    #[prop(optional, into)]
    fallback: Option<ViewFn>,
) -> impl IntoView {
    let report = move || {
        if let Some(on_error) = on_error {
            on_error.run(());
        }
    };
    let quiet = quiet || fallback.is_some();
    let fallback = fallback.unwrap_or_default();
    let or_else = move |failed| {
        if failed && !quiet {
            view! { <LoadFailed /> }.into_any()
        } else {
            fallback.run().into_any()
        }
    };
    match load.as_mut().now_or_never() {
        Some(Ok(view)) => return view,
        Some(Err(LoadError)) => {
            report();
            return or_else(true);
        }
        None => {}
    }
    let loaded = StoredValue::new_local(None);
    let (done, failed) = (RwSignal::new(false), RwSignal::new(false));
    spawn_local_scoped_with_cancellation(async move {
        let result = load.await;
        if result.is_err() {
            report();
            failed.set(true);
        }
        loaded.set_value(result.ok());
        done.set(true);
    });
    let shown = move || {
        done.track();
        let view = loaded.try_update_value(Option::take).flatten();
        view.unwrap_or_else(|| or_else(failed.get_untracked()))
    };
    shown.into_any()
}

/// What is not needed to read a room, once the part of the page has come that completes rooms.
#[component]
pub fn Completed(
    /// Loads it, from the chunk of that part.
    load: impl Fn() -> Loading + Send + 'static,
) -> impl IntoView {
    completed(Box::new(load))
}

/// Not generic: all parts share this code.
fn completed(load: Box<dyn Fn() -> Loading + Send>) -> AnyView {
    let completion = use_app().completion;
    let part = move || view! { <Lazy load=load() quiet=true /> }.into_any();
    if completion.get_untracked() == Completion::Here {
        // It stays: nothing needs to follow that.
        return part();
    }
    (move || (completion.get() == Completion::Here).then(&part)).into_any()
}

/// What to say where a part of the page could not be fetched.
pub fn load_failed() -> &'static Message {
    if page::lacks_file() {
        &messages::common_load_failed_host
    } else {
        &messages::common_load_failed
    }
}

/// Says that a part of the page could not be fetched, where it can be seen.
#[component]
pub fn LoadFailed(
    /// Called by a button that closes this, if it is not to stay.
    #[prop(optional, into)]
    on_close: Option<UnsyncCallback<()>>,
) -> impl IntoView {
    const ID: &str = "part-missing";
    request_animation_frame(|| {
        if let Some(element) = page::element(ID) {
            element.scroll_into_view_with_bool(false);
        }
    });
    view! {
        <div class="fault missing" role="alert" id=ID data-testid=ID>
            <p>{load_failed()}</p>
            <button type="button" on:click=|_| page::reload()>
                {&messages::update_reload}
            </button>
            {on_close
                .map(|on_close| {
                    view! {
                        <button
                            type="button"
                            data-testid="part-missing-close"
                            on:click=move |_| on_close.run(())
                        >
                            {&messages::common_close}
                        </button>
                    }
                })}
        </div>
    }
}
