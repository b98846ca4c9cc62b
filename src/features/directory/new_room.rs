use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;

use effusion_chat::RoomKind;

use crate::features::join::{Actions, FormFault, RoomFields};
use crate::i18n::messages;
use crate::lazy;
use crate::services::{Access, Directory, NewRoom, use_services};
use crate::state::use_app;
use crate::ui::{Dialog, Form, Select, TextField, option};

/// How many messages a room may keep, to choose from.
const KEPT_MESSAGES: [u32; 4] = [100, 1_000, 10_000, 100_000];

/// How long a room's topic may be, in characters.
pub const MAX_TOPIC: u16 = 200;

/// The roles that are suggested, if the service has them, the best first.
const USUAL_ROLES: [&str; 2] = ["TOPIC_CONTROL", "CLIENT"];

lazy! { more, pub fn new_room_dialog() => view! { <NewRoomDialog /> } }

/// What is filled in beside the room's name and kind.
#[derive(Clone, Copy)]
struct Choice {
    topic: RwSignal<String>,
    keep: RwSignal<u32>,
    /// `everyone`, `writers` or `role`.
    access: RwSignal<String>,
    role: RwSignal<String>,
    /// The roles of the service: empty if the session may not give permissions, none before that is known.
    roles: RwSignal<Option<Vec<String>>>,
}

impl Choice {
    fn new() -> Self {
        Self {
            topic: RwSignal::default(),
            keep: RwSignal::new(KEPT_MESSAGES[0]),
            access: RwSignal::new("everyone".to_owned()),
            role: RwSignal::default(),
            roles: RwSignal::default(),
        }
    }

    /// Asks for the roles of the service.
    async fn load_roles(self, directory: Rc<Directory>) {
        let roles = directory.roles().await.unwrap_or_default();
        let is_known = |usual: &&str| roles.iter().any(|role| role == usual);
        let usual = USUAL_ROLES.into_iter().find(is_known);
        // The dialog may have been closed meanwhile.
        self.role.try_set(usual.unwrap_or_default().to_owned());
        self.roles.try_set(Some(roles));
    }

    fn access(self) -> Access {
        let role = self.role.get_untracked();
        match self.access.read_untracked().as_str() {
            "writers" => Access::WritersOnly(role),
            "role" => Access::RoleOnly(role),
            _ => Access::Everyone,
        }
    }
}

/// Asks what a new room is to be: name, kind, topic, how much it keeps, and its permissions.
#[component]
fn NewRoomDialog() -> impl IntoView {
    let app = use_app();
    let choice = Choice::new();
    let services = use_services();
    spawn_local(choice.load_roles(services.directory.clone()));
    let submit = move |()| {
        let room = match app.form.read_untracked().room() {
            Ok(room) => room,
            Err(problem) => return app.show_problems(vec![problem]),
        };
        let new = NewRoom {
            room,
            topic: choice.topic.read_untracked().trim().to_owned(),
            keep: choice.keep.get_untracked(),
            access: choice.access(),
        };
        app.busy.set(true);
        app.fault.set(None);
        let directory = services.directory.clone();
        spawn_local(async move {
            match directory.create(new).await {
                Ok(()) => app.dialog.set(None),
                Err(fault) => app.fault.set(Some(fault)),
            }
            app.busy.set(false);
        });
    };
    let kept = KEPT_MESSAGES.map(|count| option(count.to_string(), count.to_string()));
    // A live room keeps one, whatever is chosen.
    let is_live = Signal::derive(move || app.form.read().kind() == RoomKind::Live);
    let access = [
        option("everyone", &messages::new_room_everyone),
        option("writers", &messages::new_room_role_writes),
        option("role", &messages::new_room_role_only),
    ];
    // Who may read and write is chosen if the session may give permissions.
    let no_roles = Signal::derive(move || choice.roles.read().as_ref().is_none_or(Vec::is_empty));
    view! {
        <Dialog title=&messages::common_new_room test="new-room" focus="room">
            <Form test="new-room-form" on_submit=submit>
                <FormFault />
                <RoomFields />
                <TextField
                    id="room-about"
                    label=&messages::common_topic
                    value=choice.topic
                    max_length=MAX_TOPIC
                />
                <div class="pair">
                    <Select
                        id="room-keep"
                        label=&messages::new_room_retention
                        options=kept.into()
                        value=Signal::derive(move || choice.keep.get().to_string())
                        disabled=is_live
                        on_change=move |count: String| {
                            choice.keep.set(count.parse().unwrap_or(KEPT_MESSAGES[0]))
                        }
                    />
                    <Select
                        id="room-access"
                        label=&messages::new_room_permissions
                        options=access.into()
                        value=choice.access
                        disabled=no_roles
                        on_change=move |access| choice.access.set(access)
                    />
                </div>
                <RoleChoice choice />
                <Actions
                    test="create-room-button"
                    label=&messages::new_room_submit
                    busy_label=&messages::common_creating
                />
            </Form>
        </Dialog>
    }
}

/// Which role may write, or why there is no choice.
#[component]
fn RoleChoice(
    /// What is filled in.
    choice: Choice,
) -> impl IntoView {
    move || {
        let roles = choice.roles.read();
        let roles = roles.as_ref()?;
        if roles.is_empty() {
            let hint = view! {
                <p class="hint" data-testid="access-hint">
                    {&messages::new_room_permissions_denied}
                </p>
            };
            return Some(hint.into_any());
        }
        let select = || {
            let options = roles.iter().map(|role| option(role.clone(), role.clone()));
            view! {
                <Select
                    id="room-role"
                    label=&messages::new_room_role
                    options=options.collect()
                    value=choice.role
                    on_change=move |role| choice.role.set(role)
                />
            }
            .into_any()
        };
        (choice.access.read().as_str() != "everyone").then(select)
    }
}
