//! Labelled inputs, for views that are no components yet.

use super::element::El;
use super::icon::button;

/// A button that looks like a link.
pub fn link(test: &str, label: &str, clicked: impl FnMut() + 'static) -> El {
    button("link", test, clicked).text(label)
}
