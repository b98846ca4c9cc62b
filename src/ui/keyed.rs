use leptos::prelude::*;

use super::List;

/// Makes its content anew for each key, and shows nothing while there is none. Leptos would otherwise turn the elements of one
/// content into those of another, with whatever the browser keeps in them, such as focus and scroll position.
#[component]
pub fn Keyed(
    /// Tells one content from another.
    #[prop(into)]
    key: Signal<Option<usize>>,
    /// The content.
    children: ChildrenFn,
) -> impl IntoView {
    view! { <List each=move || key.get() key=usize::to_string children=move |_| children() /> }
}
