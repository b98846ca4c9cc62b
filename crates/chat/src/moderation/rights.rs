//! How rights are withdrawn from one principal: by a role of its own in the place of those it had.
//!
//! Diffusion's rights add up over a session's roles and cannot be taken away one by one. So the principal's roles go, and one
//! comes that allows what they did together, but not in the rooms that it is kept from.

use std::collections::{BTreeMap, BTreeSet};

use effusion_protocol::body::{GlobalPermission, PathPermission, SecurityStore};
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

/// A room that a principal cannot be kept from: a role that the service gives to everyone who signs in allows it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotRestrict(pub RoomName);

/// Rights that several roles give together: at a path, those of the nearest path that any of the roles names.
#[derive(Clone, Debug, Default)]
struct Rights {
    global: BTreeSet<GlobalPermission>,
    default_path: BTreeSet<PathPermission>,
    paths: BTreeMap<String, BTreeSet<PathPermission>>,
}

impl Rights {
    /// The rights of these roles, and of all that they include.
    fn of<'r>(store: &SecurityStore, roles: impl IntoIterator<Item = &'r String>) -> Self {
        let mut rights = Self::default();
        let mut left: Vec<&String> = roles.into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(name) = left.pop() {
            if !seen.insert(name) {
                continue;
            }
            let Some(role) = store.roles.iter().find(|role| role.name == *name) else {
                continue;
            };
            left.extend(&role.includes);
            rights.global.extend(&role.global);
            rights.default_path.extend(&role.default_path);
            for (path, permissions) in &role.paths {
                let entry = rights.paths.entry(path.clone()).or_default();
                entry.extend(permissions);
            }
        }
        rights
    }

    fn at(&self, path: &str, isolated: &[String]) -> BTreeSet<PathPermission> {
        let mut path = path;
        while !path.is_empty() {
            if let Some(permissions) = self.paths.get(path) {
                return permissions.clone();
            }
            if isolated.iter().any(|it| it == path) {
                return BTreeSet::new();
            }
            path = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        }
        self.default_path.clone()
    }
}

