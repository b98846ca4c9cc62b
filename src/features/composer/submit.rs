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
use effusion_chat::ChatMessage;

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
        end_edit(&room);
        return;
    }
    let edit = UnsavedEdit {
        sequence,
        text: trimmed(&text).to_owned(),
        progress: EditProgress::Saving,
    };
    room.set_unsaved(edit.clone());
    end_edit(&room);
    let box_after = |room: &OpenRoom| (room.purpose.get_untracked(), room.draft.get_untracked());
    let left = box_after(&room);
    let history = services.history.clone();
    spawn_local(async move {
        let done = history.edit(&room, sequence, edit.text.clone()).await;
        // The same message may have been edited once more meanwhile.
        if !room.unsaved.read_untracked().contains(&edit) {
            return;
        }
        room.unsaved
            .update(|unsaved| unsaved.retain(|it| *it != edit));
        match done {
            Ok(()) => {}
            // Nothing was written since, so it can go back to where it was.
            Err(fault) if box_after(&room) == left => {
                resume_edit(&room, sequence, edit.text);
                show_failure(&room, &messages::composer_edit_failed, fault);
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
        Command::Text(text) => services.outbox.send_text(&room, text),
        Command::Act(text) => services.outbox.send_answer(
            &room,
            ChatMessage {
                text,
                act: true,
                ..ChatMessage::default()
            },
        ),
        Command::Shrug(text) => {
            let text = [text.as_str(), "¯\\_(ツ)_/¯"].join(" ");
            let text = text.trim_start().to_owned();
            services.outbox.send_text(&room, text);
        }
        Command::Help => room.note.set(Some(Note::Commands)),
        Command::Nick(name) => {
            let note = match services.entry.rename(&name) {
                Ok(()) => Note::Info(text!(command_renamed, name = name)),
                Err(problem) => {
                    // It can be mended.
                    room.draft.set(["/nick ", &name].concat());
                    Note::Alert(problem.into())
                }
            };
            room.note.set(Some(note));
        }
        Command::Topic(topic) => services.directory.set_topic(&room, topic),
        Command::Mute(name) => mute(services, room, name, true),
        Command::Unmute(name) => mute(services, room, name, false),
        Command::Clear => {
            // The list would fill the space that it leaves.
            room.earlier.set(Earlier::Cleared);
            room.change(|timeline| timeline.start_anew());
        }
        Command::Leave => services.rooms.leave(&room),
        Command::Join(name) => {
            let mut listed = services.directory.latest().into_iter();
            let known = listed.find(|room| room.name == name);
            // Most are history rooms, which is the default.
            let kind = known.map(|room| room.kind).unwrap_or_default();
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

fn explain(wrong: &Wrong) -> Text {
    match wrong {
        Wrong::Unknown(name) => text!(command_unknown, name = name),
        Wrong::Needs(usage) => match usage.argument {
            Some(argument) => text!(command_usage, command = usage.name, argument = argument),
            None => Text::from(usage.effect),
        },
    }
}
