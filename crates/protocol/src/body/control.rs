//! Control of other sessions: closing, subscribing, properties, roles, queues.
//!
//! Source: the LGPL 5.9 client and the dissector for old versions, the SDK for 29.

use crate::codec::{wire_enum, wire_struct, wire_union};
use crate::{DecodeError, Reader, SessionId, Wire, Writer};

use super::{ScriptError, SelectRequest};

/// Names and values of session or topic properties.
pub type Properties = Vec<(String, String)>;

/// Close a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseClientRequest {
    /// The session.
    pub session: SessionId,
    /// Why, for the server's log. The 6.12.1 SDK leaves it out.
    pub reason: Option<String>,
}

impl Wire for CloseClientRequest {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let session = SessionId::read(reader)?;
        let reason = match reader.remaining() {
            0 => None,
            _ => Some(reader.string()?),
        };
        Ok(Self { session, reason })
    }
    fn write(&self, writer: &mut Writer) {
        self.session.write(writer);
        if let Some(reason) = &self.reason {
            writer.string(reason);
        }
    }
}

wire_union! {
    /// How many sessions a filter chose for a subscription or a request, or what is wrong with the filter.
    pub enum FilterCount("filter result") {
        /// This many sessions.
        Selected(u32) = 0,
        /// The filter is not valid.
        Errors(Vec<ScriptError>) = 1,
    }
}

wire_struct! {
    /// How many sessions a filter chose for any other operation.
    pub struct FilterResult {
        /// This many sessions.
        pub selected: u32,
        /// What is wrong with the filter; empty if nothing is.
        pub errors: Vec<ScriptError>,
    }

    /// Subscribe or unsubscribe another session.
    pub struct SessionSelectRequest {
        /// The session.
        pub session: SessionId,
        /// What to select.
        pub selection: SelectRequest,
    }

    /// Subscribe or unsubscribe all sessions that match a filter.
    pub struct FilterSelectRequest {
        /// The filter.
        pub filter: String,
        /// What to select.
        pub selection: SelectRequest,
    }

    /// End the subscriptions of a session, in all scopes.
    pub struct SessionUnsubscribeAllRequest {
        /// The topic selector expression.
        pub selector: String,
        /// The session.
        pub session: SessionId,
    }

    /// End the subscriptions of all sessions that match a filter, in all scopes.
    pub struct FilterUnsubscribeAllRequest {
        /// The topic selector expression.
        pub selector: String,
        /// The filter.
        pub filter: String,
    }

    /// Read properties of a session; the response is none if there is no such session.
    pub struct GetSessionPropertiesRequest {
        /// The session.
        pub session: SessionId,
        /// Which properties; `*F` is all fixed ones, `*U` all that users defined.
        pub keys: Vec<String>,
    }

    /// Change properties of a session.
    pub struct SetSessionPropertiesRequest {
        /// The session.
        pub session: SessionId,
        /// Properties to set.
        pub set: Option<Properties>,
        /// Properties to remove.
        pub remove: Option<Vec<String>>,
    }

    /// What changing properties returns.
    pub struct SetSessionPropertiesResponse {
        /// The former values of what was changed.
        pub former: Option<Properties>,
        /// The names of properties that were not there.
        pub absent: Option<Vec<String>>,
    }

    /// Change properties of all sessions that match a filter.
    pub struct SetSessionPropertiesFilterRequest {
        /// The filter.
        pub filter: String,
        /// Properties to set.
        pub set: Option<Properties>,
        /// Properties to remove.
        pub remove: Option<Vec<String>>,
    }

    /// Change the roles of a session.
    pub struct ChangeRolesRequest {
        /// The session.
        pub session: SessionId,
        /// Roles to take away.
        pub remove: Vec<String>,
        /// Roles to give.
        pub add: Vec<String>,
    }

    /// Change the roles of all sessions that match a filter.
    pub struct ChangeRolesFilterRequest {
        /// The filter.
        pub filter: String,
        /// Roles to take away.
        pub remove: Vec<String>,
        /// Roles to give.
        pub add: Vec<String>,
    }

    /// Turn conflation of a session's queue on or off.
    pub struct SetConflationRequest {
        /// The session.
        pub session: SessionId,
        /// On or off.
        pub enabled: bool,
    }

    /// Turn conflation on or off for all sessions that match a filter.
    pub struct SetConflationFilterRequest {
        /// The filter.
        pub filter: String,
        /// On or off.
        pub enabled: bool,
    }

    /// The topic selections of a session.
    pub struct TopicSelections {
        /// Scopes, and the selectors in each in the order in which they were used.
        pub scopes: Vec<(String, Vec<(String, SelectionKind)>)>,
    }
}

wire_enum! {
    /// What a topic selection does.
    pub enum SelectionKind("selection kind") {
        /// Selects the topics.
        Select = 0,
        /// Deselects the topics.
        Deselect = 1,
    }
}
