use leptos::prelude::*;

use crate::features::join::form::SignIn;
use crate::features::people::roster::Person;
use crate::i18n::messages;
use crate::state::{Dialog, use_app};
use crate::text;
use crate::ui::Avatar;

/// Who the reader is, and where; it opens the reader's profile.
#[component]
pub fn Me() -> impl IntoView {
    let app = use_app();
    let button = move |me: SignIn| {
        let SignIn {
            name,
            credentials,
            service,
        } = me;
        let person = Person {
            name: name.clone(),
            principal: credentials.principal.clone(),
            away: false,
            windows: 1,
        };
        let account = &credentials.principal;
        let signed_in = if service.in_browser {
            text!(sidebar_signed_in_here, account = account)
        } else {
            let service = service.address();
            text!(sidebar_signed_in, account = account, service = service)
        };
        let open = move |_| {
            app.drawer.set(false);
            app.profile_of.set(Some(person.clone()));
            app.dialog.set(Some(Dialog::Profile));
        };
        view! {
            <button
                type="button"
                class="who"
                data-testid="my-profile"
                title=&messages::sidebar_profile
                on:click=open
            >
                <Avatar name=name.clone() />
                <span class="me">
                    <bdi>{name}</bdi>
                    <small data-testid="signed-in-as">
                        <bdi>{signed_in}</bdi>
                    </small>
                </span>
            </button>
        }
        .into_any()
    };
    move || app.me.get().map(button)
}
