use leptos::prelude::*;
use leptos::text_prop::TextProp;

/// One fact, below its title.
#[component]
pub fn Fact(
    /// Its title.
    #[prop(into)]
    title: TextProp,
    /// Names it for tests.
    test: &'static str,
    /// The fact.
    #[prop(into)]
    value: TextProp,
) -> impl IntoView {
    view! {
        <div>
            <dt>{move || title.get()}</dt>
            <dd data-testid=test dir="auto">
                {move || value.get()}
            </dd>
        </div>
    }
}
