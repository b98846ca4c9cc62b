//! Parts of the page that are fetched when they are first needed.
//!
//! In a build that is split (feature `split`, by `cargo xtask build`) the code that only these functions reach is in files of
//! its own; parts with the same name share one. In any other build the functions are there from the start. What the first
//! load needs must not call what is behind them, or it comes along.

// The macro declares the functions as foreign ones, for the tool that splits the page to find.
#![allow(unsafe_code)]

use crate::model::timeline::Key;
use crate::session;
use crate::state::{App, OpenRoom};
use crate::view::{self, El};
use effusion_chat::{ChatMessage, Target};
use web_sys::Element;

/// A part could not be fetched: there is no connection to the host of the page, or it has been updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing;

#[cfg(feature = "split")]
impl From<wasm_split_helpers::SplitLoaderError> for Missing {
    fn from(_: wasm_split_helpers::SplitLoaderError) -> Self {
        Self
    }
}

/// What becomes of a message to one person alone.
pub type DirectSending = std::pin::Pin<Box<dyn Future<Output = session::direct::Sent>>>;

/// `part! { name: fn function(argument: Type) -> Result { expression } }`; the function becomes an `async` one.
macro_rules! part {
    ($(#[$doc:meta])* $part:ident: fn $name:ident($($arg:ident: $of:ty),*) -> $result:ty { $body:expr }) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// If it cannot be fetched.
        #[cfg(feature = "split")]
        #[wasm_split_helpers::wasm_split($part, fallible)]
        pub fn $name($($arg: $of),*) -> Result<$result, Missing> {
            Ok($body)
        }

        $(#[$doc])*
        ///
        /// # Errors
        /// If it cannot be fetched.
        #[cfg(not(feature = "split"))]
        #[allow(clippy::unused_async)] // It is one of those that may have to be waited for.
        pub async fn $name($($arg: $of),*) -> Result<$result, Missing> {
            Ok($body)
        }
    };
}

part! {
    /// The settings.
    settings: fn settings(app: App) -> El { view::settings::settings(app) }
}

part! {
    /// The form that makes an account.
    account: fn account(app: App) -> El { view::account::account(app) }
}

part! {
    /// Shows the reader in a room, and the others to the reader. True as soon as that has begun.
    people: fn attend(app: App, room: OpenRoom, visit: usize) -> bool {
        { session::people::attend(app, room, visit); true }
    }
}

part! {
    /// Takes the reader out of the list of those who are in a room.
    people: fn depart(room: OpenRoom) -> bool { { session::people::depart(room); true } }
}

part! {
    /// Those who are in a room.
    people: fn members(app: App, room: OpenRoom) -> El { view::members::members(app, room) }
}

part! {
    /// The rooms of the service.
    people: fn directory(app: App) -> El { view::directory::directory(app) }
}

part! {
    /// The form that makes a room.
    people: fn new_room(app: App) -> El { view::new_room::new_room(app) }
}

part! {
    /// Goes to a room or to a person.
    people: fn switcher(app: App) -> El { view::switcher::switcher(app) }
}

part! {
    /// Who somebody is.
    people: fn profile(app: App) -> El { view::profile::profile(app) }
}

part! {
    /// What the shown room is about.
    people: fn room_info(app: App) -> El { view::room_info::room_info(app) }
}

part! {
    /// Asks whether the system may show notifications.
    people: fn ask_to_notify(app: App) -> El { view::profile::ask_to_notify(app) }
}

part! {
    /// Tells the reader of a message that names them.
    people: fn mention(app: App, room: OpenRoom, message: ChatMessage) -> bool {
        { session::notify::mention(app, room, message); true }
    }
}

part! {
    /// Sends a message to one person alone.
    people: fn send_direct(room: OpenRoom, message: ChatMessage) -> DirectSending {
        Box::pin(session::direct::send(room, message))
    }
}

part! {
    /// Writes down that a room has been made.
    people: fn introduce(app: App, room: OpenRoom) -> bool {
        { session::directory::introduce(app, room); true }
    }
}

part! {
    /// Writes down what a room is about.
    people: fn set_topic(app: App, room: OpenRoom, topic: String) -> bool {
        { session::directory::set_topic(app, room, topic); true }
    }
}

part! {
    /// Takes a room out of the archive.
    people: fn reopen(app: App, room: OpenRoom) -> bool {
        { session::directory::archive(app, room, false); true }
    }
}

part! {
    /// Those who type in a room.
    people: fn typing(app: App, room: OpenRoom) -> El { view::typing::typing(app, room) }
}

part! {
    /// The list of keys.
    settings: fn keyboard(app: App) -> El { view::keyboard::keyboard(app) }
}

part! {
    /// The session from inside.
    diagnostics: fn diagnostics(app: App) -> El { view::diagnostics::diagnostics(app) }
}

part! {
    /// The tutorial, with what each action asks of the service.
    diagnostics: fn lessons(app: App) -> El { view::lessons::lessons(app) }
}

part! {
    /// What can be done with the messages of a list. True as soon as it can.
    compose: fn message_tools(app: App, room: OpenRoom, list: Element) -> bool {
        { view::message_tools::attach(app, room, &list); true }
    }
}

part! {
    /// The reactions to a message.
    compose: fn reactions(room: OpenRoom, target: Target) -> El { view::reactions::reactions(room, target) }
}

part! {
    /// Follows the reactions of a room. True as soon as that has begun.
    compose: fn follow_reactions(room: OpenRoom, visit: usize) -> bool {
        { session::reactions::follow(room, visit); true }
    }
}

part! {
    /// Who has seen a message.
    compose: fn seen(room: OpenRoom, key: Key) -> El { view::seen::seen(room, key) }
}

part! {
    /// Goes to a message. True once that has begun.
    compose: fn jump(room: OpenRoom, target: Target) -> bool {
        { view::message_tools::jump(room, target); true }
    }
}

part! {
    /// What stands above and beside the composer, which is this form.
    compose: fn composer_tools(room: OpenRoom, form: Element) -> El {
        view::composer_tools::composer_tools(room, &form).unwrap_or_else(|| view::el("span"))
    }
}

part! {
    /// Sends what is not simply said. True once that has begun.
    compose: fn submit(app: App, room: OpenRoom) -> bool { { view::submit::submit(app, room); true } }
}

part! {
    /// A text with its markup, in which these names can be mentioned, the reader's first.
    markdown: fn marked(text: String, names: Vec<String>) -> El { view::markdown::marked(&text, &names) }
}

part! {
    /// Finds in a room.
    search: fn search(app: App, room: OpenRoom) -> El { view::search::search(app, room) }
}

part! {
    /// What moderators see and do.
    board: fn board(app: App) -> El { view::board::board(app) }
}

part! {
    /// Keeps somebody from writing in a room, or lets them again.
    board: fn moderate(app: App, room: OpenRoom, name: String, mute: bool) -> bool {
        { session::moderation::carry_out(app, room, &name, mute); true }
    }
}
