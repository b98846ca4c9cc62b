use leptos::prelude::*;

use crate::features::join::form::{Field, ROLES};
use crate::features::join::{
    Actions, FormFault, FormField, Front, RememberPassword, ServiceFields, show_problems,
};
use crate::i18n::use_i18n;
use crate::state::{Request, use_page};
use crate::ui::{Checkbox, Form};
use crate::{lazy, t};

lazy! { more, /// [`AccountForm`], fetched when it is first needed.
pub fn account_form() => view! { <AccountForm/> } }

/// User name, password, registrar and roles.
#[component]
pub fn AccountForm() -> impl IntoView {
    let (state, i18n) = (use_page(), use_i18n());
    let submit = move |()| {
        let read = state.form.read_untracked().new_account();
        match read {
            Ok(account) => state.request.set(Some(Request::CreateAccount(account))),
            Err(problems) => show_problems(state.problems, problems),
        }
    };
    view! {
        <Front>
            <Form test="account-form" class="card" on_submit=submit>
                <h1>{move || t!(i18n, account_title)}</h1>
                <AccountFields />
                <RoleFields />
                <RegistrarFields />
                <ServiceFields />
                <FormFault />
                <Actions
                    test="account-button"
                    label=move || t!(i18n, account_submit)
                    busy_label=move || t!(i18n, common_creating)
                >
                    <p>
                        <a href="#" data-testid="account-back">
                            {move || t!(i18n, account_back)}
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
    let i18n = use_i18n();
    view! {
        <fieldset>
            <legend>{move || t!(i18n, common_account)}</legend>
            <FormField
                field=Field::NewAccount
                label=move || t!(i18n, account_user_name)
                autocomplete="username"
            />
            <div class="pair">
                <FormField
                    field=Field::NewPassword
                    label=move || t!(i18n, common_password)
                    autocomplete="new-password"
                />
                <FormField
                    field=Field::Again
                    label=move || t!(i18n, account_confirm_password)
                    autocomplete="new-password"
                />
            </div>
            <RememberPassword />
        </fieldset>
    }
}

/// The roles to grant.
#[component]
fn RoleFields() -> impl IntoView {
    let (form, i18n) = (use_page().form, use_i18n());
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
            <legend>{move || t!(i18n, common_roles)}</legend>
            <div class="roles">{roles}</div>
        </fieldset>
    }
}

/// Who adds the account.
#[component]
fn RegistrarFields() -> impl IntoView {
    let i18n = use_i18n();
    view! {
        <fieldset>
            <legend>{move || t!(i18n, account_registrar)}</legend>
            <p class="hint">{move || t!(i18n, account_registrar_hint)}</p>
            <div class="pair">
                <FormField
                    field=Field::Registrar
                    label=move || t!(i18n, common_account)
                    autocomplete="off"
                    placeholder="auth-handler"
                />
                <FormField
                    field=Field::RegistrarPassword
                    label=move || t!(i18n, common_password)
                    autocomplete="off"
                />
            </div>
        </fieldset>
    }
}
