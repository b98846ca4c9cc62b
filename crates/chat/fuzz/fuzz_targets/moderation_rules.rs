//! Any JSON as the rules of moderation, and any text after a line break as what somebody said. What is hidden once needs no
//! hiding again.

#![no_main]

use effusion_chat::moderation::Rules;
use effusion_protocol::value::Json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    let (rules, said) = text.split_once('\n').unwrap_or((text, "a word"));
    let Some(rules) = Json::from_text(rules)
        .ok()
        .and_then(|json| Rules::from_json(&json))
    else {
        return;
    };
    assert_eq!(Rules::from_json(&rules.to_json()).as_ref(), Some(&rules));
    if let Ok(filter) = rules.filter() {
        let _ = filter.check(said);
    }
});
