//! A chat on Diffusion: which topics there are, and what values they hold.
//!
//! The rooms are those of the vendor's messaging tutorial, whose own pages can sit in them. What goes beyond it lives below
//! `Effusion/` in the topic tree; a service or a page that knows nothing of it can still be part of a room. Everything here
//! is plain data: the page, the moderator and the tests share it. Values are read with care, as anyone may have written them.

/// Gives values serde's traits, by the JSON that they are written as and read from with care: what the tutorial's pages leave out
/// may be missing, and members that nobody knows are passed over.
macro_rules! json_value {
    ($type:ty, $what:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(&self.to_json(), serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let json: effusion_protocol::value::Json =
                    serde::Deserialize::deserialize(deserializer)?;
                Self::from_json(&json)
                    .ok_or_else(|| serde::de::Error::custom(concat!("the value is not ", $what)))
            }
        }
    };
}

mod direct;
mod id;
#[cfg(feature = "moderation")]
pub mod lookalike;
mod member;
mod message;
#[cfg(feature = "moderation")]
pub mod moderation;
mod name;
mod reaction;
mod room;
mod room_card;

pub use direct::{
    DIRECT_RANGE, DirectMessage, RightsNotice, direct_member_path, direct_members_selector,
    direct_path,
};
pub use id::MessageId;
pub use member::{MEMBER_REMOVAL, MemberCard, member_path, members_selector};
pub use message::{ChatMessage, Reply, SYSTEM_NAME, Target, Timestamp, who_joined};
pub use name::{MAX_NAME_LENGTH, is_hidden};
pub use reaction::{REACTIONS_RANGE, Reaction, reactions_path};
pub use room::{HISTORY_LIMIT, MESSAGES_ROOT, RoomKind, RoomName, RoomNameError};
pub use room_card::{CARDS_SELECTOR, RoomCard, card_path};

/// Below this path lives all that the tutorial does not know of.
pub const ROOT: &str = "Effusion";

/// What moderators have done: a time series of JSON.
pub const MODERATION_LOG: &str = "Effusion/moderation/log";

/// The rules that moderators keep: JSON.
pub const MODERATION_RULES: &str = "Effusion/moderation/rules";
