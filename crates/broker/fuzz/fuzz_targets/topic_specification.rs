//! Any lines as names and values of topic properties, after a byte for the topic's type.

#![no_main]

use effusion_protocol::{TopicSpecification, TopicType};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let (Some(topic_type), Ok(text)) = (TopicType::from_code(*first), core::str::from_utf8(rest))
    else {
        return;
    };
    let mut specification = TopicSpecification::new(topic_type);
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        specification = specification.with(name, value);
    }
    effusion_broker::fuzz::topic_specification(&specification);
});
