//! Being told what happens to sessions.
//!
//! Source: `docs/protocol.md`, 6.5, and the API documentation of `SessionEventStream`.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use effusion_protocol::body::{
    Properties, PropertiesOfInterest, PropertyChange, SessionChange, SessionEventRegistration,
    SessionEventRegistrationResponse, SessionEvents as Events, SessionPropertiesRegistration,
    SessionUpdateType,
};
use effusion_protocol::{
    CloseReason, ConversationId, ErrorReason, ErrorReport, ProtocolVersion, ServiceId, SessionId,
    encode,
};
use futures_util::Stream;

use crate::machine::ServiceCall;
use crate::queue::{self, Next};
use crate::receivers::{Enrolment, Receiver, Registering, Registration, Verdict};
use crate::shared::Shared;
use crate::value::since_1970;
use crate::{RequestError, response};

/// The first version with filters for session listeners: 6.11 (API documentation). Its number is a guess.
const FIRST_WITH_FILTERS: u8 = 28;

/// Which sessions a listener is told of, and with which properties: see
/// [`Clients::add_session_event_listener`](super::Clients::add_session_event_listener).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionEventParameters {
    filter: Option<String>,
    properties: Vec<String>,
    after: Option<u64>,
}

impl SessionEventParameters {
    /// All sessions, without their properties.
    ///
    /// ```
    /// use effusion_client::SessionEventParameters;
    ///
    /// let all = SessionEventParameters::new();
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Only sessions that match a filter, such as `$Principal is 'ann'`.
    ///
    /// ```
    /// use effusion_client::SessionEventParameters;
    ///
    /// let from_here = SessionEventParameters::new().filter("$Country is 'DE'");
    /// ```
    #[must_use]
    pub fn filter(mut self, filter: &str) -> Self {
        self.filter = Some(filter.to_owned());
        self
    }

    /// Tells these properties and their changes; `*F` and `*U` mean all fixed ones and all that users defined.
    ///
    /// ```
    /// use effusion_client::SessionEventParameters;
    ///
    /// let named = SessionEventParameters::new().properties(&["$Principal", "*U"]);
    /// ```
    #[must_use]
    pub fn properties(mut self, keys: &[&str]) -> Self {
        self.properties
            .extend(keys.iter().map(|key| (*key).to_owned()));
        self
    }

    /// Only sessions that start after this time.
    ///
    /// ```
    /// use effusion_client::SessionEventParameters;
    ///
    /// let new_ones = SessionEventParameters::new().after(std::time::SystemTime::now());
    /// ```
    #[must_use]
    pub fn after(mut self, time: SystemTime) -> Self {
        self.after = Some(since_1970(time));
        self
    }
}

/// What happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionEvent {
    /// It was opened, or was open when the listener was registered.
    Opened {
        /// The session.
        session: SessionId,
        /// Its properties of interest.
        properties: Properties,
    },
    /// Its properties changed, or it lost its connection or came back.
    Updated {
        /// The session.
        session: SessionId,
        /// Which of these.
        update: SessionUpdateType,
        /// What became of each property of interest.
        changes: Vec<(String, PropertyChange)>,
    },
    /// It was closed.
    Closed {
        /// The session.
        session: SessionId,
        /// Why.
        reason: CloseReason,
        /// Its last properties of interest, if the service tells them.
        properties: Properties,
    },
    /// The listener's own session was lost and another one has taken its place: sessions may have closed meanwhile. All
    /// that are open are told again as [`SessionEvent::Opened`].
    Restarted,
    /// The listener's owner was slow, and so many events were dropped here.
    Missed {
        /// How many.
        events: u64,
    },
}

/// What happens to sessions; dropping it ends the registration. It ends when the listener's session is closed
/// or loses the right to it.
pub struct SessionEvents {
    events: queue::Receiver<SessionEvent>,
    enrolment: Enrolment,
}

impl SessionEvents {
    /// Why the service ended the registration; `None` while it goes on, and if it ended with the session.
    ///
    /// ```no_run
    /// # async fn example(mut calls: effusion_client::SessionEvents) {
    /// use futures_util::StreamExt;
    ///
    /// while calls.next().await.is_some() {}
    /// if let Some(report) = calls.end_reason() {
    ///     println!("the registration ended: {report}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn end_reason(&self) -> Option<&ErrorReport> {
        self.enrolment.end_reason()
    }
}

