use std::sync::Arc;

use leptos::prelude::*;

/// A row that is yet to be made, and what tells it from others.
type NewRow = (String, Box<dyn FnOnce() -> AnyView + Send>);

/// What `<For>` is, for items of any type: a row stays as long as its key does. All lists of the page have one `<For>` in common,
/// because the compiler makes several kilobytes of each.
#[component]
pub fn List<T, I, V>(
    /// The items, in their order.
    each: impl Fn() -> I + Send + 'static,
    /// What tells an item from others.
    key: impl Fn(&T) -> String + Send + 'static,
    /// The row of an item.
    children: impl Fn(T) -> V + Send + Sync + 'static,
) -> impl IntoView
where
    T: Send + 'static,
    I: IntoIterator<Item = T> + 'static,
    V: IntoView + 'static,
{
    let children = Arc::new(children);
    let row = move |item: T| -> NewRow {
        let (key, children) = (key(&item), Arc::clone(&children));
        (key, Box::new(move || children(item).into_any()))
    };
    list(Box::new(move || each().into_iter().map(&row).collect()))
}

fn list(rows: Box<dyn Fn() -> Vec<NewRow> + Send>) -> AnyView {
    let key = |(key, _): &NewRow| key.clone();
    view! { <For each=rows key children=|(_, row)| row() /> }.into_any()
}
