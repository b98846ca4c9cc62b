//! Sending what is no plain message: replies, edits, and commands, which begin with a slash.

use crate::state::SetIfChanged;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::command::{self, Command, Wrong};
use super::composing::{Note, Purpose};
use crate::features::join::form::Room;
use crate::features::timeline::{Key, end_edit, tell};
use crate::i18n::{Text, messages};
use crate::session;
use crate::state::{App, OpenRoom};
use crate::text;
use effusion_chat::{ChatMessage, RoomKind, RoomName};

/// Does what the composer asks for.
pub fn submit(app: App, room: OpenRoom) {
    let text = room.draft.read_untracked().clone();
    let purpose = room.purpose.read_untracked().clone();
    if let Purpose::Edit { key, saving, .. } = purpose {
        if !saving {
            save(room, key, text);
        }
        return;
    }
    match command::parse(&text) {
        Ok(command) => {
            room.note.set_if_changed(None);
            room.draft.set(String::new());
            run(app, room, command);
        }
        Err(wrong) => room.note.set(Some(Note::Alert(explain(&wrong)))),
    }
}

/// Asks the service to change a message. Until it has, the words stay where they are.
fn save(room: OpenRoom, key: Key, text: String) {
    let unchanged = room.look(|timeline| {
        let row = timeline.row(key);
        row.is_some_and(|row| row.entry.message.text == text.trim())
    });
    if unchanged {
        end_edit(room);
        return;
    }
    let purpose = room.purpose.clone();
    let saving = move |saving| {
        purpose.update(|purpose| {
            if let Purpose::Edit { saving: now, .. } = purpose {
                *now = saving;
            }
        });
    };
    saving(true);
    room.note.set_if_changed(None);
    spawn_local(async move {
        let done = session::edit(room.clone(), key, text.trim().to_owned()).await;
        // Somebody may have begun something else meanwhile.
        let same = matches!(&*room.purpose.read_untracked(), Purpose::Edit { key: now, .. } if *now == key);
        match done {
            Ok(()) if same => end_edit(room),
            Ok(()) => {}
            Err(fault) => {
                if same {
                    saving(false);
                }
                tell(room, &messages::composer_edit_failed, fault);
            }
        }
    });
}

fn run(app: App, room: OpenRoom, command: Command) {
    match command {
        Command::Text(text) => speak(app, room, text, false),
        Command::Act(text) => speak(app, room, text, true),
        Command::Shrug(text) => {
            let text = [text.as_str(), "¯\\_(ツ)_/¯"].join(" ");
            speak(app, room, text, false);
        }
        Command::Help => room.note.set(Some(Note::Commands)),
        Command::Nick(name) => match session::rename(app, &name) {
            Ok(()) => {
                room.note
                    .set(Some(Note::Info(text!(command_renamed, name = name))));
            }
            Err(problem) => room.note.set(Some(Note::Alert(problem.into()))),
        },
        Command::Topic(topic) => session::directory::set_topic(app, room, topic),
        Command::Mute(name) => session::moderation::mute(app, room, &name),
        Command::Unmute(name) => session::moderation::unmute(app, room, &name),
        Command::Clear => room.change(|timeline| timeline.start_anew()),
        Command::Leave => session::leave(app, room),
        Command::Join(name) => {
            let kind = kind_of(&name);
            session::open_room(app, Room { name, kind });
        }
    }
}

/// The kind of a room that the directory knows; most are history rooms.
fn kind_of(name: &RoomName) -> RoomKind {
    session::directory::latest()
        .iter()
        .find(|listed| listed.name == *name)
        .map_or_else(RoomKind::default, |listed| listed.kind)
}

fn speak(app: App, room: OpenRoom, text: String, act: bool) {
    let reply = match &*room.purpose.read_untracked() {
        Purpose::Answer(reply) => Some(reply.clone()),
        _ => None,
    };
    room.purpose.set_if_changed(Purpose::Say);
    let message = ChatMessage {
        text,
        act,
        reply,
        ..ChatMessage::default()
    };
    session::say(app, room, message);
}

fn explain(wrong: &Wrong) -> Text {
    match wrong {
        Wrong::Unknown(name) => text!(command_unknown, name = name),
        Wrong::Needs(usage) => match usage.argument {
            Some(argument) => text!(command_usage, command = usage.name, argument = argument),
            None => Text::from(usage.effect),
        },
    }
}
