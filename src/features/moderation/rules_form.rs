//! The rules that messages are checked by.

use effusion_chat::moderation::Rules;
use leptos::html;
use leptos::prelude::*;
use leptos::text_prop::TextProp;

use super::board::Section;
use super::rules_draft::RulesDraft;
use crate::features::composer::composing::Note;
use crate::i18n::{Message, messages};
use crate::services::{Order, use_services};
use crate::text;
use crate::ui::{Checkbox, Labelled};

/// A number in the rules.
type Number = fn(&mut Rules) -> &mut u32;

macro_rules! number {
    ($id:literal, $label:ident, $field:ident) => {
        ($id, &messages::$label, |it| &mut it.$field)
    };
}

/// What each number is called in the document, its label, and the number.
const NUMBERS: [(&str, &Message, Number); 5] = [
    number!("rule-mute-after", moderation_strikes_mute, mute_after),
    number!("rule-remove-after", moderation_strikes_remove, remove_after),
    number!("rule-lock-after", moderation_strikes_lock, lock_after),
    number!("rule-strikes-last", moderation_strike_minutes, strikes_last),
    number!("rule-mute-lasts", moderation_mute_minutes, mute_lasts),
];

/// The rules in force, to be changed. Rules that another moderator publishes meanwhile replace what is being edited.
#[component]
pub fn RulesSection() -> impl IntoView {
    let services = use_services();
    let rules = services.moderation.board.rules;
    let draft = RwSignal::new(RulesDraft::from(&*rules.read_untracked()));
    Effect::new(move |_| draft.set(RulesDraft::from(&*rules.read())));
    let patterns = NodeRef::<html::Textarea>::new();
    let publish = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let draft = draft.read_untracked();
        let Some(fault) = draft.faulty_pattern() else {
            services.moderation.order(Order::Publish(draft.rules()));
            return;
        };
        let note = text!(
            moderation_pattern_line,
            line = fault.line,
            pattern = fault.pattern,
            reason = fault.reason
        );
        services.moderation.board.note.set(Some(Note::Alert(note)));
        if let Some(area) = patterns.get_untracked() {
            // The place is one in the text that was just read.
            let _ = area.focus();
            let _ = area.set_selection_range(fault.start, fault.end);
        }
    };
    let numbers = NUMBERS.into_iter().map(|(id, label, field)| {
        view! { <NumberField id label draft field /> }
    });
    let numbers = numbers.collect_view();
    view! {
        <Section id="rules" title=&messages::moderation_rules>
            <form on:submit=publish>
                <ListField
                    id="rule-words"
                    label=&messages::moderation_words
                    value=Signal::derive(move || draft.read().words.clone())
                    on_input=move |words| draft.update(|draft| draft.words = words)
                />
                <ListField
                    id="rule-patterns"
                    label=&messages::moderation_patterns
                    value=Signal::derive(move || draft.read().patterns.clone())
                    on_input=move |patterns| draft.update(|draft| draft.patterns = patterns)
                    area=patterns
                />
                <Checkbox
                    test="rule-warn"
                    label=&messages::moderation_notify_author
                    checked=Signal::derive(move || draft.read().rules.warn)
                    on_change=move |warn| draft.update(|draft| draft.rules.warn = warn)
                />
                <div class="numbers">{numbers}</div>
                <p class="hint">{&messages::moderation_zero_hint}</p>
                <button type="submit" class="primary" data-testid="rules-button">
                    {&messages::moderation_apply_rules}
                </button>
            </form>
        </Section>
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
    /// Its box.
    #[prop(optional)]
    area: NodeRef<html::Textarea>,
) -> impl IntoView {
    view! {
        <Labelled id label>
            <textarea
                node_ref=area
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
    label: &'static Message,
    /// The rules as they are being edited.
    draft: RwSignal<RulesDraft>,
    /// The number in the rules.
    field: Number,
) -> impl IntoView {
    let change = move |event| {
        // The form says what is wrong with anything else, and is not sent with it.
        if let Ok(number) = event_target_value(&event).parse() {
            draft.update(|draft| *field(&mut draft.rules) = number);
        }
    };
    view! {
        <Labelled id label>
            <input
                id=id
                data-testid=id
                type="number"
                required=true
                min="0"
                max="100000"
                prop:value=move || field(&mut draft.get().rules).to_string()
                on:change=change
            />
        </Labelled>
    }
}
