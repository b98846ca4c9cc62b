//! Being told that somebody selects topics of which there are none.
//!
//! Source: `docs/protocol.md`, 6.7, and the API documentation of `MissingTopicHandler`.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::sync::Arc;

use effusion_protocol::body::{
    MissingTopicOrigin, MissingTopicRequest, NamedDeregistration, NamedRegistration, Properties,
};
use effusion_protocol::{
    ConversationId, ErrorReason, ErrorReport, ProtocolVersion, ServiceId, SessionId, encode,
};
use futures_util::Stream;

use super::incoming::GROUP;
use crate::machine::ServiceCall;
use crate::queue::{self, Next};
use crate::receivers::{Enrolment, Receiver, Registering, Registration, Verdict};
use crate::shared::Shared;

/// Somebody selected topics of which there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingTopic {
    /// The topic selector expression.
    pub selector: String,
    /// Who selected, if the service tells.
    pub session: Option<SessionId>,
    /// The session's properties; old services do not tell them.
    pub properties: Properties,
}

/// What a handler of missing topics is told: see
/// [`Topics::add_missing_topic_handler`](super::Topics::add_missing_topic_handler). Dropping it ends the registration; it
/// ends by itself when the session is closed or loses the right to it. Of more than 4,096 that wait, the rest is refused.
pub struct MissingTopics {
    missing: queue::Receiver<MissingTopic>,
    enrolment: Enrolment,
}

impl MissingTopics {
    /// Why the service ended the registration; `None` while it goes on, and if it ended with the session.
    ///
    /// ```no_run
    /// # async fn example(mut calls: effusion_client::MissingTopics) {
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

impl Stream for MissingTopics {
    type Item = MissingTopic;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<MissingTopic>> {
        let next = ready!(Pin::new(&mut self.missing).poll_next(context));
        Poll::Ready(match next {
            Some(Next::Event(missing)) => Some(missing),
            Some(Next::Missed(_) | Next::Overflowed) | None => None,
        })
    }
}

impl core::fmt::Debug for MissingTopics {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("MissingTopics")
    }
}

struct Handler {
    handler: ConversationId,
    path: String,
    missing: queue::Sender<MissingTopic>,
}

fn service_code() -> u32 {
    u32::from(ServiceId::MissingTopic.code())
}

impl Receiver for Handler {
    fn services(&self) -> &'static [ServiceId] {
        &[ServiceId::MissingTopic]
    }

    fn receive(&self, call: &ServiceCall, version: ProtocolVersion) -> Verdict {
        let request: MissingTopicRequest = match Verdict::read(call, version) {
            Ok(request) => request,
            Err(verdict) => return verdict,
        };
        if request.handler != self.handler {
            return Verdict::NotMine;
        }
        let (session, properties) = match request.origin {
            MissingTopicOrigin::Session(session) => (Some(session), Properties::new()),
            MissingTopicOrigin::Properties { properties, .. } => {
                let id = properties.iter().find(|(key, _)| key == "$SessionId");
                (id.and_then(|(_, id)| id.parse().ok()), properties)
            }
        };
        let missing = MissingTopic {
            selector: request.selector,
            session,
            properties,
        };
        if self.missing.try_send(missing, 0).is_err() {
            return Verdict::Answered(Err(ErrorReport {
                message: "The handler takes no more".to_owned(),
                reason: ErrorReason::RejectedRequest,
            }));
        }
        Verdict::Answered(Ok(encode(&true, version)))
    }

    fn conversation(&self) -> Option<ConversationId> {
        Some(self.handler)
    }

    fn register(&self, version: ProtocolVersion) -> Vec<Registering> {
        let body = NamedRegistration {
            service: service_code(),
            group: GROUP.to_owned(),
            name: self.path.clone(),
            handler: self.handler,
        };
        let service = ServiceId::TopicControlRegistration;
        vec![(service, encode(&body, version))]
    }

    fn deregister(&self, version: ProtocolVersion) -> Vec<Registering> {
        let body = NamedDeregistration {
            service: service_code(),
            group: GROUP.to_owned(),
            name: self.path.clone(),
        };
        let service = ServiceId::TopicControlDeregistration;
        vec![(service, encode(&body, version))]
    }
}

pub(super) fn handle(shared: &Arc<Shared>, path: &str) -> Registration<MissingTopics> {
    let (sender, missing) = queue::requests();
    let handler = Handler {
        handler: shared.new_conversation(),
        path: path.to_owned(),
        missing: sender,
    };
    shared.register(
        Arc::new(handler),
        |enrolment| MissingTopics { missing, enrolment },
        |missing, _, _| Ok(missing),
    )
}