fn is_within(path: &str, branch: &str) -> bool {
    let rest = path.strip_prefix(branch);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What lets somebody change the rights of sessions, and so their own: nobody who is kept from a room keeps it.
const OVER_RIGHTS: [GlobalPermission; 3] = [
    GlobalPermission::Authenticate,
    GlobalPermission::ModifySession,
    GlobalPermission::ModifySecurity,
];

/// The security store's script that makes the role of a principal, restricted in these rooms: it allows what the principal's own
/// roles allow together, path by path, but in the rooms only what is left there. In no rooms, the role allows nothing, as nobody
/// has it then.
///
/// # Errors
/// If a role of every session with a principal has permissions of its own for a room: those cannot be taken away.
pub fn restrict_script(
    principal: &str,
    roles: &[String],
    rooms: &[(RoomName, Withdrawn)],
    store: &SecurityStore,
) -> Result<String, CannotRestrict> {
    use PathPermission::{ReadTopic, SelectTopic};
    let role = restricted_role(principal);
    let own = roles.iter().filter(|name| **name != role);
    let mut left = Rights::default();
    if !rooms.is_empty() {
        left = Rights::of(store, own.clone());
        left.global.retain(|it| !OVER_RIGHTS.contains(it));
    }
    let everyones = Rights::of(store, &store.named_roles);
    let before = Rights::of(store, own.chain(&store.named_roles));
    for (room, withdrawn) in rooms {
        let stays: &[PathPermission] = match withdrawn {
            Withdrawn::Writing => &[SelectTopic, ReadTopic],
            Withdrawn::Reading => &[],
        };
        for branch in paths(room) {
            let mut given = everyones.paths.iter();
            let is_given = |(path, permissions): (&String, &BTreeSet<_>)| {
                is_within(path, &branch) && permissions.iter().any(|it| !stays.contains(it))
            };
            if given.any(is_given) {
                return Err(CannotRestrict(room.clone()));
            }
            // All that is named below the room counts there, too.
            let below: Vec<String> = left.paths.keys().cloned().collect();
            let below = below.into_iter().filter(|path| is_within(path, &branch));
            for path in below.chain([branch.clone()]) {
                let mut permissions = before.at(&path, &store.isolated_paths);
                if let Some(own) = left.paths.get(&path) {
                    permissions.retain(|it| own.contains(it));
                }
                permissions.retain(|it| stays.contains(it));
                left.paths.insert(path, permissions);
            }
        }
    }
    let list = |set: &BTreeSet<PathPermission>| set.iter().copied().collect::<Vec<_>>();
    let global: Vec<_> = left.global.iter().copied().collect();
    let mut script = SecurityScript::new()
        .set_global_permissions(&role, &global)
        .set_default_path_permissions(&role, &list(&left.default_path));
    for (path, permissions) in &left.paths {
        script = script.set_path_permissions(&role, path, &list(permissions));
    }
    let former = store.roles.iter().find(|it| it.name == role);
    for (path, _) in former.into_iter().flat_map(|role| &role.paths) {
        if !left.paths.contains_key(path) {
            script = script.with(SecurityCommand::RemovePathPermissions {
                role: role.clone(),
                path: path.clone(),
            });
        }
    }
    Ok(script.to_string())
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
    ["$Principal is ", &quoted(principal)].concat()
}

/// The session filter for the sessions of a principal that have one of these sets of roles, and for those that have another.
#[must_use]
pub fn sessions_with(principal: &str, sets: &[Vec<String>]) -> (String, String) {
    let clauses: Vec<String> = sets
        .iter()
        .map(|roles| {
            let names: Vec<String> = roles.iter().map(|name| quoted(name)).collect();
            ["$Roles is ", &quoted(&names.join(","))].concat()
        })
        .collect();
    let (own, any) = (sessions_of(principal), clauses.join(" or "));
    (
        format!("{own} and ({any})"),
        format!("{own} and not ({any})"),
    )
}

fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

/// What belongs to a room and takes writing.
fn paths(room: &RoomName) -> [String; 2] {
    [room.topic_path(), crate::reactions_path(room)]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // In a test, panicking is how one fails.
mod tests {
    use super::*;
    use effusion_protocol::body::Role;

    fn role(name: &str, default: &[PathPermission], paths: &[(&str, &[PathPermission])]) -> Role {
        Role {
            name: name.to_owned(),
            global: vec![
                GlobalPermission::ViewSession,
                GlobalPermission::ModifySecurity,
            ],
            default_path: default.to_vec(),
            paths: paths
                .iter()
                .map(|(path, permissions)| ((*path).to_owned(), permissions.to_vec()))
                .collect(),
            includes: Vec::new(),
            locking_principal: None,
        }
    }

    fn store() -> SecurityStore {
        use PathPermission::{ModifyTopic, ReadTopic, SelectTopic, UpdateTopic};
        let mut one = role(
            "ONE",
            &[SelectTopic, ReadTopic],
            &[
                (
                    "Chat/red",
                    &[SelectTopic, ReadTopic, UpdateTopic, ModifyTopic],
                ),
                ("Chat/red/x", &[UpdateTopic]),
                ("Private", &[]),
            ],
        );
        one.includes = vec!["TWO".to_owned()];
        SecurityStore {
            anonymous_roles: Vec::new(),
            named_roles: vec!["ALL".to_owned()],
            roles: vec![
                one,
                role("TWO", &[], &[("Two", &[UpdateTopic])]),
                role("ALL", &[SelectTopic], &[("All", &[ReadTopic, UpdateTopic])]),
                role("OTHER", &[UpdateTopic], &[("Chat/blue", &[UpdateTopic])]),
                role("Muted ann", &[], &[("Chat/blue", &[]), ("Private", &[])]),
            ],
            isolated_paths: vec!["Effusion".to_owned()],
        }
    }

    /// The store after a script.
    fn after(store: &SecurityStore, script: &str) -> SecurityStore {
        let mut store = store.clone();
        let script: SecurityScript = script.parse().unwrap();
        let name = "Muted ann";
        store.roles.retain(|role| role.name != name);
        let mut muted = role(name, &[], &[]);
        for command in script.commands {
            match command {
                SecurityCommand::SetGlobalPermissions { permissions, .. } => {
                    muted.global = permissions.clone();
                }
                SecurityCommand::SetDefaultPathPermissions { permissions, .. } => {
                    muted.default_path = permissions.clone();
                }
                SecurityCommand::SetPathPermissions {
                    path, permissions, ..
                } => muted.paths.push((path.clone(), permissions.clone())),
                SecurityCommand::RemovePathPermissions { path, .. } => {
                    assert!(muted.paths.iter().all(|(kept, _)| *kept != path));
                }
                other => panic!("{other:?}"),
            }
        }
        store.roles.push(muted);
        store
    }

    #[test]
    fn what_is_left_is_less_than_before_at_every_path() {
        let (red, blue): (RoomName, RoomName) = ["red", "blue"]
            .map(|name| RoomName::parse(name).unwrap())
            .into();
        let store = store();
        let before_roles = ["ONE".to_owned()];
        let with_all = |roles: &[String], store: &SecurityStore| {
            Rights::of(store, roles.iter().chain(&store.named_roles))
        };
        let before = with_all(&before_roles, &store);
        for rooms in [
            vec![(red.clone(), Withdrawn::Writing)],
            vec![(red.clone(), Withdrawn::Reading)],
            vec![
                (red.clone(), Withdrawn::Writing),
                (blue.clone(), Withdrawn::Reading),
            ],
        ] {
            let script = restrict_script("ann", &before_roles, &rooms, &store).unwrap();
            let store = after(&store, &script);
            let left = with_all(&["Muted ann".to_owned()], &store);
            assert!(left.global.is_subset(&before.global));
            for path in [
                "",
                "x",
                "Chat",
                "Chat/red",
                "Chat/red/x",
                "Chat/red/x/y",
                "Chat/red/z",
                "Chat/blue",
                "Private",
                "Private/x",
                "Two",
                "Two/x",
                "All",
                "All/x",
                "Effusion",
                "Effusion/direct/ann",
                "Effusion/reactions/red",
                "Effusion/reactions/blue",
            ] {
                let [was, is] = [&before, &left].map(|it| it.at(path, &store.isolated_paths));
                assert!(is.is_subset(&was), "{path}: {was:?}, then {is:?}");
                let in_room = rooms
                    .iter()
                    .find(|(room, _)| paths(room).iter().any(|branch| is_within(path, branch)));
                match in_room {
                    None => assert_eq!(is, was, "{path}"),
                    Some((_, Withdrawn::Reading)) => assert!(is.is_empty(), "{path}"),
                    Some((_, Withdrawn::Writing)) => {
                        assert!(!is.contains(&PathPermission::UpdateTopic), "{path}");
                        let reads = PathPermission::ReadTopic;
                        assert_eq!(is.contains(&reads), was.contains(&reads), "{path}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_role_that_nobody_has_any_more_allows_nothing() {
        let script = restrict_script("ann", &["ONE".to_owned()], &[], &store()).unwrap();
        let left = Rights::of(&after(&store(), &script), &["Muted ann".to_owned()]);
        assert!(left.global.is_empty() && left.default_path.is_empty() && left.paths.is_empty());
        assert!(script.contains("remove 'Muted ann' permissions for path 'Chat/blue'"));
    }

    #[test]
    fn what_everyone_may_cannot_be_taken_from_one() {
        let mut store = store();
        store.named_roles.push("OTHER".to_owned());
        let blue = RoomName::parse("blue").unwrap();
        let rooms = [(blue.clone(), Withdrawn::Writing)];
        let refused = restrict_script("ann", &["ONE".to_owned()], &rooms, &store);
        assert_eq!(refused, Err(CannotRestrict(blue)));
        let red = [(RoomName::parse("red").unwrap(), Withdrawn::Writing)];
        assert!(restrict_script("ann", &["ONE".to_owned()], &red, &store).is_ok());
    }

    #[test]
    fn sessions_are_told_apart_by_their_roles() {
        let sets = [vec!["A\"".to_owned(), "B".to_owned()], vec![]];
        let (with, without) = sessions_with("ann", &sets);
        assert_eq!(
            with,
            r#"$Principal is "ann" and ($Roles is "\"A\\\"\",\"B\"" or $Roles is "")"#
        );
        assert_eq!(without, with.replace("and (", "and not ("));
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
