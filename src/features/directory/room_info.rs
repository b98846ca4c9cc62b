use leptos::prelude::*;

use super::new_room::MAX_TOPIC;
use crate::features::timeline::copy_to_clipboard;
use crate::i18n::{messages, use_i18n};
use crate::services::{link_copied, link_to, use_services};
use crate::state::attention::Level;
use crate::state::{use_app, use_room};
use crate::ui::{Button, Dialog, Form, Icon, Select, TextField, glyph, option};
use crate::{lazy, t, text};

lazy! { more, pub fn room_info_dialog() => view! { <RoomInfoDialog /> } }

/// What a room is about, what the reader is told of it, its address, and the archive.
#[component]
fn RoomInfoDialog() -> impl IntoView {
    let room = use_room();
    let name = room.info.read_untracked().name.to_string();
    let is_room = room.peer.is_none();
    view! {
        <Dialog title=name test="room-info" focus="room-subject">
            <div class="profile">
                {is_room.then(|| view! { <TopicForm /> }.into_any())} <NotificationLevel />
                {is_room.then(|| view! { <RoomActions /> }.into_any())}
            </div>
        </Dialog>
    }
}

/// Says what the room is about, and who has said so.
#[component]
fn TopicForm() -> impl IntoView {
    let (app, room) = (use_app(), use_room());
    let services = use_services();
    let card = room.card.get_untracked();
    let (topic, by) = card.map(|card| (card.topic, card.by)).unwrap_or_default();
    // Who made the room has said nothing yet.
    let is_set = !topic.is_empty() && !by.is_empty();
    let typed = RwSignal::new(topic);
    let submit = move |()| {
        let topic = typed.read_untracked().trim().to_owned();
        services.directory.set_topic(&room, topic);
        app.dialog.set(None);
    };
    let by = is_set
        .then(|| view! { <p class="hint">{text!(room_info_set_by, name = by)}</p> }.into_any());
    view! {
        <Form test="subject-form" on_submit=submit>
            <TextField
                id="room-subject"
                label=&messages::common_topic
                value=typed
                max_length=MAX_TOPIC
            >
                {by}
            </TextField>
            <button type="submit" data-testid="subject-button">
                {&messages::room_info_save}
            </button>
        </Form>
    }
}

/// Which messages of the room the reader is told of.
#[component]
fn NotificationLevel() -> impl IntoView {
    let (app, room) = (use_app(), use_room());
    let services = use_services();
    let name = room.info.read_untracked().name.to_string();
    let shown = name.clone();
    let options = [
        (Level::All, &messages::room_info_notify_all),
        (Level::Mentions, &messages::room_info_notify_mentions),
        (Level::Nothing, &messages::room_info_notify_nothing),
    ];
    let options = options.map(|(level, label)| option(level.word(), label));
    let change = move |word: String| {
        let level = Level::from_word(&word).unwrap_or_default();
        services
            .notifications
            .change(|it| it.set_level(&name, level));
    };
    view! {
        <Select
            id="room-level"
            label=&messages::room_info_notify
            options=options.into()
            value=Signal::derive(move || app.attention.read().level(&shown).word().to_owned())
            on_change=change
        />
    }
}

/// Copies the room's address, and puts the room into the archive or takes it out of there.
#[component]
fn RoomActions() -> impl IntoView {
    let (app, room, i18n) = (use_app(), use_room(), use_i18n());
    let services = use_services();
    let (looked_at, linked) = (room.clone(), room.clone());
    let is_archived = Signal::derive(move || looked_at.is_archived());
    let copy = move |_| {
        if let Some(link) = link_to(app, &linked, None) {
            copy_to_clipboard(linked.clone(), &link, link_copied(app));
        }
        app.dialog.set(None);
    };
    let asking = RwSignal::new(false);
    let archive = UnsyncCallback::new(move |archive: bool| {
        services.directory.archive(&room, archive);
        app.dialog.set(None);
    });
    // To archive concerns everybody, so it is asked for; to reopen hinders nobody.
    let press = move |_| {
        if is_archived.get_untracked() {
            archive.run(false);
        } else {
            asking.set(true);
        }
    };
    let question = move || {
        view! {
            <div class="question" role="alert" data-testid="archive-question">
                <p>{&messages::room_info_archive_ask}</p>
                <div class="actions">
                    <Button
                        class="primary"
                        test="archive-confirm"
                        label=&messages::room_info_archive
                        on_click=move |_| archive.run(true)
                    />
                    <Button
                        test="archive-cancel"
                        label=&messages::composer_cancel
                        on_click=move |_| asking.set(false)
                    />
                </div>
            </div>
        }
        .into_any()
    };
    view! {
        <div class="actions">
            <Button test="copy-room-link" label=&messages::room_info_copy_link on_click=copy />
            <button type="button" data-testid="archive-button" on:click=press>
                <Icon path=glyph::ARCHIVE />
                {move || {
                    if is_archived.get() {
                        t!(i18n, room_info_unarchive)
                    } else {
                        t!(i18n, room_info_archive)
                    }
                }}
            </button>
        </div>
        {move || asking.get().then(question)}
    }
}
