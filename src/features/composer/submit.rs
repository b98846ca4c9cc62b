//! Sending what is no plain message: replies, edits, and commands, which begin with a slash.

use crate::state::{OpenRoom, SetIfChanged};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::command::{self, Command, Wrong};
use super::composing::{Note, Purpose};
use crate::features::join::form::Room;
use crate::features::moderation::set_muted;
use crate::features::timeline::{Key, end_edit, show_failure};
use crate::i18n::{Text, messages};
use crate::services::Services;
use crate::text;
use effusion_chat::{ChatMessage, RoomKind, RoomName};

/// Does what the composer asks for.
pub fn submit(services: &Services, room: OpenRoom) {
    let text = room.draft.read_untracked().clone();
    let purpose = room.purpose.read_untracked().clone();
    if let Purpose::Edit { key, saving, .. } = purpose {
        if !saving {
            save(services, room, key, text);
        }
        return;
    }
    match command::parse(&text) {
        Ok(command) => {
            room.note.set_if_changed(None);
            room.draft.set(String::new());
            run(services, room, command);
        }
        Err(wrong) => room.note.set(Some(Note::Alert(explain(&wrong)))),
    }
}

/// Asks the service to change a message. Until it has, the words stay where they are.
fn save(services: &Services, room: OpenRoom, key: Key, text: String) {
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
    let history = services.history.clone();
    spawn_local(async move {
        let done = history.edit(&room, key, text.trim().to_owned()).await;
        // Somebody may have begun something else meanwhile.
        let same = matches!(&*room.purpose.read_untracked(), Purpose::Edit { key: now, .. } if *now == key);
        match done {
            Ok(()) if same => end_edit(room),
            Ok(()) => {}
            Err(fault) => {
                if same {
                    saving(false);
                }
                show_failure(room, &messages::composer_edit_failed, fault);
            }
        }
    });
}

fn run(services: &Services, room: OpenRoom, command: Command) {
    match command {
        Command::Text(text) => send(services, &room, text, false),
        Command::Act(text) => send(services, &room, text, true),
        Command::Shrug(text) => {
            let text = [text.as_str(), "¯\\_(ツ)_/¯"].join(" ");
            send(services, &room, text, false);
        }
        Command::Help => room.note.set(Some(Note::Commands)),
        Command::Nick(name) => match services.entry.rename(&name) {
            Ok(()) => {
                room.note
                    .set(Some(Note::Info(text!(command_renamed, name = name))));
            }
            Err(problem) => room.note.set(Some(Note::Alert(problem.into()))),
        },
        Command::Topic(topic) => services.directory.set_topic(&room, topic),
        Command::Mute(name) => mute(services, room, name, true),
        Command::Unmute(name) => mute(services, room, name, false),
        Command::Clear => room.change(|timeline| timeline.start_anew()),
        Command::Leave => services.rooms.leave(&room),
        Command::Join(name) => {
            let kind = kind_of(services, &name);
            services.rooms.open_and_show(Room { name, kind });
        }
    }
}

/// Withdraws the right to write in a room, or gives it back.
fn mute(services: &Services, room: OpenRoom, name: String, muted: bool) {
    let services = services.clone();
    spawn_local(async move {
        let done = set_muted(services, room.clone(), name, muted).await;
        if done.is_err() {
            room.note
                .set(Some(Note::Alert(text!(moderation_load_failed))));
        }
    });
}

/// The kind of a room that the directory knows; most are history rooms.
fn kind_of(services: &Services, name: &RoomName) -> RoomKind {
    services
        .directory
        .latest()
        .iter()
        .find(|listed| listed.name == *name)
        .map_or_else(RoomKind::default, |listed| listed.kind)
}

fn send(services: &Services, room: &OpenRoom, text: String, act: bool) {
    let reply = match &*room.purpose.read_untracked() {
        Purpose::Reply(reply) => Some(reply.clone()),
        _ => None,
    };
    room.purpose.set_if_changed(Purpose::Send);
    let message = ChatMessage {
        text,
        act,
        reply,
        ..ChatMessage::default()
    };
    services.outbox.send(room, message);
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
