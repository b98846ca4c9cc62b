//! Slash commands.

use effusion_chat::RoomName;

use crate::i18n::{Message, messages};

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// List the commands.
    Help,
    /// Send an action: “Ann waves”.
    Act(String),
    /// Change the reader's display name.
    Nick(String),
    /// Set the room's topic.
    Topic(String),
    /// Mute a person in this room.
    Mute(String),
    /// Unmute a person in this room.
    Unmute(String),
    /// Send a text with a shrug.
    Shrug(String),
    /// Clear the messages in this window.
    Clear,
    /// Leave the room.
    Leave,
    /// Join a room.
    Join(RoomName),
    /// Send a text that is no command.
    Text(String),
}

/// Why a text is no valid command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// There is no such command.
    Unknown(String),
    /// Its argument is missing or invalid.
    Needs(&'static Usage),
}

/// A command as the help lists it.
#[derive(Debug, PartialEq, Eq)]
pub struct Usage {
    /// Its name, without the slash.
    pub name: &'static str,
    /// Its argument, if it takes one.
    pub argument: Option<&'static Message>,
    /// What it does.
    pub effect: &'static Message,
    /// Whether only moderators can do it.
    moderators: bool,
}

/// All commands.
pub static COMMANDS: &[Usage] = &[
    usage("help", &messages::command_help_effect),
    usage("me", &messages::command_me_effect).taking(&messages::command_me_argument),
    usage("nick", &messages::command_nick_effect).taking(&messages::command_nick_argument),
    usage("topic", &messages::command_topic_effect).taking(&messages::command_topic_argument),
    usage("join", &messages::command_join_effect).taking(&messages::command_join_argument),
    usage("leave", &messages::command_leave_effect),
    usage("clear", &messages::command_clear_effect),
    usage("shrug", &messages::command_shrug_effect).taking(&messages::command_shrug_argument),
    usage("mute", &messages::command_mute_effect)
        .taking(&messages::command_nick_argument)
        .of_moderators(),
    usage("unmute", &messages::command_unmute_effect)
        .taking(&messages::command_nick_argument)
        .of_moderators(),
];

/// The commands to offer to somebody who may moderate, or not.
pub fn offered(moderator: bool) -> impl Iterator<Item = &'static Usage> {
    COMMANDS
        .iter()
        .filter(move |it| moderator || !it.moderators)
}

const fn usage(name: &'static str, effect: &'static Message) -> Usage {
    Usage {
        name,
        argument: None,
        effect,
        moderators: false,
    }
}

impl Usage {
    const fn taking(mut self, argument: &'static Message) -> Self {
        self.argument = Some(argument);
        self
    }

    const fn of_moderators(mut self) -> Self {
        self.moderators = true;
        self
    }
}

/// Parses a draft. Two slashes begin a text with one slash.
///
/// # Errors
/// See [`Wrong`].
pub fn parse(text: &str) -> Result<Command, Wrong> {
    let Some(line) = text.trim().strip_prefix('/') else {
        return Ok(Command::Text(text.to_owned()));
    };
    if line.starts_with('/') {
        return Ok(Command::Text(line.to_owned()));
    }
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    let (name, rest) = line.split_at(end);
    let rest = rest.trim();
    let unknown = || Wrong::Unknown(name.to_owned());
    let mut all = COMMANDS.iter();
    let usage = all.find(|usage| usage.name.eq_ignore_ascii_case(name));
    let usage = usage.ok_or_else(unknown)?;
    // Names are often written with their sign.
    let rest = match usage.name {
        "nick" | "mute" | "unmute" => rest.trim_start_matches('@'),
        "join" => rest.trim_start_matches('#'),
        _ => rest,
    };
    if rest.is_empty() && usage.argument.is_some() && usage.name != "shrug" {
        return Err(Wrong::Needs(usage));
    }
    let argument = rest.to_owned();
    Ok(match usage.name {
        "help" => Command::Help,
        "me" => Command::Act(argument),
        "nick" => Command::Nick(argument),
        "topic" => Command::Topic(argument),
        "mute" => Command::Mute(argument),
        "unmute" => Command::Unmute(argument),
        "shrug" => Command::Shrug(argument),
        "clear" => Command::Clear,
        "leave" => Command::Leave,
        "join" => Command::Join(RoomName::parse(rest).map_err(|_| Wrong::Needs(usage))?),
        _ => return Err(unknown()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        for (text, command) in [
            ("/help", Command::Help),
            (
                "  /ME waves  at all ",
                Command::Act("waves  at all".to_owned()),
            ),
            ("/nick Ann Lee", Command::Nick("Ann Lee".to_owned())),
            ("/mute @bob", Command::Mute("bob".to_owned())),
            ("/shrug", Command::Shrug(String::new())),
            ("/shrug well", Command::Shrug("well".to_owned())),
            ("/topic a\nb", Command::Topic("a\nb".to_owned())),
            ("/join #Tea", Command::Join(RoomName::parse("Tea").unwrap())),
            ("//etc/hosts", Command::Text("/etc/hosts".to_owned())),
            ("//", Command::Text("/".to_owned())),
            ("  no command ", Command::Text("  no command ".to_owned())),
        ] {
            assert_eq!(parse(text), Ok(command), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(parse("/dance now"), Err(Wrong::Unknown("dance".to_owned())));
        assert_eq!(parse("/"), Err(Wrong::Unknown(String::new())));
        assert_eq!(parse("/usr/bin"), Err(Wrong::Unknown("usr/bin".to_owned())));
        for text in ["/me", "/nick  ", "/mute @", "/join", "/join a//b", "/topic"] {
            assert!(matches!(parse(text), Err(Wrong::Needs(_))), "{text}");
        }
    }

    #[test]
    fn every_command_listed_is_one() {
        for usage in COMMANDS {
            let text = ["/", usage.name, " x"].concat();
            assert!(parse(&text).is_ok(), "{text}");
        }
    }
}
