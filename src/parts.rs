//! Parts of the page that are fetched when they are first needed.
//!
//! In a build that is split (feature `split`, by `cargo xtask build`) the code that only these functions reach is in files of
//! its own, one for each part. In any other build the functions are there from the start. What the first load needs must not
//! call what is behind them, or it comes along.

// The macro declares the functions as foreign ones, for the tool that splits the page to find.
#![allow(unsafe_code)]

use std::pin::Pin;

use crate::session;
use crate::state::{App, OpenRoom};
use effusion_chat::{ChatMessage, MessageId, Target};

/// A part could not be fetched: there is no connection to the host of the page, or it has been updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing;

#[cfg(feature = "split")]
impl From<wasm_split_helpers::SplitLoaderError> for Missing {
    fn from(_: wasm_split_helpers::SplitLoaderError) -> Self {
        Self
    }
}

/// Something that takes its time.
pub type Waiting<T> = Pin<Box<dyn Future<Output = T>>>;

/// The answer of a function that may have to be fetched first.
pub type Part<T> = Pin<Box<dyn Future<Output = Result<T, Missing>>>>;

/// Calls a function of a part. For each part there is one copy of this for all functions with the same result.
fn once_there<F: 'static, T: 'static>(
    functions: Part<Box<F>>,
    call: Box<dyn FnOnce(&F) -> T>,
) -> Part<T> {
    Box::pin(async move { Ok(call(&*functions.await?)) })
}

/// `part! { file, Functions { fn function(argument: Type) -> Result { expression } … } }`: each function becomes one that
/// answers with a [`Part`].
///
/// The tool that splits the page finds one function for each part, which gives the addresses of all the others: what fetches
/// a part is in the first load, once for each part and not for each function.
macro_rules! part {
    (
        $(#[$about:meta])*
        $part:ident, $functions:ident {
            $($(#[$doc:meta])* fn $name:ident($($arg:ident: $of:ty),*) -> $result:ty { $body:expr })*
        }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy)]
        struct $functions {
            $($name: fn($($of),*) -> $result,)*
        }

        #[cfg_attr(feature = "split", wasm_split_helpers::wasm_split($part, fallible))]
        fn $part() -> Result<Box<$functions>, Missing> {
            $(fn $name($($arg: $of),*) -> $result {
                $body
            })*
            Ok(Box::new($functions { $($name,)* }))
        }

        impl $functions {
            /// The functions; fetched, where they have to be.
            fn fetch() -> Part<Box<Self>> {
                #[cfg(feature = "split")]
                return Box::pin($part());
                #[cfg(not(feature = "split"))]
                return Box::pin(std::future::ready($part()));
            }
        }

        $(
            $(#[$doc])*
            ///
            /// # Errors
            /// If it cannot be fetched.
            pub fn $name($($arg: $of),*) -> Part<$result> {
                let call = move |functions: &$functions| (functions.$name)($($arg),*);
                once_there($functions::fetch(), Box::new(call))
            }
        )*
    };
}

part! {
    /// What the device keeps: fetched when somebody joins a room.
    keep, Keep {
        /// Takes up what is kept of a room.
        fn recall(app: App, room: OpenRoom) -> Waiting<()> { Box::pin(session::keep::recall(app, room)) }

        /// Does what waits to be done for messages that are not acknowledged.
        fn write() -> Waiting<()> { Box::pin(session::keep::write()) }

        /// Whether the message with this id has arrived in a room.
        fn look_for(room: OpenRoom, id: Option<MessageId>) -> Waiting<bool> {
            Box::pin(session::keep::look_for(room, id))
        }

        /// Removes all that is kept of anybody.
        fn forget_all() -> Waiting<()> { Box::pin(session::keep::forget_all()) }
    }
}

part! {
    /// What a room is beyond its messages: fetched once somebody is in one.
    room, InRoom {
        /// Shows the reader in a room, and the others to the reader. True as soon as that has begun.
        fn attend(app: App, room: OpenRoom, visit: usize) -> bool {
            { session::people::attend(app, room, visit); true }
        }

        /// Takes the reader out of the list of those who are in a room.
        fn depart(room: OpenRoom) -> bool { { session::people::depart(room); true } }

        /// Tells the reader of a message that names them.
        fn mention(app: App, room: OpenRoom, message: ChatMessage) -> bool {
            { session::notify::mention(app, room, message); true }
        }

        /// Sends a message to one person alone.
        fn send_direct(room: OpenRoom, message: ChatMessage) -> Waiting<session::direct::Sent> {
            Box::pin(session::direct::send(room, message))
        }

        /// Writes down that a room has been made.
        fn introduce(app: App, room: OpenRoom) -> bool {
            { session::directory::introduce(app, room); true }
        }

        /// Writes down what a room is about.
        fn set_topic(app: App, room: OpenRoom, topic: String) -> bool {
            { session::directory::set_topic(app, room, topic); true }
        }

        /// Takes a room out of the archive.
        fn reopen(app: App, room: OpenRoom) -> bool {
            { session::directory::archive(app, room, false); true }
        }

        /// Follows the reactions of a room. True as soon as that has begun.
        fn follow_reactions(room: OpenRoom, visit: usize) -> bool {
            { session::reactions::follow(room, visit); true }
        }

        /// Asks for what is missing before a message. True if nothing is missing there any more; none if it could not be had.
        fn fill(room: OpenRoom, rank: u64, from_above: bool) -> Waiting<Option<bool>> {
            Box::pin(session::history::fill(room, rank, from_above))
        }

        /// Goes to a message. True once that has begun.
        fn jump(room: OpenRoom, target: Target) -> bool {
            { crate::features::timeline::jump(room, target); true }
        }
    }
}

part! {
    /// Moderation.
    moderation, Moderation {
        /// Keeps somebody from writing in a room, or lets them again.
        fn moderate(app: App, room: OpenRoom, name: String, mute: bool) -> bool {
            { session::moderation::carry_out(app, room, &name, mute); true }
        }
    }
}
