//! What the client's errors mean for a person.

use effusion_client::{
    ConnectError, ErrorReason, Interruption, RequestError, ResponseCode, SessionCloseReason,
};

use crate::features::join::form::SignIn;
use crate::i18n::messages;
use crate::state::{Fault, Right};

/// Why there is no session.
pub(super) fn of_connecting(error: &ConnectError, sign_in: &SignIn) -> Fault {
    let service = &sign_in.service;
    match error {
        ConnectError::Unreachable(_) if service.in_browser => Fault::NoWorker,
        ConnectError::Unreachable(_) => Fault::Unreachable {
            address: service.address(),
            secure: service.secure,
        },
        ConnectError::NoResponse(_) | ConnectError::UnreadableResponse(_) => {
            Fault::NotDiffusion(service.address())
        }
        ConnectError::TimedOut => Fault::TimedOut,
        ConnectError::VersionRefused(_) => Fault::VersionNotSupported,
        // The address names a service that was replaced: `Hub::connect` in crates/browser-service.
        ConnectError::Refused(ResponseCode::UnknownSession) if service.in_browser => {
            Fault::StartedAfresh
        }
        ConnectError::Refused(ResponseCode::AuthenticationFailed) => {
            Fault::WrongCredentials(sign_in.credentials.principal.clone())
        }
        ConnectError::Refused(code) => Fault::Refused(code.description().to_owned()),
        _ => Fault::NotConnected,
    }
}

/// Why a session is over; none if the reader wanted it so.
pub(super) fn of_closing(reason: &SessionCloseReason, sign_in: &SignIn) -> Option<Fault> {
    Some(match reason {
        SessionCloseReason::ClosedByClient => return None,
        SessionCloseReason::ClosedByService(_) => Fault::Lost(&messages::error_lost_closed),
        SessionCloseReason::ServiceStopping | SessionCloseReason::ConnectionLost(_) => {
            Fault::Lost(&messages::error_lost_connection)
        }
        SessionCloseReason::SessionUnknown => Fault::Lost(&messages::error_lost_unknown),
        SessionCloseReason::MessagesLost => Fault::Lost(&messages::error_lost_messages),
        SessionCloseReason::InvalidMessage(_) => Fault::Lost(&messages::error_lost_unreadable),
        SessionCloseReason::NotConnected(error) => of_connecting(error, sign_in),
        _ => Fault::NotConnected,
    })
}

/// Why the service did not do what it was asked for, where this right was needed.
pub(super) fn of_request(error: RequestError, right: Right) -> Fault {
    match error {
        // The service in this browser has no code for it: `StoreError::Full` in crates/browser-service.
        RequestError::Refused(report) if report.message.contains("no space left for this page") => {
            Fault::StorageFull
        }
        RequestError::Refused(report) => match report.reason {
            ErrorReason::AccessDenied => Fault::NotPermitted(right),
            ErrorReason::TopicExistsMismatch
            | ErrorReason::IncompatibleTopic
            | ErrorReason::IncompatibleDatatype
            | ErrorReason::TopicExistsIncompatible => Fault::NotARoom,
            ErrorReason::NoSuchTopic => Fault::RoomRemoved,
            reason if report.message.is_empty() => Fault::Other(reason.description().to_owned()),
            _ => Fault::Other(report.message),
        },
        RequestError::NeverSent(Interruption::TimedOut) => Fault::TimedOut,
        RequestError::NeverSent(_) => Fault::NotConnected,
        RequestError::TooLarge { size, limit } => Fault::TooLarge { size, limit },
        // The answer was lost or made no sense: it may well have been done.
        _ => Fault::Unconfirmed,
    }
}
