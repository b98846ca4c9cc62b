//! Errors that a service responds with.

use core::fmt;

use crate::{DecodeError, Reader, Wire, Writer};

macro_rules! reasons {
    ($( $(#[$meta:meta])* $name:ident = $code:literal, $text:literal; )+) => {
        /// Why a service refused a request.
        ///
        /// Source: the constants that the SDKs export, the API documentation and the captures. A code that this codec
        /// does not know is kept as [`ErrorReason::Other`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorReason {
            $( $(#[$meta])* $name, )+
            /// A reason with another code.
            Other(u32),
        }

        impl ErrorReason {
            /// Every reason with a name.
            pub const NAMED: &'static [Self] = &[ $( Self::$name ),+ ];

            /// The reason with this code.
            #[must_use]
            pub const fn from_code(code: u32) -> Self {
                match code { $( $code => Self::$name, )+ other => Self::Other(other) }
            }

            /// The code on the wire.
            #[must_use]
            pub const fn code(self) -> u32 {
                match self { $( Self::$name => $code, )+ Self::Other(code) => code }
            }

            /// A description in words.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $( Self::$name => $text, )+ Self::Other(_) => "the service refused the request" }
            }
        }
    };
}

reasons! {
    /// The connection failed.
    CommunicationFailure = 100, "communication with the server failed";
    /// The session is closed.
    SessionClosed = 101, "the session is closed";
    /// No response came in time.
    RequestTimeOut = 102, "no answer came in time";
    /// The session lacks a permission.
    AccessDenied = 103, "the session does not have the permission that this needs";
    /// The service does not do this.
    Unsupported = 104, "the service does not support this request";
    /// A callback failed.
    CallbackException = 105, "an application callback failed";
    /// The request's data made no sense.
    InvalidData = 106, "the data is not valid";
    /// There is no such session.
    NoSuchSession = 107, "there is no such session";
    /// The value is of another type.
    IncompatibleDatatype = 108, "the value is not of the type that is needed";
    /// No handler is registered for the message.
    UnhandledMessage = 109, "nobody handles messages to this path";
    /// The cluster is repartitioning.
    ClusterRepartition = 110, "the cluster was repartitioning and could not route the request";
    /// The topic is managed by something else.
    IncompatibleState = 111, "the topic is managed by a component that forbids this";
    /// The cluster could not route the request.
    ClusterRouting = 112, "the cluster could not route the request";
    /// Another registration is on the same branch.
    TopicTreeRegistrationConflict = 200, "another registration exists on the same branch of the topic tree";
    /// Another handler is registered.
    HandlerConflict = 201, "another handler is registered";
    /// The path is no path.
    InvalidPath = 202, "the path is not valid";
    /// There is no such topic.
    NoSuchTopic = 9000, "there is no such topic";
    /// The topic is of another type.
    IncompatibleTopic = 9001, "the topic is not of the type that is needed";
    /// The time series has no such event.
    NoSuchEvent = 9002, "the time series has no such event";
    /// The other session rejected the request.
    RejectedRequest = 9003, "the receiver rejected the request";
    /// A topic with another specification is there.
    TopicExistsMismatch = 9004, "a topic with another specification exists at this path";
    /// The name is no topic path.
    InvalidTopicPath = 9005, "the topic path is not valid";
    /// The specification is not valid.
    InvalidTopicSpecification = 9006, "the topic specification is not valid";
    /// The service has as many topics as its licence or its configuration allows.
    TopicLicenceLimit = 9007, "the service has as many topics as its licence or its configuration allows";
    /// The topic that is there is managed by something else.
    TopicExistsIncompatible = 9010, "a topic that is managed by another component exists at this path";
    /// Adding the topic failed.
    UnexpectedTopicError = 9011, "the service failed to add the topic";
    /// An update constraint does not hold.
    UnsatisfiedConstraint = 9012, "the update's constraint does not hold";
    /// The update stream is closed, or was never open.
    InvalidUpdateStream = 9013, "the update stream is no longer valid";
    /// A branch mapping is not valid.
    InvalidBranchMapping = 9017, "the branch mapping is not valid";
}

impl Wire for ErrorReason {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        reader.varint32().map(Self::from_code)
    }
    fn write(&self, writer: &mut Writer) {
        writer.varint64(u64::from(self.code()));
    }
}

impl fmt::Display for ErrorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.description(), self.code())
    }
}

/// The body of an error message: the server's message, and the reason's code (source: `v60errors.jsonl`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReport {
    /// The server's message; may be empty.
    pub message: String,
    /// The reason.
    pub reason: ErrorReason,
}

impl fmt::Display for ErrorReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)?;
        if !self.message.is_empty() {
            f.write_str(": ")?;
            f.write_str(&self.message)?;
        }
        Ok(())
    }
}

impl core::error::Error for ErrorReport {}

impl Wire for ErrorReport {
    fn read(reader: &mut Reader) -> Result<Self, DecodeError> {
        Ok(Self {
            message: reader.string()?,
            reason: ErrorReason::read(reader)?,
        })
    }
    fn write(&self, writer: &mut Writer) {
        writer.string(&self.message);
        self.reason.write(writer);
    }
}
