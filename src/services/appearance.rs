//! How the page looks and which language it speaks, and that the device remembers it.

use js_sys::Object;
use leptos::prelude::*;

use super::preferences::For;
use crate::features::composer::composing::EnterKey;
use crate::features::settings::saved::{SavedService, SavedServices};
use crate::i18n::language::Language;
use crate::platform::{page, storage};
use crate::state::{App, Fault, PageState, SetIfChanged};

/// `light`, `dark` or `contrast`, if not as the system.
const THEME: &str = "effusion.theme";
/// `compact`, if not comfortable.
const DENSITY: &str = "effusion.density";
/// The code of a language, if not the browser's.
const LANGUAGE: &str = "effusion.language";
/// What Enter does in the composer, if not what fits the device.
const ENTER: &str = "effusion.enter";
/// The services that were kept.
const SERVICES: &str = "effusion.services";
/// What the one of them that the page begins with fills in: the first screen needs no more of them.
pub(super) const DEFAULT_SERVICE: &str = "effusion.default-service";
/// What stands for no choice of one's own.
const SYSTEM: &str = "system";

/// Takes up what the device remembers. `assets/start.js` has seen to it that the page looks that way already.
pub(super) fn recall(state: PageState) {
    set_theme(state, storage::load(THEME).unwrap_or_default());
    set_density(state, storage::load(DENSITY).unwrap_or_default());
    let chosen = storage::load(LANGUAGE).unwrap_or_default();
    let language = choose(&chosen);
    let code = Language::find(&chosen).map_or(SYSTEM, |it| it.code);
    state.language.set(code.to_owned());
    // Without its texts, the page stays in English.
    show_in(state, language, page::texts_from_start());
}

/// Changes the colours, and remembers which.
pub fn set_theme(state: PageState, theme: String) {
    let forced = one_of(&theme, &["light", "dark", "contrast"]);
    storage::store(THEME, forced);
    page::set_appearance("theme", forced);
    state.theme.set(forced.unwrap_or(SYSTEM).to_owned());
}

/// Changes how much space things take, and remembers it.
pub fn set_density(state: PageState, density: String) {
    let forced = one_of(&density, &["compact"]);
    storage::store(DENSITY, forced);
    page::set_appearance("density", forced);
    let density = forced.unwrap_or("comfortable");
    state.density.set(density.to_owned());
}

/// Shows the page in another language, or in the one that the browser asks for, once its texts have loaded.
///
/// # Errors
/// If they cannot be loaded. The language stays as it was then.
pub async fn set_language(state: PageState, chosen: String) -> Result<(), Fault> {
    let language = choose(&chosen);
    let before = state.language.read_untracked().clone();
    state.language.set(chosen.clone());
    let texts = match language.code {
        "en" => None,
        code => page::fetch_texts(&["locales/", code, ".json"].concat()).await,
    };
    if *state.language.read_untracked() != chosen {
        return Ok(()); // Another language was chosen meanwhile.
    }
    if show_in(state, language, texts) {
        storage::store(LANGUAGE, Some(chosen.as_str()).filter(|it| *it != SYSTEM));
        Ok(())
    } else {
        state.language.set(before);
        Err(Fault::LanguageMissing)
    }
}

/// Takes up what Enter does in the composer.
pub(super) fn recall_enter_key(app: App) {
    let stored = storage::load(ENTER).unwrap_or_default();
    app.enter_key.set_if_changed(EnterKey::parse(&stored));
}

/// Changes what Enter does in the composer, and remembers it.
pub fn set_enter_key(app: App, chosen: EnterKey) {
    let stored = Some(chosen).filter(|it| *it != EnterKey::default());
    storage::store(ENTER, stored.map(EnterKey::word));
    app.enter_key.set(chosen);
}

/// Takes up the services that were kept.
pub fn recall_saved_services(state: PageState) {
    let from_lines = || SavedServices::from_lines(&storage::load(SERVICES).unwrap_or_default());
    let services = For::Device.load(SERVICES).unwrap_or_else(from_lines);
    store_default(&services);
    state.services.set(services);
}

/// Changes the services that are kept, and stores them.
pub fn change_saved_services(state: PageState, change: impl FnOnce(&mut SavedServices)) {
    state.services.update(change);
    let services = state.services.read_untracked();
    let stored = Some(&*services).filter(|it| !it.list().is_empty());
    For::Device.store(SERVICES, stored);
    store_default(&services);
}

fn store_default(services: &SavedServices) {
    let pairs = services.default_service().map(SavedService::to_pairs);
    For::Device.store(DEFAULT_SERVICE, pairs.as_ref());
}

/// Shows the page in a language by its texts, which English does not need. False if they are missing: the language stays as it was
/// then.
fn show_in(state: PageState, language: Language, texts: Option<Object>) -> bool {
    let is_there = language.code == "en" || texts.is_some();
    if is_there {
        let locales = page::locales();
        let locale = language.locale(locales.iter().map(String::as_str));
        state.i18n.set(locale, texts);
        page::set_language(language.code, language.direction());
    }
    is_there
}

fn choose(chosen: &str) -> Language {
    let locales = page::locales();
    Language::choose(chosen, locales.iter().map(String::as_str))
}

fn one_of<'a>(value: &str, known: &[&'a str]) -> Option<&'a str> {
    known.iter().find(|it| **it == value).copied()
}
