//! What can go wrong for a person, and what that person can do next.

use crate::words::{key, say, say_with};
use effusion_chat::RoomKind;

/// Everything that a user of the page can meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing that speaks Diffusion answers at this address (`host:port`).
    Unreachable {
        /// `host:port`.
        address: String,
        /// Whether TLS was asked for.
        secure: bool,
    },
    /// Something answers at this address (`host:port`), but not a Diffusion service.
    NotDiffusion(String),
    /// The page came by `https:` and this host was to be reached without TLS.
    MixedContent(String),
    /// The principal or its password is wrong.
    WrongCredentials(String),
    /// The service turned the session away for this reason.
    Refused(String),
    /// The service and this page have no protocol version in common.
    VersionNotSupported,
    /// The session is over, for this reason.
    Lost(String),
    /// The connection broke while a message was on its way: nobody knows whether it arrived.
    Unconfirmed,
    /// There is no connection to send by.
    NotConnected,
    /// The service did not answer in time.
    TimedOut,
    /// The principal lacks a right.
    NotPermitted(Right),
    /// The room exists and is of another kind.
    OtherKind(RoomKind),
    /// The topic of the room exists and is no room at all.
    NotARoom,
    /// Somebody removed the room's topic.
    RoomRemoved,
    /// The message, of this many bytes, is larger than the service's limit.
    TooLarge {
        /// Bytes the message takes.
        size: usize,
        /// Bytes the service allows.
        limit: usize,
    },
    /// An account of this name exists already.
    AccountExists(String),
    /// A room of this name exists already.
    RoomExists(String),
    /// What two people say to each other could be read by others.
    NotPrivate,
    /// The service did not accept a change to its accounts, for this reason.
    AccountRefused(String),
    /// Anything else, in the service's or the browser's own words.
    Other(String),
}

/// What a principal may not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Make a room that does not exist yet.
    Create,
    /// See a room's messages.
    Read,
    /// Send messages into a room.
    Write,
    /// Add accounts.
    Register,
    /// Write down what a room is about.
    Describe,
    /// Say who has which rights.
    Grant,
    /// Change messages that were sent.
    Edit,
    /// Give reactions.
    React,
}

impl Fault {
    /// Whether it may be gone in a while without anyone doing anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. } | Self::TimedOut | Self::NotConnected
        )
    }

    /// What happened, as one sentence.
    #[must_use]
    pub fn what(&self) -> String {
        match self {
            Self::Unreachable { address, secure } => say_with(
                if *secure {
                    "No Diffusion service answers at {address} over a secure connection."
                } else {
                    "No Diffusion service answers at {address}."
                },
                &[("address", address)],
            ),
            Self::NotDiffusion(address) => say_with(
                "What answers at {address} is no Diffusion service.",
                &[("address", address)],
            ),
            Self::MixedContent(host) => say_with(
                "This page came over https, so the browser lets it reach {host} only over a secure connection.",
                &[("host", host)],
            ),
            Self::WrongCredentials(principal) => say_with(
                "The service does not accept this password for the account “{name}”.",
                &[("name", principal)],
            ),
            Self::Refused(reason) => because(
                say("The service turned the connection away."),
                key("The service turned the connection away: {reason}."),
                reason,
            ),
            Self::Lost(reason) => because(
                say("The session has ended."),
                key("The session has ended: {reason}."),
                reason,
            ),
            Self::AccountRefused(reason) => because(
                say("The service did not add the account."),
                key("The service did not add the account: {reason}."),
                reason,
            ),
            Self::TooLarge { size, limit } => say_with(
                "This message is {size} bytes long, and the service takes at most {limit}.",
                &[("size", &size.to_string()), ("limit", &limit.to_string())],
            ),
            Self::RoomExists(name) => {
                say_with("There is a room “{name}” already.", &[("name", name)])
            }
            Self::NotPrivate => {
                say("On this service, others could read what two people say to each other.").into()
            }
            Self::AccountExists(name) => {
                say_with("There is an account “{name}” already.", &[("name", name)])
            }
            Self::Other(words) => sentence(words),
            Self::VersionNotSupported
            | Self::Unconfirmed
            | Self::NotConnected
            | Self::TimedOut
            | Self::NotPermitted(_)
            | Self::OtherKind(_)
            | Self::NotARoom
            | Self::RoomRemoved => self.plain().to_owned(),
        }
    }

    /// What happened, where nothing has to be named.
    fn plain(&self) -> &'static str {
        say(match self {
            Self::VersionNotSupported => {
                "The service does not speak the protocol version that is asked for."
            }
            Self::Unconfirmed => "The connection broke before the service confirmed this message.",
            Self::NotConnected => "There is no connection to the service.",
            Self::TimedOut => "The service did not answer in time.",
            Self::NotPermitted(Right::Create) => {
                "This room does not exist, and your account may not create it."
            }
            Self::NotPermitted(Right::Read) => "Your account may not read this room.",
            Self::NotPermitted(Right::Write) => "Your account may not write in this room.",
            Self::NotPermitted(Right::Register) => "The registrar’s account may not add accounts.",
            Self::NotPermitted(Right::Describe) => {
                "Your account may not change what is written down of this room."
            }
            Self::NotPermitted(Right::Grant) => "Your account may not say who has which rights.",
            Self::NotPermitted(Right::Edit) => "Your account may not change messages in this room.",
            Self::NotPermitted(Right::React) => "Your account may not react in this room.",
            Self::OtherKind(RoomKind::Live) => "This room exists as a live room.",
            Self::OtherKind(RoomKind::History) => "This room exists as a history room.",
            Self::NotARoom => "The topic of this name exists, but holds no chat.",
            Self::RoomRemoved => "This room was removed from the service.",
            _ => "Something went wrong.",
        })
    }

    /// What to do about it, as one sentence.
    #[must_use]
    pub fn next(&self) -> &'static str {
        say(match self {
            Self::Unreachable { secure: false, .. } => {
                "Check host and port, and that the service is running; then try again."
            }
            Self::Unreachable { secure: true, .. } => {
                "Check host and port, and whether the service has a certificate that this browser trusts."
            }
            Self::NotDiffusion(_) => "Check host and port.",
            Self::MixedContent(_) => "Tick “Secure”, or open this page over http.",
            Self::WrongCredentials(_) => "Check account and password, or create an account.",
            Self::Refused(_) => "Wait a moment and try again, or ask whoever runs the service.",
            Self::VersionNotSupported => {
                "Let the page choose the version, or choose a service of Diffusion 6.0 or newer."
            }
            Self::Lost(_) => "Reconnect to go on; your rooms are still open here.",
            Self::Unconfirmed => "It may have arrived: look before you send it again.",
            Self::NotConnected => "Send it again when the connection is back.",
            Self::TimedOut => "Check your network, then try again.",
            Self::NotPermitted(Right::Create) => {
                "Join a room that exists, or use an account with the role TOPIC_CONTROL."
            }
            Self::NotPermitted(Right::Read) => {
                "Ask whoever runs the service for the right to read it."
            }
            Self::NotPermitted(Right::Write) => {
                "Sign in with an account that has the role TOPIC_CONTROL, or ask for the right."
            }
            Self::NotPermitted(Right::Edit) => {
                "Ask whoever runs the service for the right edit_own_time_series_events."
            }
            Self::NotPermitted(Right::React) => {
                "Ask whoever runs the service for the right to write below Effusion/reactions."
            }
            Self::NotPermitted(Right::Register) => {
                "Use one that may change the authentication store, such as the service’s administrator."
            }
            Self::OtherKind(RoomKind::Live) => "Join it as a live room, or choose another name.",
            Self::OtherKind(RoomKind::History) => {
                "Join it as a history room, or choose another name."
            }
            Self::NotARoom => "Choose another name for the room.",
            Self::RoomRemoved => "Join it again to make it anew.",
            Self::TooLarge { .. } => "Shorten it, or send it in parts.",
            Self::AccountExists(_) => "Choose another name, or sign in with this one.",
            Self::RoomExists(_) => "Choose another name, or join it.",
            Self::NotPrivate => {
                "Ask whoever runs the service to protect the path “Effusion/direct”."
            }
            Self::NotPermitted(Right::Describe | Right::Grant) => {
                "Ask whoever runs the service for the right."
            }
            Self::AccountRefused(_) => "Change what it names, then try again.",
            Self::Other(_) => "Try again.",
        })
    }
}

