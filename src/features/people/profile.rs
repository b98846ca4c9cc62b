//! Who somebody is.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::members::{is_reader, presence};
use super::notifications::NotificationSettings;
use super::roster::Person;
use crate::i18n::{messages, use_i18n};
use crate::services::{PersonDetails, use_services};
use crate::state::use_app;
use crate::ui::{Avatar, Dialog, Fact, Form, Icon, TextField, glyph, hue_of};
use crate::{lazy, t, text};

/// Name, principal, roles and sessions of somebody; the reader's own with what can be changed.
#[component]
fn Profile() -> impl IntoView {
    let app = use_app();
    let person = app.profile_of.get_untracked()?;
    let own = is_reader(app, &person);
    let name = person.name.clone();
    let sender = untrack(|| app.active_room())
        .map(|room| room.look(|timeline| timeline.sender(&person.name, &person.principal)));
    let hue = sender
        .as_ref()
        .map_or_else(|| hue_of(&name), |sender| sender.hue.to_string());
    let account = sender
        .and_then(|sender| sender.account)
        .filter(|it| !it.is_empty());
    let account = account.map(|account| {
        view! {
            " "
            <bdi
                class="account"
                data-hued=""
                style=("--hue", hue.clone())
                title=&messages::people_looks_alike
            >
                {account}
            </bdi>
        }
        .into_any()
    });
    let below = if own {
        view! {
            <Rename name=name.clone() />
            <NotificationSettings />
        }
        .into_any()
    } else {
        view! { <WritePrivately person=person.clone() /> }.into_any()
    };
    Some(view! {
        <Dialog test="profile" title=&messages::profile_title focus="profile-action">
            <div class="profile">
                <div class="whom">
                    <Avatar name=name.clone() hue />
                    <p>
                        <strong>
                            <bdi data-testid="profile-name">{name.clone()}</bdi>
                        </strong>
                        {account}
                        <small>{presence(person.away)}</small>
                    </p>
                </div>
                <Facts person />
                {below}
            </div>
        </Dialog>
    })
}

/// The account, and what the service tells of its sessions.
#[component]
fn Facts(
    /// Whose.
    person: Person,
) -> impl IntoView {
    let i18n = use_i18n();
    let principal = person.principal.clone();
    let insight = RwSignal::new(None::<PersonDetails>);
    let presence = use_services().presence.clone();
    spawn_local(async move {
        let found = presence.details_of(&person).await;
        // The dialog may be closed by now.
        let _ = insight.try_set(Some(found));
    });
    let roles = move || match insight.read().as_ref().map(|it| it.roles.clone()) {
        None => "…".to_owned(),
        Some(Some(roles)) => roles,
        Some(None) => t!(i18n, profile_roles_denied),
    };
    let sessions = move || {
        let insight = insight.read();
        let sessions = &insight.as_ref()?.sessions;
        let (title, value) = (&messages::profile_sessions, sessions.join("\n"));
        let fact = || view! { <Fact title test="profile-sessions" value /> }.into_any();
        (!sessions.is_empty()).then(fact)
    };
    let since = move || {
        let since = insight.read().as_ref()?.since?;
        let (title, value) = (&messages::profile_since, move || i18n.date_and_time(since));
        Some(view! { <Fact title test="profile-since" value /> }.into_any())
    };
    view! {
        <dl class="facts">
            <Fact
                title=&messages::common_account
                test="profile-principal"
                value=move || principal.clone()
            />
            <Fact title=&messages::common_roles test="profile-roles" value=roles />
            {sessions}
            {since}
        </dl>
    }
}

/// Begins a conversation with somebody, or says why it would not be private.
#[component]
fn WritePrivately(
    /// With whom.
    person: Person,
) -> impl IntoView {
    let app = use_app();
    let direct = use_services().direct.clone();
    if !direct.is_private_with(&person) {
        let shared = if direct.is_shared(&person.principal) {
            person.principal
        } else {
            let me = app.me.get_untracked();
            me.map_or_else(String::new, |me| me.credentials.principal)
        };
        return view! {
            <p class="hint" data-testid="not-alone">
                {text!(profile_no_direct, name = shared)}
            </p>
        }
        .into_any();
    }
    let write = move |_| {
        app.dialog.set(None);
        direct.open_conversation(person.clone());
    };
    view! {
        <button
            type="button"
            class="primary"
            id="profile-action"
            data-testid="write-to"
            on:click=write
        >
            <Icon path=glyph::DIRECT />
            {&messages::profile_message}
        </button>
    }
    .into_any()
}

/// Changes the name that others see.
#[component]
fn Rename(
    /// The name so far.
    name: String,
) -> impl IntoView {
    let (app, services, i18n) = (use_app(), use_services(), use_i18n());
    let typed = RwSignal::new(name);
    let problem = RwSignal::new(None);
    let submit = move |()| match services.entry.rename(typed.read_untracked().trim()) {
        Ok(()) => app.dialog.set(None),
        Err(wrong) => problem.set(Some(wrong)),
    };
    view! {
        <Form test="rename-form" on_submit=submit>
            <TextField
                id="profile-action"
                test="profile-rename"
                label=&messages::profile_display_name
                value=typed
            >
                <p class="problem">
                    {move || problem.get().map(|problem| i18n.text(problem, &[]))}
                </p>
            </TextField>
            <button type="submit" data-testid="rename-button">
                {&messages::profile_rename}
            </button>
        </Form>
    }
}

lazy! { more, pub fn profile() => view! { <Profile /> } }
