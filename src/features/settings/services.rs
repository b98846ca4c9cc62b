use leptos::prelude::*;

use super::browser_service::BrowserService;
use crate::features::settings::saved::SavedService;
use crate::i18n::{messages, use_i18n};
use crate::platform::{focus, page};
use crate::services::{change_saved_services, recall_saved_services};
use crate::state::{App, use_app};
use crate::ui::{Checkbox, Icon, IconButton, glyph};
use crate::{t, text};

/// The services that the reader has saved, and a way to save the one in use.
#[component]
pub fn ServiceSettings() -> impl IntoView {
    let app = use_app();
    recall_saved_services(app.page);
    let list = move || {
        let services = app.services.read();
        if services.list().is_empty() {
            return view! {
                <p class="hint" data-testid="no-services">
                    {&messages::services_hint}
                </p>
            }
            .into_any();
        }
        let rows = services.list().iter().enumerate().map(|(place, saved)| {
            let is_default = services.default_place() == Some(place);
            view! { <Row place saved=saved.clone() is_default /> }.into_any()
        });
        view! { <ul class="services">{rows.collect_view()}</ul> }.into_any()
    };
    view! {
        <div class="leaf">
            {move || list()}
            <button
                type="button"
                data-testid="keep-service"
                disabled=move || app.me.read().is_none()
                on:click=move |_| save_current(app)
            >
                <Icon path=glyph::PLUS />
                {&messages::services_save}
            </button> <BrowserService />
        </div>
    }
}

/// Saves the service in use.
fn save_current(app: App) {
    let me = app.me.read_untracked().clone();
    if let Some(me) = me {
        let principal = Some(me.credentials.principal);
        let saved = SavedService {
            name: if me.service.in_browser {
                t!(app.i18n, service_browser)
            } else {
                me.service.address()
            },
            account: principal.filter(|it| *it != me.name).unwrap_or_default(),
            service: me.service,
        };
        change_saved_services(app.page, |services| services.keep(saved));
    }
}

/// A saved service: its name, a way to use it or to remove it, and whether the page begins with it.
#[component]
fn Row(
    /// Its place among the saved services.
    place: usize,
    /// The service.
    saved: SavedService,
    /// Whether the page begins with it.
    is_default: bool,
) -> impl IntoView {
    let (app, i18n) = (use_app(), use_i18n());
    let (name, service) = (saved.name.clone(), saved.service.clone());
    let account = saved.account.clone();
    let about = move || {
        let address = (!service.in_browser).then(|| service.address());
        let account = Some(account.clone()).filter(|it| !it.is_empty());
        let secure = service.secure.then(|| t!(i18n, settings_service_secure));
        let parts: Vec<_> = [address, account, secure].into_iter().flatten().collect();
        parts.join(" · ")
    };
    let choose = move |_| {
        app.form.update(|form| form.choose(&saved));
        page::click("settings-tab-connection");
        focus::move_to("password");
    };
    let remove = move |_| {
        change_saved_services(app.page, |services| services.remove(place));
        focus::move_to("settings-tab-services");
    };
    let rename = move |name: String| {
        change_saved_services(app.page, |services| services.rename(place, &name));
    };
    let set_default = move |begin: bool| {
        change_saved_services(app.page, |services| {
            services.set_default(begin.then_some(place))
        });
    };
    view! {
        <li class="service-kept" data-testid="service-kept">
            <input
                data-testid="service-name"
                type="text"
                dir="auto"
                aria-label=text!(services_rename, name = &name)
                prop:value=name.clone()
                on:change=move |event| rename(event_target_value(&event))
            />
            <button
                type="button"
                data-testid="service-choose"
                aria-label=text!(services_use_name, name = &name)
                on:click=choose
            >
                {&messages::services_use}
            </button>
            <IconButton
                icon=glyph::CLOSE
                label=text!(services_remove, name = &name)
                test="service-remove"
                on_click=remove
            />
            <small dir="auto">{move || about()}</small>
            <Checkbox
                test="service-default"
                label=&messages::services_default
                checked=is_default
                on_change=set_default
            />
        </li>
    }
}
