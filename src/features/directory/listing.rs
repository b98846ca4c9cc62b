//! The rooms of a service, as a list to choose from.

use crate::features::people::roster::People;
use crate::features::timeline::At;
use crate::i18n::letters::{is_letter, lower};
use crate::ui::identity::{is_mixed, spelled};
use effusion_chat::{ChatMessage, MemberCard, RoomCard, RoomKind, RoomName, who_joined};

/// A room of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: RoomName,
    /// Its kind.
    pub kind: RoomKind,
    /// What it is about; may be empty.
    pub topic: String,
    /// Whether it is only kept to be read.
    pub archived: bool,
    /// How many people are there.
    pub people: usize,
    /// Who spoke last, and what was said; empty if nobody did.
    pub last: (String, String),
    /// When that was, if it is known.
    pub at: Option<At>,
}

/// Puts the list together: rooms that are topics, what is written down of them, and who is in which.
pub fn gather(
    topics: Vec<(RoomName, RoomKind, Option<ChatMessage>, Option<At>)>,
    cards: &[RoomCard],
    members: &[(RoomName, String, MemberCard)],
) -> Vec<Listed> {
    let mut rooms: Vec<Listed> = topics
        .into_iter()
        .map(|(name, kind, last, at)| {
            let card = cards.iter().find(|card| card.name == name);
            let mut people = People::default();
            for (_, session, card) in members.iter().filter(|(room, ..)| *room == name) {
                people.put(session, card.clone(), 0);
            }
            // Who has come in has not said anything.
            let said =
                last.filter(|last| !last.deleted && who_joined(&last.name, &last.text).is_none());
            Listed {
                kind,
                topic: card.map(|card| card.topic.clone()).unwrap_or_default(),
                archived: card.is_some_and(|card| card.archived),
                people: people.count(),
                at: at.filter(|_| said.is_some()),
                last: said.map_or_else(Default::default, |last| (last.name, last.text)),
                name,
            }
        })
        .collect();
    rooms.sort_by_cached_key(|it| (it.archived, lower(it.name.as_str()), it.name.clone()));
    rooms
}

/// What tells rooms from others whose names look the same: the numbers of their characters, by name. The names come with what they look
/// like.
pub fn marks(names: &[(String, String)]) -> Vec<(String, String)> {
    let is_alike = |name: &str, look: &str| {
        let mut others = names.iter();
        others.any(|(other, its)| other != name && its == look)
    };
    let marked = names
        .iter()
        .filter(|(name, look)| is_alike(name, look) || is_mixed(name, look));
    let marks = marked.map(|(name, _)| (name.clone(), spelled(name)));
    marks.filter(|(_, mark)| !mark.is_empty()).collect()
}

/// How well a text answers to what somebody types: lower is better, `None` is not at all. Every word that is typed must
/// begin a word of the text or be somewhere in it.
pub fn rank(text: &str, typed: &str) -> Option<usize> {
    let text = lower(text);
    let typed = lower(typed.trim());
    if text.starts_with(&typed) {
        return Some(usize::from(text != typed));
    }
    let mut worst = 2;
    for word in typed.split_whitespace() {
        let place = text.find(word)?;
        let before = text[..place].chars().next_back();
        if before.is_some_and(is_letter) {
            worst = 3;
        }
    }
    Some(worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> RoomName {
        RoomName::parse(name).unwrap()
    }

    fn said(by: &str, text: &str) -> Option<ChatMessage> {
        Some(ChatMessage {
            name: by.to_owned(),
            text: text.to_owned(),
            ..ChatMessage::default()
        })
    }

    #[test]
    fn the_list_has_rooms_that_are_there_with_what_is_known_of_them() {
        let card = |room: &str, archived| RoomCard {
            name: name(room),
            kind: RoomKind::Live,
            topic: ["about ", room].concat(),
            by: "Ann".to_owned(),
            archived,
        };
        let member = |room: &str, session: &str, who: &str| {
            let card = MemberCard {
                name: who.to_owned(),
                ..MemberCard::default()
            };
            (name(room), session.to_owned(), card)
        };
        let at = Some(At::instant(5, 0));
        let (hot, joined) = (said("Bob", "hot"), said("System", "x has joined"));
        let list = gather(
            vec![
                (name("old"), RoomKind::Live, None, None),
                (name("Tea"), RoomKind::History, hot, at.clone()),
                (name("coffee"), RoomKind::Live, joined, None),
            ],
            &[card("old", true), card("Tea", false), card("gone", false)],
            &[
                member("Tea", "1", "Ann"),
                member("Tea", "2", "Ann"),
                member("Tea", "3", "Bob"),
                member("gone", "4", "Bob"),
            ],
        );
        let names: Vec<_> = list.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["coffee", "Tea", "old"]);
        let tea = &list[1];
        assert_eq!((tea.people, tea.topic.as_str()), (2, "about Tea"));
        assert_eq!(tea.last, ("Bob".to_owned(), "hot".to_owned()));
        assert_eq!(tea.at, at);
        assert_eq!(list[0].last, Default::default(), "nobody has said anything");
        assert!(list[2].archived && list[2].people == 0);
    }

    #[test]
    fn what_is_typed_finds_names() {
        assert_eq!(rank("Tea", "tea"), Some(0));
        assert_eq!(rank("Tea room", "TEA"), Some(1));
        assert_eq!(rank("The tea room", "room tea"), Some(2));
        assert_eq!(rank("steam", "tea"), Some(3));
        assert_eq!(rank("steam", "tex"), None);
        assert_eq!(rank("anything", " "), Some(1));
    }

    #[test]
    fn rooms_that_look_alike_are_told_apart() {
        let look = |name: &str| (name.to_owned(), effusion_chat::lookalike::skeleton(name));
        let all = "Tea Te\u{430} lan Ian Café Чай \u{422}\u{435}\u{430}".split(' ');
        let all: Vec<_> = all.map(look).collect();
        let marked = [
            ("Te\u{430}", "U+0430"),
            ("Ian", "U+0049"),
            ("\u{422}\u{435}\u{430}", "U+0422 U+0435 U+0430"),
        ];
        let marked = marked.map(|(name, mark)| (name.to_owned(), mark.to_owned()));
        assert_eq!(marks(&all), marked);
    }
}
