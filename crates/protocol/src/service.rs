//! The services that either side can call, by number.
//!
//! Numbers: the dissector's table, checked against the captures and the 6.12.1 SDK where these show them.

use core::fmt;

use crate::{DecodeError, Reader, Writer};

macro_rules! services {
    ($( $(#[$meta:meta])* $name:ident = $code:literal, $text:literal; )+) => {
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
        }
    };
}

services! {
    /// Subscribes the session to the topics that match a selector.
    Subscribe = 0x03, "subscribe";
    /// Ends subscriptions to the topics that match a selector.
    Unsubscribe = 0x04, "unsubscribe";
    /// Closes another session.
    CloseClient = 0x0e, "close client";
    /// Registers an update source (6.0 to 6.3).
    UpdateSourceRegistration = 0x1e, "update source registration";
    /// Ends an update source's registration (6.0 to 6.3).
    UpdateSourceDeregistration = 0x1f, "update source deregistration";
    /// Tells an update source its state (6.0 to 6.3).
    UpdateSourceState = 0x20, "update source state";
    /// Tells the session that it is no longer subscribed to a topic.
    UnsubscriptionNotification = 0x2a, "unsubscription notification";
    /// The server or the client asks whether the other end still answers.
    SystemPing = 0x37, "system ping";
    /// The client measures a round trip.
    UserPing = 0x38, "user ping";
    /// Changes the system authentication store by a script.
    UpdateSystemAuthentication = 0x3a, "update system authentication store";
    /// Changes the security store by a script.
    UpdateSecurity = 0x3c, "update security store";
    /// Updates a topic through an update source, by a value (6.0 to 6.3).
    UpdateSourceSet = 0x4d, "update source set";
    /// Updates a topic through an update source, by a delta (6.0 to 6.3).
    UpdateSourceDelta = 0x4e, "update source delta";
    /// Updates a topic by a value (6.0 to 6.3).
    UpdateTopicSet = 0x4f, "update topic set";
    /// Updates a topic by a delta (6.0 to 6.3).
    UpdateTopicDelta = 0x50, "update topic delta";
    /// Removes the topics that match a selector.
    RemoveTopics = 0x53, "remove topics";
    /// Sends a request to a path.
    MessagingSend = 0x55, "send request to path";
    /// Sends a request to a session, through the server.
    MessagingReceiverServer = 0x56, "send request to session";
    /// Tells the session that it is subscribed to a topic.
    SubscriptionNotification = 0x57, "subscription notification";
    /// Hands a request to a session.
    MessagingReceiverClient = 0x58, "request for session";
    /// Ends a topic notification listener.
    TopicNotificationDeregistration = 0x5b, "topic notification deregistration";
    /// Tells a listener of a topic.
    TopicNotificationEvent = 0x5c, "topic notification event";
    /// Tells a listener that there is a topic below its selection.
    TopicDescendantEvent = 0x5d, "topic descendant event";
    /// Adds a selector to a topic notification listener.
    TopicNotificationSelection = 0x5e, "topic notification selection";
    /// Removes a selector from a topic notification listener.
    TopicNotificationDeselection = 0x5f, "topic notification deselection";
    /// Registers a request handler for a path.
    MessagingReceiverControlRegistration = 0x61, "request handler registration";
    /// Ends a request handler's registration.
    MessagingReceiverControlDeregistration = 0x62, "request handler deregistration";
    /// Appends an event to a time series.
    TimeSeriesAppend = 0x63, "time series append";
    /// Edits an event of a time series.
    TimeSeriesEdit = 0x64, "time series edit";
    /// Adds a topic.
    AddTopic = 0x70, "add topic";
    /// Takes a session lock, or waits for it.
    AcquireSessionLock = 0x72, "acquire session lock";
    /// Stops waiting for a session lock.
    CancelAcquireSessionLock = 0x73, "cancel acquire session lock";
    /// Gives a session lock back.
    ReleaseSessionLock = 0x74, "release session lock";
    /// Sets the value of a topic.
    SetTopic = 0x76, "set topic";
    /// Adds a topic if it is not there, and sets its value.
    AddAndSetTopic = 0x7a, "add and set topic";
    /// Opens an update stream.
    CreateUpdateStream = 0x7d, "create update stream";
    /// Opens an update stream and sets the topic's value.
    CreateUpdateStreamAndSet = 0x7e, "create update stream and set";
    /// Asks whether an update stream is still valid.
    CheckUpdateStream = 0x7f, "check update stream";
    /// Sets a topic's value through an update stream.
    StreamSet = 0x80, "update stream set";
    /// Applies a delta through an update stream.
    StreamApplyDelta = 0x81, "update stream apply delta";
    /// Opens an update stream for a topic that it adds.
    StreamAddTopic = 0x82, "update stream add topic";
    /// Opens an update stream for a topic that it adds and sets.
    StreamAddAndSetTopic = 0x83, "update stream add and set topic";
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
