//! Any bytes as topic selectors.

#![no_main]

use effusion_protocol::TopicSelector;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    let (expression, path) = text.split_once('\n').unwrap_or((text, "a/b"));
    if let Ok(selector) = TopicSelector::parse(expression) {
        let _ = selector.matches(path);
        let _ = selector.path_prefix();
    }
});
