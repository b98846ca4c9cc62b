//! Notifications of other sessions: when they open, change and close.
//!
//! Source: the LGPL 5.9 client for old versions, the SDK for 29.

use crate::codec::{wire_enum, wire_struct, wire_union};
use crate::{CloseReason, ConversationId, DecodeError, Reader, SessionId, Wire, Writer};

use super::{Properties, ScriptError};

wire_union! {
    /// Which properties a listener of old versions receives.
    pub enum PropertiesOfInterest("choice of properties") {
        /// These.
        Some(Vec<String>) = 0,
        /// None.
        None = 1,
    }

    /// What registering a session event listener returns.
    pub enum SessionEventRegistrationResponse("session event registration result") {
        /// Done.
        Registered = 0,
        /// The filter is not valid.
        Errors(Vec<ScriptError>) = 1,
    }

    /// What happened to a property of a session.
    pub enum PropertyChange("property change") {
        /// It is new.
        Added(String) = 1,
        /// It was changed: the old value and the new one.
        Changed((String, String)) = 2,
        /// It is gone.
        Removed(String) = 3,
        /// It stayed.
        Unchanged(String) = 4,
    }
}

wire_struct! {
    /// Registers a listener of sessions' properties (old versions).
    pub struct SessionPropertiesRegistration {
        /// Which properties.
        pub properties: PropertiesOfInterest,
        /// The listener.
        pub listener: ConversationId,
    }

    /// Registers a session event listener (6.12).
    pub struct SessionEventRegistration {
        /// The SDK sends 1.
        pub kind: u8,
        /// Which sessions.
        pub filter: Option<String>,
        /// Which properties.
        pub properties: Option<Vec<String>>,
        /// Only events after this time, in milliseconds since 1970.
        pub after: Option<u64>,
        /// The listener.
        pub listener: ConversationId,
    }

    /// Notifies a listener of what happened to sessions.
    pub struct SessionEvents {
        /// The listener.
        pub listener: ConversationId,
        /// What happened, in order.
        pub events: Vec<SessionEvent>,
    }
}

wire_enum! {
    /// Why a listener is notified of a session that is open.
    pub enum SessionUpdateType("session update type") {
        /// Properties changed.
        PropertiesUpdated = 0,
        /// It lost its connection, and came back.
        Reconnected = 1,
        /// It moved to another server.
        FailedOver = 2,
        /// It lost its connection.
        Disconnected = 3,
    }
}

/// What happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionEvent {
    /// The session.
    pub session: SessionId,
    /// What happened.
    pub change: SessionChange,
}

/// What happened to a session, and its properties of interest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionChange {
    /// It was opened, with these properties.
    Opened(Properties),
    /// It changed (old versions).
    Updated {
        /// How.
        kind: SessionUpdateType,
        /// The properties before.
        old: Properties,
        /// The properties now.
        new: Properties,
    },
    /// It changed (29).
    Changed {
        /// How.
        kind: SessionUpdateType,
        /// What happened to each property.
        changes: Vec<(String, PropertyChange)>,
    },
    /// It was closed.
    Closed {
        /// Why.
        reason: CloseReason,
        /// Its last properties.
        properties: Properties,
    },
}

impl Wire for SessionEvent {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let session = SessionId::read(reader)?;
        let change = match u8::read(reader)? {
            0 => SessionChange::Opened(Vec::read(reader)?),
            1 if reader.version().has_property_changes() => SessionChange::Changed {
                kind: SessionUpdateType::read(reader)?,
                changes: Vec::read(reader)?,
            },
            1 => SessionChange::Updated {
                kind: SessionUpdateType::read(reader)?,
                old: Vec::read(reader)?,
                new: Vec::read(reader)?,
            },
            2 => SessionChange::Closed {
                reason: CloseReason::read(reader)?,
                properties: Vec::read(reader)?,
            },
            other => return Err(reader.unknown("session event", u64::from(other))),
        };
        Ok(Self { session, change })
    }

    /// The version decides the form of an update; either form is written as either.
    fn write(&self, writer: &mut Writer) {
        self.session.write(writer);
        match &self.change {
            SessionChange::Opened(properties) => {
                writer.byte(0);
                properties.write(writer);
            }
            SessionChange::Updated { kind, old, new } => {
                writer.byte(1);
                kind.write(writer);
                if writer.version().has_property_changes() {
                    changes(old, new).write(writer);
                } else {
                    old.write(writer);
                    new.write(writer);
                }
            }
            SessionChange::Changed { kind, changes } => {
                writer.byte(1);
                kind.write(writer);
                if writer.version().has_property_changes() {
                    changes.write(writer);
                } else {
                    let (old, new) = before_and_after(changes);
                    old.write(writer);
                    new.write(writer);
                }
            }
            SessionChange::Closed { reason, properties } => {
                writer.byte(2);
                reason.write(writer);
                properties.write(writer);
            }
        }
    }
}

impl SessionChange {
    /// What happened to each property of interest, in whichever form the service said it; empty if the session was opened
    /// or closed.
    #[must_use]
    pub fn property_changes(&self) -> Vec<(String, PropertyChange)> {
        match self {
            Self::Updated { old, new, .. } => changes(old, new),
            Self::Changed { changes, .. } => changes.clone(),
            Self::Opened(_) | Self::Closed { .. } => Vec::new(),
        }
    }
}

fn changes(old: &Properties, new: &Properties) -> Vec<(String, PropertyChange)> {
    let find = |properties: &Properties, name: &str| {
        properties
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let kept = old.iter().map(|(name, old)| {
        let change = match find(new, name) {
            Some(new) if new == *old => PropertyChange::Unchanged(new),
            Some(new) => PropertyChange::Changed((old.clone(), new)),
            None => PropertyChange::Removed(old.clone()),
        };
        (name.clone(), change)
    });
    let added = new
        .iter()
        .filter(|(name, _)| find(old, name).is_none())
        .map(|(name, new)| (name.clone(), PropertyChange::Added(new.clone())));
    kept.chain(added).collect()
}

fn before_and_after(changes: &[(String, PropertyChange)]) -> (Properties, Properties) {
    let (mut before, mut after) = (Properties::new(), Properties::new());
    for (name, change) in changes {
        let (old, new) = match change {
            PropertyChange::Added(new) => (None, Some(new)),
            PropertyChange::Changed((old, new)) => (Some(old), Some(new)),
            PropertyChange::Removed(old) => (Some(old), None),
            PropertyChange::Unchanged(value) => (Some(value), Some(value)),
        };
        before.extend(old.map(|old| (name.clone(), old.clone())));
        after.extend(new.map(|new| (name.clone(), new.clone())));
    }
    (before, after)
}
