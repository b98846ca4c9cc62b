//! Where a window is: the rooms it is in, which of them it shows, and how that is said in its address.

use crate::features::join::form::{Room, version_text};
use crate::features::join::query;
use crate::features::join::service::{DEFAULT_PATH, IN_BROWSER, Service};
use effusion_chat::{RoomKind, RoomName};

/// Names that mean a secret in an address. Nobody should send one this way, and none may stay there.
const SECRETS: [&str; 3] = ["password", "credentials", "registrar_password"];

/// The query without secrets, if it held any. An address is stored, shared and logged by many.
pub fn without_secrets(query: &str) -> Option<String> {
    let pairs = query::parse(query);
    let is_secret = |name: &str| {
        SECRETS
            .iter()
            .any(|secret| name.eq_ignore_ascii_case(secret))
    };
    if !pairs.iter().any(|(name, _)| is_secret(name)) {
        return None;
    }
    let kept = pairs.iter().filter(|(name, _)| !is_secret(name));
    Some(query::format(
        kept.map(|(name, value)| (name.as_str(), value.as_str())),
    ))
}

/// The query of an address that leads somebody else into a room: without a name and an account.
pub fn invitation(service: &Service, room: &Room) -> String {
    let (port, version) = (service.port.to_string(), version_text(service.version));
    let place = if service.in_browser {
        vec![("service", IN_BROWSER)]
    } else {
        let secure = if service.secure { "true" } else { "false" };
        let path = Some(service.path.as_str()).filter(|path| *path != DEFAULT_PATH);
        vec![
            ("host", service.host.as_str()),
            ("port", port.as_str()),
            ("secure", secure),
            ("path", path.unwrap_or_default()),
        ]
    };
    let about = [
        ("version", version.as_str()),
        ("room", room.name.as_str()),
        ("kind", room.kind.word()),
    ];
    // Nobody needs to be told that nothing is set.
    let pairs = place.into_iter().chain(about);
    query::format(pairs.filter(|(_, value)| !value.is_empty()))
}

/// The rooms of a window as they are stored, so that a reload finds them again.
pub fn pairs(rooms: &[Room]) -> Vec<(&str, &str)> {
    let pairs = rooms.iter();
    pairs
        .map(|room| (room.kind.word(), room.name.as_str()))
        .collect()
}

/// Reads [`pairs`] back; what is no room is left out.
pub fn rooms(pairs: Vec<(String, String)>) -> Vec<Room> {
    let room = |(kind, name): (String, String)| {
        Some(Room {
            kind: RoomKind::from_word(&kind)?,
            name: RoomName::parse(&name).ok()?,
        })
    };
    pairs.into_iter().filter_map(room).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str, kind: RoomKind) -> Room {
        Room {
            name: RoomName::parse(name).unwrap(),
            kind,
        }
    }

    #[test]
    fn secrets_leave_the_address_and_nothing_else_does() {
        assert_eq!(without_secrets("?room=a&name=b"), None);
        assert_eq!(
            without_secrets("?room=a%20b&Password=x&name=y&password=").as_deref(),
            Some("room=a%20b&name=y")
        );
    }

    #[test]
    fn rooms_survive_a_reload() {
        let rooms = [
            room("a & b", RoomKind::Live),
            room("c=d/é", RoomKind::History),
        ];
        let stored = serde_json::to_string(&pairs(&rooms)).unwrap();
        assert_eq!(super::rooms(serde_json::from_str(&stored).unwrap()), rooms);
        assert!(super::rooms(query::parse("live=&dead=x&history=%2F")).is_empty());
    }

    #[test]
    fn an_invitation_names_the_room_and_nobody() {
        for (service, place) in [
            (Service::default(), "host=127.0.0.1&port=8080&secure=false"),
            (Service::in_browser(), "service=browser"),
        ] {
            let query = invitation(&service, &room("Tea", RoomKind::Live));
            assert_eq!(query, [place, "&room=Tea&kind=live"].concat());
        }
    }
}
