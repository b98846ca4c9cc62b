use js_sys::Uint8Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use send_wrapper::SendWrapper;
use web_sys::HtmlInputElement;

use crate::i18n::messages;
use crate::platform::page;
use crate::services::{browser, use_services};
use crate::state::Fault;
use crate::ui::{Button, FaultAlert};

/// What a file with everything is called.
const FILE_NAME: &str = "effusion-service.effusion";
const FILE_KIND: &str = "application/octet-stream";

/// What is done only once the reader has said so again.
#[derive(Clone)]
enum Asked {
    /// To put what this file has in the place of everything.
    Import(SendWrapper<Uint8Array>),
    /// To remove everything.
    StartAfresh,
}

/// The service in this browser: to take everything along, to bring it back, and to begin anew.
#[component]
pub fn BrowserService() -> impl IntoView {
    let asked = RwSignal::new(None::<Asked>);
    let fault = RwSignal::new(None::<Fault>);
    let busy = RwSignal::new(false);
    let export = move |_| {
        busy.set(true);
        spawn_local(async move {
            match browser::export().await {
                Ok(file) => page::save_file(FILE_NAME, FILE_KIND, &file),
                Err(problem) => fault.set(Some(problem)),
            }
            busy.set(false);
        });
    };
    let choose = move |event: web_sys::Event| {
        let input: HtmlInputElement = event_target(&event);
        spawn_local(async move {
            let file = page::chosen_file(&input).await;
            // The same file can be chosen again.
            input.set_value("");
            fault.set(None);
            asked.set(file.map(|file| Asked::Import(SendWrapper::new(file))));
        });
    };
    view! {
        <fieldset data-testid="browser-service">
            <legend>{&messages::browser_title}</legend>
            <p class="hint">{&messages::browser_about}</p>
            <div class="actions">
                <Button
                    test="browser-export"
                    label=&messages::browser_export
                    disabled=busy
                    on_click=export
                />
                <Button
                    test="browser-import"
                    label=&messages::browser_import
                    disabled=busy
                    on_click=move |_| page::click("browser-file")
                />
                <input
                    id="browser-file"
                    data-testid="browser-file"
                    type="file"
                    accept=".effusion"
                    hidden
                    on:change=choose
                />
                <Button
                    test="browser-reset"
                    label=&messages::browser_reset
                    disabled=busy
                    on_click=move |_| asked.set(Some(Asked::StartAfresh))
                />
            </div>
            {move || {
                asked.get().map(|what| view! { <Question what asked fault busy /> }.into_any())
            }}
            {move || fault.get().map(|fault| view! { <FaultAlert fault /> }.into_any())}
        </fieldset>
    }
}

/// Asks once more before everything is replaced or removed, and does it.
#[component]
fn Question(
    /// What is to be done.
    what: Asked,
    /// Where it is asked.
    asked: RwSignal<Option<Asked>>,
    /// What went wrong.
    fault: RwSignal<Option<Fault>>,
    /// Whether something is being done.
    busy: RwSignal<bool>,
) -> impl IntoView {
    let services = use_services();
    let (question, confirm_label) = match what {
        Asked::Import(_) => (
            &messages::browser_import_ask,
            &messages::browser_import_confirm,
        ),
        Asked::StartAfresh => (
            &messages::browser_reset_ask,
            &messages::browser_reset_confirm,
        ),
    };
    let confirm = move |_| {
        let (what, services) = (what.clone(), services.clone());
        busy.set(true);
        fault.set(None);
        asked.set(None);
        spawn_local(async move {
            let done = match what {
                Asked::Import(file) => browser::import(&file).await,
                Asked::StartAfresh => browser::start_afresh().await,
            };
            match done {
                Ok(()) => services.entry.leave_replaced(),
                Err(problem) => fault.set(Some(problem)),
            }
            // The dialog is gone if the reader was on this service.
            let _ = busy.try_set(false);
        });
    };
    view! {
        <div role="alertdialog" aria-labelledby="browser-question" data-testid="browser-question">
            <p id="browser-question">{question}</p>
            <div class="actions">
                <Button test="browser-confirm" label=confirm_label on_click=confirm />
                <Button
                    test="browser-cancel"
                    label=&messages::composer_cancel
                    on_click=move |_| asked.set(None)
                />
            </div>
        </div>
    }
}