/// Words with a reason, or without one if there is none.
fn because(without: &str, with: &'static str, reason: &str) -> String {
    let reason = reason.trim().trim_end_matches('.');
    if reason.is_empty() {
        without.to_owned()
    } else {
        say_with(with, &[("reason", reason)])
    }
}

fn sentence(words: &str) -> String {
    let mut rest = words.trim().trim_end_matches('.').chars();
    match rest.next() {
        None => say("Something went wrong.").into(),
        Some(first) => [first.to_ascii_uppercase()]
            .into_iter()
            .chain(rest)
            .chain(['.'])
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_a_sentence_and_says_what_next() {
        let text = || "x".to_owned();
        let faults = [
            Fault::Unreachable {
                address: text(),
                secure: false,
            },
            Fault::Unreachable {
                address: text(),
                secure: true,
            },
            Fault::NotDiffusion(text()),
            Fault::MixedContent(text()),
            Fault::WrongCredentials(text()),
            Fault::Refused(text()),
            Fault::Refused(String::new()),
            Fault::VersionNotSupported,
            Fault::Lost("the service stopped.".to_owned()),
            Fault::Unconfirmed,
            Fault::NotConnected,
            Fault::TimedOut,
            Fault::NotPermitted(Right::Create),
            Fault::NotPermitted(Right::Read),
            Fault::NotPermitted(Right::Write),
            Fault::NotPermitted(Right::Register),
            Fault::NotPermitted(Right::Describe),
            Fault::NotPermitted(Right::Grant),
            Fault::RoomExists(text()),
            Fault::NotPrivate,
            Fault::NotPermitted(Right::Edit),
            Fault::NotPermitted(Right::React),
            Fault::OtherKind(RoomKind::Live),
            Fault::OtherKind(RoomKind::History),
            Fault::NotARoom,
            Fault::RoomRemoved,
            Fault::TooLarge { size: 2, limit: 1 },
            Fault::AccountExists(text()),
            Fault::AccountRefused(text()),
            Fault::Other("no dot".to_owned()),
            Fault::Other(String::new()),
        ];
        for fault in faults {
            for sentence in [fault.what(), fault.next().to_owned()] {
                assert!(sentence.starts_with(char::is_uppercase), "{sentence}");
                assert!(
                    sentence.ends_with('.') && !sentence.ends_with(".."),
                    "{sentence}"
                );
            }
        }
    }

    #[test]
    fn reasons_are_told_in_the_sentence() {
        let what = Fault::Refused("too many connections.".to_owned()).what();
        assert_eq!(
            what,
            "The service turned the connection away: too many connections."
        );
        assert_eq!(
            Fault::Lost("  ".to_owned()).what(),
            "The session has ended."
        );
    }
}
