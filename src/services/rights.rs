//! Whether the reader may write in a room: told before anything is typed.
//!
//! The service decides, and is asked. When a muted person may write again is what the moderator's notice in the person's inbox says.

use std::cell::RefCell;
use std::rc::Rc;

use effusion_chat::{RightsNotice, RoomName};
use effusion_client::PathPermission;
use leptos::prelude::*;

use super::connection::Connection;
use crate::state::{App, Fault, OpenRoom, ReadOnly, Right, RoomState, SetIfChanged};

/// The rooms in which a moderator has withdrawn the reader's rights, with the time at which they come back.
type Withdrawn = Vec<(RoomName, Option<i64>)>;

/// What the reader may do in the rooms.
pub struct Rights {
    app: App,
    connection: Rc<Connection>,
    withdrawn: RefCell<Withdrawn>,
}

impl Rights {
    pub(super) fn new(app: App, connection: &Rc<Connection>) -> Self {
        Self {
            app,
            connection: Rc::clone(connection),
            withdrawn: RefCell::default(),
        }
    }

    /// Asks the service whether the reader may write in a room.
    pub fn check(self: &Rc<Self>, open: &OpenRoom) {
        if open.peer.is_some() {
            return; // What one may do with another's inbox, the service does not say.
        }
        let Some(session) = self.connection.session() else {
            return;
        };
        let path = open.info.read_untracked().name.topic_path();
        let asked = session.security().path_permissions(&path);
        drop(session);
        let (this, room) = (Rc::clone(self), open.clone());
        open.spawn(async move {
            match asked.await {
                Ok(granted) if granted.contains(&PathPermission::UpdateTopic) => {
                    this.accepted(&room);
                }
                Ok(_) => this.forbid(&room),
                // Where the service does not say so, a refusal will.
                Err(_) => {}
            }
        });
    }

    /// Asks again in the room that is shown, if the reader could not write there.
    pub(super) fn check_again(self: &Rc<Self>) {
        if let Some(open) = untrack(|| self.app.active_room())
            && matches!(*open.state.read_untracked(), RoomState::ReadOnly(_))
        {
            self.check(&open);
        }
    }

    /// A moderator has told the reader of a room.
    pub(super) fn notice(self: &Rc<Self>, notice: RightsNotice) {
        let mut withdrawn = self.withdrawn.borrow_mut();
        withdrawn.retain(|(room, _)| *room != notice.room);
        if notice.withdrawn {
            withdrawn.push((notice.room.clone(), notice.until));
        }
        drop(withdrawn);
        if let Some(open) = self.app.room_named(&notice.room) {
            self.check(&open);
        }
    }

    /// Forgets what another account was told.
    pub(super) fn forget(&self) {
        self.withdrawn.take();
    }

    /// The service has refused what was sent.
    pub(super) fn refused(&self, open: &OpenRoom, fault: &Fault) {
        if *fault == Fault::NotPermitted(Right::Write) {
            self.forbid(open);
        }
    }

    /// The service has accepted what was sent: whoever was told of a missing right has it now.
    pub(super) fn accepted(&self, open: &OpenRoom) {
        let was_read_only = matches!(*open.state.read_untracked(), RoomState::ReadOnly(_));
        if was_read_only {
            open.state.set(RoomState::Open);
        }
    }

    fn forbid(&self, open: &OpenRoom) {
        if open.is_open() {
            let name = open.info.read_untracked().name.clone();
            let withdrawn = self.withdrawn.borrow();
            let muted = withdrawn.iter().find(|(room, _)| *room == name);
            let reason = muted.map_or(ReadOnly::NotPermitted, |(_, until)| ReadOnly::Muted(*until));
            open.state.set_if_changed(RoomState::ReadOnly(reason));
        }
    }
}
