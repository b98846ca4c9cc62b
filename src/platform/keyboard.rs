//! What a key that was pressed is for.

use web_sys::KeyboardEvent;

/// What browsers say of a key that an input method has taken.
const TAKEN_BY_INPUT_METHOD: u32 = 229;

/// Whether a key belongs to an input method, as for Japanese. Safari ends a composition before it tells of the key that ended
/// it, so that key is no longer "composing" there; it has the code of a taken key in every browser.
pub fn is_composing(event: &KeyboardEvent) -> bool {
    event.is_composing() || event.key_code() == TAKEN_BY_INPUT_METHOD
}

/// Whether it is an Enter of the page's own, which sends or chooses something.
pub fn is_enter(event: &KeyboardEvent) -> bool {
    event.key() == "Enter" && !is_composing(event)
}
