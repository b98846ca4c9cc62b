use std::iter::once;

use leptos::prelude::*;

use super::service::DEFAULT_PATH;
use super::{Choice, FormField};
use crate::features::join::form::{Field, version_text};
use crate::i18n::{Message, messages};
use crate::services::recall_saved_services;
use crate::state::use_page;
use crate::text;
use crate::ui::{Button, Checkbox, Glyph, Select, glyph, option};

/// Whether it is the service in this browser, its name for tests, its icon, what it is called, and what it is.
const PLACES: [(bool, &str, Glyph, &Message, &Message); 2] = [
    (
        true,
        "service-browser",
        glyph::WINDOW,
        &messages::service_browser,
        &messages::service_browser_hint,
    ),
    (
        false,
        "service-network",
        glyph::DIAGNOSTICS,
        &messages::service_network,
        &messages::service_network_hint,
    ),
];

/// Host, port and security of the service.
#[component]
pub fn ServiceFields() -> impl IntoView {
    let form = use_page().form;
    let places = PLACES.map(|(in_browser, test, icon, title, about)| {
        view! {
            <Choice
                name="place"
                test
                icon
                title
                about
                checked=Signal::derive(move || form.read().is_in_browser() == in_browser)
                on_choose=move |()| form.update(|form| form.set_in_browser(in_browser))
            />
        }
        .into_any()
    });
    view! {
        <fieldset>
            <legend>{&messages::service_title}</legend>
            <SavedServiceChoice />
            <div class="kinds" role="radiogroup" aria-label=&messages::service_title>
                {places}
            </div>
            <div class="service" hidden=move || form.read().is_in_browser()>
                <FormField field=Field::Host placeholder="chat.example.com" />
                <FormField field=Field::Port placeholder="443" />
                <FormField field=Field::Path placeholder=DEFAULT_PATH />
                <Checkbox
                    test="secure"
                    label=&messages::service_secure
                    checked=Signal::derive(move || form.read().secure)
                    on_change=move |secure| form.update(|form| form.set_secure(secure))
                />
            </div>
            <PinnedVersion />
        </fieldset>
    }
}

/// Says so where only one version of the protocol will do.
#[component]
fn PinnedVersion() -> impl IntoView {
    let form = use_page().form;
    move || {
        let version = form.read().version?;
        let hint = view! {
            <p class="hint">
                {text!(service_version_fixed, version = version_text(Some(version)))} {" "}
                <Button
                    class="link"
                    test="any-version"
                    label=&messages::service_use_newest
                    on_click=move |_| form.update(|form| form.version = None)
                />
            </p>
        };
        Some(hint.into_any())
    }
}

/// Offers the services that the reader has saved, if there are any.
#[component]
fn SavedServiceChoice() -> impl IntoView {
    let state = use_page();
    recall_saved_services(state);
    let selected = move || {
        let form = state.form.read();
        let services = state.services.read();
        let mut list = services.list().iter();
        let place = list.position(|saved| form.is_at(&saved.service));
        place.map(|place| place.to_string()).unwrap_or_default()
    };
    let choose = move |place: String| {
        let place = place.parse::<usize>().ok();
        let saved =
            place.and_then(|place| state.services.read_untracked().list().get(place).cloned());
        if let Some(saved) = saved {
            state.form.update(|form| form.choose(&saved));
        }
    };
    move || {
        let services = state.services.read();
        if services.list().is_empty() {
            return None;
        }
        let saved = services.list().iter().enumerate();
        let saved = saved.map(|(place, saved)| option(place.to_string(), saved.name.clone()));
        let options = once(option("", &messages::services_other)).chain(saved);
        let choice = view! {
            <Select
                id="saved-service"
                label=&messages::services_saved
                options=options.collect()
                value=Signal::derive(selected)
                on_change=choose
            />
        };
        Some(choice.into_any())
    }
}
