//! What the page knows, as signals and plain data. Components read it; what people do and the services change it.

#[cfg(target_arch = "wasm32")]
mod app;
pub mod attention;
mod fault;
#[cfg(target_arch = "wasm32")]
mod room;

#[cfg(target_arch = "wasm32")]
pub use app::{
    App, Completion, Connection, Dialog, PageState, Panel, Request, Screen, SetIfChanged, use_app,
    use_page,
};
pub use fault::{Fault, Right};
#[cfg(target_arch = "wasm32")]
pub use room::{
    Earlier, Entered, Focus, MessageReactions, OpenRoom, ReadOnly, RoomFields, RoomSignals,
    RoomState, RowSignal, ScrollTarget, Sight, Wanted, use_room,
};
