//! What the reader is to be told of, on its way from the rooms to the notifications.

use std::cell::RefCell;

use futures_channel::mpsc::{Receiver, Sender, channel};

use crate::state::OpenRoom;
use effusion_chat::ChatMessage;

/// How many notices wait for the notifications to listen. More are not worth being told late.
const MAX_WAITING: usize = 16;

/// Why the reader is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The message names the reader.
    Mention,
    /// It is for the reader alone.
    Direct,
}

/// A message that the reader is to be told of.
pub(super) struct Notice {
    /// Where it was said.
    pub(super) room: OpenRoom,
    /// Why it matters.
    pub(super) cause: Cause,
    /// What was said.
    pub(super) message: ChatMessage,
    /// Its rank in the room.
    pub(super) rank: Option<u64>,
}

/// Passes notices on.
pub struct Notices {
    sender: RefCell<Sender<Notice>>,
    receiver: RefCell<Option<Receiver<Notice>>>,
}

impl Default for Notices {
    fn default() -> Self {
        let (sender, receiver) = channel(MAX_WAITING);
        Self {
            sender: RefCell::new(sender),
            receiver: RefCell::new(Some(receiver)),
        }
    }
}

impl Notices {
    pub(super) fn send(&self, notice: Notice) {
        // Where nobody listens, there is the mark in the list of rooms.
        let _ = self.sender.borrow_mut().try_send(notice);
    }

    /// The notices from now on, and those that wait; none if somebody has them already.
    pub(super) fn listen(&self) -> Option<Receiver<Notice>> {
        self.receiver.take()
    }
}
