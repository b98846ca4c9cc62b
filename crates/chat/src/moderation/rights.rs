//! How rights are withdrawn from one principal: by a role of its own in the place of those it had.
//!
//! Diffusion's rights add up over a session's roles and cannot be taken away one by one. So the principal's roles go, and one
//! comes that allows what a chat needs, but not in the rooms that it is kept from.

use effusion_protocol::body::PathPermission;
use effusion_protocol::script::{AuthenticationScript, SecurityCommand, SecurityScript};

use crate::{MESSAGES_ROOT, ROOT, RoomName};

/// What everyone who writes may do with inboxes: fill them, and select their own, which its owner alone can read.
const INBOXES: [PathPermission; 3] = [
    PathPermission::SelectTopic,
    PathPermission::UpdateTopic,
    PathPermission::ModifyTopic,
];

/// What somebody may do no longer in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// Writing.
    Writing,
    /// Writing and reading.
    Reading,
}

/// The role of a principal whose rights are restricted.
#[must_use]
pub fn restricted_role(principal: &str) -> String {
    ["Muted ", principal].concat()
}

/// The security store's script that makes the role of a principal, restricted in these rooms.
///
/// To lift what was withdrawn from a room, leave it out of `rooms` and name it in `lifted`.
#[must_use]
pub fn restrict_script(
    principal: &str,
    rooms: &[(RoomName, Withdrawn)],
    lifted: &[RoomName],
) -> String {
    use PathPermission::{
        EditOwnTimeSeriesEvents, ModifyTopic, ReadTopic, SelectTopic, SendToMessageHandler,
        UpdateTopic,
    };
    const READ: [PathPermission; 2] = [SelectTopic, ReadTopic];
    let role = restricted_role(principal);
    let mut script = SecurityScript::new()
        .set_default_path_permissions(
            &role,
            &[
                SelectTopic,
                ReadTopic,
                UpdateTopic,
                ModifyTopic,
                EditOwnTimeSeriesEvents,
                SendToMessageHandler,
            ],
        )
        .set_path_permissions(&role, &[ROOT, "/direct"].concat(), &INBOXES)
        .set_path_permissions(&role, &[ROOT, "/moderation"].concat(), &[]);
    for (room, withdrawn) in rooms {
        let left: &[PathPermission] = match withdrawn {
            Withdrawn::Writing => &READ,
            Withdrawn::Reading => &[],
        };
        for path in paths(room) {
            script = script.set_path_permissions(&role, &path, left);
        }
    }
    for room in lifted {
        for path in paths(room) {
            script = script.with(SecurityCommand::RemovePathPermissions {
                role: role.clone(),
                path,
            });
        }
    }
    script.to_string()
}

/// The security store's script that makes a service ready for the chat: who has one of the roles `writers` may mend what they
/// wrote, inboxes are read by their owners alone, and the rules and the log of moderation by who has a role of `moderators`.
///
/// The roles keep what they may do elsewhere; at these paths they may do what is named here and no more.
#[must_use]
pub fn service_script(writers: &[&str], moderators: &[&str]) -> String {
    use PathPermission::{
        AcquireLock, EditOwnTimeSeriesEvents, EditTimeSeriesEvents, ModifyTopic,
        QueryObsoleteTimeSeriesEvents, ReadTopic, SelectTopic, SendToMessageHandler, UpdateTopic,
    };
    let rooms = MESSAGES_ROOT.trim_end_matches('/');
    let (direct, moderation) = ([ROOT, "/direct"].concat(), [ROOT, "/moderation"].concat());
    let write = [
        SelectTopic,
        ReadTopic,
        UpdateTopic,
        ModifyTopic,
        SendToMessageHandler,
        AcquireLock,
    ];
    let isolate = |path: &String| SecurityCommand::IsolatePath { path: path.clone() };
    let mut script = SecurityScript::new()
        .with(isolate(&direct))
        .with(isolate(&moderation));
    for role in writers.iter().chain(moderators) {
        script = script.set_path_permissions(role, &direct, &INBOXES);
    }
    for role in writers {
        let permissions = [&write[..], &[EditOwnTimeSeriesEvents]].concat();
        script = script.set_path_permissions(role, rooms, &permissions);
    }
    for role in moderators {
        let edit = [EditTimeSeriesEvents, QueryObsoleteTimeSeriesEvents];
        script = script
            .set_path_permissions(role, rooms, &[&write[..], &edit].concat())
            .set_path_permissions(role, &moderation, &write);
    }
    script.to_string()
}

/// The authentication store's script that gives a principal these roles and no others.
#[must_use]
pub fn roles_script(principal: &str, roles: &[String]) -> String {
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    AuthenticationScript::new()
        .assign_roles(principal, &roles)
        .to_string()
}

/// The session filter for all sessions of a principal.
#[must_use]
pub fn sessions_of(principal: &str) -> String {
    let mut filter = "$Principal is \"".to_owned();
    for c in principal.chars() {
        if matches!(c, '"' | '\\') {
            filter.push('\\');
        }
        filter.push(c);
    }
    filter.push('"');
    filter
}

/// What belongs to a room and takes writing.
fn paths(room: &RoomName) -> [String; 2] {
    [room.topic_path(), crate::reactions_path(room)]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;

    #[test]
    fn the_role_allows_all_but_the_room() {
        let red = RoomName::parse("red").unwrap();
        let blue = RoomName::parse("blue").unwrap();
        let script = restrict_script(
            "ann",
            &[
                (red, Withdrawn::Writing),
                (blue.clone(), Withdrawn::Reading),
            ],
            &[],
        );
        let parsed: SecurityScript = script.parse().unwrap();
        assert_eq!(parsed.to_string(), script);
        for line in [
            "set 'Muted ann' path 'Chat/red' permissions [SELECT_TOPIC READ_TOPIC]",
            "set 'Muted ann' path 'Effusion/reactions/red' permissions [SELECT_TOPIC READ_TOPIC]",
            "set 'Muted ann' path 'Chat/blue' permissions []",
        ] {
            assert!(
                script.lines().any(|written| written == line),
                "{line} in {script}"
            );
        }
        assert!(!script.contains("remove"));
        assert!(restrict_script("ann", &[], &[blue]).contains("remove"));
    }

    #[test]
    fn a_service_is_made_ready_by_a_script_that_it_can_read() {
        let script = service_script(&["TOPIC_CONTROL"], &["ADMINISTRATOR"]);
        let parsed: SecurityScript = script.parse().unwrap();
        assert_eq!(parsed.to_string(), script);
        for line in [
            "isolate path 'Effusion/direct'",
            "isolate path 'Effusion/moderation'",
            "set 'TOPIC_CONTROL' path 'Effusion/direct' permissions [SELECT_TOPIC UPDATE_TOPIC MODIFY_TOPIC]",
        ] {
            assert!(
                script.lines().any(|written| written == line),
                "{line} in {script}"
            );
        }
    }

    #[test]
    fn names_with_quotes_stay_names() {
        let script = roles_script("a\" b", &["Muted \"x\"".to_owned()]);
        let parsed: AuthenticationScript = script.parse().unwrap();
        assert_eq!(parsed.to_string(), script);
        assert_eq!(sessions_of("a\"b\\"), r#"$Principal is "a\"b\\""#);
    }
}
