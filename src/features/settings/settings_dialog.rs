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

lazy! { more, /// `SettingsDialog`, fetched when it is first needed.
pub fn settings_dialog() => view! { <SettingsDialog/> } }

/// A tab of the settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    /// Who and where to be.
    #[default]
    Connection,
    /// Saved services.
    Services,
    /// Colours, density and language.
    Appearance,
    /// What the reader is told of.
    Notifications,
    /// The keys that do something.
    Keyboard,
}

impl Tab {
    /// All tabs in their order.
    const ALL: [Self; 5] = [
        Self::Connection,
        Self::Services,
        Self::Appearance,
        Self::Notifications,
        Self::Keyboard,
    ];

    /// The `id` of the tab.
    fn id(self) -> &'static str {
        match self {
            Self::Connection => "settings-tab-connection",
            Self::Services => "settings-tab-services",
            Self::Appearance => "settings-tab-looks",
            Self::Notifications => "settings-tab-attention",
            Self::Keyboard => "settings-tab-keys",
        }
    }

    fn title(self) -> &'static Message {
        match self {
            Self::Connection => &messages::settings_connection,
            Self::Services => &messages::services_title,
            Self::Appearance => &messages::settings_appearance,
            Self::Notifications => &messages::common_notifications,
            Self::Keyboard => &messages::common_keyboard_shortcuts,
        }
    }

    /// The tab some steps further on, and from the last on to the first.
    fn step(self, by: isize) -> Self {
        let count = Self::ALL.len() as isize;
        let place = (self as isize + by).rem_euclid(count);
        Self::ALL.get(place as usize).copied().unwrap_or_default()
    }
}

/// The settings.
#[component]
pub fn SettingsDialog() -> impl IntoView {
    let open = RwSignal::new(Tab::default());
    view! {
        <Dialog title=&messages::common_settings test="settings" focus="name">
            <div class="settings">
                <Tabs open />
                <Keyed key=Signal::derive(move || Some(open.get() as usize))>
                    <TabPanel tab=open.get_untracked() />
                </Keyed>
            </div>
        </Dialog>
    }
}

/// The tabs, to open one of them.
#[component]
fn Tabs(
    /// The one that is open.
    open: RwSignal<Tab>,
) -> impl IntoView {
    let step = move |event: KeyboardEvent| {
        let by = match event.key().as_str() {
            "ArrowRight" => 1,
            "ArrowLeft" => -1,
            _ => return,
        };
        // Where the page is written from the right, so are the tabs.
        let by = if page::is_right_to_left() { -by } else { by };
        let tab = open.get_untracked().step(by);
        open.set_if_changed(tab);
        focus::move_now(tab.id());
    };
    let tabs = Tab::ALL.map(|tab| {
        view! {
            <button
                type="button"
                class="tab"
                id=tab.id()
                data-testid=tab.id()
                role="tab"
                aria-controls="settings-leaf"
                aria-selected=move || (open.get() == tab).to_string()
                tabindex=move || if open.get() == tab { "0" } else { "-1" }
                on:click=move |_| open.set_if_changed(tab)
                on:keydown=step
            >
                {tab.title()}
            </button>
        }
        .into_any()
    });
    view! {
        <div class="tabs" role="tablist" aria-label=&messages::common_settings>
            {tabs.into_iter().collect::<Vec<_>>()}
        </div>
    }
}

/// What a tab shows.
#[component]
fn TabPanel(
    /// The tab.
    tab: Tab,
) -> impl IntoView {
    let content = match tab {
        Tab::Connection => view! { <ConnectionSettings /> }.into_any(),
        Tab::Services => view! { <ServiceSettings /> }.into_any(),
        Tab::Appearance => view! { <AppearanceSettings /> }.into_any(),
        Tab::Notifications => view! { <Notifications /> }.into_any(),
        Tab::Keyboard => view! { <Shortcuts /> }.into_any(),
    };
    view! {
        <div id="settings-leaf" role="tabpanel" aria-labelledby=tab.id()>
            {content}
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
