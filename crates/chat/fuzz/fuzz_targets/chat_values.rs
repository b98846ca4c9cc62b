//! Any JSON as messages, reactions, members, rooms and entries of the log, and any text as the names of rooms and messages.
//! What could be read is read the same when it is written again.

#![no_main]

use effusion_chat::moderation::LogEntry;
use effusion_chat::{
    ChatMessage, DirectMessage, MemberCard, MessageId, Reaction, RoomCard, RoomName,
};
use effusion_protocol::value::Json;
use libfuzzer_sys::fuzz_target;

macro_rules! same_again {
    ($json:expr, $($type:ty),+) => {
        $(
            if let Some(value) = <$type>::from_json($json) {
                assert_eq!(<$type>::from_json(&value.to_json()), Some(value));
            }
        )+
    };
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = core::str::from_utf8(data) else {
        return;
    };
    if let Ok(room) = RoomName::parse(text) {
        assert_eq!(
            RoomName::from_topic_path(&room.topic_path()),
            Some(room.clone())
        );
        assert_eq!(RoomName::from_key(&room.key()), Some(room));
    }
    let _ = RoomName::from_topic_path(text);
    let _ = RoomName::from_key(text);
    let _ = MessageId::parse(text);
    if let Ok(json) = Json::from_text(text) {
        same_again!(
            &json,
            ChatMessage,
            DirectMessage,
            MemberCard,
            Reaction,
            RoomCard,
            LogEntry
        );
    }
});
