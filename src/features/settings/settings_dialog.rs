use leptos::ev::KeyboardEvent;
use leptos::prelude::*;

use super::appearance::AppearanceSettings;
use super::connection::ConnectionSettings;
use super::services::ServiceSettings;
use crate::features::people::NotificationSettings;
use crate::features::shell::Shortcuts;
use crate::features::timeline::mute_announcements;
use crate::i18n::{Message, messages};
use crate::lazy;
use crate::platform::{focus, page};
use crate::state::{SetIfChanged, use_app};
use crate::ui::{Checkbox, Dialog, Keyed};

lazy! { more, pub fn settings_dialog() => view! { <SettingsDialog /> } }

/// A tab of the settings: its `id`, its title, and what it shows.
type Tab = (&'static str, &'static Message, fn() -> AnyView);

/// The tabs in their order.
const TABS: [Tab; 5] = [
    (
        "settings-tab-connection",
        &messages::settings_connection,
        || view! { <ConnectionSettings /> }.into_any(),
    ),
    ("settings-tab-services", &messages::services_title, || {
        view! { <ServiceSettings /> }.into_any()
    }),
    ("settings-tab-looks", &messages::settings_appearance, || {
        view! { <AppearanceSettings /> }.into_any()
    }),
    (
        "settings-tab-attention",
        &messages::common_notifications,
        || view! { <Notifications /> }.into_any(),
    ),
    (
        "settings-tab-keys",
        &messages::common_keyboard_shortcuts,
        || view! { <Shortcuts /> }.into_any(),
    ),
];

/// The settings.
#[component]
fn SettingsDialog() -> impl IntoView {
    let open = RwSignal::new(0);
    let key = Signal::derive(move || Some(open.get()));
    let panel = move || {
        let (id, _, content) = TABS[open.get_untracked()];
        view! {
            <div id="settings-leaf" role="tabpanel" aria-labelledby=id>
                {content()}
            </div>
        }
    };
    view! {
        <Dialog title=&messages::common_settings test="settings" focus="name">
            <div class="settings">
                <Tabs open />
                <Keyed key>{panel()}</Keyed>
            </div>
        </Dialog>
    }
}

/// The tabs, to open one of them.
#[component]
fn Tabs(
    /// The place of the one that is open.
    open: RwSignal<usize>,
) -> impl IntoView {
    let step = move |event: KeyboardEvent| {
        let is_forward = match event.key().as_str() {
            // Where the page is written from the right, so are the tabs.
            "ArrowRight" => !page::is_right_to_left(),
            "ArrowLeft" => page::is_right_to_left(),
            _ => return,
        };
        let by = if is_forward { 1 } else { TABS.len() - 1 };
        let tab = (open.get_untracked() + by) % TABS.len();
        open.set_if_changed(tab);
        focus::move_now(TABS[tab].0);
    };
    let tabs = TABS.into_iter().enumerate().map(|(tab, (id, title, _))| {
        view! {
            <button
                type="button"
                class="tab"
                id=id
                data-testid=id
                role="tab"
                aria-controls="settings-leaf"
                aria-selected=move || (open.get() == tab).to_string()
                tabindex=move || if open.get() == tab { "0" } else { "-1" }
                on:click=move |_| open.set_if_changed(tab)
                on:keydown=step
            >
                {title}
            </button>
        }
        .into_any()
    });
    view! {
        <div class="tabs" role="tablist" aria-label=&messages::common_settings>
            {tabs.collect_view()}
        </div>
    }
}

/// What the reader is told of, and how.
#[component]
fn Notifications() -> impl IntoView {
    let app = use_app();
    view! {
        <div class="leaf">
            <NotificationSettings />
            <Checkbox
                test="quiet"
                label=&messages::common_mute_announcements
                checked=app.announcements_muted
                on_change=move |muted| mute_announcements(app, muted)
            />
        </div>
    }
}
