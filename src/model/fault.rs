//! What can go wrong for a person, and what that person can do next.

use effusion_chat::RoomKind;

use crate::i18n::{Message, Text, messages};
use crate::text;

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
    /// The session is over, as this sentence says.
    Lost(&'static Message),
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
    /// Anything else, in the service's own words.
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
    pub fn what(&self) -> Text {
        match self {
            Self::Unreachable {
                address,
                secure: true,
            } => text!(error_no_diffusion_service_answers, address = address),
            Self::Unreachable { address, .. } => {
                text!(error_no_diffusion_service_answers_2, address = address)
            }
            Self::NotDiffusion(address) => {
                text!(error_answers_address_no_diffusion, address = address)
            }
            Self::MixedContent(host) => text!(error_page_came_over_https, host = host),
            Self::WrongCredentials(principal) => {
                text!(error_service_does_not_accept, name = principal)
            }
            Self::Refused(reason) => match trimmed(reason) {
                "" => text!(error_service_turned_connection_away),
                reason => text!(error_service_turned_connection_away_2, reason = reason),
            },
            Self::Lost(message) => Text::from(*message),
            Self::AccountRefused(reason) => match trimmed(reason) {
                "" => text!(error_service_did_not_add),
                reason => text!(error_service_did_not_add_2, reason = reason),
            },
            Self::TooLarge { size, limit } => {
                text!(error_message_size_bytes_long, size = *size, limit = *limit)
            }
            Self::RoomExists(name) => text!(error_room_name_already, name = name),
            Self::NotPrivate => text!(error_service_others_could_read),
            Self::AccountExists(name) => text!(error_account_name_already, name = name),
            Self::Other(reason) => match trimmed(reason) {
                "" => text!(error_something_went_wrong),
                reason => text!(error_other, reason = reason),
            },
            Self::VersionNotSupported => text!(error_service_does_not_speak),
            Self::Unconfirmed => text!(error_connection_broke_before_service),
            Self::NotConnected => text!(common_no_connection_service),
            Self::TimedOut => text!(error_service_did_not_answer),
            Self::NotPermitted(right) => Text::from(right.missing()),
            Self::OtherKind(RoomKind::Live) => text!(error_room_exists_as_live),
            Self::OtherKind(RoomKind::History) => text!(error_room_exists_as_history),
            Self::NotARoom => text!(error_topic_name_exists_but),
            Self::RoomRemoved => text!(error_room_removed_from_service),
        }
    }

    /// What to do about it, as one sentence.
    #[must_use]
    pub fn next(&self) -> Text {
        let message: &'static Message = match self {
            Self::Unreachable { secure: false, .. } => &messages::error_check_host_port_service,
            Self::Unreachable { secure: true, .. } => &messages::error_check_host_port_whether,
            Self::NotDiffusion(_) => &messages::error_check_host_port,
            Self::MixedContent(_) => &messages::error_tick_secure_open_page,
            Self::WrongCredentials(_) => &messages::error_check_account_password_create,
            Self::Refused(_) => &messages::error_wait_moment_try_again,
            Self::VersionNotSupported => &messages::error_let_page_choose_version,
            Self::Lost(_) => &messages::error_reconnect_go_rooms_still,
            Self::Unconfirmed => &messages::error_may_have_arrived_look,
            Self::NotConnected => &messages::error_send_again_when_connection,
            Self::TimedOut => &messages::error_check_network_then_try,
            Self::NotPermitted(Right::Create) => &messages::error_join_room_exists_use,
            Self::NotPermitted(Right::Read) => &messages::error_ask_whoever_runs_service_2,
            Self::NotPermitted(Right::Write) => &messages::error_sign_account_role_topic,
            Self::NotPermitted(Right::Edit) => &messages::error_ask_whoever_runs_service,
            Self::NotPermitted(Right::React) => &messages::error_ask_whoever_runs_service_3,
            Self::NotPermitted(Right::Register) => &messages::error_use_one_may_change,
            Self::OtherKind(RoomKind::Live) => &messages::error_join_as_live_room_2,
            Self::OtherKind(RoomKind::History) => &messages::error_join_as_history_room_2,
            Self::NotARoom => &messages::error_choose_another_name_room,
            Self::RoomRemoved => &messages::error_join_again_make_anew,
            Self::TooLarge { .. } => &messages::error_shorten_send_parts,
            Self::AccountExists(_) => &messages::error_choose_another_name_sign,
            Self::RoomExists(_) => &messages::error_choose_another_name_join,
            Self::NotPrivate => &messages::error_ask_whoever_runs_service_5,
            Self::NotPermitted(Right::Describe | Right::Grant) => {
                &messages::error_ask_whoever_runs_service_4
            }
            Self::AccountRefused(_) => &messages::error_change_names_then_try,
            Self::Other(_) => &messages::error_try_again,
        };
        Text::from(message)
    }
}

impl Right {
    /// What the principal may not do, as one sentence.
    fn missing(self) -> &'static Message {
        match self {
            Self::Create => &messages::error_room_does_not_exist,
            Self::Read => &messages::error_account_may_not_read,
            Self::Write => &messages::error_account_may_not_write,
            Self::Register => &messages::error_registrars_account_may_not,
            Self::Describe => &messages::error_account_may_not_change_2,
            Self::Grant => &messages::error_account_may_not_say,
            Self::Edit => &messages::error_account_may_not_change,
            Self::React => &messages::error_account_may_not_react,
        }
    }
}

/// A reason that goes on a sentence, without a dot of its own.
fn trimmed(reason: &str) -> &str {
    reason.trim().trim_end_matches('.')
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
            Fault::Lost(&messages::error_lost_closed),
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
            for sentence in [fault.what().english(), fault.next().english()] {
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
        let what = what.english();
        assert_eq!(
            what,
            "The service turned the connection away: too many connections."
        );
        assert_eq!(
            Fault::Refused("  ".to_owned()).what().english(),
            "The service turned the connection away."
        );
    }
}
