//! The bodies of service messages: what a request carries, and what a successful response carries.
//!
//! [`Call`] ties a service to its two bodies, for code that makes one call. [`RequestBody`] and [`ResponseBody`] hold
//! any of them, for code that serves or inspects all.

mod constraint;
mod control;
mod fetch;
mod legacy;
mod lock;
mod messaging;
mod metrics;
mod notification;
mod registration;
mod security;
mod session_event;
mod topic;
mod update;

pub use constraint::*;
pub use control::*;
pub use fetch::*;
pub use legacy::*;
pub use lock::*;
pub use messaging::*;
pub use metrics::*;
pub use notification::*;
pub use registration::*;
pub use security::*;
pub use session_event::*;
pub use topic::*;
pub use update::*;

use bytes::Bytes;

use crate::time_series::{
    AppendAtRequest, AppendRequest, EditRequest, EventMetadata, RangeQueryRequest,
    RangeQueryResponse,
};
use crate::{
    ConversationId, DecodeError, Field, ProtocolVersion, Reader, ServiceId, SessionId, Wire,
    decode, encode,
};

/// A service with the types of its bodies.
pub trait Call {
    /// The service's number.
    const SERVICE: ServiceId;
    /// What a request carries.
    type Request: Wire;
    /// The body of a successful response.
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

        /// The body of any service's successful response.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum ResponseBody { $( #[doc = concat!("Of `", stringify!($name), "`.")] $name($response) ),+ }

        #[cfg(test)]
        impl RequestBody {
            /// Any request of a service.
            fn sample(service: ServiceId, source: &mut crate::sample::Source) -> Self {
                use crate::sample::Sample as _;
                match service { $( ServiceId::$name => Self::$name(<$request>::sample(source)) ),+ }
            }
        }

        #[cfg(test)]
        impl ResponseBody {
            /// Any response of a service.
            fn sample(service: ServiceId, source: &mut crate::sample::Source) -> Self {
                use crate::sample::Sample as _;
                match service { $( ServiceId::$name => Self::$name(<$response>::sample(source)) ),+ }
            }
        }

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

            /// Reads the body, and notes its fields.
            pub(crate) fn annotate(service: ServiceId, reader: &mut Reader, fields: &mut Vec<Field>) -> Result<(), DecodeError> {
                match service { $( ServiceId::$name => <$request>::annotate(reader, "", fields) ),+ }
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

            /// Reads the body, and notes its fields.
            pub(crate) fn annotate(service: ServiceId, reader: &mut Reader, fields: &mut Vec<Field>) -> Result<(), DecodeError> {
                match service { $( ServiceId::$name => <$response>::annotate(reader, "", fields) ),+ }
            }
        }
    };
}

impl ResponseBody {
    /// What a service of this version would respond: without the parts that were added later.
    ///
    /// Reading and writing leave such parts as they are, so that what a service sent is kept.
    #[must_use]
    pub fn as_of(self, version: ProtocolVersion) -> Self {
        match self {
            Self::RemoveTopics(_) if !version.has_removal_count() => {
                Self::RemoveTopics(RemoveTopicsResponse { removed: None })
            }
            other => other,
        }
    }
}

