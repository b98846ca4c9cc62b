//! The bodies of service messages: what a request carries, and what a success answers.
//!
//! [`Call`] ties a service to its two bodies, for code that makes one call. [`RequestBody`] and [`ResponseBody`] hold
//! any of them, for code that serves or inspects all.

mod control;
mod lock;
mod messaging;
mod notification;
mod security;
mod topic;
mod update;

pub use control::*;
pub use lock::*;
pub use messaging::*;
pub use notification::*;
pub use security::*;
pub use topic::*;
pub use update::*;

use bytes::Bytes;

use crate::time_series::{AppendRequest, EditRequest, EventMetadata};
use crate::{ConversationId, DecodeError, ProtocolVersion, ServiceId, Wire, decode, encode};

/// A service with the types of its bodies.
pub trait Call {
    /// The service's number.
    const SERVICE: ServiceId;
    /// What a request carries.
    type Request: Wire;
    /// What a success answers.
    type Response: Wire;
}

macro_rules! calls {
    ($( $name:ident ( $request:ty ) -> $response:ty; )+) => {
        /// One type a service, to name it in generic code: see [`Call`].
        pub mod call {
            $(
                #[doc = concat!("The service `", stringify!($name), "`.")]
                #[derive(Clone, Copy, Debug)]
                pub struct $name;
            )+
        }

        $(
            impl Call for call::$name {
                const SERVICE: ServiceId = ServiceId::$name;
                type Request = $request;
                type Response = $response;
            }
        )+

        /// What a request of any service carries.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum RequestBody { $( #[doc = concat!("Of `", stringify!($name), "`.")] $name($request) ),+ }

        /// What any service answers on success.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum ResponseBody { $( #[doc = concat!("Of `", stringify!($name), "`.")] $name($response) ),+ }

        impl RequestBody {
            /// The service.
            #[must_use]
            pub const fn service(&self) -> ServiceId {
                match self { $( Self::$name(_) => ServiceId::$name ),+ }
            }

            /// Reads the whole body of a request.
            ///
            /// # Errors
            /// If the bytes are not a request of this service and version.
            pub fn decode(service: ServiceId, body: Bytes, version: ProtocolVersion) -> Result<Self, DecodeError> {
                match service { $( ServiceId::$name => decode(body, version).map(Self::$name) ),+ }
            }

            /// The bytes of the body.
            #[must_use]
            pub fn encode(&self, version: ProtocolVersion) -> Bytes {
                match self { $( Self::$name(body) => encode(body, version) ),+ }
            }
        }

        impl ResponseBody {
            /// The service.
            #[must_use]
            pub const fn service(&self) -> ServiceId {
                match self { $( Self::$name(_) => ServiceId::$name ),+ }
            }

            /// Reads the whole body of a response.
            ///
            /// # Errors
            /// If the bytes are not a response of this service and version.
            pub fn decode(service: ServiceId, body: Bytes, version: ProtocolVersion) -> Result<Self, DecodeError> {
                match service { $( ServiceId::$name => decode(body, version).map(Self::$name) ),+ }
            }

            /// The bytes of the body.
            #[must_use]
            pub fn encode(&self, version: ProtocolVersion) -> Bytes {
                match self { $( Self::$name(body) => encode(body, version) ),+ }
            }
        }
    };
}

calls! {
    Subscribe(SelectRequest) -> ();
    Unsubscribe(SelectRequest) -> ();
    CloseClient(CloseClientRequest) -> ();
    UpdateSourceRegistration(UpdateSourceRegistrationRequest) -> UpdateSourceState;
    UpdateSourceDeregistration(ConversationId) -> ();
    UpdateSourceState(UpdateSourceStateRequest) -> ();
    UnsubscriptionNotification(UnsubscriptionNotification) -> ();
    SystemPing(()) -> ();
    UserPing(()) -> ();
    UpdateSystemAuthentication(String) -> Vec<ScriptError>;
    UpdateSecurity(String) -> Vec<ScriptError>;
    UpdateSourceSet(UpdateSourceSetRequest) -> UpdateResult;
    UpdateSourceDelta(UpdateSourceDeltaRequest) -> UpdateResult;
    UpdateTopicSet(UpdateTopicSetRequest) -> UpdateResult;
    UpdateTopicDelta(UpdateTopicDeltaRequest) -> UpdateResult;
    RemoveTopics(String) -> RemoveTopicsResponse;
    MessagingSend(SendRequest) -> MessagingResponse;
    MessagingReceiverServer(SendToSessionRequest) -> MessagingResponse;
    SubscriptionNotification(SubscriptionNotification) -> ();
    MessagingReceiverClient(ReceiveRequest) -> MessagingResponse;
    TopicNotificationDeregistration(ConversationId) -> ();
    TopicNotificationEvent(TopicNotificationEvent) -> ();
    TopicDescendantEvent(TopicDescendantEvent) -> ();
    TopicNotificationSelection(TopicNotificationSelection) -> ();
    TopicNotificationDeselection(TopicNotificationSelection) -> ();
    MessagingReceiverControlRegistration(RequestHandlerRegistration) -> ();
    MessagingReceiverControlDeregistration(RequestHandlerDeregistration) -> ();
    TimeSeriesAppend(AppendRequest) -> EventMetadata;
    TimeSeriesEdit(EditRequest) -> EventMetadata;
    AddTopic(AddTopicRequest) -> AddTopicResult;
    AcquireSessionLock(SessionLockRequest) -> SessionLockAcquisition;
    CancelAcquireSessionLock(SessionLockCancellation) -> ();
    ReleaseSessionLock(SessionLockAcquisition) -> bool;
    SetTopic(SetTopicRequest) -> ();
    AddAndSetTopic(AddAndSetTopicRequest) -> AddTopicResult;
    CreateUpdateStream(CreateUpdateStreamRequest) -> UpdateStreamId;
    CreateUpdateStreamAndSet(CreateUpdateStreamAndSetRequest) -> UpdateStreamId;
    CheckUpdateStream(UpdateStreamId) -> ();
    StreamSet(UpdateStreamRequest) -> ();
    StreamApplyDelta(UpdateStreamRequest) -> ();
    StreamAddTopic(StreamAddTopicRequest) -> UpdateStreamAddResponse;
    StreamAddAndSetTopic(StreamAddAndSetTopicRequest) -> UpdateStreamAddResponse;
}
