use leptos::prelude::*;

use crate::features::join::form::version_text;
use crate::features::join::service::VERSIONS;
use crate::features::join::{Actions, FormFault, PersonFields, ServiceFields};
use crate::i18n::messages;
use crate::services::use_services;
use crate::state::use_app;
use crate::text;
use crate::ui::{Button, Form, Select, option};

/// Who the reader is, at which service, and by which version of the protocol.
#[component]
pub fn ConnectionSettings() -> impl IntoView {
    let (app, services) = (use_app(), use_services());
    let entry = services.entry.clone();
    let submit = move |()| {
        let read = app.form.read_untracked().sign_in();
        match read {
            Ok(sign_in) => entry.switch(sign_in),
            Err(problems) => app.show_problems(problems),
        }
    };
    view! {
        <Form test="settings-form" on_submit=submit>
            <FormFault />
            <PersonFields />
            <ServiceFields />
            <VersionChoice />
            <Actions
                test="apply-button"
                label=&messages::settings_apply
                busy_label=&messages::common_connecting
            >
                <Button
                    test="sign-out"
                    label=&messages::settings_sign_out
                    on_click=move |_| services.entry.sign_out()
                />
            </Actions>
        </Form>
    }
}

/// The version of the protocol.
#[component]
fn VersionChoice() -> impl IntoView {
    let form = use_app().form;
    let mut options = vec![option("", &messages::settings_version_newest)];
    options.extend(VERSIONS.map(|(version, release)| {
        let version = version.to_string();
        let label = text!(settings_version, version = &version, release = release);
        option(version, label)
    }));
    view! {
        <Select
            id="version"
            label=&messages::settings_protocol
            options
            value=Signal::derive(move || version_text(form.read().version))
            on_change=move |version: String| form.update(|form| form.version = version.parse().ok())
        />
    }
}
