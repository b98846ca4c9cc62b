//! Reactions: a time series of its own beside each room's.

use std::rc::Rc;

use effusion_client::{
    ErrorReason, Interruption, RequestError, StreamEvent, TimeSeriesEvent, UnsubscribedReason,
};
use futures_util::StreamExt;
use leptos::prelude::*;

use super::connection::Connection;
use super::{fault, value};
use crate::state::{Fault, OpenRoom, Right};
use crate::ui::identity::revealed;
use effusion_chat::{REACTIONS_RANGE, Reaction, Target, reactions_path};

/// What people think of messages.
pub struct Reactions {
    connection: Rc<Connection>,
}

impl Reactions {
    pub(super) fn new(connection: &Rc<Connection>) -> Self {
        Self {
            connection: Rc::clone(connection),
        }
    }

    /// Follows the reactions of a room for as long as this visit to it lasts. Where the service forbids it, there are none.
    pub fn follow(&self, open: &OpenRoom) {
        let Some(session) = self.connection.session() else {
            return;
        };
        let room = open.clone();
        open.spawn(async move {
            let selector = [">", &path(&room)].concat();
            let Ok(mut stream) = session.add_stream::<TimeSeriesEvent<Reaction>>(&selector) else {
                return;
            };
            if session.topics().select(&selector).await.is_err() {
                return;
            }
            drop(session);
            while let Some(event) = stream.next().await {
                match event {
                    StreamEvent::Value { new, .. } => {
                        let (event, mut reaction) = (new.metadata, new.value);
                        reaction.name = revealed(&reaction.name);
                        room.change(|timeline| {
                            timeline.note_person(&reaction.name, &event.author);
                        });
                        room.react(|known| known.take(event.sequence, &event.author, reaction));
                    }
                    // A subscription begins with all that the series keeps. It may be another series than before.
                    StreamEvent::Subscribed { .. }
                    | StreamEvent::Unsubscribed {
                        reason: UnsubscribedReason::Service(_),
                        ..
                    } => room.forget_reactions(),
                    _ => {}
                }
            }
        });
    }

    /// Gives a reaction, or takes it back.
    ///
    /// # Errors
    /// Why the service did not do it.
    pub async fn toggle(&self, open: &OpenRoom, to: Target, emoji: String) -> Result<(), Fault> {
        let (name, given) = open.look(|timeline| {
            let reader = timeline.reader();
            let has = open
                .reactions_of(to)
                .read_untracked()
                .iter()
                .any(|chip| chip.emoji == emoji && chip.is_by(&reader.principal, &reader.name));
            (reader.name.clone(), !has)
        });
        let value = Reaction {
            to,
            emoji,
            name,
            given,
        };
        self.append(&path(open), &value).await
    }

    /// Appends to the room's series of reactions, which is made when it is first needed.
    async fn append(&self, path: &str, value: &Reaction) -> Result<(), Fault> {
        let mut made = false;
        loop {
            let session = self.connection.session().ok_or(Fault::NotConnected)?;
            match session.time_series().append(path, value).await {
                Ok(_) => return Ok(()),
                Err(RequestError::NeverSent(
                    Interruption::SessionLost | Interruption::MessagesLost,
                )) => {}
                Err(RequestError::Refused(report))
                    if report.reason == ErrorReason::NoSuchTopic && !made =>
                {
                    made = true;
                    let series = value::series(REACTIONS_RANGE, REACTIONS_RANGE);
                    let added = session.topics().add(path, series).await;
                    added.map_err(|error| fault::of_request(error, Right::React))?;
                }
                Err(error) => return Err(fault::of_request(error, Right::React)),
            }
        }
    }
}

fn path(open: &OpenRoom) -> String {
    reactions_path(&open.info.read_untracked().name)
}
