//! The whole page: one screen at a time, and what stands over all of them.

use futures_util::future::join;
use leptos::either::EitherOf4;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::features::account::account_form;
use crate::features::join::JoinForm;
use crate::features::moderation::board;
use crate::features::shell::{background, chat};
use crate::i18n::use_i18n;
use crate::platform::page;
use crate::state::{Fault, Screen, use_page};
use crate::ui::Lazy;

/// The page.
#[component]
pub fn Page() -> impl IntoView {
    let screen = use_page().screen;
    view! {
        <div id="page">
            {move || match screen.get() {
                Screen::Join => EitherOf4::A(view! { <JoinForm /> }),
                Screen::Account => EitherOf4::B(view! { <Lazy load=account_form() /> }),
                Screen::Chat => EitherOf4::C(view! { <Lazy load=chat() /> }),
                Screen::Board => EitherOf4::D(view! { <Lazy load=board() /> }),
            }} <Behind />
        </div>
    }
}

/// Fetches what goes on behind the screens, while the first form is filled in or at once where a service is needed.
#[component]
fn Behind() -> impl IntoView {
    let (state, i18n) = (use_page(), use_i18n());
    let owner = Owner::current().unwrap_or_default();
    let loaded = StoredValue::new_local(None);
    let is_begun = RwSignal::new(false);
    let load = move || {
        if is_begun.get_untracked() {
            return;
        }
        is_begun.set(true);
        let owner = owner.clone();
        spawn_local(async move {
            // Whoever waits for the files to come has the time.
            let meanwhile = async { i18n.warm_up() };
            if let (Ok(view), ()) = join(background(owner), meanwhile).await {
                loaded.set_value(Some(view));
                state.loaded.set(true);
                return;
            }
            // It is fetched again when it is needed.
            is_begun.set(false);
            if state.request.read_untracked().is_some() {
                state.request.set(None);
                state.busy.set(false);
                state.fault.set(Some(Fault::PartMissing));
            }
        });
    };
    page::once_drawn(load.clone());
    Effect::new(move |before: Option<bool>| {
        let in_browser = state.form.read().is_in_browser();
        if in_browser && before != Some(true) {
            // The worker takes about as long to start as somebody takes to join.
            page::once_drawn(|| {
                if let Some(port) = page::service_port() {
                    port.close();
                }
            });
        }
        in_browser
    });
    Effect::new(move |_| {
        if state.request.read().is_some() && !state.loaded.get_untracked() {
            state.busy.set(true);
            load();
        }
    });
    move || {
        state
            .loaded
            .get()
            .then(|| loaded.try_update_value(Option::take).flatten())
    }
}
