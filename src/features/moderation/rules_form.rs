//! The rules that messages are checked by.

use effusion_chat::moderation::Rules;
use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::board::Section;
use super::rules_draft::RulesDraft;
use crate::i18n::use_i18n;
use crate::services::{Order, use_services};
use crate::t;
use crate::ui::{Checkbox, Labelled};

/// The rules in force, to be changed. Rules that another moderator publishes meanwhile replace what is being edited.
#[component]
pub fn RulesSection() -> impl IntoView {
    let i18n = use_i18n();
    let rules = use_services().moderation.board.rules;
    let draft = RwSignal::new(RulesDraft::from(&*rules.read_untracked()));
    Effect::new(move |_| draft.set(RulesDraft::from(&*rules.read())));
    view! {
        <Section id="rules" title=move || t!(i18n, moderation_rules)>
            <RulesForm draft />
        </Section>
    }
}

#[component]
fn RulesForm(
    /// The rules as they are being edited.
    draft: RwSignal<RulesDraft>,
) -> impl IntoView {
    let (services, i18n) = (use_services(), use_i18n());
    let publish = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        services
            .moderation
            .order(Order::Publish(draft.read_untracked().rules()));
    };
    view! {
        <form on:submit=publish>
            <ListField
                id="rule-words"
                label=move || t!(i18n, moderation_words)
                value=Signal::derive(move || draft.read().words.clone())
                on_input=move |words| draft.update(|draft| draft.words = words)
            />
            <ListField
                id="rule-patterns"
                label=move || t!(i18n, moderation_patterns)
                value=Signal::derive(move || draft.read().patterns.clone())
                on_input=move |patterns| draft.update(|draft| draft.patterns = patterns)
            />
            <Checkbox
                test="rule-warn"
                label=move || t!(i18n, moderation_notify_author)
                checked=Signal::derive(move || draft.read().rules.warn)
                on_change=move |warn| draft.update(|draft| draft.rules.warn = warn)
            />
            <div class="numbers">
                <NumberField
                    id="rule-mute-after"
                    label=move || t!(i18n, moderation_strikes_mute)
                    draft
                    get=|rules| rules.mute_after
                    set=|rules, number| rules.mute_after = number
                />
                <NumberField
                    id="rule-remove-after"
                    label=move || t!(i18n, moderation_strikes_remove)
                    draft
                    get=|rules| rules.remove_after
                    set=|rules, number| rules.remove_after = number
                />
                <NumberField
                    id="rule-lock-after"
                    label=move || t!(i18n, moderation_strikes_lock)
                    draft
                    get=|rules| rules.lock_after
                    set=|rules, number| rules.lock_after = number
                />
                <NumberField
                    id="rule-strikes-last"
                    label=move || t!(i18n, moderation_strike_minutes)
                    draft
                    get=|rules| rules.strikes_last
                    set=|rules, number| rules.strikes_last = number
                />
                <NumberField
                    id="rule-mute-lasts"
                    label=move || t!(i18n, moderation_mute_minutes)
                    draft
                    get=|rules| rules.mute_lasts
                    set=|rules, number| rules.mute_lasts = number
                />
            </div>
            <p class="hint">{move || t!(i18n, moderation_zero_hint)}</p>
            <button type="submit" class="primary" data-testid="rules-button">
                {move || t!(i18n, moderation_apply_rules)}
            </button>
        </form>
    }
}

/// A list with a line for each.
#[component]
fn ListField(
    /// Names it in the document and for tests.
    id: &'static str,
    /// Its label.
    #[prop(into)]
    label: TextProp,
    /// What it holds.
    value: Signal<String>,
    /// Runs when somebody types.
    #[prop(into)]
    on_input: UnsyncCallback<String>,
) -> impl IntoView {
    view! {
        <Labelled id label>
            <textarea
                id=id
                data-testid=id
                rows="4"
                spellcheck="false"
                dir="auto"
                prop:value=move || value.get()
                on:input=move |event| on_input.run(event_target_value(&event))
            ></textarea>
        </Labelled>
    }
}

/// A number of the rules.
#[component]
fn NumberField(
    /// Names it in the document and for tests.
    id: &'static str,
    /// Its label.
    #[prop(into)]
    label: TextProp,
    /// The rules as they are being edited.
    draft: RwSignal<RulesDraft>,
    /// Reads it.
    get: fn(&Rules) -> u32,
    /// Changes it.
    set: fn(&mut Rules, u32),
) -> impl IntoView {
    let change = move |event| {
        // What is no number stands for never.
        let number = event_target_value(&event).parse().unwrap_or(0);
        draft.update(|draft| set(&mut draft.rules, number));
    };
    view! {
        <Labelled id label>
            <input
                id=id
                data-testid=id
                type="number"
                min="0"
                max="100000"
                prop:value=move || get(&draft.read().rules).to_string()
                on:change=change
            />
        </Labelled>
    }
}