calls! {
    FetchStream(FetchStreamRequest) -> ();
    Subscribe(SelectRequest) -> ();
    Unsubscribe(SelectRequest) -> ();
    ChangePrincipal(ChangePrincipalRequest) -> bool;
    Send(SendMessage) -> ();
    SubscribeClient(SessionSelectRequest) -> ();
    UnsubscribeClient(SessionSelectRequest) -> ();
    CloseClient(CloseClientRequest) -> ();
    SetClientQueueConflation(SetConflationRequest) -> ();
    ThrottleClientQueue(ThrottleQueueRequest) -> ();
    GetSessionDetails(GetSessionDetailsRequest) -> Option<SessionDetails>;
    ServerControlRegistration(ControlRegistration) -> ();
    ServerControlDeregistration(ControlDeregistration) -> ();
    TopicControlRegistration(NamedRegistration) -> ();
    TopicControlDeregistration(NamedDeregistration) -> ();
    AuthenticationControlRegistration(NamedRegistration) -> ();
    AuthenticationControlDeregistration(NamedDeregistration) -> ();
    SessionDetailsListenerRegistration(SessionDetailsListenerRegistration) -> ();
    SessionDetailsEvent(SessionDetailsEvent) -> ();
    SendToSession(SendMessageToSession) -> ();
    SendToFilter(SendMessageToFilter) -> SendMessageToFilterResult;
    UpdateSourceRegistration(UpdateSourceRegistrationRequest) -> UpdateSourceState;
    UpdateSourceDeregistration(ConversationId) -> ();
    UpdateSourceState(UpdateSourceStateRequest) -> ();
    UpdateSourceUpdate(UpdateSourceUpdateRequest) -> UpdateSourceResult;
    UnsubscriptionNotification(UnsubscriptionNotification) -> ();
    RemoveTopicsOld(String) -> ();
    MissingTopic(MissingTopicRequest) -> bool;
    TopicWillRegistration(TopicWill) -> TopicWillResult;
    TopicWillDeregistration(TopicWill) -> ();
    SystemPing(()) -> ();
    UserPing(()) -> ();
    GetSystemAuthentication(()) -> SystemAuthenticationStore;
    UpdateSystemAuthentication(String) -> Vec<ScriptError>;
    GetSecurity(()) -> SecurityStore;
    UpdateSecurity(String) -> Vec<ScriptError>;
    UpdateTopic(UpdateTopicRequest) -> UpdateResult;
    SendReceiverClient(ForwardedMessage) -> ();
    MessageReceiverControlRegistration(RequestHandlerRegistration) -> ();
    MessageReceiverControlDeregistration(RequestHandlerDeregistration) -> ();
    FilterSubscribe(FilterSelectRequest) -> FilterCount;
    FilterUnsubscribe(FilterSelectRequest) -> FilterCount;
    GetSessionProperties(GetSessionPropertiesRequest) -> Option<Properties>;
    UpdateSourceSet(UpdateSourceSetRequest) -> UpdateSourceResult;
    UpdateSourceDelta(UpdateSourceDeltaRequest) -> UpdateSourceResult;
    UpdateTopicSet(UpdateTopicSetRequest) -> UpdateResult;
    UpdateTopicDelta(UpdateTopicDeltaRequest) -> UpdateResult;
    SessionPropertiesRegistration(SessionPropertiesRegistration) -> ();
    SessionPropertiesEvent(SessionEvents) -> ();
    RemoveTopics(String) -> RemoveTopicsResponse;
    RangeQuery(RangeQueryRequest) -> RangeQueryResponse;
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
    MessagingFilterSend(SendToFilterRequest) -> FilterCount;
    FilterResponse(FilterResponse) -> ();
    SetSessionProperties(SetSessionPropertiesRequest) -> SetSessionPropertiesResponse;
    SetSessionPropertiesFilter(SetSessionPropertiesFilterRequest) -> FilterResult;
    AddTopic(AddTopicRequest) -> AddTopicResult;
    AcquireSessionLock(SessionLockRequest) -> SessionLockAcquisition;
    CancelAcquireSessionLock(SessionLockCancellation) -> ();
    ReleaseSessionLock(SessionLockAcquisition) -> bool;
    Fetch(FetchRequest) -> FetchResponse;
    SetTopic(SetTopicRequest) -> ();
    AuthenticatorRegistration(NamedRegistration) -> ();
    Authenticator(AuthenticatorRequest) -> AuthenticatorResponse;
    AuthenticatorDeregistration(NamedDeregistration) -> ();
    AddAndSetTopic(AddAndSetTopicRequest) -> AddTopicResult;
    ChangeRoles(ChangeRolesRequest) -> ();
    ChangeRolesFilter(ChangeRolesFilterRequest) -> FilterResult;
    CreateUpdateStream(CreateUpdateStreamRequest) -> UpdateStreamCreated;
    CreateUpdateStreamAndSet(CreateUpdateStreamAndSetRequest) -> UpdateStreamCreated;
    CheckUpdateStream(UpdateStreamId) -> ();
    StreamSet(UpdateStreamRequest) -> ();
    StreamApplyDelta(UpdateStreamRequest) -> ();
    StreamAddTopic(StreamAddTopicRequest) -> UpdateStreamAddResponse;
    StreamAddAndSetTopic(StreamAddAndSetTopicRequest) -> UpdateStreamAddResponse;
    PutSessionMetricCollector(SessionMetricCollector) -> Vec<ScriptError>;
    RemoveSessionMetricCollector(String) -> ();
    ListSessionMetricCollectors(()) -> Vec<SessionMetricCollector>;
    GetGlobalPermissions(()) -> Vec<GlobalPermission>;
    GetPathPermissions(String) -> Vec<PathPermission>;
    PutTopicMetricCollector(TopicMetricCollector) -> ();
    RemoveTopicMetricCollector(String) -> ();
    ListTopicMetricCollectors(()) -> Vec<TopicMetricCollector>;
    ApplyJsonPatch(ApplyJsonPatchRequest) -> ApplyJsonPatchResponse;
    CloseClientFilter(String) -> FilterResult;
    SetConflationFilter(SetConflationFilterRequest) -> FilterResult;
    TimeSeriesAppendAt(AppendAtRequest) -> EventMetadata;
    FetchMetrics(FetchMetricsRequest) -> Metrics;
    SessionEventRegistration(SessionEventRegistration) -> SessionEventRegistrationResponse;
    SessionEventDeregistration(ConversationId) -> ();
    GetSessionLock(String) -> Option<SessionLockDetails>;
    GetSessionLocks(()) -> Vec<(String, SessionLockDetails)>;
    GetTopicSelections(SessionId) -> TopicSelections;
    UnsubscribeAllScopes(String) -> ();
    FilterUnsubscribeAllScopes(FilterUnsubscribeAllRequest) -> FilterCount;
    UnsubscribeClientAllScopes(SessionUnsubscribeAllRequest) -> ();
    GetOwnSessionProperties(()) -> Option<Properties>;
    Reauthenticate(ReauthenticateRequest) -> bool;
    RevokeAuthentication(SessionId) -> ();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Source;
    use proptest::prelude::*;

    fn versions() -> impl Strategy<Value = ProtocolVersion> {
        (13u8..=29).prop_map(|number| ProtocolVersion::new(number).unwrap())
    }

    fn services() -> impl Strategy<Value = ServiceId> {
        prop::sample::select(ServiceId::ALL)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// What is written is read; what was read is written the same, and read as the same.
        #[test]
        fn requests_are_read_as_they_were_written(
            service in services(),
            version in versions(),
            entropy in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let written = RequestBody::sample(service, &mut Source::new(entropy)).encode(version);
            let read = RequestBody::decode(service, written.clone(), version).unwrap();
            prop_assert_eq!(read.encode(version), written.clone());
            prop_assert_eq!(RequestBody::decode(service, written, version), Ok(read));
        }

        #[test]
        fn responses_are_read_as_they_were_written(
            service in services(),
            version in versions(),
            entropy in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let written = ResponseBody::sample(service, &mut Source::new(entropy)).encode(version);
            let read = ResponseBody::decode(service, written.clone(), version).unwrap();
            prop_assert_eq!(read.encode(version), written.clone());
            prop_assert_eq!(ResponseBody::decode(service, written, version), Ok(read));
        }

        /// In the newest version nothing that a body has is lost on the way.
        #[test]
        fn requests_of_the_newest_version_are_whole(
            service in services(),
            entropy in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let request = RequestBody::sample(service, &mut Source::new(entropy));
            // Of these one form stands for others, too.
            let has_forms = matches!(request, RequestBody::MissingTopic(_)
                | RequestBody::SessionPropertiesEvent(_)
                | RequestBody::SetTopic(_)
                | RequestBody::AddAndSetTopic(_)
                | RequestBody::CreateUpdateStream(_)
                | RequestBody::CreateUpdateStreamAndSet(_)
                | RequestBody::StreamAddTopic(_)
                | RequestBody::StreamAddAndSetTopic(_)
                | RequestBody::ApplyJsonPatch(_));
            let version = ProtocolVersion::NEWEST;
            let read = RequestBody::decode(service, request.encode(version), version);
            prop_assert!(has_forms || read == Ok(request));
        }

        /// Input from the network is either decoded or refused; nothing of what is decoded is lost.
        #[test]
        fn any_bytes_are_read_whole_or_refused(
            service in services(),
            version in versions(),
            bytes in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let bytes = Bytes::from(bytes);
            if let Ok(read) = RequestBody::decode(service, bytes.clone(), version) {
                prop_assert_eq!(read.encode(version), bytes.clone());
            }
            if let Ok(read) = ResponseBody::decode(service, bytes.clone(), version) {
                prop_assert_eq!(read.encode(version), bytes);
            }
        }

        /// The same for bytes that are almost right.
        #[test]
        fn damaged_bodies_are_read_whole_or_refused(
            service in services(),
            version in versions(),
            entropy in prop::collection::vec(any::<u8>(), 0..100),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let mut bytes = RequestBody::sample(service, &mut Source::new(entropy)).encode(version).to_vec();
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            let bytes = Bytes::from(bytes);
            if let Ok(read) = RequestBody::decode(service, bytes.clone(), version) {
                prop_assert_eq!(read.encode(version), bytes);
            }
        }
    }

    #[test]
    fn every_service_has_its_own_number() {
        for service in ServiceId::ALL {
            assert_eq!(
                ServiceId::from_code(u64::from(service.code())),
                Some(*service)
            );
        }
    }
}