impl Stream for SessionEvents {
    type Item = SessionEvent;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<SessionEvent>> {
        let next = ready!(Pin::new(&mut self.events).poll_next(context));
        Poll::Ready(match next {
            Some(Next::Event(event)) => Some(event),
            Some(Next::Missed(events)) => Some(SessionEvent::Missed { events }),
            Some(Next::Overflowed) | None => None,
        })
    }
}

impl core::fmt::Debug for SessionEvents {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SessionEvents")
    }
}

struct Listener {
    listener: ConversationId,
    parameters: SessionEventParameters,
    events: queue::Sender<SessionEvent>,
}

impl Receiver for Listener {
    fn services(&self) -> &'static [ServiceId] {
        &[ServiceId::SessionPropertiesEvent]
    }

    fn receive(&self, call: &ServiceCall, version: ProtocolVersion) -> Verdict {
        let told: Events = match Verdict::read(call, version) {
            Ok(told) => told,
            Err(verdict) => return verdict,
        };
        if told.listener != self.listener {
            return Verdict::NotMine;
        }
        for event in told.events {
            // Nobody listens if the stream is dropped.
            let _ = self.events.send(convert(event.session, event.change), 0);
        }
        Verdict::DONE
    }

    fn conversation(&self) -> Option<ConversationId> {
        Some(self.listener)
    }

    fn register(&self, version: ProtocolVersion) -> Vec<Registering> {
        let parameters = &self.parameters;
        let (properties, listener) = (parameters.properties.clone(), self.listener);
        if version.number() >= FIRST_WITH_FILTERS {
            let body = SessionEventRegistration {
                kind: 1,
                filter: parameters.filter.clone(),
                properties: (!properties.is_empty()).then_some(properties),
                after: Some(parameters.after.unwrap_or(0)),
                listener,
            };
            let service = ServiceId::SessionEventRegistration;
            return vec![(service, encode(&body, version))];
        }
        let body = SessionPropertiesRegistration {
            properties: if properties.is_empty() {
                PropertiesOfInterest::None
            } else {
                PropertiesOfInterest::Some(properties)
            },
            listener,
        };
        let service = ServiceId::SessionPropertiesRegistration;
        vec![(service, encode(&body, version))]
    }

    /// How the listeners of old versions are deregistered is not known: their events are refused from then on.
    fn deregister(&self, version: ProtocolVersion) -> Vec<Registering> {
        if version.number() >= FIRST_WITH_FILTERS {
            let service = ServiceId::SessionEventDeregistration;
            vec![(service, encode(&self.listener, version))]
        } else {
            Vec::new()
        }
    }

    fn renew(&self) -> bool {
        let _ = self.events.send(SessionEvent::Restarted, 0);
        true
    }
}

fn convert(session: SessionId, change: SessionChange) -> SessionEvent {
    let changes = change.property_changes();
    match change {
        SessionChange::Opened(properties) => SessionEvent::Opened {
            session,
            properties,
        },
        SessionChange::Updated { kind, .. } | SessionChange::Changed { kind, .. } => {
            SessionEvent::Updated {
                session,
                update: kind,
                changes,
            }
        }
        SessionChange::Closed { reason, properties } => SessionEvent::Closed {
            session,
            reason,
            properties,
        },
    }
}

fn finish(
    events: SessionEvents,
    body: Bytes,
    version: ProtocolVersion,
) -> Result<SessionEvents, RequestError> {
    if version.number() < FIRST_WITH_FILTERS {
        return Ok(events);
    }
    match response::read(body, version)? {
        SessionEventRegistrationResponse::Registered => Ok(events),
        SessionEventRegistrationResponse::Errors(errors) => {
            Err(RequestError::FilterRefused(errors))
        }
    }
}

pub(super) fn listen(
    shared: &Arc<Shared>,
    parameters: SessionEventParameters,
) -> Registration<SessionEvents> {
    let has_filter = parameters.filter.is_some() || parameters.after.is_some();
    if has_filter && shared.version().number() < FIRST_WITH_FILTERS {
        return Registration::refused(ErrorReport {
            message: "The service does not filter session events".to_owned(),
            reason: ErrorReason::Unsupported,
        });
    }
    let (sender, events) = queue::listener();
    let listener = Listener {
        listener: shared.new_conversation(),
        parameters,
        events: sender,
    };
    shared.register(
        Arc::new(listener),
        |enrolment| SessionEvents { events, enrolment },
        finish,
    )
}
