//! What the forms of the page are made of. They all fill in [`crate::state::PageState::form`].

use leptos::prelude::*;
use leptos::text_prop::TextProp;

use crate::features::join::form::Field;
use crate::features::join::service::DEFAULT_PATH;
use crate::i18n::{Message, messages, use_i18n};
use crate::lazy;
use crate::state::use_page;
use crate::ui::{FaultAlert, Glyph, Icon, Labelled, Lazy};

/// A labelled text field, with what is wrong with its content.
#[component]
pub fn FormField(
    /// The field of the form that it fills in.
    field: Field,
    /// What it shows while it is empty.
    #[prop(optional, into)]
    placeholder: TextProp,
) -> impl IntoView {
    let (state, i18n) = (use_page(), use_i18n());
    let id = field.id();
    let (label, kind, autocomplete) = kind_of(field);
    let problem_id = [id, "-problem"].concat();
    let inputmode = if field == Field::Port {
        "numeric"
    } else {
        "text"
    };
    let typed = move |text: String| {
        state.form.update(|form| form.set(field, text));
        state
            .problems
            .update(|problems| problems.retain(|(wrong, _)| *wrong != field));
    };
    let left = move |text: String| {
        // What an empty path means is shown.
        if field == Field::Path && text.trim().is_empty() {
            typed(DEFAULT_PATH.to_owned());
        }
    };
    view! {
        <Labelled id=id label=label>
            <input
                id=id
                data-testid=id
                type=kind
                inputmode=inputmode
                autocomplete=autocomplete
                autocapitalize="off"
                spellcheck="false"
                dir="auto"
                placeholder=move || placeholder.get()
                aria-describedby=problem_id.clone()
                aria-invalid=move || state.problem(field).map(|_| "true")
                prop:value=move || state.form.read().text(field).to_owned()
                on:input=move |event| typed(event_target_value(&event))
                on:change=move |event| left(event_target_value(&event))
            />
            <p class="problem" id=problem_id>
                {move || state.problem(field).map(|problem| i18n.text(problem, &[]))}
            </p>
        </Labelled>
    }
}

/// One of a few, to choose, with what it means.
#[component]
pub fn Choice(
    /// What is chosen by it and the others.
    name: &'static str,
    /// Names it for tests.
    test: &'static str,
    /// The icon beside its title.
    icon: Glyph,
    /// What it is called.
    #[prop(into)]
    title: TextProp,
    /// What it means.
    #[prop(into)]
    about: TextProp,
    /// Whether it is chosen.
    checked: Signal<bool>,
    /// Runs when it is chosen.
    #[prop(into)]
    on_choose: UnsyncCallback<()>,
) -> impl IntoView {
    view! {
        <label class="kind">
            <input
                type="radio"
                name=name
                data-testid=test
                prop:checked=move || checked.get()
                on:change=move |_| on_choose.run(())
            />
            <span>
                <strong>
                    <Icon path=icon />
                    {move || title.get()}
                </strong>
                <small>{move || about.get()}</small>
            </span>
        </label>
    }
}

/// The button that submits a form, and what stands beside it. It cannot be pressed while what the form asked for is under way.
#[component]
pub fn Actions(
    /// Names the button for tests.
    test: &'static str,
    /// What the button says.
    #[prop(into)]
    label: TextProp,
    /// What it says while what the form asked for is under way.
    #[prop(into)]
    busy_label: TextProp,
    /// What stands beside it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let busy = use_page().busy;
    view! {
        <div class="actions">
            <button type="submit" class="primary" data-testid=test disabled=move || busy.get()>
                {move || if busy.get() { busy_label.get() } else { label.get() }}
            </button>
            {children.map(|children| children())}
        </div>
    }
}

lazy! {
    chat,
    /// Says what went wrong. The code for it comes with that of the services: without them nothing can.
    fn form_fault() => view! { <FormFaultAlert /> }
}

/// What went wrong, in words.
#[component]
fn FormFaultAlert() -> impl IntoView {
    let fault = use_page().fault.get_untracked();
    fault.map(|fault| view! { <FaultAlert fault scroll_into_view=true /> })
}

/// Why what a form asked for did not work, if it did not.
#[component]
pub fn FormFault() -> impl IntoView {
    let fault = use_page().fault;
    move || {
        let failed = fault.read().is_some();
        failed.then(|| view! { <Lazy load=form_fault() /> }.into_any())
    }
}

/// The label of a field, the type of its input, and what a browser or a password manager may fill in.
fn kind_of(field: Field) -> (&'static Message, &'static str, &'static str) {
    match field {
        Field::Name => (&messages::join_name, "text", "nickname"),
        Field::Account => (&messages::common_account, "text", "username"),
        Field::Password => (&messages::common_password, "password", "current-password"),
        Field::Host => (&messages::service_host, "text", "off"),
        Field::Port => (&messages::service_port, "text", "off"),
        Field::Path => (&messages::service_path, "text", "off"),
        Field::Room => (&messages::room_name, "text", "off"),
        Field::NewAccount => (&messages::account_user_name, "text", "username"),
        Field::NewPassword => (&messages::common_password, "password", "new-password"),
        Field::Again => (
            &messages::account_confirm_password,
            "password",
            "new-password",
        ),
        Field::Registrar => (&messages::common_account, "text", "off"),
        Field::RegistrarPassword => (&messages::common_password, "password", "off"),
    }
}
