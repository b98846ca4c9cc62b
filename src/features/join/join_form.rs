use leptos::prelude::*;
use web_sys::Element;

use super::{Actions, FormFault, FormField, Front, RoomFields, ServiceFields};
use crate::features::join::form::{Field, Problem};
use crate::i18n::{messages, use_i18n};
use crate::platform::{focus, page};
use crate::state::{Request, SetIfChanged, use_page};
use crate::ui::identity::{isolate, revealed};
use crate::ui::{Button, Checkbox, Form, Lazy};
use crate::{lazy, t};

/// The first screen: who, where and which room.
#[component]
pub fn JoinForm() -> impl IntoView {
    let (state, i18n) = (use_page(), use_i18n());
    let submit = move |()| state.request.set(Some(Request::Join));
    view! {
        <Front>
            <Form test="join-form" class="card" on_submit=submit>
                <h1>
                    {move || {
                        let room = isolate(&revealed(state.form.read().text(Field::Room).trim()));
                        if state.invited.get() {
                            t!(i18n, join_invited, room = room)
                        } else {
                            t!(i18n, join_into, room = room)
                        }
                    }}
                </h1>
                <p class="hint" data-testid="join-about">
                    {move || {
                        if !state.form.read().is_in_browser() {
                            t!(i18n, join_about)
                        } else if page::has_shared_workers() {
                            t!(i18n, join_in_browser)
                        } else {
                            t!(i18n, join_in_tab)
                        }
                    }}
                </p>
                <FormField field=Field::Name placeholder=&messages::join_name_placeholder />
                <Advanced />
                <FormFault />
                <Actions
                    test="join-button"
                    label=&messages::common_join
                    busy_label=&messages::common_joining
                >
                    <p>
                        {&messages::join_no_account} {" "}
                        <a href="#account" data-testid="create-account-link">
                            {&messages::join_create_account}
                        </a>
                    </p>
                </Actions>
            </Form>
        </Front>
    }
}

/// What most people leave as it is: room, account and service. It is open where something in it is missing, or found to be wrong.
#[component]
fn Advanced() -> impl IntoView {
    let state = use_page();
    let is_other = |problems: &[Problem]| problems.iter().any(|(field, _)| *field != Field::Name);
    let needed = state.form.read_untracked().lacks_more_than_name();
    let (open, fetched) = (RwSignal::new(needed), RwSignal::new(needed));
    Effect::new(move |_| {
        if is_other(&state.problems.read()) || state.fault.read().is_some() {
            open.set(true);
        }
        // The services come first, and so does the chat for whoever has joined by then.
        let is_time = state.loaded.get() && !state.busy.get_untracked();
        if open.get() || is_time {
            fetched.set_if_changed(true);
        }
    });
    view! {
        <details
            data-testid="advanced"
            prop:open=move || open.get()
            on:toggle=move |event| {
                open.set(event_target::<Element>(&event).has_attribute("open"));
            }
        >
            <summary data-testid="advanced-summary">{&messages::join_advanced}</summary>
            <div class="card">
                {move || {
                    let on_error = move |()| fetched.set(open.get_untracked());
                    fetched
                        .get()
                        .then(|| {
                            // What nobody saw fail is fetched again when it is opened.
                            view! { <Lazy load=advanced_fields() on_error /> }
                                .into_any()
                        })
                }}
            </div>
        </details>
    }
}

// In the chunk of what comes into a room after its messages: who fills in a form has the time to fetch that, too.
lazy! { room, fn advanced_fields() => view! { <AdvancedFields/> } }

/// The fields for room, account and service.
#[component]
fn AdvancedFields() -> impl IntoView {
    // Who has pressed Join before these fields were there is led to the one that is wrong.
    if let Some((field, _)) = use_page().problems.read_untracked().first() {
        focus::move_to(field.id());
    }
    view! {
        <RoomFields />
        <fieldset>
            <legend>{&messages::common_account}</legend>
            <AccountFields />
        </fieldset>
        <ServiceFields />
    }
}

/// Who the reader is, for others and for the service.
#[component]
pub fn PersonFields() -> impl IntoView {
    view! {
        <fieldset>
            <legend>{&messages::join_you}</legend>
            <FormField field=Field::Name placeholder=&messages::join_name_placeholder />
            <AccountFields />
        </fieldset>
    }
}

/// The account, and whether its password stays on this device.
#[component]
fn AccountFields() -> impl IntoView {
    view! {
        <div class="pair">
            <FormField field=Field::Account placeholder=&messages::join_account_placeholder />
            <FormField field=Field::Password />
        </div>
        <AccountHint />
        <RememberPassword />
    }
}

/// Whether the password stays on this device.
#[component]
pub fn RememberPassword() -> impl IntoView {
    let form = use_page().form;
    view! {
        <Checkbox
            test="remember"
            label=&messages::join_remember_password
            checked=Signal::derive(move || form.read().remember)
            on_change=move |remember| form.update(|form| form.remember = remember)
        />
    }
}

/// What to do about the account: the sandbox and the service in this browser have one that everybody may use.
#[component]
fn AccountHint() -> impl IntoView {
    let form = use_page().form;
    move || {
        let (shared, may_share, here) = {
            let form = form.read();
            (form.is_shared(), form.may_share(), form.is_in_browser())
        };
        let hint = match (may_share, shared, here) {
            (true, _, true) => &messages::join_use_shared_here,
            (true, _, false) => &messages::join_use_shared,
            (false, true, true) => &messages::join_shared_hint_here,
            (false, true, false) => &messages::join_shared_hint,
            (false, false, _) => &messages::join_account_hint,
        };
        if !may_share {
            return view! { <p class="hint">{hint}</p> }.into_any();
        }
        let share = move |_| form.update(|form| form.share());
        view! {
            <p class="hint">
                <Button class="link" test="use-shared" label=hint on_click=share />
            </p>
        }
        .into_any()
    }
}
