use leptos::prelude::*;

use super::{Actions, FormFault, FormField, Front, RoomFields, ServiceFields, show_problems};
use crate::features::join::form::Field;
use crate::i18n::use_i18n;
use crate::state::{Request, use_page};
use crate::t;
use crate::ui::{Button, Checkbox, Form};

/// The first screen: who, where and which room.
#[component]
pub fn JoinForm() -> impl IntoView {
    let (state, i18n) = (use_page(), use_i18n());
    let submit = move |()| {
        let read = state.form.read_untracked().join();
        match read {
            Ok((sign_in, room)) => state.request.set(Some(Request::Enter {
                sign_in,
                rooms: vec![room],
                announce: true,
            })),
            Err(problems) => show_problems(state.problems, problems),
        }
    };
    view! {
        <Front>
            <Form test="join-form" class="card" on_submit=submit>
                <h1>{move || t!(i18n, common_join_room)}</h1>
                <PersonFields />
                <RoomFields />
                <ServiceFields />
                <FormFault />
                <Actions
                    test="join-button"
                    label=move || t!(i18n, common_join)
                    busy_label=move || t!(i18n, common_joining)
                >
                    <p>
                        {move || t!(i18n, join_no_account)} {" "}
                        <a href="#account" data-testid="create-account-link">
                            {move || t!(i18n, join_create_account)}
                        </a>
                    </p>
                </Actions>
            </Form>
        </Front>
    }
}

/// Who the reader is, for others and for the service.
#[component]
pub fn PersonFields() -> impl IntoView {
    let (state, i18n) = (use_page(), use_i18n());
    let form = state.form;
    view! {
        <fieldset>
            <legend>{move || t!(i18n, join_you)}</legend>
            <FormField
                field=Field::Name
                label=move || t!(i18n, join_name)
                autocomplete="nickname"
                placeholder=move || t!(i18n, join_name_placeholder)
            />
            <div class="pair">
                <FormField
                    field=Field::Account
                    label=move || t!(i18n, common_account)
                    autocomplete="username"
                    placeholder=move || t!(i18n, join_account_placeholder)
                />
                <FormField
                    field=Field::Password
                    label=move || t!(i18n, common_password)
                    autocomplete="current-password"
                />
            </div>
            <AccountHint />
            <Checkbox
                test="remember"
                label=move || t!(i18n, join_remember_password)
                checked=Signal::derive(move || form.read().remember)
                on_change=move |remember| form.update(|form| form.remember = remember)
            />
        </fieldset>
    }
}

/// What to do about the account: the sandbox has one that everybody may use.
#[component]
fn AccountHint() -> impl IntoView {
    let (form, i18n) = (use_page().form, use_i18n());
    move || {
        let (shared, may_share) = {
            let form = form.read();
            (form.is_shared(), form.may_share())
        };
        if may_share {
            view! {
                <p class="hint">
                    <Button
                        class="link"
                        test="use-shared"
                        label=move || t!(i18n, join_use_shared)
                        on_click=move |_| form.update(|form| form.share())
                    />
                </p>
            }
            .into_any()
        } else if shared {
            view! { <p class="hint">{move || t!(i18n, join_shared_hint)}</p> }.into_any()
        } else {
            view! { <p class="hint">{move || t!(i18n, join_account_hint)}</p> }.into_any()
        }
    }
}
