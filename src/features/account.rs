//! The form that makes an account: Lesson 3 of the tutorial.

use leptos::prelude::*;

use crate::features::join::form::{Field, ROLES};
use crate::features::join::{
    Actions, FormFault, FormField, Front, RememberPassword, ServiceFields,
};
use crate::i18n::messages;
use crate::lazy;
use crate::services::use_services;
use crate::state::{Request, use_page};
use crate::ui::{Checkbox, Form};

lazy! { more, pub fn account_form() => view! { <AccountForm /> } }

/// User name, password, registrar and roles.
#[component]
fn AccountForm() -> impl IntoView {
    let state = use_page();
    let submit = move |()| state.request.set(Some(Request::CreateAccount));
    // Asked for from here, so that only who makes an account fetches the code for that.
    Effect::new(move |_| {
        let is_asked = *state.request.read() == Some(Request::CreateAccount);
        if state.loaded.get() && is_asked {
            state.request.set(None);
            use_services().entry.create_account();
        }
    });
    // Whoever goes elsewhere before that wants no account.
    on_cleanup(move || {
        if *state.request.read_untracked() == Some(Request::CreateAccount) {
            state.request.set(None);
            state.busy.set(false);
        }
    });
    view! {
        <Front>
            <Form test="account-form" class="card" on_submit=submit>
                <h1>{&messages::account_title}</h1>
                <AccountFields />
                <RoleFields />
                <RegistrarFields />
                <ServiceFields />
                <FormFault />
                <Actions
                    test="account-button"
                    label=&messages::account_submit
                    busy_label=&messages::common_creating
                >
                    <p>
                        <a href="#" data-testid="account-back">
                            {&messages::account_back}
                        </a>
                    </p>
                </Actions>
            </Form>
        </Front>
    }
}

/// The name and the password of the new account.
#[component]
fn AccountFields() -> impl IntoView {
    view! {
        <fieldset>
            <legend>{&messages::common_account}</legend>
            <FormField field=Field::NewAccount />
            <div class="pair">
                <FormField field=Field::NewPassword />
                <FormField field=Field::Again />
            </div>
            <RememberPassword />
        </fieldset>
    }
}

/// The roles to grant.
#[component]
fn RoleFields() -> impl IntoView {
    let form = use_page().form;
    let roles = ROLES.iter().enumerate().map(|(place, (role, _))| {
        view! {
            <Checkbox
                test=["account-role-", role].concat()
                label=*role
                checked=Signal::derive(move || form.read().roles[place])
                on_change=move |granted| form.update(|form| form.roles[place] = granted)
            />
        }
        .into_any()
    });
    let roles: Vec<_> = roles.collect();
    view! {
        <fieldset>
            <legend>{&messages::common_roles}</legend>
            <div class="roles">{roles}</div>
        </fieldset>
    }
}

/// Who adds the account.
#[component]
fn RegistrarFields() -> impl IntoView {
    view! {
        <fieldset>
            <legend>{&messages::account_registrar}</legend>
            <p class="hint">{&messages::account_registrar_hint}</p>
            <div class="pair">
                <FormField field=Field::Registrar placeholder="auth-handler" />
                <FormField field=Field::RegistrarPassword />
            </div>
        </fieldset>
    }
}
