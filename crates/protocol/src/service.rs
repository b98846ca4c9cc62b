//! The services that either side can call, by number.
//!
//! Each line of the table has the number, the name, and where it is known from: see [`ServiceId::source`].

use core::fmt;

use crate::{DecodeError, Reader, Writer};

macro_rules! services {
    ($( $(#[$meta:meta])* $name:ident = $code:literal, $text:literal, $source:literal; )+) => {
        /// A service of the protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum ServiceId { $( $(#[$meta])* $name = $code ),+ }

        impl ServiceId {
            /// Every service that this codec knows, by number.
            pub const ALL: &'static [Self] = &[ $( Self::$name ),+ ];

            /// The service with this number, or `None` if this codec does not know it.
            #[must_use]
            pub const fn from_code(code: u64) -> Option<Self> {
                match code { $( $code => Some(Self::$name), )+ _ => None }
            }

            /// The name of the service, as a log shows it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$name => $text ),+ }
            }

            /// How the service is known: `C` from the captures, `D` from the dissector, `L` from the LGPL 5.9 client,
            /// `S` from what the 6.12.1 SDK sends.
            #[must_use]
            pub const fn source(self) -> &'static str {
                match self { $( Self::$name => $source ),+ }
            }
        }
    };
}

services! {
    /// Streams the topics that match a selector (before 6.2).
    FetchStream = 0x02, "fetch stream", "D L";
    /// Subscribes the session to the topics that match a selector.
    Subscribe = 0x03, "subscribe", "C D L S";
    /// Ends subscriptions to the topics that match a selector.
    Unsubscribe = 0x04, "unsubscribe", "D L S";
    /// Changes the session's principal (before 6.12).
    ChangePrincipal = 0x05, "change principal", "D L";
    /// Sends a one-way message to a path (before 6.3).
    Send = 0x06, "send message to path", "D L";
    /// Subscribes another session.
    SubscribeClient = 0x0a, "subscribe session", "D L S";
    /// Unsubscribes another session.
    UnsubscribeClient = 0x0b, "unsubscribe session", "D L S";
    /// Closes another session.
    CloseClient = 0x0e, "close client", "D S";
    /// Turns conflation of a session's queue on or off.
    SetClientQueueConflation = 0x0f, "set conflation", "D S";
    /// Throttles a session's queue (before 6.0).
    ThrottleClientQueue = 0x10, "throttle queue", "D";
    /// Reads the details of a session (before 6.0).
    GetSessionDetails = 0x11, "get session details", "D";
    /// Registers a control handler.
    ServerControlRegistration = 0x12, "control handler registration", "D L";
    /// Ends a control handler's registration.
    ServerControlDeregistration = 0x13, "control handler deregistration", "D L";
    /// Registers a handler for a branch of the topic tree.
    TopicControlRegistration = 0x14, "topic handler registration", "D L S";
    /// Ends the registration of a handler for a branch of the topic tree.
    TopicControlDeregistration = 0x15, "topic handler deregistration", "D L S";
    /// Registers an authentication handler (before 6.3).
    AuthenticationControlRegistration = 0x16, "authentication handler registration", "D";
    /// Ends an authentication handler's registration (before 6.3).
    AuthenticationControlDeregistration = 0x17, "authentication handler deregistration", "D";
    /// Registers a listener for the details of sessions (before 6.0).
    SessionDetailsListenerRegistration = 0x19, "session details listener registration", "D";
    /// Notifies a listener of the details of a session (before 6.0).
    SessionDetailsEvent = 0x1a, "session details event", "D";
    /// Sends a one-way message to a session (before 6.3).
    SendToSession = 0x1c, "send message to session", "D L";
    /// Sends a one-way message to all sessions that match a filter (before 6.3).
    SendToFilter = 0x1d, "send message to filter", "D L";
    /// Registers an update source (6.0 to 6.3).
    UpdateSourceRegistration = 0x1e, "update source registration", "D L";
    /// Ends an update source's registration (6.0 to 6.3).
    UpdateSourceDeregistration = 0x1f, "update source deregistration", "D L";
    /// Notifies an update source of its state (6.0 to 6.3).
    UpdateSourceState = 0x20, "update source state", "D L";
    /// Updates a topic through an update source, by content (before 6.0).
    UpdateSourceUpdate = 0x23, "update source update", "D L";
    /// Notifies the session that it is no longer subscribed to a topic.
    UnsubscriptionNotification = 0x2a, "unsubscription notification", "D L S";
    /// Removes the topics that match a selector (before 6.0).
    RemoveTopicsOld = 0x2f, "remove topics, old", "D L";
    /// Asks a handler for a topic that was selected and does not exist.
    MissingTopic = 0x32, "missing topic", "D L S";
    /// Has a branch removed when the session closes (before 6.1).
    TopicWillRegistration = 0x35, "topic will registration", "D L";
    /// Takes that back (before 6.1).
    TopicWillDeregistration = 0x36, "topic will deregistration", "D L";
    /// The server or the client checks whether the other end still responds.
    SystemPing = 0x37, "system ping", "D L S";
    /// The client measures a round trip.
    UserPing = 0x38, "user ping", "D L S";
    /// Reads the system authentication store.
    GetSystemAuthentication = 0x39, "get system authentication store", "D L S";
    /// Changes the system authentication store by a script.
    UpdateSystemAuthentication = 0x3a, "update system authentication store", "D L S";
    /// Reads the security store.
    GetSecurity = 0x3b, "get security store", "D L S";
    /// Changes the security store by a script.
    UpdateSecurity = 0x3c, "update security store", "D L S";
    /// Updates a topic by content (before 6.0).
    UpdateTopic = 0x3d, "update topic", "D L";
    /// Hands a one-way message to a handler (before 6.3).
    SendReceiverClient = 0x3e, "message for handler", "D L";
    /// Registers a handler of one-way messages (before 6.3).
    MessageReceiverControlRegistration = 0x3f, "message handler registration", "D L";
    /// Ends the registration of a handler of one-way messages (before 6.3).
    MessageReceiverControlDeregistration = 0x40, "message handler deregistration", "D L";
    /// Subscribes all sessions that match a filter.
    FilterSubscribe = 0x41, "subscribe by filter", "D L S";
    /// Unsubscribes all sessions that match a filter.
    FilterUnsubscribe = 0x42, "unsubscribe by filter", "D L S";
    /// Reads the properties of a session.
    GetSessionProperties = 0x43, "get session properties", "D L S";
    /// Updates a topic through an update source, by a value (6.0 to 6.3).
    UpdateSourceSet = 0x4d, "update source set", "D L";
    /// Updates a topic through an update source, by a delta (6.0 to 6.3).
    UpdateSourceDelta = 0x4e, "update source delta", "D L";
    /// Updates a topic by a value (6.0 to 6.3).
    UpdateTopicSet = 0x4f, "update topic set", "C D L";
    /// Updates a topic by a delta (6.0 to 6.3).
    UpdateTopicDelta = 0x50, "update topic delta", "D L";
    /// Requests notifications of sessions' properties.
    SessionPropertiesRegistration = 0x51, "session properties registration", "D L";
    /// Notifies of sessions' properties.
    SessionPropertiesEvent = 0x52, "session properties event", "D L S";
    /// Removes the topics that match a selector.
    RemoveTopics = 0x53, "remove topics", "D L S";
    /// Queries the events of a time series.
    RangeQuery = 0x54, "time series range query", "D S";
    /// Sends a request to a path.
    MessagingSend = 0x55, "send request to path", "D S";
    /// Sends a request to a session, through the server.
    MessagingReceiverServer = 0x56, "send request to session", "D S";
    /// Notifies the session that it is subscribed to a topic.
    SubscriptionNotification = 0x57, "subscription notification", "C D S";
    /// Hands a request to a session.
    MessagingReceiverClient = 0x58, "request for session", "D S";
    /// Ends a topic notification listener.
    TopicNotificationDeregistration = 0x5b, "topic notification deregistration", "C D S";
    /// Notifies a listener of a topic.
    TopicNotificationEvent = 0x5c, "topic notification event", "C D S";
    /// Notifies a listener that there is a topic below its selection.
    TopicDescendantEvent = 0x5d, "topic descendant event", "C D S";
    /// Adds a selector to a topic notification listener.
    TopicNotificationSelection = 0x5e, "topic notification selection", "C D S";
    /// Removes a selector from a topic notification listener.
    TopicNotificationDeselection = 0x5f, "topic notification deselection", "C D S";
    /// Registers a request handler for a path.
    MessagingReceiverControlRegistration = 0x61, "request handler registration", "D S";
    /// Ends a request handler's registration.
    MessagingReceiverControlDeregistration = 0x62, "request handler deregistration", "D S";
    /// Appends an event to a time series.
    TimeSeriesAppend = 0x63, "time series append", "D S";
    /// Edits an event of a time series.
    TimeSeriesEdit = 0x64, "time series edit", "D S";
    /// Sends a request to all sessions that match a filter.
    MessagingFilterSend = 0x66, "send request to filter", "D S";
    /// Hands on one session's response to a request by filter.
    FilterResponse = 0x67, "response to filter", "D S";
    /// Sets the properties of a session.
    SetSessionProperties = 0x69, "set session properties", "D S";
    /// Sets the properties of all sessions that match a filter.
    SetSessionPropertiesFilter = 0x6a, "set session properties by filter", "D S";
    /// Adds a topic.
    AddTopic = 0x70, "add topic", "C D S";
    /// Takes a session lock, or waits for it.
    AcquireSessionLock = 0x72, "acquire session lock", "D S";
    /// Stops waiting for a session lock.
    CancelAcquireSessionLock = 0x73, "cancel acquire session lock", "D";
    /// Gives a session lock back.
    ReleaseSessionLock = 0x74, "release session lock", "D S";
    /// Reads topics and their values.
    Fetch = 0x75, "fetch", "D S";
    /// Sets the value of a topic.
    SetTopic = 0x76, "set topic", "D S";
    /// Registers a control authentication handler.
    AuthenticatorRegistration = 0x77, "authenticator registration", "D S";
    /// Asks a control authentication handler.
    Authenticator = 0x78, "authenticator", "D S";
    /// Ends a control authentication handler's registration.
    AuthenticatorDeregistration = 0x79, "authenticator deregistration", "D S";
    /// Adds a topic if it is not there, and sets its value.
    AddAndSetTopic = 0x7a, "add and set topic", "D S";
    /// Changes the roles of a session.
    ChangeRoles = 0x7b, "change roles", "D S";
    /// Changes the roles of all sessions that match a filter.
    ChangeRolesFilter = 0x7c, "change roles by filter", "D S";
    /// Opens an update stream.
    CreateUpdateStream = 0x7d, "create update stream", "D S";
    /// Opens an update stream and sets the topic's value.
    CreateUpdateStreamAndSet = 0x7e, "create update stream and set", "D S";
    /// Asks whether an update stream is still valid.
    CheckUpdateStream = 0x7f, "check update stream", "D S";
    /// Sets a topic's value through an update stream.
    StreamSet = 0x80, "update stream set", "D S";
    /// Applies a delta through an update stream.
    StreamApplyDelta = 0x81, "update stream apply delta", "D S";
    /// Opens an update stream for a topic that it adds.
    StreamAddTopic = 0x82, "update stream add topic", "D S";
    /// Opens an update stream for a topic that it adds and sets.
    StreamAddAndSetTopic = 0x83, "update stream add and set topic", "D S";
    /// Adds or replaces a session metric collector.
    PutSessionMetricCollector = 0x87, "put session metric collector", "S";
    /// Removes a session metric collector.
    RemoveSessionMetricCollector = 0x88, "remove session metric collector", "S";
    /// Reads the session metric collectors.
    ListSessionMetricCollectors = 0x89, "list session metric collectors", "S";
    /// Reads the global permissions of the session.
    GetGlobalPermissions = 0x8f, "get global permissions", "S";
    /// Reads the permissions of the session for a path.
    GetPathPermissions = 0x90, "get path permissions", "S";
    /// Adds or replaces a topic metric collector.
    PutTopicMetricCollector = 0x92, "put topic metric collector", "S";
    /// Removes a topic metric collector.
    RemoveTopicMetricCollector = 0x93, "remove topic metric collector", "S";
    /// Reads the topic metric collectors.
    ListTopicMetricCollectors = 0x94, "list topic metric collectors", "S";
    /// Changes a topic by a JSON patch.
    ApplyJsonPatch = 0x97, "apply JSON patch", "S";
    /// Closes all sessions that match a filter.
    CloseClientFilter = 0xa2, "close sessions by filter", "S";
    /// Turns conflation on or off for all sessions that match a filter.
    SetConflationFilter = 0xa3, "set conflation by filter", "S";
    /// Appends an event with a time of the client's choice to a time series.
    TimeSeriesAppendAt = 0xa6, "time series append with time", "S";
    /// Reads what servers have counted.
    FetchMetrics = 0xba, "fetch metrics", "S";
    /// Registers a session event listener.
    SessionEventRegistration = 0xbd, "session event registration", "S";
    /// Ends a session event listener's registration.
    SessionEventDeregistration = 0xbe, "session event deregistration", "S";
    /// Reads the holder of a session lock.
    GetSessionLock = 0xc4, "get session lock", "S";
    /// Reads all session locks.
    GetSessionLocks = 0xc5, "get session locks", "S";
    /// Reads the topic selections of a session.
    GetTopicSelections = 0xc6, "get topic selections", "S";
    /// Ends the subscriptions of all scopes to the topics that match a selector.
    UnsubscribeAllScopes = 0xc7, "unsubscribe in all scopes", "S";
    /// The same for all sessions that match a filter.
    FilterUnsubscribeAllScopes = 0xc8, "unsubscribe in all scopes by filter", "S";
    /// The same for another session.
    UnsubscribeClientAllScopes = 0xc9, "unsubscribe session in all scopes", "S";
    /// Reads the properties of the session itself.
    GetOwnSessionProperties = 0xca, "get own session properties", "S";
    /// Changes the session's principal.
    Reauthenticate = 0xcb, "reauthenticate", "S";
    /// Revokes the authentication of a session.
    RevokeAuthentication = 0xcc, "revoke authentication", "S";
}

impl ServiceId {
    /// The number of the service on the wire.
    #[must_use]
    pub const fn code(self) -> u16 {
        self as u16
    }

    pub(crate) fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        let code = reader.varint64()?;
        Self::from_code(code).ok_or_else(|| reader.unknown("service", code))
    }

    pub(crate) fn write(self, writer: &mut Writer) {
        writer.varint64(u64::from(self.code()));
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
