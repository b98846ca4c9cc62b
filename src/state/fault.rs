//! What can go wrong for a person, and what that person can do next.

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
    /// Another tab has the service in this browser, and cannot share it.
    ServiceBusy,
    /// The service in this browser could not be started, for this reason.
    ServiceFailed(String),
    /// The browser starts no worker, or it does not answer.
    NoWorker,
    /// The browser has no space left for what the service in it stores.
    StorageFull,
    /// A file is no export of a service, or of a version that this one does not know.
    FileForeign,
    /// Something in such a file was changed, or is missing.
    FileDamaged,
    /// Such a file is longer than it was.
    FileExcess,
    /// The service in this browser was started afresh: everything on it was deleted.
    StartedAfresh,
    /// The service in this browser was replaced with the contents of a file.
    Imported,
    /// A message was written before that, for the previous service.
    WrittenBefore,
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
    /// A part of the page could not be fetched from its host.
    PartMissing,
    /// The texts of a language could not be fetched from the page's host, or cannot be read.
    LanguageMissing,
    /// The message that was to be changed is not there any more.
    MessageGone,
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
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::TimedOut
                | Self::NotConnected
                | Self::ServiceBusy
                | Self::NoWorker
        )
    }

    /// What happened, as one sentence.
    pub fn what(&self) -> Text {
        match self {
            Self::Unreachable {
                address,
                secure: true,
            } => text!(error_unreachable_secure, address = address),
            Self::Unreachable { address, .. } => text!(error_unreachable, address = address),
            Self::NotDiffusion(address) => text!(error_not_diffusion, address = address),
            Self::MixedContent(host) => text!(error_mixed_content, host = host),
            Self::WrongCredentials(principal) => text!(error_wrong_credentials, name = principal),
            Self::Refused(reason) => match trimmed(reason) {
                "" => text!(error_refused),
                reason => text!(error_refused_reason, reason = reason),
            },
            Self::Lost(message) => Text::from(*message),
            Self::AccountRefused(reason) => match trimmed(reason) {
                "" => text!(error_account_refused),
                reason => text!(error_account_refused_reason, reason = reason),
            },
            Self::TooLarge { size, limit } => text!(error_too_large, size = *size, limit = *limit),
            Self::RoomExists(name) => text!(error_room_exists, name = name),
            Self::NotPrivate => text!(error_not_private),
            Self::AccountExists(name) => text!(error_account_exists, name = name),
            Self::Other(reason) => match trimmed(reason) {
                "" => text!(error_unknown),
                reason => text!(error_other, reason = reason),
            },
            Self::ServiceBusy => text!(error_service_busy),
            Self::ServiceFailed(reason) => text!(error_service_failed, reason = trimmed(reason)),
            Self::NoWorker => text!(error_no_worker),
            Self::StorageFull => text!(error_storage_full),
            Self::FileForeign => text!(error_file_foreign),
            Self::FileDamaged => text!(error_file_damaged),
            Self::FileExcess => text!(error_file_excess),
            Self::StartedAfresh => text!(error_started_afresh),
            Self::Imported => text!(error_imported),
            Self::WrittenBefore => text!(error_written_before),
            Self::VersionNotSupported => text!(error_version),
            Self::Unconfirmed => text!(error_unconfirmed),
            Self::NotConnected => text!(common_not_connected),
            Self::TimedOut => text!(error_timed_out),
            Self::NotPermitted(right) => Text::from(right.missing()),
            Self::NotARoom => text!(error_not_a_room),
            Self::RoomRemoved => text!(error_room_removed),
            Self::PartMissing => text!(error_part_missing),
            Self::LanguageMissing => text!(error_language_missing),
            Self::MessageGone => text!(timeline_message_gone),
        }
    }

    /// What to do about it, as one sentence.
    pub fn next(&self) -> Text {
        let message: &'static Message = match self {
            Self::Unreachable { secure: false, .. } => &messages::error_unreachable_next,
            Self::Unreachable { secure: true, .. } => &messages::error_unreachable_secure_next,
            Self::NotDiffusion(_) => &messages::error_not_diffusion_next,
            Self::MixedContent(_) => &messages::error_mixed_content_next,
            Self::WrongCredentials(_) => &messages::error_wrong_credentials_next,
            Self::Refused(_) => &messages::error_refused_next,
            Self::ServiceBusy => &messages::error_service_busy_next,
            Self::ServiceFailed(_) | Self::NoWorker => &messages::error_service_failed_next,
            Self::StorageFull => &messages::error_storage_full_next,
            Self::FileForeign | Self::FileDamaged | Self::FileExcess => &messages::error_file_next,
            Self::StartedAfresh | Self::Imported => &messages::error_started_afresh_next,
            Self::WrittenBefore => &messages::error_written_before_next,
            Self::VersionNotSupported => &messages::error_version_next,
            Self::Lost(_) => &messages::error_lost_next,
            Self::Unconfirmed => &messages::error_unconfirmed_next,
            Self::NotConnected => &messages::error_not_connected_next,
            Self::TimedOut => &messages::error_timed_out_next,
            Self::NotPermitted(Right::Create) => &messages::error_create_denied_next,
            Self::NotPermitted(Right::Read) => &messages::error_read_denied_next,
            Self::NotPermitted(Right::Write) => &messages::error_write_denied_next,
            Self::NotPermitted(Right::Edit) => &messages::error_edit_denied_next,
            Self::NotPermitted(Right::React) => &messages::error_react_denied_next,
            Self::NotPermitted(Right::Register) => &messages::error_register_denied_next,
            Self::NotARoom => &messages::error_not_a_room_next,
            Self::RoomRemoved => &messages::error_room_removed_next,
            Self::TooLarge { .. } => &messages::error_too_large_next,
            Self::AccountExists(_) => &messages::error_account_exists_next,
            Self::RoomExists(_) => &messages::error_room_exists_next,
            Self::NotPrivate => &messages::error_not_private_next,
            Self::NotPermitted(Right::Describe | Right::Grant) => &messages::error_permission_next,
            Self::AccountRefused(_) => &messages::error_account_refused_next,
            Self::PartMissing | Self::LanguageMissing => &messages::error_part_missing_next,
            Self::MessageGone => &messages::error_message_gone_next,
            Self::Other(_) => &messages::error_other_next,
        };
        Text::from(message)
    }
}

impl Right {
    /// What the principal may not do, as one sentence.
    fn missing(self) -> &'static Message {
        match self {
            Self::Create => &messages::error_create_denied,
            Self::Read => &messages::error_read_denied,
            Self::Write => &messages::error_write_denied,
            Self::Register => &messages::error_register_denied,
            Self::Describe => &messages::error_describe_denied,
            Self::Grant => &messages::error_grant_denied,
            Self::Edit => &messages::error_edit_denied,
            Self::React => &messages::error_react_denied,
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
            Fault::ServiceBusy,
            Fault::ServiceFailed(text()),
            Fault::NoWorker,
            Fault::StorageFull,
            Fault::FileForeign,
            Fault::FileDamaged,
            Fault::FileExcess,
            Fault::StartedAfresh,
            Fault::Imported,
            Fault::WrittenBefore,
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
            Fault::NotARoom,
            Fault::RoomRemoved,
            Fault::PartMissing,
            Fault::LanguageMissing,
            Fault::MessageGone,
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
            "The service refused the connection: too many connections."
        );
        assert_eq!(
            Fault::Refused("  ".to_owned()).what().english(),
            "The service refused the connection."
        );
    }
}
