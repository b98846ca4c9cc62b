//! What went wrong, in words, with what to do next.

use leptos::prelude::*;

use crate::state::Fault;

/// A fault as an alert.
#[component]
pub fn FaultAlert(
    /// What went wrong.
    fault: Fault,
    /// Whether to scroll it into view: it stands above a button that may have been the last thing on the screen.
    #[prop(optional)]
    scroll_into_view: bool,
    /// Whatever helps to get over it.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let node = NodeRef::<leptos::html::Div>::new();
    if scroll_into_view {
        request_animation_frame(move || {
            if let Some(Some(node)) = node.try_get_untracked() {
                node.scroll_into_view_with_bool(false);
            }
        });
    }
    view! {
        <div class="fault" role="alert" data-testid="fault" node_ref=node>
            <p>
                <strong>{fault.what()}</strong>
                {" "}
                {fault.next()}
            </p>
            {children.map(|children| children())}
        </div>
    }
}
