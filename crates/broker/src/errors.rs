//! The errors that services answer with.

use effusion_protocol::body::{GlobalPermission, PathPermission};
use effusion_protocol::{ErrorReason, ErrorReport};

use effusion_protocol::TopicSelectorError as SelectorError;

pub(crate) fn error(reason: ErrorReason, message: impl Into<String>) -> ErrorReport {
    ErrorReport {
        message: message.into(),
        reason,
    }
}

pub(crate) fn denied(permission: PathPermission, path: &str) -> ErrorReport {
    error(
        ErrorReason::AccessDenied,
        format!(
            "The session does not have the permission {} for '{path}'",
            permission.name()
        ),
    )
}

pub(crate) fn denied_global(permission: GlobalPermission) -> ErrorReport {
    error(
        ErrorReason::AccessDenied,
        format!(
            "The session does not have the permission {}",
            permission.name()
        ),
    )
}

/// A feature of Diffusion that the sandbox does not have, by the number of one of its services.
pub(crate) fn unsupported_service(service: u64) -> ErrorReport {
    let feature = match service {
        0x8a | 0x8b | 0x8d | 0xb6 => "topic views are",
        0xbb | 0xbc | 0xbf => "metric alerts are",
        0x9d | 0x9e | 0xa4 | 0xa5 => "remote servers are",
        0xb0..=0xb2 => "session trees are",
        _ => {
            return error(
                ErrorReason::Unsupported,
                format!("what was asked for is not supported by the sandbox (service {service})"),
            );
        }
    };
    let message = format!("{feature} not supported by the sandbox");
    error(ErrorReason::Unsupported, message)
}

pub(crate) fn unsupported(what: impl core::fmt::Display) -> ErrorReport {
    error(
        ErrorReason::Unsupported,
        format!("The service does not support: {what}"),
    )
}

pub(crate) fn no_such_topic(path: &str) -> ErrorReport {
    error(
        ErrorReason::NoSuchTopic,
        format!("There is no topic at '{path}'"),
    )
}

pub(crate) fn incompatible_topic(path: &str, what: impl core::fmt::Display) -> ErrorReport {
    error(
        ErrorReason::IncompatibleTopic,
        format!("The topic at '{path}' is not {what}"),
    )
}

pub(crate) fn invalid_data(message: impl core::fmt::Display) -> ErrorReport {
    error(ErrorReason::InvalidData, message.to_string())
}

pub(crate) fn no_such_session() -> ErrorReport {
    error(ErrorReason::NoSuchSession, "There is no such session")
}

/// A lock that lasts as long as a connection is nothing for a session without one.
pub(crate) fn connection_lost() -> ErrorReport {
    error(
        ErrorReason::RejectedRequest,
        "The connection that the request for the lock came over is lost",
    )
}

pub(crate) fn bad_selector(selector_error: &SelectorError) -> ErrorReport {
    error(
        ErrorReason::InvalidData,
        format!("Invalid topic selector: {selector_error}"),
    )
}

pub(crate) fn invalid_stream() -> ErrorReport {
    error(
        ErrorReason::InvalidUpdateStream,
        "The update stream is no longer valid: the topic was removed or updated by another",
    )
}

/// The store could not write a change; nothing of it was done.
pub(crate) fn not_stored(why: impl core::fmt::Display) -> ErrorReport {
    error(
        ErrorReason::CommunicationFailure,
        format!("The change could not be stored, and was not made: {why}"),
    )
}

/// The same for a topic that was to be added: the SDKs have names for the reasons of that (`docs/protocol.md`, 6.1).
pub(crate) fn not_added(why: impl core::fmt::Display) -> ErrorReport {
    error(
        ErrorReason::UnexpectedTopicError,
        format!("The topic could not be stored, and was not added: {why}"),
    )
}

pub(crate) fn too_many(what: impl core::fmt::Display) -> ErrorReport {
    error(
        ErrorReason::CommunicationFailure,
        format!("Too many {what}: the limit of the service is reached"),
    )
}
