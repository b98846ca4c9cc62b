use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::features::composer::composing::EnterKey;
use crate::i18n::language::LANGUAGES;
use crate::i18n::messages;
use crate::services::{set_density, set_enter_key, set_language, set_theme};
use crate::state::{Fault, use_app};
use crate::ui::{FaultAlert, Select, option};

/// Language, colours, density, and what Enter does.
#[component]
pub fn AppearanceSettings() -> impl IntoView {
    let app = use_app();
    let mut languages = vec![option("system", &messages::settings_browser_default)];
    languages.extend(LANGUAGES.map(|language| option(language.code, language.name)));
    let themes = vec![
        option("system", &messages::settings_system_default),
        option("light", &messages::settings_light),
        option("dark", &messages::settings_dark),
        option("contrast", &messages::settings_high_contrast),
    ];
    let densities = vec![
        option("comfortable", &messages::settings_comfortable),
        option("compact", &messages::settings_compact),
    ];
    let enter_keys = [
        (EnterKey::Automatic, &messages::settings_enter_automatic),
        (EnterKey::Sends, &messages::settings_enter_sends),
        (EnterKey::BreaksLine, &messages::settings_enter_breaks_line),
    ];
    let enter_keys = enter_keys.map(|(key, label)| option(key.word(), label));
    let fault = RwSignal::new(None::<Fault>);
    let choose_language = move |chosen| {
        fault.set(None);
        spawn_local(async move {
            if let Err(problem) = set_language(app.page, chosen).await {
                // The dialog may be gone.
                let _ = fault.try_set(Some(problem));
            }
        });
    };
    view! {
        <div class="leaf">
            <Select
                id="language"
                label=&messages::settings_language
                options=languages
                value=app.language
                on_change=choose_language
            />
            {move || fault.get().map(|fault| view! { <FaultAlert fault /> }.into_any())}
            <Select
                id="theme"
                label=&messages::settings_theme
                options=themes
                value=app.theme
                on_change=move |chosen| set_theme(app.page, chosen)
            />
            <Select
                id="density"
                label=&messages::settings_density
                options=densities
                value=app.density
                on_change=move |chosen| set_density(app.page, chosen)
            />
            <Select
                id="enter-key"
                label=&messages::settings_enter_key
                options=enter_keys.into()
                value=Signal::derive(move || app.enter_key.get().word().to_owned())
                on_change=move |chosen: String| set_enter_key(app, EnterKey::parse(&chosen))
            />
            <p class="hint">{&messages::settings_motion_hint}</p>
        </div>
    }
}
