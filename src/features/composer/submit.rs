//! Sending what is no plain message: replies, edits, and commands, which begin with a slash.

use crate::state::{Earlier, OpenRoom, SetIfChanged};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::command::{self, Command, Wrong};
use super::composing::{EditProgress, Note, Purpose, UnsavedEdit, trimmed};
use crate::features::join::form::Room;
use crate::features::moderation::set_muted;
use crate::features::timeline::{end_edit, is_unchanged, resume_edit, show_failure};
use crate::i18n::{Text, messages};
use crate::services::Services;
use crate::text;
use effusion_chat::{ChatMessage, RoomKind, RoomName};

/// Does what the composer asks for.
pub fn submit(services: &Services, room: OpenRoom) {
    let text = room.draft.read_untracked().clone();
    let purpose = room.purpose.read_untracked().clone();
    if let Purpose::Edit { sequence, .. } = purpose {
        save(services, room, sequence, text);
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

/// Asks the service to change a message. The composer is free for what comes next; the text is kept until the service has it.
fn save(services: &Services, room: OpenRoom, sequence: u64, text: String) {
    room.note.set_if_changed(None);
    if is_unchanged(&room, sequence, &text) {
        end_edit(room);
        return;
    }
    let edit = UnsavedEdit {
        sequence,
        text: trimmed(&text).to_owned(),
        progress: EditProgress::Saving,
    };
    room.set_unsaved(edit.clone());
    end_edit(room.clone());
    let box_after = |room: &OpenRoom| (room.purpose.get_untracked(), room.draft.get_untracked());
    let left = box_after(&room);
    let history = services.history.clone();
    spawn_local(async move {
        let done = history.edit(&room, sequence, edit.text.clone()).await;
        // The same message may have been edited once more meanwhile.
        if !room.unsaved.read_untracked().contains(&edit) {
            return;
        }
        match done {
            Ok(()) => room
                .unsaved
                .update(|unsaved| unsaved.retain(|it| *it != edit)),
            // Nothing was written since, so it can go back to where it was.
            Err(fault) if box_after(&room) == left => {
                room.unsaved
                    .update(|unsaved| unsaved.retain(|it| *it != edit));
                resume_edit(&room, sequence, edit.text);
                show_failure(room, &messages::composer_edit_failed, fault);
            }
            Err(fault) => room.set_unsaved(UnsavedEdit {
                progress: EditProgress::Failed(fault),
                ..edit
            }),
        }
    });
}

fn run(services: &Services, room: OpenRoom, command: Command) {
    match command {
        Command::Text(text) => send(services, &room, text, false),
        Command::Act(text) => send(services, &room, text, true),
        Command::Shrug(text) => {
            let text = [text.as_str(), "¯\\_(ツ)_/¯"].join(" ");
            send(services, &room, text.trim_start().to_owned(), false);
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
        Command::Clear => {
            // The list would fill the space that it leaves.
            room.earlier.set(Earlier::None);
            room.change(|timeline| timeline.start_anew());
        }
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
    let message = ChatMessage {
        text,
        act,
        ..ChatMessage::default()
    };
    services.outbox.send_answer(room, message);
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
